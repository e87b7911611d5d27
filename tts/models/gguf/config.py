"""The configuration of a GGUF file's model, as transformers writes it in ``config.json``.

Read are the architectures that differ from Llama in names, biases and norms only: llama (also Mistral 7B, SmolLM2,
TinyLlama), qwen2 and qwen3; and gemma3, its text part. Keys are those of the ggml project's ``docs/gguf.md``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from tts.errors import ModelError
from tts.models.gguf.header import Header

ARCHITECTURES = {
    "llama": "LlamaForCausalLM",
    "qwen2": "Qwen2ForCausalLM",
    "qwen3": "Qwen3ForCausalLM",
    "gemma3": "Gemma3ForCausalLM",
}
"""The architectures that are read, and their classes in transformers."""

_GEMMA3_PATTERN = 6  # every sixth layer sees the whole context, the others a window
_GEMMA3_LOCAL = 10_000.0  # base of the rotary frequencies in layers with a window
_GEMMA3_27B = 62  # layers of the one size that scales queries by hidden size / heads, not by the heads' width

_FORMS = {0: "float32", 1: "float16", 30: "bfloat16"}  # ggml types that are no quantization
_LLAMA3_ORIGINAL = 8192  # tokens that Llama 3 was trained with, before its rotation was rescaled
_LLAMA3_LOW, _LLAMA3_HIGH = 1.0, 4.0


def config_of(header: Header, frequencies: Callable[[], list[float]]) -> dict[str, Any]:
    """Return the model's configuration.

    Args:
        header: of the GGUF file.
        frequencies: reads the tensor ``rope_freqs.weight``, which is called only if there is one.

    Raises:
        ModelError: another architecture, or a variant that is not read.
    """
    kind = header.get("general.architecture")
    if kind not in ARCHITECTURES:
        raise _unread(header, f"the architecture {kind!r} ({', '.join(ARCHITECTURES)} are)")
    if header.get("{arch}.expert_count"):
        raise _unread(header, "a mixture of experts")
    if header.get("split.count", 0) > 1:
        raise ModelError(
            f"{header.path} is one of {header.get('split.count')} parts: join them with `llama-gguf-split --merge`, "
            "and name the whole file."
        )
    hidden, heads = _number(header, "embedding_length"), _number(header, "attention.head_count")
    size = header.get("{arch}.attention.key_length") or hidden // heads
    config = {
        "architectures": [ARCHITECTURES[kind]],
        "model_type": kind,
        "hidden_act": "silu",
        "hidden_size": hidden,
        "intermediate_size": _number(header, "feed_forward_length"),
        "num_hidden_layers": _number(header, "block_count"),
        "num_attention_heads": heads,
        "num_key_value_heads": header.get("{arch}.attention.head_count_kv") or heads,
        "head_dim": size,
        "max_position_embeddings": _number(header, "context_length"),
        "rms_norm_eps": header.get("{arch}.attention.layer_norm_rms_epsilon", 1e-6),
        "rope_parameters": _rotation(header, size, frequencies),
        "vocab_size": _embedding(header).shape[0],
        "tie_word_embeddings": "output.weight" not in header.tensors,
        "attention_bias": kind == "llama" and "blk.0.attn_q.bias" in header.tensors,
        "dtype": form_of(header),
        "use_cache": True,
    }
    if kind == "gemma3":
        config |= _gemma3(header, config)
    for ours, theirs in (("bos_token_id", "bos"), ("eos_token_id", "eos"), ("pad_token_id", "padding")):
        config[ours] = header.get(f"tokenizer.ggml.{theirs}_token_id")
    return config


def _gemma3(header: Header, config: dict[str, Any]) -> dict[str, Any]:
    """Return what Gemma 3's configuration has beyond or in place of Llama's (arXiv 2503.19786)."""
    layers, pattern = config["num_hidden_layers"], header.get("{arch}.attention.sliding_window_pattern")
    every = pattern if isinstance(pattern, int) and not isinstance(pattern, bool) else _GEMMA3_PATTERN
    if header.get("{arch}.final_logit_softcapping"):
        raise _unread(header, "capped logits")
    wide = config["hidden_size"] // config["num_attention_heads"]
    return {
        "model_type": "gemma3_text",
        "hidden_activation": "gelu_pytorch_tanh",
        "sliding_window": _number(header, "attention.sliding_window"),
        "layer_types": ["sliding_attention" if (k + 1) % every else "full_attention" for k in range(layers)],
        "query_pre_attn_scalar": wide if layers == _GEMMA3_27B else config["head_dim"],
        "rope_parameters": {
            "full_attention": config["rope_parameters"],
            "sliding_attention": {"rope_type": "default", "rope_theta": _GEMMA3_LOCAL},
        },
    }


def form_of(header: Header) -> str:
    """Return the number format of the converted weights: that of the file, bfloat16 for quantized ones."""
    return _FORMS.get(_embedding(header).kind, "bfloat16")


def _embedding(header: Header) -> Any:
    if "token_embd.weight" not in header.tensors:
        raise ModelError(f"{header.path} holds no token embedding: it is no language model's file.")
    return header.tensors["token_embd.weight"]


def _number(header: Header, key: str) -> int:
    value = header.get("{arch}." + key)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise _unread(header, f"{value!r} as its {key}")
    return value


def _rotation(header: Header, size: int, frequencies: Callable[[], list[float]]) -> dict[str, Any]:
    """Return the settings of the rotary embedding. Raises ModelError for a scaling that is not read."""
    gemma3 = header.get("general.architecture") == "gemma3"
    scaling = header.get("{arch}.rope.scaling.type", "none")
    if scaling != "none" and not (gemma3 and scaling == "linear"):
        raise _unread(header, f"rotary embeddings scaled as {scaling!r}")
    if header.get("{arch}.rope.dimension_count", size) != size:
        raise _unread(header, "rotary embeddings of a part of each head")
    theta = float(header.get("{arch}.rope.freq_base", 1_000_000.0 if gemma3 else 10_000.0))
    if scaling == "linear":
        factor = float(header.get("{arch}.rope.scaling.factor", 1.0))
        return {"rope_type": "linear", "rope_theta": theta, "factor": factor}
    if "rope_freqs.weight" not in header.tensors:
        return {"rope_type": "default", "rope_theta": theta}
    found = frequencies()
    factor = max(found, default=1.0)
    if not _alike(found, _llama3_divisors(size, theta, factor)):
        raise _unread(header, "rotary frequencies of its own")
    return {
        "rope_type": "llama3", "rope_theta": theta, "factor": factor, "low_freq_factor": _LLAMA3_LOW,
        "high_freq_factor": _LLAMA3_HIGH, "original_max_position_embeddings": _LLAMA3_ORIGINAL,
    }  # fmt: skip


def _llama3_divisors(size: int, theta: float, factor: float) -> list[float]:
    """Return by what Llama 3.1 divides each rotary frequency: 1 for short waves, ``factor`` for long ones."""
    divisors = []
    for pair in range(0, size, 2):
        turns = _LLAMA3_ORIGINAL / (2 * math.pi * theta ** (pair / size))  # in the original context
        smooth = (turns - _LLAMA3_LOW) / (_LLAMA3_HIGH - _LLAMA3_LOW)
        smooth = min(1.0, max(0.0, smooth))
        divisors.append(1 / ((1 - smooth) / factor + smooth))
    return divisors


def _alike(first: list[float], second: list[float]) -> bool:
    return len(first) == len(second) and all(
        math.isclose(a, b, rel_tol=1e-3) for a, b in zip(first, second, strict=True)
    )


def _unread(header: Header, what: str) -> ModelError:
    return ModelError(
        f"{header.path} has {what}, which is not read here: serve it with llama.cpp's llama-server and give its "
        "address as the policy, or name the original model."
    )
