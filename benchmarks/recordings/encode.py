"""Encoding of outcomes as arrays for a pool: answers as numbers, steps as a tree, costs per sample and step."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.recordings.grading import voter
from benchmarks.recordings.pool import Entry, Key, SampleSet, Searched
from benchmarks.stats.candidates import Candidates, numbered
from benchmarks.stats.costs import policy_prompt, prm_prompt
from tts.answers.aggregate import AGGREGATES, aggregate
from tts.answers.equivalence import group
from tts.records.outcomes import Outcome
from tts.types import Candidate, Problem, Usage

DIGITS = 6
"""Digits of a score that count: the rest depends on which problems shared a batch, and would decide between equals."""

CHARACTERS = 4
"""Characters per token, used if only the text was recorded."""


@dataclass(slots=True)
class Run:
    """One plan's candidates for one problem; answers are indices into the problem's list of spellings.

    ``steps`` are numbered as in :class:`benchmarks.recordings.pool.SampleSet`. For each step, ``lengths`` holds its
    length in characters and ``names`` a hash of its prefix, which identifies the same step in another run.
    """

    answers: NDArray[np.int64]
    scores: Mapping[str, NDArray[np.float64]]
    right: NDArray[np.bool_]
    tokens: NDArray[np.int64]
    lineages: NDArray[np.int64]
    usage: Usage
    steps: NDArray[np.int32]
    lengths: NDArray[np.float64]
    names: NDArray[np.uint64]

    @property
    def worth(self) -> tuple[bool, int]:
        """Return the key by which runs of samples are preferred: scored first, then the larger."""
        return bool(self.steps.size), len(self.answers)

    def candidates(self, classes: NDArray[np.int64]) -> Candidates:
        """Return the candidates, given the class of each spelling; the last class is -1, for those without a vote."""
        return Candidates(classes[self.answers], self.scores, self.right, self.tokens, self.lineages)

    def behind(self, first: Run) -> Run:
        """Append these candidates to those of another run. The cost is that of this run."""
        known = dict(zip(self.names.tolist(), range(len(self.names)), strict=True))
        number = np.array([known.setdefault(name, len(known)) for name in first.names.tolist()], dtype=np.int32)
        fresh = number >= len(self.names)
        tree = np.full((len(first.answers) + len(self.answers), max(first.depth, self.depth)), -1, dtype=np.int32)
        tree[: len(first.answers), : first.depth] = np.append(number, np.int32(-1))[first.steps]
        tree[len(first.answers) :, : self.depth] = self.steps
        return Run(
            np.append(first.answers, self.answers),
            {how: np.append(first.scores[how], values) for how, values in self.scores.items()},
            np.append(first.right, self.right), np.append(first.tokens, self.tokens),
            np.append(first.lineages, self.lineages + len(first.lineages)), self.usage, tree,
            np.append(self.lengths, first.lengths[fresh]), np.append(self.names, first.names[fresh]),
        )  # fmt: skip

    @property
    def depth(self) -> int:
        """Return the number of steps of the longest candidate."""
        return int(self.steps.shape[1])


@dataclass(slots=True)
class Draft:
    """What is known of a problem so far, by seed; ``samples`` holds the largest run of each."""

    text: str
    level: int
    spellings: dict[str, int] = field(default_factory=dict)
    samples: dict[int, Run] = field(default_factory=dict)
    greedy: Run | None = None
    searches: dict[Key, dict[int, Run]] = field(default_factory=dict)


def run_of(draft: Draft, outcome: Outcome) -> Run:
    """Convert an outcome to a run without text; new answers are added to the problem's spellings."""
    found = outcome.candidates
    answers = [
        draft.spellings.setdefault(c.answer, len(draft.spellings)) if voter(c) and c.answer is not None else -1
        for c in found
    ]
    steps, lengths, names = _tree(found, f"\0{outcome.plan.parameters.get('temperature')}")
    scores = {
        how: np.array([aggregate(c.scores, how) if c.scores else np.nan for c in found], dtype=float).round(DIGITS)
        for how in AGGREGATES
    }
    return Run(
        np.array(answers, dtype=np.int64), scores, np.array(outcome.right, dtype=bool),
        np.array([c.tokens for c in found], dtype=np.int64), numbered([c.lineage for c in found]),
        outcome.usage, steps, lengths, names,
    )  # fmt: skip


