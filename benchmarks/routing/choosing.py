"""Choice of a router's settings on training outcomes alone: by folds, and by whole data sets left out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tts.routing.outcomes import ArmOutcomes
from tts.routing.router import Router

FOLDS = 5


def folds(outcomes: ArmOutcomes, seed: int = 0) -> list[np.ndarray]:
    """Return masks [q] of the queries left out: five random folds of each data set, then each data set whole.

    The first five represent problems of known data sets, the others problems of unknown ones. Equal texts are in the
    same fold.
    """
    random, place = np.random.default_rng(seed), {text: k for k, text in enumerate(dict.fromkeys(outcomes.texts))}
    fold = random.permutation(len(place)) % FOLDS
    mine = np.array([fold[place[text]] for text in outcomes.texts])
    groups = np.array(outcomes.groups)
    names = list(dict.fromkeys(outcomes.groups))
    whole = [groups == name for name in names] if len(names) > 2 else []
    return [mine == k for k in range(FOLDS)] + whole


def cross_validated(router: Router, vectors: np.ndarray, outcomes: ArmOutcomes) -> tuple[float, float]:
    """Return the mean quality of the chosen arms for left-out queries: of known data sets, and of unknown ones."""
    masks = folds(outcomes)
    chosen = np.empty((len(masks), len(outcomes)), dtype=int)
    for row, mask in zip(chosen, masks, strict=True):
        fitted = router.fit(vectors[~mask], outcomes.rows(~mask))
        row[mask] = fitted.predict(vectors[mask]).score.argmax(1)
    known, unknown = (
        outcomes.macro(np.choose(np.argmax(part, axis=0), rows)) if len(part) else float("nan")
        for part, rows in ((masks[:FOLDS], chosen[:FOLDS]), (masks[FOLDS:], chosen[FOLDS:]))
    )
    return known, unknown


def best_of(
    routers: Sequence[Router], vectors: np.ndarray, outcomes: ArmOutcomes
) -> tuple[Router, tuple[float, float]]:
    """Return the router with the best mean of both figures of :func:`cross_validated`, and the figures."""
    found = [cross_validated(router, vectors, outcomes) for router in routers]
    at = int(np.argmax([np.nanmean(figures) for figures in found]))
    return routers[at], found[at]
