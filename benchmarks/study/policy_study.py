"""The study of one policy: profile, plays, comparisons and claims."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.calibrate.build import calibrate
from benchmarks.calibrate.evaluate import choose, folds
from benchmarks.calibrate.fit import Fit, Shape
from benchmarks.calibrate.optimism import lowered
from benchmarks.recordings.pool import Pool
from benchmarks.simulate.simulator import GradedSimulator
from benchmarks.study import claims
from benchmarks.study.claims import Claim, Comparison, Row
from benchmarks.study.compare import Draws, Point
from benchmarks.study.difficulty import DifficultyEstimate, estimate_difficulty
from benchmarks.study.measure import Measured, Part, SeedSimulators, budgets_of, measure
from benchmarks.study.oracle import OracleSimulator
from tts.errors import TTSError
from tts.models.find import find
from tts.selection.profile import Profile

PROBED = 4
"""Number of samples after which the difficulty estimate is evaluated."""

KNOWN = Shape(searches=True)
"""Shape of the profile that knows the difficulty: more samples tell it nothing, so any move may be best."""

FEWER = {"best-of-n": 4.0, "majority": 8.0}
"""Claimed factor of FLOPs saved at the accuracy of these strategies at their largest N."""


@dataclass(frozen=True, slots=True)
class PolicyStudy:
    """The results of one policy.

    Attributes:
        compared: the plays in every draw of the bootstrap.
        budgets: budgets of the selector's points.
        rows: the selector compared with every fixed strategy at equal cost.
        difficulty: difficulty estimates after a few samples.
        oracle: points of a selector that knows the true pass@1.
        claims: the claims, and whether they hold.
    """

    compared: Comparison
    budgets: tuple[float, ...]
    rows: tuple[Row, ...]
    difficulty: tuple[DifficultyEstimate, ...]
    oracle: tuple[Point, ...]
    claims: tuple[Claim, ...]

    @property
    def measured(self) -> Measured:
        return self.compared.measured


def on_test(validation: Pool, tests: list[Pool], orders: int, draws: int) -> PolicyStudy:
    """Fit on the validation problems and play the test problems of every seed.

    If the test problems have fewer samples, only as many of each validation problem are used.
    """
    simulators = SeedSimulators(tests, orders)
    validation = validation.first(min(pool.width for pool in tests))
    everywhere = np.arange(len(simulators.ids))
    parts = [Part(everywhere, calibrate(validation).profile)]
    knowing = GradedSimulator(validation, OracleSimulator(validation, orders))
    oracles = [Part(everywhere, _profile(knowing, np.arange(len(validation.entries)), KNOWN))]
    return _study(simulators, parts, oracles, draws)


def across(validation: Pool, orders: int, draws: int) -> PolicyStudy:
    """Cross-fit: play every validation problem with a profile fitted to the other four fifths.

    The shape of the profiles and the shift of their rates are chosen on all problems.
    """
    simulators = SeedSimulators([validation], orders)
    knowing = GradedSimulator(validation, OracleSimulator(validation, orders))
    everywhere, parts = np.arange(len(simulators.ids)), folds(len(simulators.ids))
    graded = GradedSimulator(validation, simulators.simulators[0])
    shape, promised, _ = choose(graded, validation.scored)
    found = [
        [Part(part, lowered(_profile(t, np.setdiff1d(everywhere, part), s), by)) for part in parts]
        for t, s, by in ((graded, shape, promised), (knowing, KNOWN, 0.0))
    ]
    return _study(simulators, found[0], found[1], draws)


def _study(simulators: SeedSimulators, parts: list[Part], oracles: list[Part], draws: int) -> PolicyStudy:
    budgets = budgets_of(parts[0].profile)
    drawn = Draws(len(simulators.ids), draws)
    compared = Comparison(measure(simulators, parts, budgets), drawn)
    rows = compared.rows(budgets)
    knowing = simulators.knowing()
    oracle = [knowing.selector_of(oracles, budget) for budget in budgets]
    first = parts[0].profile
    stage = first.by_key.get((PROBED, bool(first.prm), 0))
    judged = [estimate_difficulty(simulators, stage, drawn)] if stage else []
    return PolicyStudy(
        compared, tuple(budgets), tuple(rows), tuple(judged), tuple(oracle), tuple(_claims(compared, rows, oracle))
    )


def _claims(compared: Comparison, rows: list[Row], oracle: list[Point]) -> list[Claim]:
    name, knowing = compared.measured.policy, compared.draws.of(oracle)
    found = [claims.never_below(name, rows)]
    for strategy, least in FEWER.items():
        if strategy in compared.fixed:
            found.append(claims.somewhere_above(name, rows, strategy))
            found.append(claims.cheaper(name, compared, strategy, least, knowing))
    return found


def _profile(graded: GradedSimulator, rows: np.ndarray, shape: Shape) -> Profile:
    """Fit a profile to these problems, with only the fields that plays need."""
    pool = graded.pool
    sizes = parameters(pool.policy), parameters(pool.prm)
    return Profile(pool.policy, pool.prm, *sizes, 1.0, 1.0, Fit(graded, rows, shape=shape).stages())


def parameters(name: str) -> int:
    """Return the number of parameters of a model; 0 for an empty or unknown name."""
    try:
        return find(name).parameters if name else 0
    except TTSError:
        return 0
