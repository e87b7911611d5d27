"""Sizes from a checkpoint's config.json. Standard library only; nothing is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Config = Mapping[str, Any]

# Defaults of transformers for values that the published config.json files leave out.
_DEFAULTS: dict[str, dict[str, Any]] = {
    "gemma3_text": {
        "vocab_size": 262_208, "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256,
        "tie_word_embeddings": True, "max_position_embeddings": 131_072,
    },
    "smollm3": {"tie_word_embeddings": True},
}  # fmt: skip
_QKV_BIAS = {"qwen2"}  # types whose query, key and value projections always have a bias
_HEAD_NORMS = {"qwen3", "gemma3_text"}  # types that normalize each head's queries and keys
_NORMS = {"gemma3_text": 4}  # norms per layer, if not two
_SIZES = {
    "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim",
    "vocab_size", "max_position_embeddings", "patch_size", "num_channels", "image_size",
}  # fmt: skip
_LARGEST = 10**9
COUNTED = {"llama", "mistral", "qwen2", "qwen3", "phi3", "smollm3", "gemma3_text"}
"""Types whose parameters are counted exactly; others are estimated as if they were Llama."""


def text_of(config: Config) -> dict[str, Any]:
    """Return the configuration of the language model, with defaults filled in."""
    inner = config.get("text_config")
    text = dict(inner) if isinstance(inner, Mapping) else dict(config)
    kind = text.get("model_type") or (f"{config.get('model_type')}_text" if inner else "")
    outer = {} if inner is None else {key: config[key] for key in ("tie_word_embeddings",) if key in config}
    return _plausible({**_DEFAULTS.get(str(kind), {}), **outer, **text, "model_type": kind})


def _plausible(config: Config) -> dict[str, Any]:
    """Leave out sizes that are no whole numbers above zero, or beyond any model: nothing can be counted with them."""

    def good(value: Any) -> bool:
        return value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _LARGEST)

    return {name: value for name, value in config.items() if name not in _SIZES or good(value)}


def head_size(text: Config) -> int:
    """Return the width of one attention head."""
    return int(text.get("head_dim") or text["hidden_size"] // text["num_attention_heads"])


def parameters(config: Config) -> int:
    """Count the parameters of a configuration, an image tower included; 0 if sizes are missing.

    Exact for the types in ``COUNTED``. A layer has attention (queries and output: heads x size, keys and values:
    key-value heads x size), a gated feed-forward part of three matrices, and its norms.
    """
    text = text_of(config)
    try:
        hidden, inner, layers = text["hidden_size"], text["intermediate_size"], text["num_hidden_layers"]
        heads, size = text["num_attention_heads"], head_size(text)
        groups, kind = text.get("num_key_value_heads") or heads, text["model_type"]
        layer = 2 * hidden * size * (heads + groups) + 3 * hidden * inner + _NORMS.get(kind, 2) * hidden
        if kind in _QKV_BIAS or text.get("attention_bias"):
            layer += size * (heads + 2 * groups)
        if kind not in _QKV_BIAS and text.get("attention_bias"):
            layer += hidden
        if text.get("mlp_bias"):
            layer += 2 * inner + hidden
        if kind in _HEAD_NORMS:
            layer += 2 * size
        embeddings = text["vocab_size"] * hidden * (1 if text.get("tie_word_embeddings") else 2)
        return int(layers * layer + hidden + embeddings + _image_tower(config, hidden))
    except (KeyError, TypeError, ZeroDivisionError):
        return 0


def token_bytes(config: Config, itemsize: int = 2) -> int:
    """Compute the bytes of one token's keys and values in all layers; 0 if sizes are missing.

    Layers with a sliding window count in full, which is exact up to the window's length.
    """
    text = text_of(config)
    try:
        groups = text.get("num_key_value_heads") or text["num_attention_heads"]
        return int(2 * text["num_hidden_layers"] * groups * head_size(text) * itemsize)
    except (KeyError, TypeError, ZeroDivisionError):
        return 0


def context(config: Config) -> int:
    """Return the context length in tokens; 32768 if the configuration has none."""
    return int(text_of(config).get("max_position_embeddings") or 32768)


def _image_tower(config: Config, hidden: int) -> int:
    """Count the parameters of a SigLIP tower without its pooling head and of Gemma's projection into ``hidden``."""
    vision = config.get("vision_config")
    if not isinstance(vision, Mapping) or "patch_size" not in (vision := _plausible(vision)):
        return 0
    width, inner = vision["hidden_size"], vision["intermediate_size"]
    layer = 4 * (width * width + width) + 2 * width * inner + inner + width + 4 * width
    patches = vision["patch_size"] ** 2 * vision.get("num_channels", 3) * width + width
    positions = (vision["image_size"] // vision["patch_size"]) ** 2 * width
    projection = width * hidden + width
    return int(vision["num_hidden_layers"] * layer + patches + positions + 2 * width + projection)
