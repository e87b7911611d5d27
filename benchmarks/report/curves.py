"""Accuracy and cost of each strategy over N.

A search was run once at each N. Of a strategy that samples independently the largest N is enough: a smaller one is the
mean over subsets (:mod:`benchmarks.stats.subsets`), and so is its cost (:mod:`benchmarks.stats.costs`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations

import numpy as np

from benchmarks.report.colours import palette
from benchmarks.report.runs import Arm, Runs
from benchmarks.stats.candidates import OWN, Candidates
from benchmarks.stats.costs import Cost, part, whole
from benchmarks.stats.intervals import Interval, accuracy, difference
from benchmarks.stats.subsets import accuracy_at, pass_at
from tts.answers.aggregate import short
from tts.records.outcomes import Outcome


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
        return _accuracy(self.right)


@lru_cache(maxsize=1024)
def _accuracy(right: tuple[float, ...]) -> Interval:
    return accuracy(right)  # cached: tables and figures need it, and a bootstrap is slow


@dataclass(frozen=True, slots=True)
class Curve:
    """A method's points, by N, and the number of its colour. ``bound`` marks what no vote passes: any of N right."""

    name: str
    arm: Arm
    points: tuple[Point, ...]
    bound: bool = False
    colour: int = 0

    @property
    def top(self) -> Point:
        return self.points[-1]

    def at(self, n: int) -> Point | None:
        return next((point for point in self.points if point.n == n), None)


def curves(runs: Runs) -> list[Curve]:
    """Build a curve for each arm; for best-of-n also the majority of its samples, and whether any is right."""
    found: list[Curve] = []
    arms = list(runs.tables)
    majorities = {(a.policy, a.seed) for a in arms if a.strategy == "majority"}
    for arm, by_n in runs.tables.items():
        name = name_of(arm, arms)
        if not arm.independent:
            found.append(Curve(name, arm, tuple(_run(n, rows) for n, rows in sorted(by_n.items()))))
            continue
        found.append(Curve(name, arm, _sampled(runs, arm, arm.vote)))
        if arm.strategy == "best-of-n" and (arm.policy, arm.seed) not in majorities:
            found.append(Curve(f"majority{_models(arm, arms)}", arm, _sampled(runs, arm, "majority", prm=False)))
        if max(by_n) > 1 and not any(curve.bound and curve.arm.policy == arm.policy for curve in found):
            found.append(Curve(f"any of N right{_models(arm, arms)}", arm, _sampled(runs, arm, "any"), bound=True))
    found.sort(key=lambda curve: (curve.bound, -curve.top.accuracy.value))
    colours = palette([curve.name.split(" ")[0] for curve in found], [curve.bound for curve in found])
    return [replace(curve, colour=colour) for curve, colour in zip(found, colours, strict=True)]


