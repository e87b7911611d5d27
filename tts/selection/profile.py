"""Profiles: measurements of a policy and a reward model on a calibration split.

A profile is a graph of stages. A *stage* is the state after ``n`` samples, scored or not. It sorts problems into bins
by the *belief*: the calibrated probability that the vote of these samples is right. From each bin a solver can stop,
*advance* to a later stage (more samples, or scores), or take an *ending*: a whole search, whose candidates vote
together with the samples. Cost and accuracy of each move were counted on the calibration problems, bin by bin. The
best move follows by backward induction (:mod:`tts.selection.selector`).

On disk a profile is JSON with a version (:mod:`tts.selection.profile_file`). Nothing in it is executed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tts.selection.estimator import Estimator
from tts.selection.scope.scope import Scope

StageKey = tuple[int, bool, int]
"""Number of samples, whether they are scored, number of searches."""


@dataclass(frozen=True, slots=True)
class Searches:
    """Runs of one search, one after another, with a look after each.

    Attributes:
        strategy, n, parameters: the search.
        runs: how many.
    """

    strategy: str = ""
    n: int = 0
    parameters: Mapping[str, Any] = field(default_factory=dict)
    runs: int = 0

    @property
    def width(self) -> int:
        """Return the width of all runs together."""
        return self.n * self.runs


NO_SEARCHES = Searches()


@dataclass(frozen=True, slots=True)
class Curve:
    """A rate in each of the K bins of a stage, with a 95 % interval: three tuples of K numbers in 0..1."""

    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Scale:
    """The calibration of an estimate: its B bins, and the true values in each.

    Attributes:
        edges: the B - 1 inner borders, ascending.
        found: mean in each bin, and the interval of 90 % of the problems.
    """

    edges: tuple[float, ...]
    found: Curve


@dataclass(frozen=True, slots=True)
class Advance:
    """A move to a later stage.

    Attributes:
        n, scored, searches: the stage it leads to.
        flops: expected cost from each bin [K], both models.
        chance: probability of each bin of that stage from each bin of this one [K][K'].
    """

    n: int
    scored: bool
    flops: tuple[float, ...]
    chance: tuple[tuple[float, ...], ...]
    searches: Searches = NO_SEARCHES

    @property
    def key(self) -> StageKey:
        """Return the key of the stage it leads to."""
        return self.n, self.scored, self.searches.runs

    @property
    def total(self) -> int:
        """Return how many candidates vote after the move, if all searches find as many as their width."""
        return self.n + self.searches.width


@dataclass(frozen=True, slots=True)
class Ending:
    """A move after which the search ends: a whole search, then the vote over its candidates and the samples.

    Attributes:
        strategy, n, parameters: the search. ``best-of-n`` and ``majority`` continue from the samples, so their ``n``
            includes them; that of other strategies does not.
        vote, aggregate: how candidates and samples become one answer; unscored samples weigh nothing against scored
            ones.
        right: accuracy by bin.
        flops: expected cost from each bin [K], both models.
        blind: baseline, never selected: a strategy chosen beforehand, without samples.
        estimate: estimator of the probability that it ends right, from a problem's own features; None if only the rates
            by bin are known.
    """

    strategy: str
    n: int
    right: Curve
    flops: tuple[float, ...]
    vote: str = "weighted"
    aggregate: str = "last"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    blind: bool = False
    estimate: Estimator | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """The state after ``n`` samples, and the moves from there.

    Attributes:
        n: number of samples; the first stage has 0, one bin, and nothing to stop with.
        scored: whether the reward model has scored them.
        searches: searches whose candidates vote together with the samples.
        belief: estimator of the probability that the vote of these samples is right; None at the first stage.
        edges: the K - 1 inner borders of the bins of the belief, ascending.
        share: share of the calibration problems in each bin [K]; sums to 1.
        right: accuracy of the vote of the samples in each bin.
        vote, aggregate: how these samples vote.
        difficulty: estimator of pass@1, and ``scale`` its calibration; None at the first stage.
        advances, endings: the moves.
    """

    n: int
    scored: bool
    edges: tuple[float, ...]
    share: tuple[float, ...]
    right: Curve
    vote: str = "majority"
    aggregate: str = "last"
    belief: Estimator | None = None
    difficulty: Estimator | None = None
    scale: Scale | None = None
    advances: tuple[Advance, ...] = ()
    endings: tuple[Ending, ...] = ()
    searches: Searches = NO_SEARCHES

    @property
    def key(self) -> StageKey:
        """Return what identifies the stage in its profile."""
        return self.n, self.scored, self.searches.runs

    @property
    def total(self) -> int:
        """Return how many candidates vote here, if all searches found as many as their width."""
        return self.n + self.searches.width

    @property
    def moves(self) -> tuple[Advance | Ending, ...]:
        """Return the moves that may be selected."""
        return (*self.advances, *(ending for ending in self.endings if not ending.blind))


@dataclass(frozen=True, eq=False)
class Profile:
    """Measurements of a policy and a reward model. Compared by identity, so that derived results can be cached.

    Attributes:
        policy, prm: names of the models; ``prm`` is empty without a reward model.
        policy_parameters, prm_parameters: their sizes, to detect another model of the same name.
        temperature, top_p: sampling parameters.
        stages: in an order in which every move leads forward.
        greedy: whether the first sample of every stage is the greedy one (temperature 0).
        dataset: name of the calibration data; ``sha256`` is its hash.
        problems: first 12 digits of the SHA-256 of each calibration problem's text (the default of
            :attr:`tts.types.Problem.id`).
        about: how it was made: command, versions, seeds, runs.
        scope: the problems that it was measured on, to tell others from them; None in profiles without.
    """

    policy: str
    prm: str
    policy_parameters: int
    prm_parameters: int
    temperature: float
    top_p: float
    stages: tuple[Stage, ...]
    greedy: bool = False
    dataset: str = ""
    sha256: str = ""
    problems: frozenset[str] = frozenset()
    about: Mapping[str, Any] = field(default_factory=dict)
    scope: Scope | None = None

    @cached_property
    def by_key(self) -> dict[StageKey, Stage]:
        """Index the stages by number of samples, whether they are scored, and number of searches."""
        return {stage.key: stage for stage in self.stages}
