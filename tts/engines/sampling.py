"""Sampling that depends only on the request: a counter-based random number and the model's probabilities."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

SEEDS = (1 << 64) - 1
"""The largest seed."""

_BLOCK = 64  # entries of a vocabulary that are summed before the running sum, which takes far longer an entry


def uniforms(seeds: NDArray[np.uint64], positions: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return a number in [0, 1) for each (seed, position): splitmix64 of that seed, jumped to that position.

    Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
    """
    with np.errstate(over="ignore"):
        z = seeds + (positions.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return np.asarray((z >> np.uint64(11)) * 2.0**-53, np.float64)


def choose(
    logits: torch.Tensor, random: NDArray[np.float64], temperature: NDArray[np.float32], top_p: NDArray[np.float32]
) -> torch.Tensor:
    """Draw one token per row by inverting the cumulative distribution: of blocks of the vocabulary, then within one.

    Args:
        logits: [rows, vocabulary].
        random: [rows], uniform in [0, 1).
        temperature: [rows]; 0 takes the likeliest token.
        top_p: [rows]; the smallest set of likeliest tokens with at least this mass is kept.

    Returns:
        [rows] token ids.
    """
    if not temperature.any():
        return logits.argmax(-1)
    device = logits.device
    logits = logits.float()
    warm = np.where(temperature > 0, temperature, 1.0).astype(np.float32)
    scaled = logits if (warm == 1).all() else logits / torch.from_numpy(warm).to(device)[:, None]
    probabilities = torch.softmax(scaled, -1)
    if (top_p < 1).any():
        probabilities = _nucleus(probabilities, torch.from_numpy(top_p).to(device))
    size = probabilities.shape[-1]
    block, rest = _at(_block_sums(probabilities), torch.from_numpy(random).to(device))
    inside = block[:, None] * _BLOCK + torch.arange(_BLOCK, device=device)
    weights = probabilities.gather(1, inside.clamp(max=size - 1)).masked_fill_(inside >= size, 0.0)
    picked = (block * _BLOCK + _at(weights, rest)[0]).clamp_(max=size - 1)
    if (temperature > 0).all():
        return picked
    return torch.where(torch.from_numpy(temperature > 0).to(device), picked, logits.argmax(-1))


def _block_sums(probabilities: torch.Tensor) -> torch.Tensor:
    """Sum every 64 entries of each row, and what is left at its end."""
    whole = probabilities.shape[-1] // _BLOCK * _BLOCK
    sums = probabilities[:, :whole].unflatten(-1, (-1, _BLOCK)).sum(-1)
    rest = probabilities[:, whole:]
    return torch.cat([sums, rest.sum(-1, keepdim=True)], -1) if rest.shape[-1] else sums


def _at(weights: torch.Tensor, share: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Find in each row where the running sum of ``weights`` passes a share of their sum.

    Args:
        weights: [rows, entries], not negative.
        share: [rows], in [0, 1).

    Returns:
        [rows] the entry, whose weight is above zero; [rows] the share of it that is passed.
    """
    sums = weights.double().cumsum(-1)
    total = sums[:, -1:]
    goal = torch.minimum(share[:, None] * total, total.nextafter(torch.zeros_like(total)))
    entry = torch.searchsorted(sums, goal, right=True).clamp_(max=weights.shape[-1] - 1)
    weight = weights.gather(1, entry).double()
    return entry[:, 0], ((goal - sums.gather(1, entry) + weight) / weight)[:, 0].clamp_(min=0)


def _nucleus(probabilities: torch.Tensor, top_p: torch.Tensor) -> torch.Tensor:
    """Zero all but the most likely tokens that together reach ``top_p`` of each row."""
    ordered, index = probabilities.sort(stable=True, dim=-1, descending=True)
    before = ordered.cumsum(-1) - ordered
    kept = torch.where((before < top_p[:, None]) | (top_p[:, None] >= 1), ordered, 0.0)
    return torch.zeros_like(probabilities).scatter_(-1, index, kept)
