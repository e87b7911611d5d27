"""A pool: recorded samples and searches of many problems as arrays, for calibration and the selector's study.

A problem has m independent samples, every subset of which is a valid run of that size. Its greedy answer, if recorded,
comes first; candidates of searches are separate. All answers of a problem share one numbering of classes, so samples
and candidates of a search can vote together. 500 problems of 256 samples take some 30 MB.

Costs are FLOPs of both models. The prompt is separate, since it is paid once. The reward model's cost is per step: a
step that several samples share is paid once, as :class:`tts.search.search.Search` charges it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.stats.candidates import Candidates

Key = tuple[str, int]
"""Variant of a strategy (:mod:`tts.search.variant`) and width of a search, such as ``("dvts:granularity=2", 16)``."""


@dataclass(frozen=True, slots=True)
class Searched:
    """One search of a problem: its candidates, and its cost without the prompts."""

    candidates: Candidates
    policy_flops: float
    prm_flops: float


@dataclass(frozen=True, slots=True)
class SampleSet:
    """The independent samples of a problem.

    Attributes:
        candidates: the m samples.
        policy_flops: cost of each without the prompt [m].
        steps: numbers of each sample's steps, -1 after its last [m, D]; equal prefixes have equal numbers. No columns
            without a reward model.
        step_flops: cost of each step for the reward model [S].
    """

    candidates: Candidates
    policy_flops: NDArray[np.float64]
    steps: NDArray[np.int32]
    step_flops: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.candidates)

    def cut(self, part: slice) -> SampleSet:
        """Return some of the samples."""
        return SampleSet(self.candidates.cut(part), self.policy_flops[part], self.steps[part], self.step_flops)

    def prm_flops(self, order: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return what each sample adds to the reward model's FLOPs when they are read in this order [len(order)]."""
        depth = self.steps.shape[1]
        if not depth:
            return np.zeros(len(order))
        numbers, first = np.unique(self.steps[order].ravel(), return_index=True)
        there = numbers >= 0
        added: NDArray[np.float64] = np.zeros(len(order))
        np.add.at(added, first[there] // depth, self.step_flops[numbers[there]])
        return added


@dataclass(frozen=True, slots=True)
class Entry:
    """One problem of a pool.

    Attributes:
        id: first 12 digits of the SHA-256 of its text (the default of :attr:`tts.types.Problem.id`).
        level: 0 if the data set has none.
        prompt: tokens of the policy's prompt.
        policy_prompt_flops, prm_prompt_flops: cost of the prompt, paid once.
        samples: independent samples; the first is the greedy answer if ``greedy``.
        searches: runs of each search, one a seed, by strategy and width.
        greedy: whether the first sample is the greedy one (temperature 0).
        right: classes of right answers, in ascending order; made from all candidates.
    """

    id: str
    level: int
    prompt: int
    policy_prompt_flops: float
    prm_prompt_flops: float
    samples: SampleSet
    searches: Mapping[Key, tuple[Searched, ...]] = field(default_factory=dict)
    greedy: bool = False
    right: NDArray[np.int64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        runs = (run for each in self.searches.values() for run in each)
        known = [self.samples.candidates, *(run.candidates for run in runs)]
        right = [each.classes[each.right & (each.classes >= 0)] for each in known]
        object.__setattr__(self, "right", np.unique(np.concatenate(right)))

    @property
    def pass_at_1(self) -> float:
        """Return the share of independent samples that are right."""
        return float(self.samples.candidates.right[self.greedy :].mean())

    @property
    def width(self) -> int:
        """Return the number of independent samples."""
        return len(self.samples) - self.greedy


def without_greedy(entry: Entry) -> Entry:
    """Return the problem with its independent samples only."""
    if not entry.greedy:
        return entry
    return replace(entry, samples=entry.samples.cut(slice(1, None)), greedy=False)


@dataclass(frozen=True, slots=True)
class Pool:
    """The problems of one or several runs of the same models.

    Attributes:
        entries: the problems; each has samples, and every search of ``parameters``.
        policy, prm: names of the models; ``prm`` is empty without a reward model.
        sampling: parameters of the samples: temperature, top_p, ...
        policy_parameters: size of the policy, derived from its costs; 0 if unknown.
        parameters: parameters of each search.
        dataset, sha256: name and hash of the data.
        manifests: manifests of the runs, {} for those without.
        notes: what was left out or estimated, in sentences.
        texts: of the problems, in the order of ``entries``.
    """

    entries: tuple[Entry, ...]
    policy: str
    prm: str
    sampling: Mapping[str, Any]
    policy_parameters: int = 0
    parameters: Mapping[Key, Mapping[str, Any]] = field(default_factory=dict)
    dataset: str = ""
    sha256: str = ""
    manifests: tuple[Mapping[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()

    @property
    def scored(self) -> bool:
        """Return whether a reward model has scored the samples."""
        return bool(self.prm)

    @property
    def width(self) -> int:
        """Return the smallest number of independent samples of a problem."""
        return min(entry.width for entry in self.entries)

    def repeats(self, key: Key) -> int:
        """Return the number of runs of a search that every problem has."""
        return min(len(entry.searches[key]) for entry in self.entries)

    @property
    def greedy(self) -> bool:
        """Return whether the greedy answer is the first sample of every problem."""
        return all(entry.greedy for entry in self.entries)

    def first(self, n: int) -> Pool:
        """Return the pool with the first n independent samples of each problem."""
        cut = (replace(each, samples=each.samples.cut(slice(n + each.greedy))) for each in self.entries)
        return replace(self, entries=tuple(cut))

    @property
    def sizes(self) -> list[int]:
        """Return the numbers of samples of the stages: powers of two, and all samples if that is far more."""
        powers = [2**k for k in range(self.width.bit_length())]
        return [*powers, self.width] if self.width >= 1.5 * powers[-1] else powers
