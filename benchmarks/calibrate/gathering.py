"""Runs read into a pool: folders of ``tts bench``, and files of recorded candidates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.calibrate.pool import Candidates, Entry, Key, Pool, Sampled, Searched
from benchmarks.replay import grading, reading
from benchmarks.replay.records import Record, voter
from benchmarks.report.runs import manifest_of, outcomes_file
from tts import outcomes
from tts.aggregate import AGGREGATES, aggregate
from tts.equivalence import Equivalence
from tts.errors import BadInput
from tts.outcomes import Outcome
from tts.registry import resolve
from tts.types import Candidate, Plan, Problem, Usage

TOKENS = 500
"""Tokens of a sample where neither tokens nor text are recorded."""

CHARACTERS = 4
"""Of a token, where only the text is recorded."""

COVERAGE = 0.9
"""A search that fewer of the problems have is left out: those that end first are the easy ones."""

OURS = {"candidates", "plan", "gold", "usage"}
"""What a row of ``tts bench`` has."""


@dataclass(slots=True)
class _Run:
    """One plan's candidates for one problem, the answers as indices into the problem's list of spellings."""

    answers: NDArray[np.int64]
    scores: Mapping[str, NDArray[np.float64]]
    right: NDArray[np.bool_]
    tokens: NDArray[np.int64]
    usage: Usage
    steps: NDArray[np.int32]
    lengths: NDArray[np.float64]

    def candidates(self, classes: NDArray[np.int64]) -> Candidates:
        """The candidates, where each spelling's class is known; the last class is -1, for those without a voice."""
        return Candidates(classes[self.answers], self.scores, self.right, self.tokens)


@dataclass(slots=True)
class _Draft:
    """What is known of a problem so far."""

    text: str
    level: int
    spellings: dict[str, int] = field(default_factory=dict)
    samples: _Run | None = None
    searches: dict[Key, _Run] = field(default_factory=dict)


def read(paths: Sequence[Path], data: Path | None = None) -> Pool:
    """A pool of run folders, ``outcomes.jsonl`` files and recorded candidates.

    Of a problem's runs of independent samples the widest counts, a scored one before an unscored one. A search that
    was not run on nearly all problems is left out, then a problem that lacks samples or a search; the notes say so.

    Args:
        paths: the runs.
        data: right answers for recordings that do not hold them.

    Raises:
        BadInput: a path cannot be read, the runs are of different models or settings, or there are no samples.
    """
    gathered = _Gathered()
    for path in paths:
        gathered.manifests.append(manifest_of(path))
        before = gathered.rows
        if _ours(path):
            for outcome in outcomes.read(outcomes_file(path)):
                gathered.add(outcome, path)
        else:
            for record in grading.grade(reading.read(path, data)):
                gathered.add(_as_outcome(record, path), path)
            gathered.guessed = True
        if gathered.rows == before:
            raise BadInput(f"{path} holds no outcome yet.")
    return gathered.pool()


def _ours(path: Path) -> bool:
    return path.is_dir() or next(reading.rows(path), (0, {}))[1].keys() >= OURS