def _tree(
    candidates: Sequence[Candidate], run: str
) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.uint64]]:
    """Return the prefix numbers of each candidate [m, D] (-1 after the last), and each prefix's length and name.

    A candidate without text is one step of its own, as long as its tokens; ``run`` distinguishes it from those of other
    runs. A candidate without scores has no steps.
    """
    numbers: dict[tuple[int, str], int] = {}
    lengths: list[float] = []
    names: list[int] = []
    rows: list[list[int]] = []
    for place, candidate in enumerate(candidates):
        row: list[int] = []
        for text in (candidate.steps or (f"{run} {place}",)) if candidate.scores else ():
            key = row[-1] if row else -1, text
            if key not in numbers:
                numbers[key] = len(lengths)
                names.append(_name(names[row[-1]] if row else 0, text))
                lengths.append(float(len(text) if candidate.steps else candidate.tokens * CHARACTERS))
            row.append(numbers[key])
        rows.append(row)
    steps = np.full((len(rows), max(map(len, rows), default=0)), -1, dtype=np.int32)
    for place, row in enumerate(rows):
        steps[place, : len(row)] = row
    return steps, np.array(lengths, dtype=float), np.array(names, dtype=np.uint64)


def _name(above: int, text: str) -> int:
    """Hash a step and its prefix."""
    digest = hashlib.blake2b(text.encode(), digest_size=8, key=above.to_bytes(8, "big"))
    return int.from_bytes(digest.digest(), "big")


def entry_of(draft: Draft, kept: Iterable[Key]) -> Entry:
    """Build the entry of a draft that has samples and all ``kept`` searches.

    Joins the samples of all seeds; if some are scored, only those. The greedy answer comes first if it is scored as
    they are. The first run gives the cost of a token and of a step.
    """
    spellings = sorted(draft.spellings)  # numbers of classes do not depend on which row was read first
    classes = np.full(len(spellings) + 1, -1, dtype=np.int64)
    classes[[draft.spellings[spelling] for spelling in spellings]] = group(spellings)
    scored = any(run.depth for run in draft.samples.values())
    first, *others = (
        draft.samples[seed] for seed in sorted(draft.samples) if bool(draft.samples[seed].depth) == scored
    )
    usage = _with_flops(first.usage)
    policy, prm = policy_prompt(usage), prm_prompt(usage)
    step = (usage.prm_flops - prm) / max(1.0, float(first.lengths.sum()))
    greedy = draft.greedy is not None and bool(draft.greedy.depth) == scored
    run = first.behind(draft.greedy) if greedy and draft.greedy else first
    for other in others:
        run = other.behind(run)
    flops = (usage.policy_flops - policy) / max(1, usage.policy_tokens) * run.tokens.astype(float)
    samples = SampleSet(run.candidates(classes), flops, run.steps, step * run.lengths)
    searches = {
        key: tuple(_searched(run, classes, policy, prm) for _, run in sorted(draft.searches[key].items()))
        for key in kept
    }
    return Entry(Problem(draft.text).id, draft.level, usage.prompt_tokens, policy, prm, samples, searches, greedy)


def _with_flops(usage: Usage) -> Usage:
    """Replace missing FLOPs by the number of tokens."""
    policy, prm = usage.prompt_tokens + usage.policy_tokens, usage.prm_tokens
    return replace(usage, policy_flops=usage.policy_flops or policy, prm_flops=usage.prm_flops or prm)


def _searched(run: Run, classes: NDArray[np.int64], policy_prompt: float, prm_prompt: float) -> Searched:
    usage = run.usage
    return Searched(
        run.candidates(classes),
        max(0.0, usage.policy_flops - policy_prompt),
        max(0.0, usage.prm_flops - prm_prompt),
    )
