"""Figures of the model cards: accuracy on validation problems, votes, quality of the PRM."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import groupby
from statistics import mean
from typing import Any

from benchmarks.lab.solutions import Solution
from benchmarks.prm_eval.protocol import first_error
from benchmarks.stats.intervals import Interval, auc, harmonic_mean, wilson


def share(hits: Sequence[float]) -> dict[str, float]:
    """Compute a mean of zeros and ones (or shares) over problems, with its interval."""
    found = wilson(sum(hits), len(hits)) if hits else Interval(0.0, 0.0, 1.0)
    return {"share": found.value, "low": found.low, "high": found.high, "n": len(hits)}


def vote(solutions: Sequence[Solution], weights: Sequence[float]) -> str:
    """Return the boxed answer with the largest sum of weights, the earliest of equals; "" if nothing is boxed."""
    sums: dict[str, float] = defaultdict(float)
    for solution, weight in zip(solutions, weights, strict=True):
        if solution.answer:
            sums[solution.answer] += weight
    return max(sums, key=lambda a: sums[a]) if sums else ""


def sampled(
    groups: list[list[Solution]], answers: list[str], scores: list[list[list[float]]] | None = None
) -> dict[str, Any]:
    """Compute pass@1, pass@n and majority of `n` samples per problem.

    With `scores` [problem][sample][step] also the vote weighted by the last step's score, and the best single sample.
    """
    n = len(groups[0])
    right = [sum(s.answer == a for s in g) for g, a in zip(groups, answers, strict=True)]
    out: dict[str, Any] = {
        "samples": n,
        "pass@1": share([r / n for r in right]),
        f"pass@{n}": share([float(r > 0) for r in right]),
        f"majority@{n}": share([float(vote(g, [1.0] * n) == a) for g, a in zip(groups, answers, strict=True)]),
    }
    if scores is not None:
        last = [[steps[-1] for steps in g] for g in scores]
        pairs = list(zip(groups, last, answers, strict=True))
        out[f"weighted@{n}"] = share([float(vote(g, w) == a) for g, w, a in pairs])
        best = [g[max(range(n), key=lambda i: w[i])].answer == a for g, w, a in pairs]
        out[f"best-of-{n}"] = share([float(b) for b in best])
    return out


def by_level(levels: list[int], hits: list[float]) -> dict[str, dict[str, float]]:
    """Compute the `share` of the hits of each level."""
    pairs = sorted(zip(levels, hits, strict=True), key=lambda x: x[0])
    return {str(level): share([h for _, h in part]) for level, part in groupby(pairs, key=lambda x: x[0])}


def judging(solutions: list[Solution], scores: list[list[float]]) -> dict[str, Any]:
    """Measure how well scores find wrong steps: step AUC and accuracy, and ProcessBench's first-error F1.

    F1 is the harmonic mean of two shares: wrong solutions whose first error is found, and right solutions without a
        false alarm.
    """
    pairs = list(zip(solutions, scores, strict=True))
    flat = [(x, label) for s, sc in pairs for x, label in zip(sc, s.labels, strict=True)]
    found, passed = list[float](), list[float]()
    for s, sc in pairs:
        guess = first_error(sc, 0.5)
        truth = next((i for i, label in enumerate(s.labels) if not label), -1)
        (passed if truth == -1 else found).append(float(guess == truth))
    labels = [label for _, label in flat]
    return {
        "steps": len(flat),
        # chance level if all steps are right or all are wrong
        "step AUC": auc([x for x, _ in flat], labels) if 0 < sum(labels) < len(labels) else 0.5,
        "step accuracy": share([float((x >= 0.5) == label) for x, label in flat]),
        "first error found": share(found),
        "right ones passed": share(passed),
        "first-error F1": harmonic_mean(*(mean(x) if x else 0.0 for x in (found, passed))),
    }
