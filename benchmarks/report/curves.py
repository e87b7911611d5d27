"""Accuracy and cost of each strategy over N.

A search was run once at each N. Of a strategy that samples independently the largest N is enough: a smaller one is the
mean over subsets (:mod:`benchmarks.subsets`), and its cost the share that so many samples have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.report.runs import Arm, Runs
from benchmarks.statistics import Interval, accuracy, difference, pass_at_k
from benchmarks.subsets import Sampled, accuracy_at
from tts.outcomes import Outcome
from tts.selector import SAMPLING


@dataclass(frozen=True, slots=True)
class Point:
    """One strategy at one N over the problems of ``ids``.

    Attributes:
        right: for each problem how often the answer is right, 0 to 1.
        tokens, flops, paper_flops: means over the problems. ``flops`` counts both models, cached prefixes taken off;
            ``paper_flops`` is 2 x parameters x sampled tokens, policy alone (arXiv 2502.06703).
        failed: problems that ended in an error; they count as wrong.
    """

    n: int
    ids: tuple[str, ...]
    right: tuple[float, ...]
    tokens: float
    flops: float
    paper_flops: float
    derived: bool = False
    failed: int = 0

    @property
    def accuracy(self) -> Interval:
        return accuracy(self.right)


@dataclass(frozen=True, slots=True)
class Curve:
    """A strategy's points, by N. ``bound`` marks what no method reaches: any of N right."""

    name: str
    arm: Arm
    points: tuple[Point, ...]
    bound: bool = False

    @property
    def top(self) -> Point:
        return self.points[-1]

    def at(self, n: int) -> Point | None:
        return next((point for point in self.points if point.n == n), None)


def curves(runs: Runs) -> list[Curve]:
    """A curve for each strategy; beside best-of-n the majority of its own samples, and whether any is right."""
    found: list[Curve] = []
    arms = list(runs.tables)
    majorities = {(a.policy, a.seed) for a in arms if a.strategy == "majority"}
    for arm, by_n in runs.tables.items():
        name = name_of(arm, arms)
        if arm.strategy not in SAMPLING:
            found.append(Curve(name, arm, tuple(_run(n, rows) for n, rows in sorted(by_n.items()))))
            continue
        n = max(by_n)
        found.append(Curve(name, arm, _sampled(runs, arm, n, arm.vote)))
        if arm.strategy == "best-of-n" and (arm.policy, arm.seed) not in majorities:
            found.append(Curve(f"majority{_models(arm, arms)}", arm, _sampled(runs, arm, n, "majority", prm=False)))
        if n > 1 and not any(curve.bound and curve.arm.policy == arm.policy for curve in found):
            found.append(Curve(f"any of N right{_models(arm, arms)}", arm, _sampled(runs, arm, n, "any"), bound=True))
    return sorted(found, key=lambda curve: (curve.bound, -curve.top.accuracy.value))


def name_of(arm: Arm, arms: Sequence[Arm]) -> str:
    """The strategy's name, with what tells it apart from the others of the report."""
    alike = [a for a in arms if a.strategy == arm.strategy and (a.policy, a.prm) == (arm.policy, arm.prm)]
    words = (
        [f"{arm.vote}{'-' + arm.aggregate if arm.aggregate else ''} vote"]
        if _differ(alike, "vote", "aggregate")
        else []
    )
    words += [f"seed {arm.seed}"] if _differ(alike, "seed") else []
    words += [arm.source] if arm.source else []
    return arm.strategy + _models(arm, arms) + (f" ({', '.join(words)})" if words else "")


def _models(arm: Arm, arms: Sequence[Arm]) -> str:
    policies, prms = {a.policy for a in arms}, {a.prm for a in arms if a.prm}
    words = [arm.policy] if len(policies) > 1 else []
    words += [arm.prm] if len(prms) > 1 and arm.prm else []
    return f" · {' + '.join(words)}" if words else ""


def _differ(arms: Sequence[Arm], *names: str) -> bool:
    return len({tuple(getattr(arm, name) for name in names) for arm in arms}) > 1


def _run(n: int, rows: dict[str, Outcome]) -> Point:
    usages = [outcome.usage for outcome in rows.values()]
    return Point(
        n, tuple(rows), tuple(float(outcome.correct) for outcome in rows.values()),
        float(np.mean([u.policy_tokens for u in usages])), float(np.mean([u.flops for u in usages])),
        float(np.mean([u.paper_flops for u in usages])), failed=_failed(rows),
    )  # fmt: skip


def _failed(rows: dict[str, Outcome]) -> int:
    return sum(outcome.error is not None for outcome in rows.values())


def _sampled(runs: Runs, arm: Arm, most: int, vote: str, prm: bool = True) -> tuple[Point, ...]:
    rows = runs.tables[arm][most]
    sizes = [2**k for k in range(most.bit_length()) if 2**k < most] + [most]
    usages = [outcome.usage for outcome in rows.values()]
    points = []
    for n in sizes:
        right = []
        for identity, outcome in rows.items():
            right.append(_expected(outcome, runs.classes[arm, most, identity], vote, n, most))
        share = n / most
        flops = float(np.mean([u.flops if prm else u.policy_flops for u in usages])) * share
        points.append(
            Point(
                n,
                tuple(rows),
                tuple(right),
                float(np.mean([u.policy_tokens for u in usages])) * share,
                flops,
                float(np.mean([u.paper_flops for u in usages])) * share,
                derived=n < most,
                failed=_failed(rows),
            )
        )
    return tuple(points)


def _expected(outcome: Outcome, classes: Sequence[int | None], vote: str, n: int, most: int) -> float:
    count = len(outcome.candidates)
    if not count:
        return 0.0
    if vote == "any":
        return pass_at_k(count, sum(outcome.right), min(n, count))
    if n == most and vote == outcome.plan.vote:
        return float(outcome.correct)  # the run's own answer
    scores = [None if vote == "majority" else c.score for c in outcome.candidates]
    return accuracy_at(Sampled.of(classes, scores, outcome.right), min(n, count), vote)


def chances(runs: Runs) -> dict[str, float]:
    """pass@1 of each problem, from the samples of the best-sampled policy; empty where nothing was sampled."""
    arms = [(max(by_n), arm) for arm, by_n in runs.tables.items() if arm.strategy in SAMPLING and max(by_n) > 1]
    if not arms:
        return {}
    n, arm = max(arms, key=lambda pair: pair[0])
    return {
        identity: sum(outcome.right) / len(outcome.right)
        for identity, outcome in runs.tables[arm][n].items()
        if outcome.right
    }


def shared(points: Sequence[Point]) -> list[str]:
    """The problems that all points have, in the order of the first."""
    common = set(points[0].ids).intersection(*(point.ids for point in points[1:]))
    return [identity for identity in points[0].ids if identity in common]


def versus(ours: Point, theirs: Point) -> Interval:
    """How much more often ``ours`` is right, paired over the problems both have."""
    common = shared([ours, theirs])
    left, right = dict(zip(ours.ids, ours.right, strict=True)), dict(zip(theirs.ids, theirs.right, strict=True))
    return difference([left[i] for i in common], [right[i] for i in common])