def name_of(arm: Arm, arms: Sequence[Arm]) -> str:
    """Name the strategy, with what distinguishes it from the others of the report."""
    alike = [a for a in arms if a.strategy == arm.strategy and (a.policy, a.prm) == (arm.policy, arm.prm)]
    words = (
        [f"{arm.vote}{'-' + short(arm.aggregate) if arm.aggregate else ''} vote"]
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
    costs = [whole(outcome.usage) for outcome in rows.values()]
    return _point(n, rows, [float(outcome.correct) for outcome in rows.values()], costs)


def _point(
    n: int, rows: dict[str, Outcome], right: Sequence[float], costs: Sequence[Cost], derived: bool = False
) -> Point:
    return Point(
        n, tuple(rows), tuple(right),
        float(np.mean([cost.policy_tokens for cost in costs])),
        float(np.mean([cost.flops for cost in costs])),
        float(np.mean([cost.paper_flops for cost in costs])),
        derived, sum(outcome.error is not None for outcome in rows.values()),
    )  # fmt: skip


def _sampled(runs: Runs, arm: Arm, vote: str, prm: bool = True) -> tuple[Point, ...]:
    """Build the points of independent samples.

    Several values of N are kept as they were run: a ceiling cuts a smaller N off at another point. Otherwise a smaller
        N is the mean over subsets of the largest.
    """
    by_n = runs.tables[arm]
    most = max(by_n)
    cut = any(outcome.stopped != "complete" for outcome in by_n[most].values())
    powers = [] if cut or len(by_n) > 1 else [2**k for k in range(most.bit_length()) if 2**k < most]
    points = []
    for n in [*powers, *sorted(by_n)]:
        source = n if n in by_n else most
        rows = by_n[source]
        if n == source and vote == arm.vote:
            right = [float(outcome.correct) for outcome in rows.values()]  # the run's own answers
        else:
            right = [_expected(runs.samples[arm, source, identity], vote, n) for identity in rows]
        costs = [_cost(outcome, n, runs.samples[arm, source, i], prm) for i, outcome in rows.items()]
        points.append(_point(n, rows, right, costs, derived=n < source))
    return tuple(points)


def _cost(outcome: Outcome, n: int, samples: Candidates, prm: bool) -> Cost:
    return part(outcome.usage, n, len(samples), samples.sharing, prm=prm)


def _expected(samples: Candidates, vote: str, n: int) -> float:
    if not len(samples):
        return 0.0
    n = min(n, len(samples))
    if vote == "any":
        return pass_at(samples, n)
    return accuracy_at(samples, n, vote, None if vote == "majority" else OWN)


def chances(runs: Runs) -> dict[str, float]:
    """Estimate pass@1 of each problem from the policy with the most samples; empty without samples."""
    arms = [(max(by_n), arm) for arm, by_n in runs.tables.items() if arm.independent and max(by_n) > 1]
    if not arms:
        return {}
    n, arm = max(arms, key=lambda pair: pair[0])
    found = ((identity, runs.samples[arm, n, identity]) for identity in runs.tables[arm][n])
    return {identity: float(samples.right.mean()) for identity, samples in found if len(samples)}


def shared(points: Sequence[Point]) -> list[str]:
    """List the problems that all points have, in the order of the first."""
    common = set(points[0].ids).intersection(*(point.ids for point in points[1:]))
    return [identity for identity in points[0].ids if identity in common]


def versus(ours: Point, theirs: Point) -> Interval:
    """Return how much more often ``ours`` is right, paired over the problems both have."""
    common = shared([ours, theirs])
    left, right = dict(zip(ours.ids, ours.right, strict=True)), dict(zip(theirs.ids, theirs.right, strict=True))
    return difference([left[i] for i in common], [right[i] for i in common])


@dataclass(frozen=True, slots=True)
class Gain:
    """How far one method is above another at the largest N that both have; ``value`` may be zero, never less."""

    above: str
    below: str
    n: int
    value: Interval


def gains(curves: Sequence[Curve]) -> list[Gain]:
    """Compare every pair of methods that share problems and an N, the largest difference first."""
    found = []
    for one, other in combinations([curve for curve in curves if not curve.bound], 2):
        n = max({p.n for p in one.points} & {p.n for p in other.points}, default=0)
        ours, theirs = one.at(n), other.at(n)
        if ours is None or theirs is None or not shared([ours, theirs]):
            continue
        gain = versus(ours, theirs)
        if gain.value >= 0:
            found.append(Gain(one.name, other.name, n, gain))
        else:
            found.append(Gain(other.name, one.name, n, Interval(-gain.value, -gain.high, -gain.low)))
    return sorted(found, key=lambda gain: -gain.value.value)


def sizes(curves: Sequence[Curve], most: int = 5) -> list[int]:
    """List the values of N for a table: all, or if too many, those that were run and powers of 4."""
    found = sorted({point.n for curve in curves for point in curve.points})
    if len(found) <= most:
        return found
    run = {point.n for curve in curves for point in curve.points if not point.derived}
    return [n for n in found if n in run or n in (1, 4, 16, 64, 256)]
