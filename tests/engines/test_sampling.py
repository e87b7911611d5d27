"""Random numbers depend only on the request, and draws follow the probabilities."""

from __future__ import annotations

import numpy as np
import torch

from tts.engines.sampling import choose, uniforms


def draw(logits: list[float], count: int, temperature: float = 1.0, top_p: float = 1.0) -> list[float]:
    random = uniforms(np.arange(count, dtype=np.uint64), np.zeros(count, np.int64))
    rows = torch.tensor([logits]).expand(count, -1)
    full = np.full(count, temperature, np.float32), np.full(count, top_p, np.float32)
    shares: list[float] = (np.bincount(choose(rows, random, *full).numpy(), minlength=len(logits)) / count).tolist()
    return shares


def test_the_generator_is_splitmix64() -> None:
    # The first outputs of splitmix64 from seed 1234567, as its author's C program prints them.
    outputs = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    found = uniforms(np.full(3, 1234567, np.uint64), np.arange(3))
    assert found.tolist() == [(x >> 11) / 2**53 for x in outputs]


def test_draws_follow_the_probabilities() -> None:
    # 20 000 draws: the standard error of a share of 0.5 is 0.0035.
    found = draw(np.log([0.5, 0.3, 0.15, 0.05]).tolist(), 20_000)
    np.testing.assert_allclose(found, [0.5, 0.3, 0.15, 0.05], atol=0.015)


def test_temperature_sharpens() -> None:
    # At temperature 0.5 shares go with the squares: 0.25, 0.09, 0.0225, 0.0025 over 0.365.
    found = draw(np.log([0.5, 0.3, 0.15, 0.05]).tolist(), 20_000, temperature=0.5)
    np.testing.assert_allclose(found, np.array([0.25, 0.09, 0.0225, 0.0025]) / 0.365, atol=0.015)


def test_the_nucleus_is_the_smallest_set_with_the_mass() -> None:
    # 0.5 + 0.3 reach 0.7 together, so the other two are never drawn.
    found = draw(np.log([0.15, 0.5, 0.05, 0.3]).tolist(), 20_000, top_p=0.7)
    np.testing.assert_allclose(found, [0, 0.625, 0, 0.375], atol=0.015)
    assert found[0] == found[2] == 0


def test_rows_keep_their_own_settings() -> None:
    logits = torch.tensor([[0.0, 1.0, 0.5]]).expand(3, -1)
    random = np.array([0.999, 0.999, 0.999])
    found = choose(logits, random, np.array([0, 1, 1], np.float32), np.array([1, 1, 0.1], np.float32))
    assert found.tolist() == [1, 2, 1]


def test_draws_follow_the_probabilities_of_a_vocabulary_of_many_blocks() -> None:
    # 1000 entries, of which each seventh has a weight: entry 7k weighs k + 1. 20 000 draws: the standard error of a
    # share, at most 0.014, is at most 0.00083.
    weights = np.zeros(1000)
    weights[::7] = np.arange(143) + 1
    with np.errstate(divide="ignore"):
        found = np.array(draw(np.log(weights).tolist(), 20_000))
    np.testing.assert_allclose(found, weights / weights.sum(), atol=0.004)
    assert not found[weights == 0].any()


def test_the_ends_of_the_range_draw_entries_that_have_a_weight() -> None:
    logits = torch.full((2, 200), -torch.inf)
    logits[:, 70:130] = 0.0
    ones = np.ones(2, np.float32)
    assert choose(logits, np.array([0.0, 1 - 2.0**-53]), ones, ones).tolist() == [70, 129]
