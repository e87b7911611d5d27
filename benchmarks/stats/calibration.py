"""How well stated probabilities agree with what happens: the calibration error and the Brier score."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

BINS = 10


def places(stated: Sequence[float], bins: int = BINS) -> list[int]:
    """Return the bin of each probability; bins are of equal width, 1 is in the last one."""
    return [min(bins - 1, int(share * bins)) for share in stated]


def calibration_error(stated: Sequence[float], right: Sequence[bool], bins: int = BINS) -> float:
    """Compute the expected calibration error (arXiv 1706.04599): bins weighted by their sizes; 0 of nothing."""
    gaps = np.asarray(stated, dtype=float) - np.asarray(right, dtype=float)
    sums = np.bincount(places(stated, bins), weights=gaps, minlength=bins)
    return float(np.abs(sums).sum() / max(1, len(gaps)))


def brier(stated: Sequence[float], right: Sequence[bool]) -> float:
    """Compute the mean squared difference of what was stated and what happened, 1 or 0; 0 of nothing."""
    gaps = np.asarray(stated, dtype=float) - np.asarray(right, dtype=float)
    return float(np.mean(gaps**2)) if len(gaps) else 0.0
