"""Synthetic pools whose rates are known by construction."""

from __future__ import annotations

import numpy as np

from benchmarks.recordings.pool import Entry, Pool, SampleSet, Searched
from benchmarks.stats.candidates import Candidates

EACH = 100.0
"""FLOPs of a sample; its prompt costs a tenth, and so do its scores."""


def candidates(rng: np.random.Generator, count: int, chance: float, prm_accuracy: float = 1.0) -> Candidates:
    """Right ones (class 0) with a chance, wrong ones of 39 classes; scores tell them apart.

    A score is 0.9 for right and 0.1 for wrong, the other way round with a chance of ``1 - prm_accuracy``.
    """
    right = rng.random(count) < chance
    classes = np.where(right, 0, rng.integers(1, 40, count))
    honest = rng.random(count) < prm_accuracy
    scores = np.where(right == honest, 0.9, 0.1)
    each = {how: scores.astype(float) for how in ("last", "min", "prod", "mean")}
    return Candidates(classes.astype(np.int64), each, right, np.full(count, 10, dtype=np.int64))


def entry(
    rng: np.random.Generator,
    k: int,
    chance: float,
    m: int,
    prm_accuracy: float = 1.0,
    searched: float | None = None,
    dear: float = 1,
) -> Entry:
    found = candidates(rng, m, chance, prm_accuracy)
    steps = np.arange(m, dtype=np.int32)[:, None]
    samples = SampleSet(found, np.full(m, EACH), steps, np.full(m, EACH / 10))
    searches = {}
    if searched is not None:
        found = candidates(rng, 4, searched, prm_accuracy)
        searches["beam-search", 4] = (Searched(found, 4 * dear * EACH, 0.4 * dear * EACH),)
    return Entry(f"{k:012x}", 1, 20, EACH / 10, EACH / 10, samples, searches)


def pool(
    chances: list[float],
    m: int = 32,
    prm_accuracy: float = 1.0,
    searched: list[float] | None = None,
    dear: float = 1,
    seed: int = 0,
) -> Pool:
    """One problem for each chance of a sample being right.

    ``searched`` gives the chance of a search's candidates, ``dear`` how many times four samples the search costs.
    """
    rng = np.random.default_rng(seed)
    entries = tuple(
        entry(rng, k, chance, m, prm_accuracy, searched[k] if searched else None, dear)
        for k, chance in enumerate(chances)
    )
    parameters = {("beam-search", 4): {"beam_width": 4}} if searched else {}
    return Pool(entries, "lab-1m", "lab-prm", {"temperature": 1.0, "top_p": 1.0}, 0, parameters, "made here")
