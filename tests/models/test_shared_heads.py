"""Attention whose heads share keys and values, against the attention that repeats these for every head."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from tts.engines.transformers.ragged_batch import Geometry, RaggedCache
from tts.models import shared_heads


@pytest.mark.parametrize("tokens", [1, 6])
@pytest.mark.parametrize(("heads", "shared"), [(4, 4), (4, 2), (9, 3), (7, 1)])
def test_it_is_the_attention_of_repeated_heads(heads: int, shared: int, tokens: int) -> None:
    numbers = torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=numbers)

    query, keys, values = drawn(3, heads, tokens, 8), drawn(3, shared, 20, 8), drawn(3, shared, 20, 8)
    mask = torch.zeros(3, 1, tokens, 20).masked_fill_(drawn(3, 1, tokens, 20) > 0.5, torch.finfo(torch.float).min)
    groups = heads // shared
    wanted = functional.scaled_dot_product_attention(
        query, keys.repeat_interleave(groups, dim=1), values.repeat_interleave(groups, dim=1), attn_mask=mask, scale=0.3
    )
    torch.testing.assert_close(shared_heads.attention(query, keys, values, mask, 0.3), wanted)


@pytest.mark.parametrize("kind", ["llama", "qwen2", "gemma2", "mistral"])
@torch.inference_mode()
def test_a_model_of_transformers_computes_with_it_what_it_computed_before(kind: str) -> None:
    model = small(kind)
    before, masked = states(model), no_mask(model)
    assert shared_heads.use(model) is model
    assert model.config._attn_implementation == shared_heads.NAME
    torch.testing.assert_close(states(model), before)
    torch.testing.assert_close(no_mask(model), masked)


def test_a_model_whose_attention_cannot_be_replaced_stays_as_it_is() -> None:
    model = small("falcon")
    shared_heads.use(model)
    assert model.config._attn_implementation == "sdpa"


def small(kind: str) -> Any:
    """A random model of two layers whose four heads share two, loaded as the engine loads one."""
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    config = AutoConfig.for_model(
        kind, vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, pad_token_id=0, **({} if kind == "falcon" else {"head_dim": 8}),
    )  # fmt: skip
    make: Any = AutoModelForCausalLM.from_config
    return make(config, attn_implementation="sdpa").eval()


def states(model: Any) -> torch.Tensor:
    """Hidden states of two rows of unlike length and of one token more, as the engine computes them."""
    decoder, numbers = model.get_decoder(), np.random.default_rng(0)
    cache = RaggedCache(Geometry.of(decoder), 2, 40)
    cache.count = 2
    first = cache.forward(decoder, numbers.integers(7, 30, (2, 9)), np.array([9, 4]))
    second = cache.forward(decoder, numbers.integers(7, 30, (2, 1)), np.ones(2, np.int64))
    return torch.cat([first[0], first[1, :4], second[:, 0]])


def no_mask(model: Any) -> torch.Tensor:
    """Logits without a cache or a mask of ours."""
    found: torch.Tensor = model(input_ids=torch.arange(7, 19)[None]).logits
    return found
