"""Run folders read for a report: the methods they hold, and each one's outcome for every problem, without the text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.replay.records import voter
from tts import outcomes
from tts.equivalence import Equivalence
from tts.errors import BadInput
from tts.outcomes import Outcome
from tts.selector import SAMPLING
from tts.solver import AUTO
from tts.types import Plan

OUTCOMES, MANIFEST, TRACES = "outcomes.jsonl", "manifest.json", "traces"


@dataclass(frozen=True, slots=True)
class Arm:
    """A strategy with its models and vote; it was run at one N or at several."""

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
        return cls(plan.strategy, plan.policy, plan.prm, plan.vote, how, plan.seed)


@dataclass(slots=True)
class Runs:
    """All that a report is drawn from.

    Attributes:
        paths: the run folders or files.
        manifests: what each said of itself; empty where it has no manifest.
        tables: for each arm and N the outcome of each problem by id.
        classes: for each arm and N the classes of the candidates' answers, for sampling strategies.
    """

    paths: list[Path]
    manifests: list[dict[str, Any]] = field(default_factory=list)
    tables: dict[Arm, dict[int, dict[str, Outcome]]] = field(default_factory=dict)
    classes: dict[tuple[Arm, int, str], tuple[int | None, ...]] = field(default_factory=dict)

    @property
    def problems(self) -> dict[str, Outcome]:
        """One outcome of every problem, for what is the same in all: text, gold, level."""
        found: dict[str, Outcome] = {}
        for table in self.tables.values():
            for rows in table.values():
                for identity, outcome in rows.items():
                    found.setdefault(identity, outcome)
        return found

    @property
    def part(self) -> str:
        """In words which part of the data was run, where a manifest says that it was a part; else empty."""
        settings = [found for manifest in self.manifests if isinstance(found := manifest.get("settings"), dict)]
        parts = [text for found in settings if (text := _part_words(found.get("part")))]
        return "; ".join(dict.fromkeys(parts))


def load(paths: Sequence[Path]) -> Runs:
    """Read run folders (or ``outcomes.jsonl`` files). A problem that stands there twice counts as it was last.

    Raises BadInput for a path that holds no outcome, and where two runs hold the same plan.
    """
    runs = Runs(list(paths))
    for path in paths:
        runs.manifests.append(manifest_of(path))
        tables = _tables(path)
        if not tables:
            raise BadInput(f"{path} holds no outcome yet.")
        for arm, by_n in tables.items():
            named = arm
            if arm in runs.tables and by_n.keys() & runs.tables[arm].keys():
                named = replace(arm, source=path.name or str(path))
                if named in runs.tables:
                    raise BadInput(f"{path} holds the same plans as another run given: name each run once.")
            runs.tables.setdefault(named, {}).update(by_n)
    return runs


def outcomes_file(path: Path) -> Path:
    return path / OUTCOMES if path.is_dir() else path


def manifest_of(path: Path) -> dict[str, Any]:
    """The manifest of a run folder; empty where there is none. Raises BadInput for one that is no JSON object."""
    file = path / MANIFEST
    if not path.is_dir() or not file.exists():
        return {}
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"{file} cannot be read as JSON: {error}.") from error
    if not isinstance(manifest, dict):
        raise BadInput(f"{file} holds no JSON object.")
    return manifest


def _tables(path: Path) -> dict[Arm, dict[int, dict[str, Outcome]]]:
    tables: dict[Arm, dict[int, dict[str, Outcome]]] = {}
    for outcome in outcomes.read(outcomes_file(path)):
        n = int(outcome.plan.parameters.get("n", len(outcome.candidates) or 1))
        tables.setdefault(Arm.of(outcome.plan), {}).setdefault(n, {})[outcome.id] = _light(outcome)
    return tables


def _light(outcome: Outcome) -> Outcome:
    return replace(outcome, candidates=tuple(replace(c, steps=()) for c in outcome.candidates))


def whole(path: Path, wanted: Iterable[str]) -> list[Outcome]:
    """The outcomes of these problems, text and all."""
    ids = set(wanted)
    return [outcome for outcome in outcomes.read(outcomes_file(path)) if outcome.id in ids]


def classify(runs: Runs) -> None:
    """Find which answers are the same, for the strategies whose smaller N are computed from their samples."""
    with Equivalence() as judge:
        for arm, by_n in runs.tables.items():
            if arm.strategy not in SAMPLING:
                continue
            n = max(by_n)
            for identity, outcome in by_n[n].items():
                found = iter(judge.group([c.answer or "" for c in outcome.candidates if voter(c)]))
                runs.classes[arm, n, identity] = tuple(next(found) if voter(c) else None for c in outcome.candidates)


def _part_words(part: Any) -> str:
    if not part:
        return ""
    if isinstance(part, dict):
        return ", ".join(f"{name} {value}" for name, value in part.items() if value not in (None, "", [], {}))
    return str(part) if not isinstance(part, bool) else "a part of the data set"
