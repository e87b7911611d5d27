"""The weights of a GGUF file under the names of transformers, dequantized and in its layout."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tts.errors import ModelError
from tts.models.gguf.header import Header, TensorPlace

if TYPE_CHECKING:
    import numpy as np
    import torch

_WHOLE = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}
_LAYER = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_GEMMA3 = {  # norms before and after each part
    "post_attention_norm": "post_attention_layernorm",
    "ffn_norm": "pre_feedforward_layernorm",
    "post_ffw_norm": "post_feedforward_layernorm",
}
_BLOCK = re.compile(r"blk\.(\d+)\.(\w+)\.(weight|bias)")
FREQUENCIES = "rope_freqs.weight"
_CHUNK = 2**24  # numbers that are dequantized at once: 64 MB


def names_of(header: Header) -> dict[str, str]:
    """Return the name in transformers of each tensor; rotary frequencies are left out.

    Raises ModelError for a tensor without a counterpart, and where a layer lacks one.
    """
    gemma3 = header.get("general.architecture") == "gemma3"
    layer = _LAYER | (_GEMMA3 if gemma3 else {})
    found = {}
    for name in header.tensors:
        if name == FREQUENCIES:
            continue
        block = _BLOCK.fullmatch(name)
        if block and block[2] in layer:
            found[name] = f"model.layers.{block[1]}.{layer[block[2]]}.{block[3]}"
        elif name in _WHOLE:
            found[name] = _WHOLE[name]
        else:
            raise ModelError(
                f"{header.path} holds the tensor {name[:80]!r}, which is not read here: serve the file with "
                "llama.cpp's llama-server and give its address as the policy."
            )
    wanted = {"attn_norm", "attn_q", "attn_k", "attn_v", "attn_output", "ffn_norm", "ffn_gate", "ffn_up", "ffn_down"}
    wanted |= _GEMMA3.keys() | {"attn_q_norm", "attn_k_norm"} if gemma3 else set()
    needed = {f"blk.{k}.{part}.weight" for k in range(int(header.get("{arch}.block_count"))) for part in wanted}
    missing = sorted((needed | {"token_embd.weight", "output_norm.weight"}) - found.keys())
    if missing:
        raise ModelError(f"{header.path} lacks the tensor {missing[0]!r}: download it again.")
    return found


def numbers(header: Header, place: TensorPlace) -> Iterator[np.ndarray]:
    """Yield a tensor's numbers as float32, some rows [r, columns] at a time."""
    import numpy as np
    from gguf.constants import GGMLQuantizationType
    from gguf.quants import dequantize

    columns = place.shape[-1]
    rows = place.count // columns
    width = place.size // rows
    stored = np.memmap(header.path, np.uint8, "r", place.start, (rows, width))
    kind, step = GGMLQuantizationType(place.kind), max(1, _CHUNK // columns)
    plain = {GGMLQuantizationType.F32: np.float32, GGMLQuantizationType.F16: np.float16}
    for first in range(0, rows, step):
        part = stored[first : first + step]
        if kind in plain:
            yield np.ascontiguousarray(part).view(plain[kind]).astype(np.float32)
        else:
            yield dequantize(np.ascontiguousarray(part), kind)


def frequencies(header: Header) -> list[float]:
    """Return the divisors of the rotary frequencies."""
    return [float(x) for part in numbers(header, header.tensors[FREQUENCIES]) for x in part.ravel()]


def tensor_of(header: Header, place: TensorPlace, dtype: torch.dtype, heads: tuple[int, int]) -> torch.Tensor:
    """Return a tensor in the layout of transformers.

    Args:
        header: of the file.
        place: which tensor.
        dtype: of the result.
        heads: heads of queries, and of keys.
    """
    import torch

    whole = torch.empty((place.count // place.shape[-1], place.shape[-1]), dtype=dtype)
    first, arch = 0, header.get("general.architecture")
    less = 1.0 if arch == "gemma3" and place.name.endswith("norm.weight") else 0.0  # the file has 1 + weight
    for part in numbers(header, place):
        whole[first : first + len(part)] = torch.from_numpy(part) - less
        first += len(part)
    whole = whole.reshape(place.shape)
    block: Any = _BLOCK.fullmatch(place.name)
    if arch == "llama" and block and block[2] in ("attn_q", "attn_k"):
        return _unpaired(whole, heads[block[2] == "attn_k"])
    return whole


def _unpaired(rows: torch.Tensor, heads: int) -> torch.Tensor:
    """Reorder the rows of each head from pairs (0, d/2, 1, d/2 + 1, ...), as llama.cpp rotates them, to halves."""
    pairs: torch.Tensor = rows.unflatten(0, (heads, -1, 2))
    return pairs.transpose(1, 2).flatten(0, 2).contiguous()
