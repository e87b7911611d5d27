"""From a table to a profile: the ways to vote, the estimators, the bins, and what every move from them comes to."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.calibrate.ballots import COUNTED, blank, blank_finish, of_samples, of_searches
from benchmarks.calibrate.deck import estimate
from benchmarks.calibrate.pool import Key
from benchmarks.calibrate.rates import PRIOR, Bins, curves
from benchmarks.calibrate.regression import Floats, logistic
from benchmarks.calibrate.table import Table
from tts.profile import Advance, Curve, Estimator, Finish, Scale, Stage
from tts.registry import resolve

RIDGE = 3.0
"""Against weights that follow chance, in problems' worth of evidence."""

A_BIN = 50
"""Problems to a bin, about; between 3 and 10 bins."""

FIRST = (1, 2, 4, 8)
"""The stages that the beginning leads to."""

PROBED = 64
"""Searches are measured from stages of so many samples at most."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a fit may be varied by.

    Attributes:
        ridge, prior: see :data:`RIDGE` and :data:`benchmarks.calibrate.rates.PRIOR`.
        bins: of each stage; 0 leaves it to :data:`A_BIN`.
        features: those to be used; None for all.
        searches: the strategies beside the samples; None for all that the pool has.
    """

    ridge: float = RIDGE
    prior: float = PRIOR
    bins: int = 0
    features: tuple[str, ...] | None = None
    searches: tuple[str, ...] | None = None


