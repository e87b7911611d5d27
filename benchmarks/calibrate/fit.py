"""Fitting of a profile: vote rules, estimators, bins, and rates and costs of every move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.calibrate.rates import Bins, curves
from benchmarks.calibrate.vote_choice import of_samples, of_searches, unmeasured_ending, unmeasured_stage
from benchmarks.recordings.pool import Key, Pool
from benchmarks.simulate.simulator import GradedSimulator, estimate, is_search
from benchmarks.stats.regression import Floats, logistic
from benchmarks.stats.vote_rules import MAJORITY, VoteRule
from tts.registry import resolve
from tts.search.variant import base
from tts.selection.estimator import Estimator
from tts.selection.profile import NO_SEARCHES, Advance, Curve, Ending, Profile, Scale, Searches, Stage, StageKey
from tts.selection.selector import Limits, best_moves, cheapest

RIDGE = 3.0
"""Ridge penalty of the estimators, in problems' worth of evidence."""

A_BIN = 40
"""Approximate number of problems per bin; there are 3 to :data:`MOST_BINS` bins."""

MOST_BINS = 12

ROUNDS = 2
"""Refits. Each weights the problems by how often the selector with the previous fit reaches a stage with them."""

FLOOR = 0.02
"""Weight of a problem at a stage that the selector never reaches with it."""

FIRST = 8
"""Limit of samples before the first decision."""

BEFORE = 1
"""Limit of samples of a stage from which a search is repeated."""

ESTIMABLE = 200
"""Problems from which on endings may have estimates: more than ten for each coefficient."""

PROBED = 64
"""Limit of samples of a stage from which searches are measured."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Which moves a profile has besides stopping and sampling. More moves promise more, and overfit more.

    Attributes:
        unscored: whether stages of unscored samples exist in a profile with a reward model.
        searches: whether searches may be chosen, at the first stage or after samples.
        repeated: a search that may be run several times, with a look after each run.
        estimates: whether endings have estimates for single problems, beside the rates of their bins.
    """

    unscored: bool = False
    searches: bool = False
    repeated: Key | None = None
    estimates: bool = False


SIMPLEST = Shape()


def shapes(pool: Pool, scored: bool) -> list[Shape]:
    """Return the shapes that can be fitted to a pool, the simplest first."""
    found, estimating = [SIMPLEST], [Shape(estimates=True)]
    if scored:
        found.append(Shape(unscored=True))
        if pool.parameters:
            found += [Shape(searches=True), Shape(unscored=True, searches=True)]
            estimating.append(Shape(searches=True, estimates=True))
        needing = (key for key in pool.parameters if resolve("strategy", base(key[0])).needs_reward)
        repeated = [key for key in needing if pool.repeats(key) > 1]
        found += [Shape(repeated=key) for key in repeated]
        estimating += [Shape(searches=True, repeated=key, estimates=True) for key in repeated]
    return found + estimating if len(pool.entries) >= ESTIMABLE else found


