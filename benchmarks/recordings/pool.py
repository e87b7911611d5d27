"""What runs over a data set found out of each problem, as arrays: what calibration and the selector's study draw on.

A problem has m independent samples, of which any n are as good a run at n as any others, before them its greedy answer
where that was recorded, and beside them the candidates of searches. All answers of a problem share one numbering of
classes, so that samples and a search's candidates can vote together. 500 problems of 256 samples take some 30 MB.

Costs are FLOPs of both models. The prompt is apart, since it is paid once however many samples follow. What the reward
model read is told by step: a step that several samples share is paid once, as :class:`tts.search.search.Search` charges
it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Key = tuple[str, int]
"""A search's strategy and width, such as ``("dvts", 16)``."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Solutions of one problem that could vote.

    Attributes:
        classes: of each answer, equal answers share a number; -1 without a voice.
        scores: by aggregation (:data:`tts.answers.aggregate.AGGREGATES`), of each candidate; NaN where it has none.
        right: whether each is right.
        tokens: the policy's, of each.
    """

    classes: NDArray[np.int64]
    scores: Mapping[str, NDArray[np.float64]]
    right: NDArray[np.bool_]
    tokens: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.classes)

    def cut(self, part: slice) -> Candidates:
        """Some of them."""
        scores = {how: values[part] for how, values in self.scores.items()}
        return Candidates(self.classes[part], scores, self.right[part], self.tokens[part])


@dataclass(frozen=True, slots=True)
class Searched:
    """One search of a problem: its candidates, and what it cost beyond the prompts."""

    candidates: Candidates
    policy_flops: float
    prm_flops: float


@dataclass(frozen=True, slots=True)
class Sampled:
    """The independent samples of a problem.

    Attributes:
        candidates: the m samples.
        policy_flops: of each, the prompt left out [m].
        steps: the numbers of each sample's steps, -1 behind its last [m, D]; equal prefixes have equal numbers. No
            columns where no reward model read them.
        step_flops: what reading each step cost the reward model [S].
    """

    candidates: Candidates
    policy_flops: NDArray[np.float64]
    steps: NDArray[np.int32]
    step_flops: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.candidates)

    def cut(self, part: slice) -> Sampled:
        """Some of them."""
        return Sampled(self.candidates.cut(part), self.policy_flops[part], self.steps[part], self.step_flops)

    def prm_flops(self, order: NDArray[np.int64]) -> NDArray[np.float64]:
        """What each sample adds to the reward model's FLOPs when they are read in this order [len(order)]."""
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
    """One problem.

    Attributes:
        id: the first 12 digits of the SHA-256 of its text (:attr:`tts.types.Problem.id` where none is given).
        level: 0 where the data set has none.
        prompt: tokens of the policy's prompt.
        policy_prompt_flops, prm_prompt_flops: of reading the prompt, paid once.
        samples: independent ones, but the first where ``greedy`` says so.
        searches: by strategy and width.
        greedy: whether the first of the samples is the greedy one (temperature 0).
    """

    id: str
    level: int
    prompt: int
    policy_prompt_flops: float
    prm_prompt_flops: float
    samples: Sampled
    searches: Mapping[Key, Searched] = field(default_factory=dict)
    greedy: bool = False

    @property
    def pass_at_1(self) -> float:
        """The share of the independent samples that are right: how hard the problem is for this policy."""
        return float(self.samples.candidates.right[self.greedy :].mean())

    @property
    def width(self) -> int:
        """The number of independent samples."""
        return len(self.samples) - self.greedy


def without_greedy(entry: Entry) -> Entry:
    """The problem with its independent samples only."""
    if not entry.greedy:
        return entry
    return replace(entry, samples=entry.samples.cut(slice(1, None)), greedy=False)


@dataclass(frozen=True, slots=True)
class Pool:
    """The problems of one or several runs of the same models.

    Attributes:
        entries: the problems; each has samples, and every search of ``parameters``.
        policy, prm: names of the models; ``prm`` is empty where none took part.
        sampling: temperature, top_p and whatever else the samples were drawn with.
        policy_parameters: the policy's size, as its costs tell; 0 where they do not.
        parameters: of each search.
        dataset, sha256: name and hash of the data.
        manifests: of the runs, where they have one.
        notes: sentences a person should read: what was left out, what was guessed.
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

    @property
    def scored(self) -> bool:
        """Whether a reward model has scored the samples."""
        return bool(self.prm)

    @property
    def width(self) -> int:
        """The least number of independent samples that a problem has."""
        return min(entry.width for entry in self.entries)

    @property
    def greedy(self) -> bool:
        """Whether the greedy answer is the first sample of every problem."""
        return all(entry.greedy for entry in self.entries)

    def first(self, n: int) -> Pool:
        """The same with the first n independent samples of each problem."""
        cut = (replace(each, samples=each.samples.cut(slice(n + each.greedy))) for each in self.entries)
        return replace(self, entries=tuple(cut))

    @property
    def sizes(self) -> list[int]:
        """The numbers of samples at which there are stages: powers of two, and all there are where that is far more."""
        powers = [2**k for k in range(self.width.bit_length())]
        return [*powers, self.width] if self.width >= 1.5 * powers[-1] else powers
