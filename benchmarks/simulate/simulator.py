"""The simulator: plays plans on recorded samples in random orders, and on recorded searches, at their cost.

A simulator exposes what a solver may see and what it pays, never which answers are right. Plays end with a class of
equal answers; only :func:`right_of` tells whether it is right. Arrays: P problems, S orders of each problem's samples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.recordings.pool import Entry, Key, Pool, Searched
from benchmarks.simulate.features import EvidenceBatch, Floats, Ints
from benchmarks.stats.candidates import Candidates, by_aggregation
from benchmarks.stats.subsets import elected
from tts.search.variant import name_of
from tts.selection.estimator import Estimator
from tts.selection.profile import Advance, Curve, Ending, Searches, Stage

ORDERS = 16
"""Orders of each problem's samples. Intervals count problems, not orders."""

SAMPLING = ("best-of-n", "majority")
"""Strategies that continue from the samples drawn so far."""

BEGINNING = Stage(0, False, (), (1.0,), Curve((0.0,), (0.0,), (0.0,)))
"""The first stage: no samples yet, so nothing to stop with."""


@dataclass(frozen=True, slots=True)
class VoteInput:
    """What a vote reads of candidates: classes of equal answers, and scores by aggregation."""

    classes: Ints
    scores: dict[str, Floats]

    @classmethod
    def of(cls, candidates: Candidates) -> VoteInput:
        return cls(candidates.classes, dict(candidates.scores))


class SampleOrders:
    """Samples of a problem in S orders [S, n], and the cost of reading them in these orders."""

    def __init__(self, entry: Entry, orders: Ints) -> None:
        samples = entry.samples
        self.prompt, self.orders = entry.prompt, orders
        self.candidates = VoteInput.of(samples.candidates)
        self.tokens = samples.candidates.tokens.astype(float)[orders]
        self._prompts = entry.policy_prompt_flops, entry.prm_prompt_flops
        self._policy = np.cumsum(samples.policy_flops[orders], axis=1)
        self._prm = np.cumsum([samples.prm_flops(order) for order in orders], axis=1)

    def evidence(self, n: int, scored: bool, aggregate: str) -> EvidenceBatch:
        """Return the first ``n`` samples of every order."""
        first = self.orders[:, :n]
        scores = by_aggregation(self.candidates.scores, aggregate)[first] if scored else None
        return EvidenceBatch(self.candidates.classes[first], scores, self.tokens[:, :n], self.prompt)

    def spent(self, n: int, scored: bool) -> Floats:
        """Return the FLOPs of ``n`` samples and of their scores [S], both prompts included; 0 for no samples."""
        if n == 0:
            return np.zeros(len(self.orders))
        own: Floats = self._prompts[0] + self._policy[:, n - 1]
        return own + self._prompts[1] + self._prm[:, n - 1] if scored else own


class SearchOrders:
    """Runs of a search of a problem, one a seed, in S orders [S, R]: which one a play takes first, which next.

    A run with fewer candidates than another is filled up with some that have no answer and no score.
    """

    def __init__(self, runs: Sequence[Searched], orders: Ints) -> None:
        self.orders, found = orders, [run.candidates for run in runs]
        width = max(map(len, found))

        def joined(values: Sequence[NDArray[Any]], none: float) -> NDArray[Any]:
            return np.stack([np.append(row, np.full(width - len(row), none)) for row in values])[orders]

        self.count = np.array([len(each) for each in found])[orders]
        self.classes = joined([each.classes for each in found], -1).astype(np.int64)
        self.tokens = joined([each.tokens for each in found], 0).astype(float)
        self._lineages = joined([each.lineages for each in found], 0).astype(np.int64)
        self.scores = {how: joined([each.scores[how] for each in found], np.nan) for how in found[0].scores}
        self._policy = np.cumsum(np.array([run.policy_flops for run in runs])[orders], axis=1)
        self._prm = np.cumsum(np.array([run.prm_flops for run in runs])[orders], axis=1)
        self.reads = any(run.prm_flops > 0 for run in runs)

    def first(self, runs: int, aggregate: str) -> tuple[Ints, Floats, Floats]:
        """Return classes, scores and tokens of the candidates of the first ``runs`` of every order [S, m]."""
        rows = len(self.classes)
        return (
            self.classes[:, :runs].reshape(rows, -1),
            by_aggregation(self.scores, aggregate)[:, :runs].reshape(rows, -1),
            self.tokens[:, :runs].reshape(rows, -1),
        )

    def lineages(self, runs: int, start: int) -> Ints:
        """Return numbers of the lineages of the candidates of :meth:`first`, from ``start`` on; no runs share one."""
        width = self.classes.shape[2]
        found: Ints = self._lineages[:, :runs] + start + width * np.arange(runs)[:, None]
        return found.reshape(len(found), -1)

    def there(self, runs: int) -> NDArray[np.bool_]:
        """Return which of the candidates of :meth:`first` were found rather than filled up [S, m]."""
        width = self.classes.shape[2]
        found: NDArray[np.bool_] = (np.arange(width) < self.count[:, :runs, None]).reshape(len(self.count), -1)
        return found

    def spent(self, runs: int) -> Floats:
        """Return the FLOPs of the first ``runs`` of every order without the prompts [S]."""
        if not runs:
            return np.zeros(len(self._policy))
        found: Floats = self._policy[:, runs - 1] + self._prm[:, runs - 1]
        return found


