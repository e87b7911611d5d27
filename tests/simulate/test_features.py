"""The vectorized features equal those of the selector."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.simulate.features import EvidenceBatch
from tts.selection.features import Evidence


@pytest.mark.parametrize("n", [1, 2, 3, 8, 17])
@pytest.mark.parametrize("scored", [False, True])
def test_every_order_has_the_features_of_the_selector(n: int, scored: bool) -> None:
    """Few classes and few scores, so that ties, voiceless samples and ones that could not be scored are common."""
    rng = np.random.default_rng(n)
    classes = rng.integers(-1, 4, (60, n))
    scores = rng.choice([0.0, 0.25, 0.5, 1.0, np.nan], (60, n)) if scored else None
    tokens = rng.integers(0, 90, (60, n)).astype(float)
    found = EvidenceBatch(classes, scores, tokens, 31).features()
    for row in range(60):
        own = None if scores is None else np.nan_to_num(scores[row]).tolist()
        expected = Evidence(classes[row].tolist(), own, tokens[row].tolist(), 31).features()
        assert {name: values[row] for name, values in found.items()} == pytest.approx(expected)
