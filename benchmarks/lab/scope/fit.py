"""Fit of a scope to answered problems: two stages of logistic regression, Newton with a ridge.

A problem of the policy's own kind is in scope, whether its answer is right or wrong. Any other problem is in scope if
its answer is right: then the policy can handle it. The second stage takes the log odds of the first, estimated for each
problem without its own fold, so that it does not trust the first stage too much.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.lab.scope.collect import Answered
from benchmarks.stats.regression import logistic
from benchmarks.word_problems.everyday import draw
from benchmarks.word_problems.everyday import frozen as everyday
from benchmarks.word_problems.generate import stream
from tts.selection.estimator import Estimator
from tts.selection.scope.scope import KINDS, Scope, names, odds
from tts.selection.scope.text import TEXT_FEATURES, Reference

TEXTS = 6000
"""Training problems whose wording the reference keeps."""

SEED = 5
FOLDS = 5
FALSE_ALARMS = 0.015
"""Share of the policy's own kind of problems that may be marked, half of what is promised for the test split."""

LEAST, MOST = 0.5, 0.9
"""Range of the threshold."""

RIDGE = 2.0
UNTRAINED = ("read", "worst")
"""Surprisal of the prompt: the built-in policies are trained on solutions alone, so theirs means nothing."""

Features = Mapping[str, float]


def reference(rows: Sequence[Answered]) -> Reference:
    """Build the reference of the training problems, with everyday ones if the policy knows them."""
    texts = [p.problem for p in itertools.islice(stream(SEED), TEXTS)]
    if any(row.known and row.split in everyday.FILES for row in rows):
        problems = itertools.islice(draw.stream(SEED, among=draw.without_reserved), TEXTS)
        texts += [p.problem for p in problems]
    return Reference.of(texts, bits=1 << 18)


def fitted(rows: Sequence[Answered], policy: str, prm: str, about: Mapping[str, Any]) -> Scope:
    """Fit the scope of a policy. The threshold is chosen on held-out folds of the same problems.

    It is the largest one that marks at most :data:`FALSE_ALARMS` of the stories, and of the everyday problems.
    """
    known = reference(rows)
    held_out = cross_validated(rows, lambda part: fit(part, known, policy, prm))
    inside = [share for share, _ in held_out]
    return replace(fit(rows, known, policy, prm), threshold=_threshold(rows, inside), about=about)


def text_alone(scope: Scope, rows: Sequence[Answered], policy: str) -> Scope:
    """Return the first stage of a scope for another policy that was trained on the same problems."""
    found = [scope.look(row.problem) for row in rows]
    threshold = _threshold(rows, [(each and each.inside) or 0.0 for each in found])
    return replace(scope, policy=policy, inside={}, right={}, threshold=threshold)


def _threshold(rows: Sequence[Answered], inside: Sequence[float]) -> float:
    """Return the largest threshold that keeps the promise for the stories and for the everyday problems."""
    own = [(row.split.startswith("lab-everyday"), share) for row, share in zip(rows, inside, strict=True) if row.known]
    kinds = [[share for kind, share in own if kind is everyday] for everyday in (False, True)]
    least = min(float(np.quantile(kind, FALSE_ALARMS)) for kind in kinds if kind)
    return round(min(MOST, max(LEAST, least)), 3)


def fit(rows: Sequence[Answered], known: Reference, policy: str, prm: str) -> Scope:
    """Fit both stages, with the default threshold."""
    texts = [known.features(row.problem) for row in rows]
    inside = np.array([float(row.known or row.right) for row in rows])
    right = np.array([float(row.right) for row in rows])
    weights = np.ones(len(rows))
    before = _estimator(texts, inside, weights, TEXT_FEATURES)
    without = _held_out(texts, inside, weights)
    at = [k for k, row in enumerate(rows) if row.answer is not None]
    found: dict[str, dict[str, Estimator]] = {"inside": {}, "right": {}}
    for kind in KINDS:
        chosen = tuple(name for name in names(kind) if name not in UNTRAINED)
        features = [_all(rows[k], float(without[k])) for k in at]
        for name, labels in (("inside", inside), ("right", right)):
            found[name][kind] = _estimator(features, labels[at], weights[at], chosen)
    return Scope(policy, prm, known, before=before, inside=found["inside"], right=found["right"])


def _all(row: Answered, before: float) -> Features:
    return {"text": odds(before), **(row.answer or {}), **(row.likelihood or {})}


def _estimator(
    features: Sequence[Features], labels: np.ndarray, weights: np.ndarray, chosen: Sequence[str]
) -> Estimator:
    x = np.array([[row[name] for name in chosen] for row in features])
    bias, coefficients = logistic(x, labels, weights, RIDGE)
    return Estimator(bias, {n: float(c) for n, c in zip(chosen, coefficients, strict=True) if c})


def _held_out(features: Sequence[Features], labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Estimate each problem by a first stage that was fitted to the other folds."""
    folds = np.random.default_rng(SEED).permutation(len(labels)) % FOLDS
    found = np.empty(len(labels))
    for fold in range(FOLDS):
        others = np.flatnonzero(folds != fold)
        made = _estimator([features[k] for k in others], labels[others], weights[others], TEXT_FEATURES)
        for k in np.flatnonzero(folds == fold):
            found[k] = made(features[k])
    return found


def cross_validated(rows: Sequence[Answered], make: Callable[[Sequence[Answered]], Scope]) -> list[tuple[float, float]]:
    """Return probability in scope and of a right answer of each problem, by a scope of the other folds."""
    folds = np.random.default_rng(SEED + 1).permutation(len(rows)) % FOLDS
    found = [(0.0, 0.0)] * len(rows)
    for fold in range(FOLDS):
        scope = make([row for row, at in zip(rows, folds, strict=True) if at != fold])
        for k in np.flatnonzero(folds == fold):
            found[k] = judged(scope, rows[k])
    return found


def judged(scope: Scope, row: Answered) -> tuple[float, float]:
    """Return probability in scope and of a right answer of an answered problem."""
    found = scope.look(row.problem) if row.answer is None else scope.judge(row.problem, row.answer, row.likelihood)
    assert found is not None
    assert found.inside is not None
    return found.inside, found.right or 0.0
