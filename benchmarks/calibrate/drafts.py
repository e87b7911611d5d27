"""Rows turned into arrays on the way to a pool: answers as numbers, steps as a tree, costs told by sample and step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from benchmarks.calibrate.pool import Candidates, Entry, Key, Sampled, Searched
from benchmarks.replay.records import voter
from tts.aggregate import AGGREGATES, aggregate
from tts.equivalence import Equivalence
from tts.outcomes import Outcome
from tts.types import Candidate, Problem, Usage

CHARACTERS = 4
"""Of a token, where only the text is recorded."""


@dataclass(slots=True)
class Run:
    """One plan's candidates for one problem, the answers as indices into the problem's list of spellings."""

    answers: NDArray[np.int64]
    scores: Mapping[str, NDArray[np.float64]]
    right: NDArray[np.bool_]
    tokens: NDArray[np.int64]
    usage: Usage
    steps: NDArray[np.int32]
    lengths: NDArray[np.float64]

    @property
    def worth(self) -> tuple[bool, int]:
        """What makes one run of samples better than another: scores, then number."""
        return bool(self.steps.size), len(self.answers)

    def candidates(self, classes: NDArray[np.int64]) -> Candidates:
        """The candidates, where each spelling's class is known; the last class is -1, for those without a voice."""
        return Candidates(classes[self.answers], self.scores, self.right, self.tokens)


@dataclass(slots=True)
class Draft:
    """What is known of a problem so far."""

    text: str
    level: int
    spellings: dict[str, int] = field(default_factory=dict)
    samples: Run | None = None
    searches: dict[Key, Run] = field(default_factory=dict)


def run_of(draft: Draft, outcome: Outcome) -> Run:
    """An outcome without its text; what its candidates answered goes to the problem's spellings."""
    found = outcome.candidates
    answers = [
        draft.spellings.setdefault(c.answer, len(draft.spellings)) if voter(c) and c.answer is not None else -1
        for c in found
    ]
    steps, lengths = _tree(found)
    scores = {
        how: np.array([aggregate(c.scores, how) if c.scores else np.nan for c in found], dtype=float)
        for how in AGGREGATES
    }
    return Run(
        np.array(answers, dtype=np.int64), scores, np.array(outcome.right, dtype=bool),
        np.array([c.tokens for c in found], dtype=np.int64), outcome.usage, steps, lengths,
    )  # fmt: skip


def _tree(candidates: Sequence[Candidate]) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """The numbers of each candidate's prefixes [m, D], -1 behind the last, and each prefix's last step's length [S].

    A candidate without text is one step of its own, as long as its tokens; nothing is read of one without scores.
    """
    numbers: dict[tuple[int, str], int] = {}
    lengths: list[float] = []
    rows: list[list[int]] = []
    for place, candidate in enumerate(candidates):
        row: list[int] = []
        for text in (candidate.steps or (f"\0{place}",)) if candidate.scores else ():
            key = row[-1] if row else -1, text
            if key not in numbers:
                numbers[key] = len(lengths)
                lengths.append(float(len(text) if candidate.steps else candidate.tokens * CHARACTERS))
            row.append(numbers[key])
        rows.append(row)
    steps = np.full((len(rows), max(map(len, rows), default=0)), -1, dtype=np.int32)
    for place, row in enumerate(rows):
        steps[place, : len(row)] = row
    return steps, np.array(lengths, dtype=float)


def entry_of(draft: Draft, kept: Iterable[Key], judge: Equivalence) -> Entry:
    """The problem of a draft that has samples and each of these searches; ``judge`` says which answers are equal."""
    assert draft.samples is not None
    classes = np.array([*judge.group(list(draft.spellings)), -1], dtype=np.int64)
    run = draft.samples
    policy, policy_prompt = _policy_flops(run)
    prm, prm_prompt = _prm_flops(run)
    flops: NDArray[np.float64] = np.multiply(policy, run.tokens, dtype=np.float64)
    samples = Sampled(run.candidates(classes), flops, run.steps, prm * run.lengths)
    searches = {key: _searched(draft.searches[key], classes, policy_prompt, prm_prompt) for key in kept}
    return Entry(
        Problem(draft.text).id, draft.level, run.usage.prompt_tokens, policy_prompt, prm_prompt, samples, searches
    )


def _policy_flops(run: Run) -> tuple[float, float]:
    """FLOPs of a sampled token, and of the prompt; where no FLOPs are recorded, tokens."""
    usage = run.usage
    total = float(usage.policy_flops or usage.prompt_tokens + usage.policy_tokens)
    each = total / max(1, usage.prompt_tokens + usage.policy_tokens)
    return each, each * usage.prompt_tokens


def _prm_flops(run: Run) -> tuple[float, float]:
    """FLOPs of a character of a step, and of the prompt; where no FLOPs are recorded, tokens.

    How many of the reward model's tokens were its prompt is not recorded; they are taken to be as many as the policy's.
    """
    usage = run.usage
    total, tokens = float(usage.prm_flops or usage.prm_tokens), max(1, usage.prm_tokens)
    prompt = total * min(1.0, usage.prompt_tokens / tokens)
    return (total - prompt) / max(1.0, float(run.lengths.sum())), prompt


def _searched(run: Run, classes: NDArray[np.int64], policy_prompt: float, prm_prompt: float) -> Searched:
    usage = run.usage
    return Searched(
        run.candidates(classes),
        max(0.0, usage.policy_flops - policy_prompt),
        max(0.0, usage.prm_flops - prm_prompt),
    )
