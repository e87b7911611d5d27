"""Tiny checkpoints of the families that the known policies belong to, and what their published configurations say.

The numbers are those of each model's config.json on the hub; what a file leaves out there is left out here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from tests import tiny

_LLAMA = {"model_type": "llama", "vocab_size": 128256, "head_dim": 128, "num_key_value_heads": 8}
_QWEN2 = {"model_type": "qwen2", "vocab_size": 151936}
_QWEN3 = {"model_type": "qwen3", "vocab_size": 151936, "head_dim": 128, "num_key_value_heads": 8}
_SIGLIP = {
    "model_type": "siglip_vision_model", "hidden_size": 1152, "image_size": 896, "intermediate_size": 4304,
    "num_attention_heads": 16, "num_hidden_layers": 27, "patch_size": 14, "vision_use_head": False,
}  # fmt: skip


def _sized(base: dict[str, Any], width: int, inner: int, layers: int, heads: int, **more: Any) -> dict[str, Any]:
    sizes = {"hidden_size": width, "intermediate_size": inner, "num_hidden_layers": layers}
    return {**base, **sizes, "num_attention_heads": heads, **more}


def _seeing(**text: Any) -> dict[str, Any]:
    return {"model_type": "gemma3", "vision_config": _SIGLIP, "text_config": {"model_type": "gemma3_text", **text}}


_QWEN_1B = _sized(_QWEN2, 1536, 8960, 28, 12, num_key_value_heads=2)
_QWEN_7B = _sized(_QWEN2, 3584, 18944, 28, 28, num_key_value_heads=4, vocab_size=152064)
_QWEN_72B = _sized(_QWEN2, 8192, 29568, 80, 64, num_key_value_heads=8, vocab_size=152064)
_QWEN3_06B = _sized(_QWEN3, 1024, 3072, 28, 16, tie_word_embeddings=True)
_QWEN3_17B = _sized(_QWEN3, 2048, 6144, 28, 16, tie_word_embeddings=True)
_QWEN3_4B = _sized(_QWEN3, 2560, 9728, 36, 32, tie_word_embeddings=True)
_QWEN3_8B = _sized(_QWEN3, 4096, 12288, 36, 32)
_SMOLLM3 = _sized({"model_type": "smollm3", "vocab_size": 128256}, 2048, 11008, 36, 16, num_key_value_heads=4)

PUBLISHED: dict[str, dict[str, Any]] = {
    "llama-3.2-1b": _sized(_LLAMA, 2048, 8192, 16, 32, head_dim=64, tie_word_embeddings=True),
    "llama-3.2-3b": _sized(_LLAMA, 3072, 8192, 28, 24, tie_word_embeddings=True),
    "llama-3.1-8b": _sized(_LLAMA, 4096, 14336, 32, 32),
    "qwen2.5-0.5b": _sized(_QWEN2, 896, 4864, 24, 14, num_key_value_heads=2, tie_word_embeddings=True),
    "qwen2.5-1.5b": _QWEN_1B | {"tie_word_embeddings": True},
    "qwen2.5-3b": _sized(_QWEN2, 2048, 11008, 36, 16, num_key_value_heads=2, tie_word_embeddings=True),
    "qwen2.5-7b": _QWEN_7B,
    "qwen2.5-14b": _sized(_QWEN2, 5120, 13824, 48, 40, num_key_value_heads=8, vocab_size=152064),
    "qwen2.5-32b": _sized(_QWEN2, 5120, 27648, 64, 40, num_key_value_heads=8, vocab_size=152064),
    "qwen2.5-72b": _QWEN_72B,
    "qwen2.5-math-1.5b": _QWEN_1B | {"tie_word_embeddings": True},
    "qwen2.5-math-7b": _QWEN_7B,
    "qwen2.5-math-72b": _QWEN_72B,
    "r1-distill-qwen-1.5b": _QWEN_1B,
    "r1-distill-qwen-7b": _QWEN_7B,
    "qwen3-0.6b": _QWEN3_06B,
    "qwen3-1.7b": _QWEN3_17B,
    "qwen3-4b": _QWEN3_4B,
    "qwen3-8b": _QWEN3_8B,
    "qwen3-0.6b-thinking": _QWEN3_06B,
    "qwen3-1.7b-thinking": _QWEN3_17B,
    "qwen3-4b-thinking": _QWEN3_4B,
    "qwen3-8b-thinking": _QWEN3_8B,
    "smollm3-3b": _SMOLLM3,
    "smollm3-3b-thinking": _SMOLLM3,
    "gemma-3-1b": _sized(
        {"model_type": "gemma3_text", "vocab_size": 262144, "head_dim": 256}, 1152, 6912, 26, 4, num_key_value_heads=1
    ),
    "gemma-3-4b": _seeing(hidden_size=2560, intermediate_size=10240, num_hidden_layers=34),
    "gemma-3-12b": _seeing(**_sized({}, 3840, 15360, 48, 16, num_key_value_heads=8)),
    "gemma-3-27b": _seeing(**_sized({}, 5376, 21504, 62, 32, num_key_value_heads=16, head_dim=128)),
    "phi-4-mini": _sized(
        {"model_type": "phi3", "vocab_size": 200064, "pad_token_id": 199999}, 3072, 8192, 32, 24,
        num_key_value_heads=8, tie_word_embeddings=True,
    ),
}  # fmt: skip

# Names of families, and what sets a tiny model of each apart from a tiny Llama. Windows are shorter than the texts.
TINY: dict[str, dict[str, Any]] = {
    "llama": {"attention_bias": True, "mlp_bias": True},
    "qwen2": {"tie_word_embeddings": True},
    "qwen2-windows": {
        "model_type": "qwen2", "use_sliding_window": True, "sliding_window": 9, "max_window_layers": 1,
    },
    "qwen3": {"head_dim": 16, "attention_bias": True},
    "mistral": {"sliding_window": 9},
    "smollm3": {"no_rope_layers": [1, 0]},
    "phi3": {
        "partial_rotary_factor": 0.5, "original_max_position_embeddings": 100,
        "rope_parameters": {
            "rope_type": "longrope", "rope_theta": 1e4, "partial_rotary_factor": 0.5,
            "short_factor": [1.0, 1.1], "long_factor": [2.0, 3.0], "original_max_position_embeddings": 100,
        },
    },
    "gemma3_text": {
        "sliding_window": 9, "layer_types": ["sliding_attention", "full_attention"], "query_pre_attn_scalar": 8,
        "head_dim": 8,
    },
    "gemma3": {
        "sliding_window": 9, "layer_types": ["sliding_attention", "full_attention"], "query_pre_attn_scalar": 8,
        "head_dim": 8,
    },
}  # fmt: skip


def module(config: dict[str, Any]) -> Any:
    """The transformers model that a config.json describes."""
    from transformers import CONFIG_MAPPING, AutoModelForCausalLM

    config = dict(config)
    made: Any = CONFIG_MAPPING[config.pop("model_type")](**config)
    make: Any = AutoModelForCausalLM.from_config
    return make(made)


def make(folder: Path, name: str, *, seed: int = 0) -> Path:
    """Save a tiny random model of a family with the tiny tokenizer."""
    tokenizer = tiny.make_tokenizer(folder)
    sizes = {
        "model_type": name.partition("-")[0], "vocab_size": len(tokenizer), "hidden_size": 32, "intermediate_size": 64,
        "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 512,
        "initializer_range": 0.4, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0,
    }  # fmt: skip
    config = {**sizes, **TINY[name]}
    if name == "gemma3":
        tower = {
            "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2,
            "image_size": 28, "patch_size": 14, "vision_use_head": False, "model_type": "siglip_vision_model",
        }  # fmt: skip
        text = config | {"model_type": "gemma3_text"}
        config = {
            "model_type": "gemma3", "text_config": text, "vision_config": tower, "mm_tokens_per_image": 4,
            "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0,
        }  # fmt: skip
    torch.manual_seed(seed)
    module(config).save_pretrained(folder)
    return folder