class ProblemSimulator:
    """One problem: its samples in S orders, its searches, and their costs.

    A greedy answer comes first at every stage (``with_greedy``). A strategy chosen beforehand has independent samples
    only (``without_greedy``).
    """

    def __init__(self, entry: Entry, orders: Ints, rng: np.random.Generator) -> None:
        self.with_greedy = SampleOrders(entry, orders)
        self.without_greedy = SampleOrders(entry, orders[:, 1:]) if entry.greedy else self.with_greedy
        self.searches = {
            key: SearchOrders(runs, _rotated(rng, len(runs), len(orders))) for key, runs in entry.searches.items()
        }
        self._prompts = entry.policy_prompt_flops, entry.prm_prompt_flops

    def flops(self, stage: Stage, move: Advance | Ending | None) -> Floats:
        """Return the cost of a move in addition to the cost of the stage [S]."""
        orders = len(self.with_greedy.orders)
        if move is None:
            return np.zeros(orders)
        if isinstance(move, Advance):
            return self._spent(move) - self._spent(stage)
        if not is_search(move):
            row = self.with_greedy if stage.n else self.without_greedy
            scored = stage.scored or move.strategy == "best-of-n"
            return row.spent(move.n, scored) - row.spent(stage.n, stage.scored)
        runs, done = self.searches[key_of(move)], _done(stage, move)
        read = self._prompts[0] * (stage.n == 0) + self._prompts[1] * (runs.reads and not stage.scored)
        return runs.spent(done + 1) - runs.spent(done) + read

    def _spent(self, at: Stage | Advance) -> Floats:
        """Return the FLOPs spent until a stage [S]."""
        samples = self.with_greedy.spent(at.n, at.scored)
        return samples + self.searches[key_of(at.searches)].spent(at.searches.runs) if at.searches.runs else samples

    def features(self, stage: Stage) -> dict[str, Floats]:
        """Compute the features of the candidates at a stage in every order, by name [S]."""
        if not stage.searches.runs:
            return self.with_greedy.evidence(*stage.key[:2], stage.aggregate).features()
        evidence, there = self._candidates(stage)
        assert evidence.scores is not None
        found: dict[str, Floats] = {}
        for count in np.unique(there.sum(axis=1)):  # searches may find fewer candidates than their width
            rows = np.flatnonzero(there.sum(axis=1) == count)
            shape = len(rows), int(count)
            kept = there[rows]
            batch = EvidenceBatch(
                evidence.classes[rows][kept].reshape(shape), evidence.scores[rows][kept].reshape(shape),
                evidence.tokens[rows][kept].reshape(shape), evidence.prompt,
            )  # fmt: skip
            for name, values in batch.features().items():
                found.setdefault(name, np.zeros(len(there)))[rows] = values
        return found

    def _candidates(self, stage: Stage) -> tuple[EvidenceBatch, NDArray[np.bool_]]:
        """Return the samples of a scored stage followed by the candidates of its searches, and which were found."""
        own = self.with_greedy.evidence(stage.n, stage.scored, stage.aggregate)
        runs = self.searches[key_of(stage.searches)]
        classes, scores, tokens = runs.first(stage.searches.runs, stage.aggregate)
        there = np.concatenate([np.ones(own.classes.shape, dtype=bool), runs.there(stage.searches.runs)], axis=1)
        before = np.full(own.classes.shape, np.nan) if own.scores is None else own.scores
        return EvidenceBatch(
            np.concatenate([own.classes, classes], axis=1), np.concatenate([before, scores], axis=1),
            np.concatenate([own.tokens, tokens], axis=1), own.prompt,
        ), there  # fmt: skip

    def answers(self, stage: Stage, move: Ending | None) -> Ints:
        """Return the class that the vote elects after stopping or after an ending; -1 for no answer [S]."""
        last = stage if move is None else move
        n, scored = stage.n, stage.scored
        if move is not None and not is_search(move):
            n, scored = move.n, scored or move.strategy == "best-of-n"
        evidence = (self.with_greedy if stage.n else self.without_greedy).evidence(n, scored, last.aggregate)
        classes = evidence.classes
        scores = np.full(classes.shape, np.nan) if evidence.scores is None else evidence.scores
        lineages = np.broadcast_to(np.arange(classes.shape[1]), classes.shape)  # samples share no step
        more: dict[Key, int] = {}
        if stage.searches.runs:
            more[key_of(stage.searches)] = stage.searches.runs
        if move is not None and is_search(move):
            more[key_of(move)] = _done(stage, move) + 1
        for search, many in more.items():
            found = self.searches[search].first(many, last.aggregate)
            own = self.searches[search].lineages(many, classes.shape[1])
            lineages = np.concatenate([lineages, own], axis=1)
            classes = np.concatenate([classes, found[0]], axis=1)
            scores = np.concatenate([scores, found[1]], axis=1)
        if not classes.shape[1]:
            return np.full(len(classes), -1)
        winner = elected(classes, scores, last.vote, lineages)
        chosen = np.take_along_axis(classes, np.maximum(winner, 0)[:, None], axis=1)[:, 0]
        return np.where(winner >= 0, chosen, -1)


