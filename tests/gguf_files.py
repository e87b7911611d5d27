"""GGUF files of tiny random models, written by the gguf package, for the tests of reading them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gguf import GGMLQuantizationType, GGUFWriter
from gguf.quants import dequantize, quantize
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

CONTROLS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
CHAT = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "<|im_start|>assistant\n"
)
# The word pattern of Llama 3's tokenizer.json.
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
    r"\s*[\r\n]+|\s+(?!\S)|\s+"
)
TEXT = "We add two and three, so the answer is 5.\n\nDon't you see?  It's 123 of 4567 naïve 数 words.\n\n\tEnd."
_NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_GEMMA3 = {
    "post_attention_layernorm": "post_attention_norm", "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
}  # fmt: skip


def tokenizer(pre: str = "smollm") -> Tokenizer:
    """Train a small byte-level BPE on TEXT: with single digits and GPT-2's words, or as Llama 3 cuts words."""
    core = Tokenizer(models.BPE())
    if pre == "llama-bpe":
        cut: list[Any] = [
            pre_tokenizers.Split(Regex(LLAMA3), "isolated"),
            pre_tokenizers.ByteLevel(False, use_regex=False),
        ]
    else:
        cut = [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(False, use_regex=True)]
    core.pre_tokenizer = pre_tokenizers.Sequence(cut)
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=CONTROLS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    core.train_from_iterator([TEXT] * 3, trainer)
    core.add_tokens([AddedToken(token, special=True, normalized=False) for token in CONTROLS])
    return core


GEMMA3: dict[str, Any] = {  # seven layers: the sixth sees the whole context
    "num_hidden_layers": 7, "sliding_window": 4, "query_pre_attn_scalar": 16, "rope_parameters": {
        "full_attention": {"rope_type": "linear", "rope_theta": 1e6, "factor": 8.0},
        "sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
    },
}  # fmt: skip


def model(kind: str = "llama", *, tied: bool = True, seed: int = 0) -> Any:
    """Return a random model of two layers, 4 heads of queries and 2 of keys."""
    import transformers as hf

    made: dict[str, tuple[Any, Any]] = {
        "llama": (hf.LlamaConfig, hf.LlamaForCausalLM),
        "qwen2": (hf.Qwen2Config, hf.Qwen2ForCausalLM),
        "qwen3": (hf.Qwen3Config, hf.Qwen3ForCausalLM),
        "gemma3": (hf.Gemma3TextConfig, hf.Gemma3ForCausalLM),
    }
    config, build = made[kind]
    torch.manual_seed(seed)
    sizes: dict[str, Any] = {
        "vocab_size": 320, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "head_dim": 16, "max_position_embeddings": 512, "initializer_range": 0.3,
        "tie_word_embeddings": tied, "bos_token_id": 1, "eos_token_id": 2,
    }  # fmt: skip
    whole: Any = build(config(**sizes | (GEMMA3 if kind == "gemma3" else {})))
    for parameter in whole.parameters():  # norms and biases differ from one and zero
        if parameter.ndim == 1:
            torch.nn.init.uniform_(parameter, 0.5, 1.5)
    return whole.eval()


def write(
    path: Path, whole: Any, kind: GGMLQuantizationType = GGMLQuantizationType.F32, *, pre: str = "smollm",
    changed: Mapping[str, Any] | None = None, tensors: Mapping[str, np.ndarray] | None = None,
) -> Path:  # fmt: skip
    """Write a model with a tokenizer; its weights become what is left of them in this number format.

    ``changed`` replaces entries of the metadata (None leaves one out), ``tensors`` adds tensors.
    """
    config, arch = whole.config, whole.config.model_type.removesuffix("_text")
    rotation = config.rope_parameters.get("full_attention", config.rope_parameters)
    core = tokenizer(pre)
    tokens = [core.id_to_token(k) for k in range(core.get_vocab_size())]
    saved = json.loads(core.to_str())["model"]["merges"]
    entries: dict[str, Any] = {
        f"{arch}.block_count": config.num_hidden_layers, f"{arch}.context_length": config.max_position_embeddings,
        f"{arch}.embedding_length": config.hidden_size, f"{arch}.feed_forward_length": config.intermediate_size,
        f"{arch}.attention.head_count": config.num_attention_heads,
        f"{arch}.attention.head_count_kv": config.num_key_value_heads, f"{arch}.attention.key_length": 16,
        f"{arch}.rope.freq_base": float(rotation["rope_theta"]),
        f"{arch}.attention.layer_norm_rms_epsilon": float(config.rms_norm_eps),
        "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": pre, "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [3 if token in CONTROLS else 1 for token in tokens],
        "tokenizer.ggml.merges": [" ".join(pair) for pair in saved], "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2, "tokenizer.ggml.add_bos_token": False, "tokenizer.chat_template": CHAT,
    }  # fmt: skip
    if arch == "gemma3":
        entries |= {
            "gemma3.attention.sliding_window": config.sliding_window, "gemma3.rope.scaling.type": "linear",
            "gemma3.rope.scaling.factor": rotation["factor"],
        }  # fmt: skip
    entries |= dict(changed or {})
    writer = GGUFWriter(path, entries.pop("general.architecture", arch))
    for key, value in entries.items():
        if value is not None:
            _add(writer, key, value)
    for name, parameter in whole.state_dict().items():
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        stored = kind if parameter.ndim == 2 else GGMLQuantizationType.F32
        more = np.float32(arch == "gemma3" and name.endswith("norm.weight"))  # as llama.cpp's files hold Gemma's norms
        weight = parameter.numpy() + more
        packed = quantize(_placed(name, weight, config), stored)
        parameter.copy_(torch.from_numpy(_lost(weight, stored, kind, more)))
        writer.add_tensor(_renamed(name, _NAMES | (_GEMMA3 if arch == "gemma3" else {})), packed, raw_dtype=stored)
    for name, tensor in (tensors or {}).items():
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add(writer: GGUFWriter, key: str, value: Any) -> None:
    if isinstance(value, bool):
        writer.add_bool(key, value)
    elif isinstance(value, int):
        writer.add_uint32(key, value)
    elif isinstance(value, float):
        writer.add_float32(key, value)
    elif isinstance(value, str):
        writer.add_string(key, value)
    else:
        writer.add_array(key, value)


def _placed(name: str, weight: np.ndarray, config: Any) -> np.ndarray:
    """Interleave the halves of each head's rows, as llama.cpp's files hold them for the architecture llama."""
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}.get(name.split(".")[-2], 0)
    if config.model_type != "llama" or not heads:
        return weight
    halves = weight.reshape(heads, 2, weight.shape[0] // heads // 2, -1)
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(weight.shape))


def _lost(weight: np.ndarray, stored: GGMLQuantizationType, kind: GGMLQuantizationType, more: Any) -> np.ndarray:
    """Return the numbers that are left: a file of 16 bits or less becomes a folder of 16 bits."""
    read = torch.from_numpy(np.array(dequantize(quantize(weight, stored), stored) - more))
    if kind == GGMLQuantizationType.F32:
        return read.numpy()
    return read.to(torch.float16 if kind == GGMLQuantizationType.F16 else torch.bfloat16).float().numpy()


def _renamed(name: str, names: Mapping[str, str]) -> str:
    whole = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight"}
    if name in whole or name == "lm_head.weight":
        return whole.get(name, "output.weight")
    _, _, layer, *middle, last = name.split(".")
    return f"blk.{layer}.{names['.'.join(middle)]}.{last}"