class Fit:
    """The stages of a profile, fitted to some problems of a pool.

    Args:
        graded: simulator of all problems.
        rows: problems to fit to; all by default.
        scored: whether the reward model takes part.
        shape: shape of the profile.
    """

    def __init__(
        self,
        graded: GradedSimulator,
        rows: NDArray[np.int64] | None = None,
        scored: bool | None = None,
        shape: Shape = SIMPLEST,
    ) -> None:
        self.graded, self.pool, self.shape = graded, graded.pool, shape
        self.rows = np.arange(len(graded.entries)) if rows is None else rows
        self.scored = self.pool.scored if scored is None else scored
        self.bins = max(3, min(MOST_BINS, len(self.rows) // A_BIN))
        self.sizes = self.pool.sizes
        self.samples = of_samples(graded, self.rows) if self.scored else MAJORITY
        self.searches = of_searches(graded, self.rows, self.keys())
        self._bins: dict[StageKey, Bins] = {}
        self._weight: dict[StageKey, Floats] = {}

    # ------------------------------------------------------------------------------------------------------- the votes

    def keys(self) -> list[Key]:
        """Return the searches that may be used: without a reward model only those that need none."""
        return [
            key for key in self.pool.parameters if self.scored or not resolve("strategy", base(key[0])).needs_reward
        ]

    # ------------------------------------------------------------------------------------------------------ the stages

    def stages(self) -> tuple[Stage, ...]:
        """Return all stages in an order in which every move leads forward.

        The rates of a stage must be those of the problems that reach it: a problem in doubt after 8 samples and certain
            after 16 is less often right than one that was always certain. Which problems reach it depends on the rates,
            so the fit is repeated with the problems that the selector would bring there.
        """
        found = self._stages()
        for _ in range(ROUNDS):
            self._weight = self._visits(found)
            found = self._stages()
        return found

    def _stages(self) -> tuple[Stage, ...]:
        kinds = [False] * (self.shape.unscored or not self.scored) + [True] * self.scored
        keys = [(0, False, 0), *((n, scored, 0) for n in self.sizes for scored in kinds)]
        if self.shape.repeated:
            runs = range(1, 1 + self.pool.repeats(self.shape.repeated))
            keys += [(n, True, k) for n in self.sizes if n <= BEFORE for k in runs]
            keys.sort(key=lambda key: (key[0], key[2], key[1]))
        known = {key: self.seen(*key) for key in keys}
        return tuple(self._with_moves(known[key], known) for key in keys)

    def _visits(self, stages: tuple[Stage, ...]) -> dict[StageKey, Floats]:
        """Count how often each problem and order reaches each stage, averaged over prices [P, S]."""
        profile = Profile("", "", 0, 0, 1.0, 1.0, stages)
        shape = len(self.rows), self.graded.simulator.orders
        visits = {stage.key: np.full(shape, FLOOR) for stage in stages}
        row = prices(profile)
        for price in row:
            moves = best_moves(profile, price, Limits(n=10**6))
            there = {stage.key: np.full(shape, stage.n == 0) for stage in stages}
            for stage in stages:
                visits[stage.key] += there[stage.key] / len(row)
                for bin, choice in enumerate(moves[stage.key].choices):
                    if isinstance(choice.move, Advance):
                        here = there[stage.key] & (self._bins[stage.key].place == bin)
                        there[choice.move.key] |= here
        return visits

    def seen(self, n: int, scored: bool, runs: int = 0) -> Stage:
        """Return a stage with its estimators, bins and rates, without moves."""
        rule = self._rule(scored, runs)
        stage = replace(unmeasured_stage(n, scored), vote=rule.vote, aggregate=rule.aggregate, searches=self._run(runs))
        if n == 0:
            self._bins[stage.key] = Bins.at((), np.full((len(self.rows), self.graded.simulator.orders), 0.5))
            return stage
        features = {name: values[self.rows] for name, values in self.graded.features(stage).items()}
        right = self.graded.right(stage)[self.rows]
        truth = np.array([self.graded.entries[row].pass_at_1 for row in self.rows])
        truth = np.broadcast_to(truth[:, None], right.shape)
        weight = self._weight.get(stage.key, np.ones(right.shape))
        belief = self._estimator(features, right, np.ones(right.shape) if self.shape.estimates else weight)
        difficulty = self._estimator(features, truth, np.ones(right.shape))
        bins = Bins.of(estimate(belief, features), self.bins, weight)
        self._bins[stage.key] = bins
        return replace(
            stage, belief=belief, edges=bins.edges, share=_tuple(bins.share), difficulty=difficulty,
            scale=scale(estimate(difficulty, features), truth, self.bins),
        )  # fmt: skip

    def _rule(self, scored: bool, runs: int) -> VoteRule:
        """Return how the candidates of a stage vote: as those of its search do where it has run one."""
        if not scored:
            return MAJORITY
        return self.searches[self.shape.repeated[0]] if runs and self.shape.repeated else self.samples

    def _run(self, runs: int) -> Searches:
        if not runs or self.shape.repeated is None:
            return NO_SEARCHES
        name, n = self.shape.repeated
        return Searches(base(name), n, dict(self.pool.parameters[name, n]), runs)

    def _estimator(self, features: dict[str, Floats], y: Floats, weight: Floats) -> Estimator:
        if not self.pool.greedy:  # without a greedy answer the first sample is like any other
            features = {name: values for name, values in features.items() if name != "first"}
        x = np.stack([values.ravel() for values in features.values()], axis=1)
        bias, slopes = logistic(x, y.ravel(), weight.ravel() / y.shape[1], RIDGE)
        return Estimator(bias, {name: float(slope) for name, slope in zip(features, slopes, strict=True)})

    # ------------------------------------------------------------------------------------------------------- the moves

    def _with_moves(self, stage: Stage, known: dict[StageKey, Stage]) -> Stage:
        right, endings = self._samples(stage)
        if stage.n == 0 or (self.shape.searches and stage.n <= PROBED and self._more(stage)):
            for strategy in self.searches:
                endings += self._search(stage, strategy)
        if stage.n == 0:
            endings = [replace(ending, blind=self._blind(ending)) for ending in endings]
        advances = tuple(self._advance(stage, known[key]) for key in known if self._leads(stage, *key))
        return replace(stage, right=right, advances=advances, endings=tuple(endings))

    def _samples(self, stage: Stage) -> tuple[Curve, list[Ending]]:
        """Return the rates of stopping, and the endings that draw more samples at once, with and without scores."""
        right, endings = stage.right, list[Ending]()
        for strategy in ("majority", "best-of-n")[stage.scored : 1 + self.scored]:
            rule = self._rule(strategy == "best-of-n", stage.searches.runs)
            moves = [unmeasured_ending(strategy, n, rule) for n in self.sizes if n > stage.n]
            widths = [move.n for move in moves]
            if stage.n and (strategy == "best-of-n") == stage.scored:  # stopping is the first point of this curve
                right, *found = self._curves(stage, [None, *moves], [stage.n, *widths])
            else:
                found = self._curves(stage, moves, widths)
            endings += self._priced(stage, moves, found)
        return right, endings

    def _more(self, stage: Stage) -> bool:
        """Return whether a run of a search is left after those of a stage."""
        repeated, done = self.shape.repeated, stage.searches.runs
        return not done or (repeated is not None and done < self.pool.repeats(repeated))

    def _blind(self, ending: Ending) -> bool:
        """Return whether an ending of the first stage is for comparison only.

        Plans with decisions in between cost the same and reach the same accuracy, but their rates are lowered
        (:mod:`benchmarks.calibrate.optimism`). A plan without them would seem better than it is. A single answer may be
        chosen, and searches if the shape has them.
        """
        single = (ending.strategy, ending.n) == ("majority", 1)
        return not single and not (self.shape.searches and is_search(ending))

    def _leads(self, stage: Stage, n: int, scored: bool, runs: int) -> bool:
        if stage.n == 0:
            return 0 < n <= FIRST and not runs
        after = next((size for size in self.sizes if size > stage.n), None)
        done = stage.searches.runs
        if stage.scored:
            return scored and (n, runs) in ((after, done), (stage.n, done + 1))
        return not runs and (n, scored) in ((after, False), (stage.n, True))

    def _advance(self, stage: Stage, after: Stage) -> Advance:
        """Count the transition probabilities and the costs of an advance."""
        here, there = self._bins[stage.key], self._bins[after.key]
        counts = np.full((len(here), len(there)), 1e-9)
        np.add.at(counts, (here.place.ravel(), there.place.ravel()), here.weight.ravel())
        chance = counts / counts.sum(axis=1, keepdims=True)
        move = Advance(after.n, after.scored, (), (), after.searches)
        flops = here.mean(self.graded.flops(stage, move)[self.rows])
        return replace(move, flops=_tuple(flops), chance=tuple(map(_tuple, chance)))

    def _search(self, stage: Stage, strategy: str) -> list[Ending]:
        rule = self.searches[strategy]
        keys = [key for key in self.keys() if key[0] == strategy]
        if stage.searches.runs:
            keys = [key for key in keys if key == self.shape.repeated]
        if not keys:
            return []
        if stage.n and not resolve("strategy", base(strategy)).needs_reward:  # a greedy answer is one of the samples
            return []
        moves = [unmeasured_ending(*key, rule, self.pool.parameters[key]) for key in keys]
        return self._priced(stage, moves, self._curves(stage, moves, [move.n for move in moves]))

    def _curves(self, stage: Stage, moves: Sequence[Ending | None], widths: list[int]) -> list[Curve]:
        """Return the rates by bin of moves of one strategy; None is stopping."""
        bins = self._bins[stage.key]
        raw = [bins.mean(self.graded.right(stage, move)[self.rows]) for move in moves]
        return curves(np.array(raw), widths, bins) if raw else []

    def _priced(self, stage: Stage, moves: list[Ending], found: list[Curve]) -> list[Ending]:
        bins = self._bins[stage.key]
        flops = [_tuple(bins.mean(self.graded.flops(stage, move)[self.rows])) for move in moves]
        each = zip(moves, found, flops, self._estimates(stage, moves), strict=True)
        return [replace(move, right=curve, flops=cost, estimate=own) for move, curve, cost, own in each]

    def _estimates(self, stage: Stage, moves: Sequence[Ending]) -> Sequence[Estimator | None]:
        """Fit the probability that each ending is right.

        All problems count alike, as for the belief beside it: the two are compared with each other.
        """
        if not self.shape.estimates or stage.n == 0 or stage.scored != self.scored:
            return [None] * len(moves)
        features = {name: values[self.rows] for name, values in self.graded.features(stage).items()}
        rights = (self.graded.right(stage, move)[self.rows] for move in moves)
        return [self._estimator(features, right, np.ones(right.shape)) for right in rights]


def prices(profile: Profile) -> list[float]:
    """Return prices of a FLOP, from one that buys only the cheapest answer to one that buys nearly everything."""
    return [0.03 / cheapest(profile) * 3.0**-k for k in range(7)]


def scale(estimates: Floats, truth: Floats, count: int) -> Scale:
    """Calibrate an estimate [P, S] against the truth [P, S]."""
    bins = Bins.of(estimates, count)
    parts = [truth[bins.place == k] for k in range(len(bins))]
    means = [float(part.mean()) for part in parts]
    low, high = ([float(np.quantile(part, q)) for part in parts] for q in (0.05, 0.95))
    pairs = zip(means, low, high, strict=True)
    ends = [(mean, min(mean, bottom), max(mean, top)) for mean, bottom, top in pairs]
    return Scale(bins.edges, Curve(*(tuple(end[k] for end in ends) for k in range(3))))


def _tuple(values: Floats) -> tuple[float, ...]:
    return tuple(values.tolist())
