"""Attention in which several heads of queries share the keys and values of one, without copies of these.

Llama 3, Qwen2.5 and most models of today share them among 3 to 7 heads (grouped-query attention, arXiv 2305.13245).
transformers repeats keys and values for every head before it computes attention with a mask, at every token: most of
the time of a long batch. Here the queries that share are rows of one matrix instead.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

NAME = "tts_shared_heads"
"""This attention among those of transformers."""


def attention(
    query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, mask: torch.Tensor, scale: float
) -> torch.Tensor:
    """Compute attention.

    Args:
        query: [rows, heads, tokens, size].
        keys: [rows, shared heads, all tokens, size]; query heads ``k * groups`` to ``(k + 1) * groups - 1`` share
            head ``k``.
        values: as ``keys``.
        mask: [rows, 1, tokens, all tokens], added to the scores.
        scale: factor of the scores.

    Returns:
        [rows, heads, tokens, size].
    """
    rows, heads, tokens, size = query.shape
    shared = keys.shape[1]
    if heads != shared:
        query = query.reshape(rows, shared, -1, size)  # the tokens of a group's first head, then those of its second
        if tokens > 1:
            mask = mask[:, :, None].expand(-1, -1, heads // shared, -1, -1).flatten(2, 3)
    found = functional.scaled_dot_product_attention(query, keys, values, attn_mask=mask, scale=scale)
    return found.reshape(rows, heads, tokens, size)


def use(model: Any) -> Any:
    """Let a model of transformers, loaded with its attention ``sdpa``, compute its attention here. Returns it.

    A model whose attention cannot be replaced stays as it is.
    """
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    AttentionInterface.register(NAME, _for_transformers)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    model.set_attn_implementation(NAME)
    return model


def _for_transformers(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    **others: Any,
) -> tuple[torch.Tensor, None]:
    """Compute attention as transformers calls it; without a mask of one head, its own function does."""
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    if attention_mask is None or attention_mask.shape[1] != 1 or others.get("position_bias") is not None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **others)
    found = attention(query, key, value, attention_mask, query.shape[-1] ** -0.5 if scaling is None else scaling)
    return found.transpose(1, 2).contiguous(), None