class Fit:
    """The stages of a profile, fitted to some problems of a table.

    Args:
        table: of all problems.
        rows: the problems that are learned from; all by default.
        scored: whether the reward model takes part.
        settings: the fit's own.
    """

    def __init__(
        self,
        table: Table,
        rows: NDArray[np.int64] | None = None,
        scored: bool | None = None,
        settings: Settings | None = None,
    ) -> None:
        self.table, self.pool = table, table.pool
        self.rows = np.arange(len(table.entries)) if rows is None else rows
        self.scored = self.pool.scored if scored is None else scored
        self.settings = settings or Settings()
        self.sizes = self.pool.sizes
        self.bins = self.settings.bins or max(3, min(10, len(self.rows) // A_BIN))
        self.samples = of_samples(table, self.rows) if self.scored else COUNTED
        self.searches = of_searches(table, self.rows, self.keys())
        self._bins: dict[tuple[int, bool], Bins] = {}

    # ------------------------------------------------------------------------------------------------------- the votes

    def keys(self) -> list[Key]:
        """The searches that can be had: without a reward model only those that need none."""
        wanted = self.settings.searches
        keys = [key for key in self.pool.parameters if wanted is None or key[0] in wanted]
        return [key for key in keys if self.scored or not resolve("strategy", key[0]).needs_reward]

    # ------------------------------------------------------------------------------------------------------ the stages

    def stages(self) -> tuple[Stage, ...]:
        """All of them, in an order in which every move leads forward."""
        kinds = (False, True) if self.scored else (False,)
        keys = [(0, False), *((n, scored) for n in self.sizes for scored in kinds)]
        known = {key: self.seen(*key) for key in keys}
        return tuple(self._with_moves(known[key], known) for key in keys)

    def seen(self, n: int, scored: bool) -> Stage:
        """A stage with its estimators, bins and rates, and no way on."""
        ballot = self.samples if scored else COUNTED
        stage = replace(blank(n, scored), vote=ballot.vote, aggregate=ballot.aggregate)
        if n == 0:
            self._bins[0, False] = Bins.at((), np.full((len(self.rows), self.table.deck.orders), 0.5))
            return stage
        features = {name: values[self.rows] for name, values in self.table.features(stage).items()}
        right = self.table.right(stage)[self.rows]
        truth = np.array([self.table.entries[row].pass_at_1 for row in self.rows])
        truth = np.broadcast_to(truth[:, None], right.shape)
        belief, difficulty = self._estimator(features, right), self._estimator(features, truth)
        bins = Bins.of(estimate(belief, features), self.bins)
        self._bins[n, scored] = bins
        return replace(
            stage, belief=belief, edges=bins.edges, share=_tuple(bins.share), difficulty=difficulty,
            scale=scale(estimate(difficulty, features), truth, self.bins),
        )  # fmt: skip

    def _estimator(self, features: dict[str, Floats], y: Floats) -> Estimator:
        names = [name for name in features if self.settings.features is None or name in self.settings.features]
        x = np.stack([features[name].ravel() for name in names], axis=1)
        weights = np.full(len(x), 1 / y.shape[1])
        bias, slopes = logistic(x, y.ravel(), weights, self.settings.ridge)
        return Estimator(bias, {name: float(slope) for name, slope in zip(names, slopes, strict=True)})

    # ------------------------------------------------------------------------------------------------------- the moves

    def _with_moves(self, stage: Stage, known: dict[tuple[int, bool], Stage]) -> Stage:
        right, more = self._more_samples(stage)
        advances = tuple(self._advance(stage, known[key]) for key in known if _leads(stage, *key))
        return replace(stage, right=right, advances=advances, finishes=(*more, *self._search(stage)))

    def _advance(self, stage: Stage, after: Stage) -> Advance:
        """Chances as they were counted, drawn a little towards what that stage's bins hold of all problems."""
        here, there = self._bins[stage.key], self._bins[after.key]
        counts = np.zeros((len(here), len(there)))
        np.add.at(counts, (here.place.ravel(), there.place.ravel()), 1 / here.place.shape[1])
        counts += 0.5 * there.share
        chance = counts / counts.sum(axis=1, keepdims=True)
        move = Advance(after.n, after.scored, (), ())
        flops = here.mean(self.table.flops(stage, move)[self.rows])
        return replace(move, flops=_tuple(flops), chance=tuple(map(_tuple, chance)))

    def _more_samples(self, stage: Stage) -> tuple[Curve, list[Finish]]:
        """How often the samples at hand are right, and more of the same kind in one go; with scores, and without."""
        finishes: list[Finish] = []
        right = stage.right
        for strategy in ("majority", "best-of-n")[stage.scored : 1 + self.scored]:
            ballot = COUNTED if strategy == "majority" else self.samples
            own = stage.n > 0 and (strategy == "best-of-n") == stage.scored
            widths = [n for n in self.sizes if n > stage.n]
            moves = [blank_finish(strategy, n, ballot) for n in widths]
            raw = [self._rates(stage, move) for move in moves]
            found = self._curves(stage, raw, widths, own)
            if own:
                right, found = found[0], found[1:]
            finishes += self._priced(stage, moves, found)
        return right, finishes

    def _search(self, stage: Stage) -> list[Finish]:
        finishes: list[Finish] = []
        if stage.n > PROBED:
            return finishes
        for strategy, ballot in self.searches.items():
            keys = [key for key in self.keys() if key[0] == strategy]
            moves = [blank_finish(*key, ballot, self.pool.parameters[key]) for key in keys]
            if resolve("strategy", strategy).needs_reward or stage.n == 0:
                found = self._curves(stage, [self._rates(stage, move) for move in moves], [move.n for move in moves])
                finishes += self._priced(stage, moves, found)
        return finishes

    def _rates(self, stage: Stage, move: Finish | None) -> Floats:
        return self._bins[stage.key].mean(self.table.right(stage, move)[self.rows])

    def _curves(self, stage: Stage, raw: list[Floats], widths: list[int], own: bool = False) -> list[Curve]:
        """Of a strategy; ``own`` where stopping is its first point."""
        if own:
            raw, widths = [self._rates(stage, None), *raw], [stage.n, *widths]
        return curves(np.array(raw), widths, self._bins[stage.key], self.settings.prior) if raw else []

    def _priced(self, stage: Stage, moves: list[Finish], found: list[Curve]) -> list[Finish]:
        bins = self._bins[stage.key]
        return [
            replace(move, right=curve, flops=_tuple(bins.mean(self.table.flops(stage, move)[self.rows])))
            for move, curve in zip(moves, found, strict=True)
        ]


def scale(estimates: Floats, truth: Floats, count: int) -> Scale:
    """The calibration of an estimate [P, S] of what is in truth so [P, S]."""
    bins = Bins.of(estimates, count)
    parts = [truth[bins.place == k] for k in range(len(bins))]
    means = [float(part.mean()) for part in parts]
    low, high = ([float(np.quantile(part, q)) for part in parts] for q in (0.05, 0.95))
    pairs = zip(means, low, high, strict=True)
    ends = [(mean, min(mean, bottom), max(mean, top)) for mean, bottom, top in pairs]
    return Scale(bins.edges, Curve(*(tuple(end[k] for end in ends) for k in range(3))))


def _leads(stage: Stage, n: int, scored: bool) -> bool:
    if stage.n == 0:
        return n in FIRST
    if stage.scored:
        return n == 2 * stage.n and scored
    return (n, scored) in ((2 * stage.n, False), (stage.n, True))


def _tuple(values: Floats) -> tuple[float, ...]:
    return tuple(values.tolist())
