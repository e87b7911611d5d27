"""Pools from runs: folders of ``tts bench``, and files of recorded candidates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.recordings import grading, reading
from benchmarks.recordings.encode import CHARACTERS, Draft, entry_of, run_of
from benchmarks.recordings.manifest import MANIFEST, read_manifest
from benchmarks.recordings.plans import strategy_of
from benchmarks.recordings.pool import Key, Pool, without_greedy
from tts.errors import BadInput
from tts.files.jsonl import rows
from tts.records import outcomes
from tts.records.outcomes import Outcome
from tts.records.words import count
from tts.search.strategy import parameters_of, strategy_type
from tts.search.variant import name_of
from tts.types import Plan, Usage

TOKENS = 500
"""Tokens of a sample if neither tokens nor text were recorded."""

COVERAGE = 0.9
"""A search that a smaller share of the problems has is left out: the easy problems finish first."""

GREEDY: Key = "majority", 1
"""Key of the greedy answer among the searches."""

OURS = {"candidates", "plan", "gold", "usage"}
"""Fields that identify a row of ``tts bench``."""


def read(paths: Sequence[Path], data: Path | None = None) -> Pool:
    """Read run folders, ``outcomes.jsonl`` files and recorded candidates into a pool.

    For each problem and seed the largest run of independent samples counts, scored ones first; the seeds are joined
    into one large run. Those of a search stay separate runs. A search that nearly all problems have is kept, others are
    left out; then problems that lack samples or a search are left out. The notes report both.

    Args:
        paths: the runs.
        data: right answers, for recordings without them.

    Raises:
        BadInput: a path cannot be read, the runs are of different models or settings, or there are no samples.
    """
    gathered = _Gathered()
    for path in paths:
        gathered.manifests.append(read_manifest(path) if (path / MANIFEST).exists() else {})
        before = gathered.rows
        if _from_bench(path):
            for outcome in outcomes.read(outcomes.file_of(path)):
                gathered.add(outcome, path)
        else:
            for outcome in grading.grade(reading.read(path, data)):
                gathered.add(_priced(outcome, path), path)
            gathered.guessed = True
        if gathered.rows == before:
            raise BadInput(f"{path} has no outcomes yet.")
    return gathered.pool()


def _from_bench(path: Path) -> bool:
    return path.is_dir() or next((row for _, row in rows(path)), {}).keys() >= OURS


def _priced(outcome: Outcome, path: Path) -> Outcome:
    """Return a recording as a run of independent samples without text; tokens are estimated from the texts."""
    strategy = strategy_of(outcome) or "best-of-n"
    if strategy not in ("best-of-n", "majority"):
        raise BadInput(f"{path} holds what `tts solve` wrote: calibrate from a run of `tts bench`, which is graded.")
    lengths = [len(candidate.text) for candidate in outcome.candidates if candidate.steps]
    tokens = max(1, round(sum(lengths) / len(lengths) / CHARACTERS)) if lengths else TOKENS
    candidates = tuple(replace(c, steps=(), tokens=c.tokens or tokens) for c in outcome.candidates)
    prompt = max(1, len(outcome.problem) // CHARACTERS)
    sampled = sum(candidate.tokens for candidate in candidates)
    scored = any(candidate.scores for candidate in candidates)
    usage = Usage(sampled, prompt, (prompt + sampled) * scored)
    plan = Plan(strategy, n=len(candidates), prm="unknown" if scored else "")
    return replace(outcome, candidates=candidates, usage=usage, plan=plan, dataset="", job="")


@dataclass(slots=True)
class _Gathered:
    """All runs so far. Problems are identified by their text."""

    drafts: dict[str, Draft] = field(default_factory=dict)
    parameters: dict[Key, Mapping[str, Any]] = field(default_factory=dict)
    sampling: Mapping[str, Any] | None = None
    policy_parameters: int = 0
    policies: dict[str, None] = field(default_factory=dict)
    prms: dict[str, None] = field(default_factory=dict)
    datasets: dict[str, None] = field(default_factory=dict)
    manifests: list[dict[str, Any]] = field(default_factory=list)
    rows: int = 0
    failed: int = 0
    guessed: bool = False
    own: dict[str, None] = field(default_factory=dict)  # strategies that score with a reward model of their own

    def add(self, outcome: Outcome, path: Path) -> None:
        """Add a row. Raises BadInput if it does not match the rows before it."""
        self.rows += 1
        plan = outcome.plan
        if strategy_type(plan.strategy)().own_reward:
            self.own[plan.strategy] = None
            return
        self.policies[plan.policy] = self.datasets[outcome.dataset] = None
        if plan.prm:
            self.prms[plan.prm] = None
        if len(self.policies) > 1 or len(self.prms) > 1:
            names = " and ".join(list(self.policies if len(self.policies) > 1 else self.prms))
            raise BadInput(f"{path} mixes models: a profile is of one policy and one reward model, not of {names}.")
        draft = self.drafts.setdefault(outcome.problem, Draft(outcome.problem, outcome.level))
        if outcome.error is not None or not outcome.candidates:
            self.failed += outcome.error is not None
            return
        if outcome.usage.policy_tokens:
            self.policy_parameters = round(outcome.usage.paper_flops / (2 * outcome.usage.policy_tokens))
        parameters = dict(plan.parameters)
        independent = strategy_type(plan.strategy).independent
        if independent and parameters.get("temperature") != 0:
            self._sampled(draft, outcome, parameters, path)
            return
        key = name_of(plan.strategy, parameters), plan.n
        if independent and key[1] == 1:
            outcome, key = self._greedy(draft, outcome), GREEDY
            parameters = {name: value for name, value in parameters.items() if name in parameters_of(GREEDY[0])}
        if self.parameters.setdefault(key, parameters) != parameters:
            raise BadInput(f"{path} holds {key[0]} at N = {key[1]} with other parameters than a run before it.")
        draft.searches.setdefault(key, {})[plan.seed] = run_of(draft, outcome)

    def _greedy(self, draft: Draft, outcome: Outcome) -> Outcome:
        """Keep a greedy answer, a scored one in preference; return the outcome at its cost without scores."""
        run = run_of(draft, replace(outcome, candidates=outcome.candidates[:1], right=outcome.right[:1]))
        if draft.greedy is None or run.worth >= draft.greedy.worth:
            draft.greedy = run
        return replace(outcome, usage=replace(outcome.usage, prm_tokens=0, prm_flops=0))

    def _sampled(self, draft: Draft, outcome: Outcome, sampling: Mapping[str, Any], path: Path) -> None:
        self.sampling = sampling if self.sampling is None else self.sampling
        if sampling != self.sampling:
            raise BadInput(
                f"{path} holds samples drawn with other parameters ({_words(sampling)}) than a run before it."
            )
        run, seed = run_of(draft, outcome), outcome.plan.seed
        if seed not in draft.samples or run.worth >= draft.samples[seed].worth:
            draft.samples[seed] = run

    def pool(self) -> Pool:
        """Return the pool. Raises BadInput without samples."""
        sampled = [draft for draft in self.drafts.values() if draft.samples]
        if not sampled:
            raise BadInput("these runs have no independent samples: `tts bench --strategy best-of-n` draws them.")
        notes = [f"{count(self.failed, 'row')} that failed left out"] * bool(self.failed)
        notes += [f"{name} was left out: its scores are its own, not the reward model's" for name in self.own]
        kept: dict[Key, Mapping[str, Any]] = {}
        for key in sorted(self.parameters):
            have = sum(key in draft.searches for draft in sampled)
            if have >= COVERAGE * len(sampled):
                kept[key] = self.parameters[key]
            else:
                notes.append(f"{key[0]} at N = {key[1]} was left out: {have} of {len(sampled)} problems have it")
        whole = [draft for draft in sampled if all(key in draft.searches for key in kept)]
        if len(whole) < len(self.drafts):
            notes.append(f"{count(len(self.drafts) - len(whole), 'problem')} left out: samples or a search are missing")
        if self.guessed:
            notes.append("the recordings have no costs: they are estimated from the length of the texts")
        # By id: what is drawn at random for a problem does not depend on which one ended first.
        pairs = sorted(((entry_of(draft, kept), draft.text) for draft in whole), key=lambda pair: pair[0].id)
        entries, texts = tuple(entry for entry, _ in pairs), tuple(text for _, text in pairs)
        if GREEDY in kept and not all(entry.greedy for entry in entries):
            entries = tuple(map(without_greedy, entries))
            notes.append(
                "the greedy answers are unscored, so they do not vote with the samples: "
                "`tts bench --strategy best-of-n --temperature 0 -n 1` scores them"
            )
        settings = [m["settings"] for m in self.manifests if isinstance(m.get("settings"), dict)]
        digests = dict.fromkeys(str(found.get("data sha256", "")) for found in settings)
        return Pool(
            entries, next(iter(self.policies), ""), next(iter(self.prms), ""), dict(self.sampling or {}),
            self.policy_parameters, kept,
            ", ".join(filter(None, self.datasets)), next(iter(digests)) if len(digests) == 1 else "",
            tuple(self.manifests), tuple(notes), texts,
        )  # fmt: skip


def _words(parameters: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in parameters.items())