class Simulator:
    """Simulators of all problems of a pool. Results are cached, so many prices can be tried."""

    def __init__(self, pool: Pool, orders: int = ORDERS, seed: int = 0) -> None:
        self.orders = orders
        rng = np.random.default_rng(seed)
        of_searches = np.random.default_rng((seed, 1))
        self.problems = [
            ProblemSimulator(entry, _random_orders(rng, entry, orders), of_searches) for entry in pool.entries
        ]
        self._features: dict[tuple[object, ...], dict[str, Floats]] = {}
        self._kept: dict[tuple[object, ...], NDArray[np.generic]] = {}

    def __len__(self) -> int:
        return len(self.problems)

    def features(self, stage: Stage) -> dict[str, Floats]:
        """Compute the features of every problem and order at a stage, by name [P, S]."""
        key = *stage.key, key_of(stage.searches), stage.aggregate
        if key not in self._features:
            each = [problem.features(stage) for problem in self.problems]
            self._features[key] = {name: np.stack([found[name] for found in each]) for name in each[0]}
        return self._features[key]

    def bins(self, stage: Stage) -> Ints:
        """Return the bin of the stage's belief [P, S]."""
        if stage.belief is None:
            return np.zeros((len(self), self.orders), dtype=np.int64)
        return np.searchsorted(stage.edges, self.beliefs(stage), side="right").astype(np.int64)

    def beliefs(self, stage: Stage) -> Floats:
        """Estimate the probability that the vote is right at a stage [P, S]."""
        assert stage.belief is not None
        return estimate(stage.belief, self.features(stage))

    def answers(self, stage: Stage, move: Ending | None) -> Ints:
        """Return the class elected after stopping at a stage or after an ending; -1 for no answer [P, S]."""
        search = move and (*key_of(move), is_search(move))
        last = move or stage
        key = "answers", *stage.key, key_of(stage.searches), search, last.vote, last.aggregate
        return self._each(key, lambda problem: problem.answers(stage, move)).astype(np.int64)

    def flops(self, stage: Stage, move: Advance | Ending | None) -> Floats:
        """Return the cost of a move in addition to the cost of the stage [P, S]."""
        ending = move and not isinstance(move, Advance) and (*key_of(move), is_search(move))
        to = (*move.key, key_of(move.searches)) if isinstance(move, Advance) else ending
        return self._each(
            ("flops", *stage.key, key_of(stage.searches), to), lambda problem: problem.flops(stage, move)
        ).astype(float)

    def _each(
        self, key: tuple[object, ...], find: Callable[[ProblemSimulator], NDArray[np.generic]]
    ) -> NDArray[np.generic]:
        if key not in self._kept:
            self._kept[key] = np.stack([find(problem) for problem in self.problems])
        return self._kept[key]


