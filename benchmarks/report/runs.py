"""Run folders read for a report: the methods they hold, and of each problem what figures need, without any text.

Of a row with 256 candidates some 5 kB are kept, and its position in the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.recordings.grading import classes_of
from benchmarks.stats.candidates import OWN, Candidates
from benchmarks.stats.subsets import independent
from tts.errors import BadInput
from tts.files import json_text
from tts.records import outcomes
from tts.records.outcomes import Outcome
from tts.search.strategy import AUTO
from tts.search.variant import name_of
from tts.types import Plan

MANIFEST, TRACES = "manifest.json", "traces"


@dataclass(frozen=True, slots=True)
class Arm:
    """A method: a strategy with its models and vote. It was run at one N or at several.

    Rows are distinguished by the name of their job, if they have one: what a selector plans differs from problem to
    problem, and is one method all the same. Its ``vote`` is then ``"chosen"`` unless all plans have the same.
    """

    strategy: str
    policy: str
    prm: str
    vote: str
    aggregate: str
    seed: int
    source: str = ""

    @classmethod
    def of(cls, plan: Plan) -> Arm:
        how = plan.aggregate if plan.prm else ""
        if plan.strategy == AUTO:  # each problem has a vote of its own
            return cls(plan.strategy, plan.policy, plan.prm, AUTO, "", plan.seed)
        return cls(name_of(plan.strategy, plan.parameters), plan.policy, plan.prm, plan.vote, how, plan.seed)

    @property
    def independent(self) -> bool:
        """Return whether its candidates are independent samples, so that any N of them are a run of N."""
        return independent(self.strategy)


Place = tuple[Arm, int, str]
"""An arm, an N and a problem's id."""


@dataclass(slots=True)
class Runs:
    """All that a report is drawn from.

    Attributes:
        paths: the run folders or files.
        manifests: the manifest of each; empty if missing.
        tables: for each arm and N the outcome of each problem by id, without its candidates.
        samples: the candidates of arms of independent samples.
        places: the file that holds each outcome, and where in it.
    """

    paths: list[Path]
    manifests: list[dict[str, Any]] = field(default_factory=list)
    tables: dict[Arm, dict[int, dict[str, Outcome]]] = field(default_factory=dict)
    samples: dict[Place, Candidates] = field(default_factory=dict)
    places: dict[Place, tuple[Path, int]] = field(default_factory=dict)

    @property
    def problems(self) -> dict[str, Outcome]:
        """Return one outcome per problem, for what is equal in all: text, gold, level."""
        found: dict[str, Outcome] = {}
        for table in self.tables.values():
            for rows in table.values():
                for identity, outcome in rows.items():
                    found.setdefault(identity, outcome)
        return found

    @property
    def settings(self) -> list[dict[str, Any]]:
        """Return the settings of the manifests that have some."""
        return [found for manifest in self.manifests if isinstance(found := manifest.get("settings"), dict)]

    @property
    def calls(self) -> list[dict[str, Any]]:
        """Return what the manifests record about the calls on the runs."""
        listed = [calls for manifest in self.manifests if isinstance(calls := manifest.get("calls"), list)]
        return [call for calls in listed for call in calls if isinstance(call, dict)]

    @property
    def part(self) -> str:
        """Describe which part of the data was run, according to the manifests; empty for all."""
        parts = [text for found in self.settings if (text := _part_words(found.get("part")))]
        return "; ".join(dict.fromkeys(parts))

    def whole(self, place: Place) -> Outcome | None:
        """Read an outcome with its candidates again from its file; None if the problem was not run."""
        return outcomes.read_at(*self.places[place]) if place in self.places else None


def load(paths: Sequence[Path]) -> Runs:
    """Read run folders (or ``outcomes.jsonl`` files). Of two rows of a problem the last one counts.

    Answers are compared only for independent samples whose rows have no classes.

    Raises BadInput for a path that holds no outcome, and where two runs hold the same plan.
    """
    runs = Runs(list(paths))
    for path in paths:
        if path.resolve() in {other.resolve() for other in runs.paths[: len(runs.manifests)]}:
            raise BadInput(f"{path} is given twice: name each run once.")
        runs.manifests.append(manifest_of(path))
        methods = _read(path)
        if not methods:
            raise BadInput(f"{path} holds no outcome yet.")
        for method in methods:
            _take(runs, path, method)
    return runs


@dataclass(slots=True)
class _Method:
    """The rows of one file that make one arm, as they are read."""

    strategy: str
    plans: set[Arm] = field(default_factory=set)
    rows: dict[tuple[int, str], tuple[Outcome, Candidates | None, int]] = field(default_factory=dict)

    @property
    def arm(self) -> Arm:
        each = {name: sorted({getattr(plan, name) for plan in self.plans} - {""}) for name in ("policy", "prm")}
        votes = {(plan.vote, plan.aggregate) for plan in self.plans}
        vote, how = votes.pop() if len(votes) == 1 else ("chosen", "")
        seed = min(plan.seed for plan in self.plans)
        return Arm(self.strategy, " + ".join(each["policy"]), " + ".join(each["prm"]), vote, how, seed)


def _read(path: Path) -> list[_Method]:
    methods: dict[str | Arm, _Method] = {}
    for at, outcome in outcomes.placed(outcomes.file_of(path)):
        plain = Arm.of(outcome.plan)
        job, _, width = outcome.job.rpartition("/")
        named = bool(job) and width.isdecimal()
        n = int(width) if named else outcome.plan.n
        method = methods.setdefault(job if named else plain, _Method(job if named else plain.strategy))
        method.plans.add(plain)
        samples = _samples(outcome) if replace(plain, strategy=method.strategy).independent else None
        method.rows[n, outcome.id] = replace(outcome, candidates=(), right=(), classes=()), samples, at
    return list(methods.values())


def _take(runs: Runs, path: Path, method: _Method) -> None:
    """Add a method under a name of its own."""
    arm = method.arm
    if arm in runs.tables and {n for n, _ in method.rows} & runs.tables[arm].keys():
        arm = replace(arm, source=path.name or str(path))
        if arm in runs.tables:
            raise BadInput(f"{path} holds the same plans as another run given: name each run once.")
    table = runs.tables.setdefault(arm, {})
    for (n, identity), (outcome, samples, at) in method.rows.items():
        table.setdefault(n, {})[identity] = outcome
        runs.places[arm, n, identity] = outcomes.file_of(path), at
        if samples is not None:
            runs.samples[arm, n, identity] = samples


def _samples(outcome: Outcome) -> Candidates:
    found = outcome.candidates
    classes, scores = outcome.classes or classes_of(found), [c.score for c in found]
    return Candidates.of(classes, {OWN: scores}, outcome.right, [c.tokens for c in found], [c.steps for c in found])


def manifest_of(path: Path) -> dict[str, Any]:
    """Read the manifest of a run folder; empty if missing. Raises BadInput if it is not a JSON object."""
    file = path / MANIFEST
    if not path.is_dir() or not file.exists():
        return {}
    manifest = json_text.read(file)
    if not isinstance(manifest, dict):
        raise BadInput(f"{file} holds no JSON object.")
    return manifest


def _part_words(part: Any) -> str:
    if not part:
        return ""
    if isinstance(part, dict):
        return ", ".join(f"{name} {value}" for name, value in part.items() if value not in (None, "", [], {}))
    return str(part) if not isinstance(part, bool) else "a part of the data set"
