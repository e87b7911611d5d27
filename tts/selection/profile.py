"""Profiles: what was measured of a policy and a reward model on a calibration split.

A profile is a graph of stages. A *stage* is what a solver knows after ``n`` samples, with or without the reward model's
scores; it sorts problems into bins by the *belief*, the calibrated chance that the vote of these samples
is right. From each bin one can stop, *advance* to a later stage (more samples, or the scores of those at hand) or
*finish* with a whole search beside the samples. What each of these costs and how often it ends right was counted on the
calibration problems, bin by bin, so the best way on is found by backward induction (:mod:`tts.selection.selector`).

On disk it is JSON with a version (:mod:`tts.selection.profile_file`). Nothing in it is run or evaluated.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any


@dataclass(frozen=True, slots=True)
class Curve:
    """A rate in each of the K bins of a stage, with a 95 % interval: three tuples of K numbers in 0..1."""

    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Estimator:
    """A logistic regression over named features of the samples (:mod:`tts.selection.features`).

    The estimate is ``1 / (1 + exp(-(bias + sum of weight * feature)))``.
    """

    bias: float
    weights: Mapping[str, float]

    def __call__(self, features: Mapping[str, float]) -> float:
        """The estimate, in 0..1. Raises KeyError for a feature that is not there."""
        total = self.bias + sum(weight * features[name] for name, weight in self.weights.items())
        return 1 / (1 + math.exp(-max(-50.0, min(50.0, total))))


@dataclass(frozen=True, slots=True)
class Scale:
    """An estimate's calibration: its B bins, and what was found in each.

    Attributes:
        edges: the B - 1 inner borders, ascending.
        found: in each bin the mean, and the interval that holds nine problems of ten.
    """

    edges: tuple[float, ...]
    found: Curve


@dataclass(frozen=True, slots=True)
class Advance:
    """A move to a later stage.

    Attributes:
        n, scored: the stage it leads to.
        flops: expected cost from each bin [K], both models.
        chance: from each bin, the chance of each bin of that stage [K][K'].
    """

    n: int
    scored: bool
    flops: tuple[float, ...]
    chance: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Ending:
    """A whole search, after which the vote is taken over what it found and the samples at hand.

    Attributes:
        strategy, n, parameters: the search. ``best-of-n`` and ``majority`` go on from the samples at hand, so their
            ``n`` counts those; another strategy's counts its own.
        vote, aggregate: how its candidates and the samples become one answer; samples that are not scored weigh nothing
            beside some that are.
        right: how often that is right, by bin.
        flops: expected cost from each bin [K], both models.
        blind: it stands there to be compared with and is not chosen: what one might fix beforehand, without a look.
    """

    strategy: str
    n: int
    right: Curve
    flops: tuple[float, ...]
    vote: str = "weighted"
    aggregate: str = "last"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    blind: bool = False


@dataclass(frozen=True, slots=True)
class Stage:
    """What is known after ``n`` samples, and where one can go from there.

    Attributes:
        n: samples; 0 is the beginning, where there is one bin and nothing to stop with.
        scored: whether the reward model has scored them.
        belief: the chance that the vote of these samples is right; None at the beginning.
        edges: the K - 1 inner borders of the bins of the belief, ascending.
        share: how many of the calibration problems were in each bin [K]; sums to 1.
        right: how often the vote of the samples was right in each bin.
        vote, aggregate: how these samples vote.
        difficulty: the estimate of pass@1, and ``scale`` its calibration; None at the beginning.
        advances, endings: the ways on.
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

    @property
    def key(self) -> tuple[int, bool]:
        """What names the stage in its profile."""
        return self.n, self.scored

    @property
    def moves(self) -> tuple[Advance | Ending, ...]:
        """The ways on that may be chosen."""
        return (*self.advances, *(ending for ending in self.endings if not ending.blind))


@dataclass(frozen=True, eq=False)
class Profile:
    """What was measured of a policy and a reward model. Compared by identity, so that what follows from it is kept.

    Attributes:
        policy, prm: their names; ``prm`` is empty where none took part.
        policy_parameters, prm_parameters: their sizes, to tell another model of the same name.
        temperature, top_p: of the sampling.
        stages: in an order in which every move leads forward; the first is the beginning.
        greedy: whether the first sample of every stage is the greedy one (temperature 0).
        dataset: name of the calibration data, and ``sha256`` its hash.
        problems: of each calibration problem, the first 12 digits of the SHA-256 of its text
            (:attr:`tts.types.Problem.id` where none was given).
        about: how it came about: command, versions, seeds, runs.
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

    @cached_property
    def by_key(self) -> dict[tuple[int, bool], Stage]:
        """The stages by number of samples and whether they are scored."""
        return {stage.key: stage for stage in self.stages}