def key_of(move: Ending | Searches) -> Key:
    """Return the key of a search among those of a pool."""
    return (name_of(move.strategy, move.parameters), move.n) if move.strategy else ("", 0)


def is_search(move: Ending) -> bool:
    """Return whether an ending is a separate search rather than more of the same samples."""
    return move.strategy not in SAMPLING or move.parameters.get("temperature") == 0


def estimate(estimator: Estimator, features: dict[str, Floats]) -> Floats:
    """Apply a :class:`tts.selection.profile.Estimator` to arrays."""
    total = estimator.bias + sum(weight * features[name] for name, weight in estimator.weights.items())
    found: Floats = 1 / (1 + np.exp(-np.clip(total, -50.0, 50.0)))
    return found


def right_of(pool: Pool, answers: Ints) -> Floats:
    """Grade answers [P, S], given as classes: 1 for a right one. The only place that reads the right answers."""
    width = max(len(entry.right) for entry in pool.entries)
    right = np.stack([np.append(entry.right, np.full(width - len(entry.right), -2)) for entry in pool.entries])
    found: Floats = (answers[:, :, None] == right[:, None, :]).any(axis=2).astype(float)
    return found


def _done(stage: Stage, move: Ending) -> int:
    """Return how often the stage has run the search of an ending before."""
    return stage.searches.runs if key_of(stage.searches) == key_of(move) else 0


def _random_orders(rng: np.random.Generator, entry: Entry, orders: int) -> Ints:
    """Draw uniform orders of a problem's samples [S, m]; a greedy answer stays first."""
    first = np.arange(int(entry.greedy))
    rest = np.arange(len(first), len(entry.samples))
    dealt = rng.permuted(np.broadcast_to(rest, (orders, len(rest))), axis=1)
    return np.concatenate([np.broadcast_to(first, (orders, len(first))), dealt], axis=1)


def _rotated(rng: np.random.Generator, runs: int, orders: int) -> Ints:
    """Draw orders of runs [S, R] in which each run comes first equally often."""
    blocks = rng.permuted(np.broadcast_to(np.arange(runs), (-(-orders // runs), runs)), axis=1)
    return np.array([np.roll(block, -turn) for block in blocks for turn in range(runs)])[:orders]


@dataclass(slots=True)
class GradedSimulator:
    """A simulator with the right answers; results are cached."""

    pool: Pool
    simulator: Simulator
    _right: dict[tuple[object, ...], Floats] = field(default_factory=dict)

    @classmethod
    def of(cls, pool: Pool, orders: int = ORDERS, seed: int = 0) -> GradedSimulator:
        return cls(pool, Simulator(pool, orders, seed))

    @property
    def entries(self) -> tuple[Entry, ...]:
        return self.pool.entries

    def right(self, stage: Stage, move: Ending | None = None) -> Floats:
        """Return how right the vote is after stopping at a stage, or after an ending."""
        by = move or stage
        key = *stage.key, key_of(stage.searches), move and (*key_of(move), is_search(move)), by.vote, by.aggregate
        if key not in self._right:
            self._right[key] = right_of(self.pool, self.simulator.answers(stage, move))
        return self._right[key]

    def flops(self, stage: Stage, move: Advance | Ending) -> Floats:
        """Return the cost of a move in addition to the cost of the stage."""
        return self.simulator.flops(stage, move)

    def features(self, stage: Stage) -> dict[str, Floats]:
        """Return the features of the samples at a stage, by name."""
        return self.simulator.features(stage)