def _as_outcome(record: Record, path: Path) -> Outcome:
    """A recording as an outcome of independent samples, tokens guessed from the texts. Raises BadInput for a search."""
    strategy = record.plan.partition(",")[0] or "best-of-n"
    if strategy not in ("best-of-n", "majority"):
        raise BadInput(f"{path} holds what `tts solve` wrote: calibrate from a run of `tts bench`, which is graded.")
    length = sum(map(len, record.excerpts)) / len(record.excerpts) / CHARACTERS if record.excerpts else TOKENS
    tokens = max(1, round(length))
    candidates = tuple(
        Candidate(c.key, (), c.finish, c.answer, c.scores, c.score, c.tokens or tokens) for c in record.candidates
    )
    prompt = max(1, len(record.problem) // CHARACTERS)
    sampled = sum(candidate.tokens for candidate in candidates)
    scored = any(candidate.scores for candidate in candidates)
    usage = Usage(sampled, prompt, (prompt + sampled) * scored)
    plan = Plan(strategy, {"n": len(candidates)}, prm="unknown" if scored else "")
    return Outcome(
        record.id, record.problem, record.gold or "", plan, candidates, record.right or (),
        usage=usage, level=record.level, subject=record.subject,
    )  # fmt: skip


@dataclass(slots=True)
class _Gathered:
    """All runs so far; problems are told apart by their text."""

    drafts: dict[str, _Draft] = field(default_factory=dict)
    parameters: dict[Key, Mapping[str, Any]] = field(default_factory=dict)
    sampling: Mapping[str, Any] | None = None
    policies: dict[str, None] = field(default_factory=dict)
    prms: dict[str, None] = field(default_factory=dict)
    datasets: dict[str, None] = field(default_factory=dict)
    manifests: list[dict[str, Any]] = field(default_factory=list)
    rows: int = 0
    failed: int = 0
    guessed: bool = False

    def add(self, outcome: Outcome, path: Path) -> None:
        """Take a row in. Raises BadInput where it does not go with those before it."""
        self.rows += 1
        plan = outcome.plan
        self.policies[plan.policy] = self.datasets[outcome.dataset] = None
        if plan.prm:
            self.prms[plan.prm] = None
        if len(self.policies) > 1 or len(self.prms) > 1:
            names = " and ".join(list(self.policies if len(self.policies) > 1 else self.prms))
            raise BadInput(f"{path} mixes models: a profile is of one policy and one reward model, not of {names}.")
        draft = self.drafts.setdefault(outcome.problem, _Draft(outcome.problem, outcome.level))
        if outcome.error is not None or not outcome.candidates:
            self.failed += outcome.error is not None
            return
        parameters = {name: value for name, value in plan.parameters.items() if name != "n"}
        independent = getattr(resolve("strategy", plan.strategy), "independent", False)
        if independent and parameters.get("temperature") != 0:
            self._sampled(draft, outcome, parameters, path)
            return
        key = plan.strategy, int(plan.parameters.get("n", len(outcome.candidates)))
        if self.parameters.setdefault(key, parameters) != parameters:
            raise BadInput(f"{path} holds {key[0]} at N = {key[1]} with other parameters than a run before it.")
        draft.searches[key] = _run(draft, outcome)

    def _sampled(self, draft: _Draft, outcome: Outcome, sampling: Mapping[str, Any], path: Path) -> None:
        self.sampling = sampling if self.sampling is None else self.sampling
        if sampling != self.sampling:
            raise BadInput(f"{path} holds samples drawn otherwise ({_words(sampling)}) than those before it.")
        run = _run(draft, outcome)
        if draft.samples is None or _worth(run) >= _worth(draft.samples):
            draft.samples = run

    def pool(self) -> Pool:
        """All of it. Raises BadInput where there are no samples."""
        sampled = [draft for draft in self.drafts.values() if draft.samples is not None]
        if not sampled:
            raise BadInput(
                "there are no independent samples in these runs: `tts bench --strategy best-of-n` draws them."
            )
        notes = [f"{self.failed} rows that failed were left out"] * bool(self.failed)
        kept: dict[Key, Mapping[str, Any]] = {}
        for key in sorted(self.parameters):
            count = sum(key in draft.searches for draft in sampled)
            if count >= COVERAGE * len(sampled):
                kept[key] = self.parameters[key]
            else:
                notes.append(f"{key[0]} at N = {key[1]} was left out: {count} of {len(sampled)} problems have it")
        whole = [draft for draft in sampled if all(key in draft.searches for key in kept)]
        if len(whole) < len(self.drafts):
            notes.append(f"{len(self.drafts) - len(whole)} problems were left out that lack samples or a search")
        if self.guessed:
            notes.append("the recordings hold no costs: they were guessed from the length of the texts")
        with Equivalence() as judge:
            entries = tuple(_entry(draft, kept, judge) for draft in whole)
        settings = [m["settings"] for m in self.manifests if isinstance(m.get("settings"), dict)]
        digests = dict.fromkeys(str(found.get("data sha256", "")) for found in settings)
        return Pool(
            entries, next(iter(self.policies), ""), next(iter(self.prms), ""), dict(self.sampling or {}), kept,
            ", ".join(filter(None, self.datasets)), next(iter(digests)) if len(digests) == 1 else "",
            tuple(self.manifests), tuple(notes),
        )  # fmt: skip


def _worth(run: _Run) -> tuple[bool, int]:
    return bool(run.steps.size), len(run.answers)


def _words(parameters: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in parameters.items())


def _run(draft: _Draft, outcome: Outcome) -> _Run:
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
    return _Run(
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


def _entry(draft: _Draft, kept: Mapping[Key, object], judge: Equivalence) -> Entry:
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


def _policy_flops(run: _Run) -> tuple[float, float]:
    """FLOPs of a sampled token, and of the prompt; where no FLOPs are recorded, tokens."""
    usage = run.usage
    total = float(usage.policy_flops or usage.prompt_tokens + usage.policy_tokens)
    each = total / max(1, usage.prompt_tokens + usage.policy_tokens)
    return each, each * usage.prompt_tokens


def _prm_flops(run: _Run) -> tuple[float, float]:
    """FLOPs of a character of a step, and of the prompt; where no FLOPs are recorded, tokens.

    How many of the reward model's tokens were its prompt is not recorded; they are taken to be as many as the policy's.
    """
    usage = run.usage
    total, tokens = float(usage.prm_flops or usage.prm_tokens), max(1, usage.prm_tokens)
    prompt = total * min(1.0, usage.prompt_tokens / tokens)
    return (total - prompt) / max(1.0, float(run.lengths.sum())), prompt


def _searched(run: _Run, classes: NDArray[np.int64], policy_prompt: float, prm_prompt: float) -> Searched:
    usage = run.usage
    return Searched(
        run.candidates(classes),
        max(0.0, usage.policy_flops - policy_prompt),
        max(0.0, usage.prm_flops - prm_prompt),
    )


def sizes(pool: Pool) -> Iterator[int]:
    """The numbers of samples at which there are stages: the powers of two that every problem has samples for."""
    n = 1
    while n <= pool.width:
        yield n
        n *= 2
