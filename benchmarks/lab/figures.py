"""The figures of the model cards: accuracy on validation problems, votes, and how well the PRM judges steps."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from itertools import groupby
from statistics import mean
from typing import Any

from benchmarks.lab.solutions import Solution

Z = 1.959964  # of the 95 % interval


def wilson(hits: float, n: int) -> tuple[float, float]:
    """The 95 % Wilson interval of a share `hits / n`."""
    if n == 0:
        return 0.0, 1.0
    p = hits / n
    middle, half = p + Z * Z / (2 * n), Z * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
    return (middle - half) / (1 + Z * Z / n), (middle + half) / (1 + Z * Z / n)


def share(hits: Sequence[float]) -> dict[str, float]:
    """A mean of zeros and ones (or shares) over problems, with its interval."""
    low, high = wilson(sum(hits), len(hits))
    return {"share": mean(hits) if hits else 0.0, "low": low, "high": high, "n": len(hits)}


def pass_at(k: int, right: int, n: int) -> float:
    """The unbiased estimate of pass@k from `right` of `n` samples (arXiv 2107.03374)."""
    return 1.0 - math.comb(n - right, k) / math.comb(n, k)


def vote(solutions: Sequence[Solution], weights: Sequence[float]) -> str:
    """The boxed answer with the largest sum of weights; the earliest of equals; "" if nothing is boxed."""
    sums: dict[str, float] = defaultdict(float)
    for solution, weight in zip(solutions, weights, strict=True):
        if solution.answer:
            sums[solution.answer] += weight
    return max(sums, key=lambda a: sums[a]) if sums else ""


def sampled(
    groups: list[list[Solution]], answers: list[str], scores: list[list[list[float]]] | None = None
) -> dict[str, Any]:
    """Figures of `n` samples a problem: pass@1, pass@n, majority, and with `scores` [problem][sample][step] the
    vote weighted by the last step's score and the best single sample."""
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
    """`share` of the hits of each level."""
    pairs = sorted(zip(levels, hits, strict=True), key=lambda x: x[0])
    return {str(level): share([h for _, h in part]) for level, part in groupby(pairs, key=lambda x: x[0])}


def auc(scores: Sequence[float], labels: Sequence[bool]) -> float:
    """The area under the ROC curve: how often a right step scores above a wrong one; ties count half.

    0.5, a coin's, where there are only right ones or only wrong ones.
    """
    if all(labels) or not any(labels):
        return 0.5
    order = sorted(range(len(scores)), key=lambda i: scores[i])
    ranks, at = [0.0] * len(scores), 0
    for _, run in groupby(order, key=lambda i: scores[i]):
        same = list(run)
        for i in same:
            ranks[i] = at + (len(same) + 1) / 2
        at += len(same)
    good = sum(labels)
    total = sum(rank for rank, label in zip(ranks, labels, strict=True) if label)
    return (total - good * (good + 1) / 2) / (good * (len(labels) - good))


def judging(solutions: list[Solution], scores: list[list[float]]) -> dict[str, Any]:
    """How well scores find wrong steps: step AUC and accuracy, and the first error as ProcessBench measures it
    (the harmonic mean of the shares of wrong solutions whose first error is found, and of right ones let pass)."""
    pairs = list(zip(solutions, scores, strict=True))
    flat = [(x, label) for s, sc in pairs for x, label in zip(sc, s.labels, strict=True)]
    found, passed = list[float](), list[float]()
    for s, sc in pairs:
        guess = next((i for i, x in enumerate(sc) if x < 0.5), -1)
        truth = next((i for i, label in enumerate(s.labels) if not label), -1)
        (passed if truth == -1 else found).append(float(guess == truth))
    a, b = (mean(x) if x else 0.0 for x in (found, passed))
    return {
        "steps": len(flat),
        "step AUC": auc([x for x, _ in flat], [label for _, label in flat]),
        "step accuracy": share([float((x >= 0.5) == label) for x, label in flat]),
        "first error found": share(found),
        "right ones passed": share(passed),
        "first-error F1": 2 * a * b / (a + b) if a + b else 0.0,
    }
