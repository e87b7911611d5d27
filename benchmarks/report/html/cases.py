"""The problems on which methods differ most, with the search tree of each method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.report.curves import Curve
from benchmarks.report.html import tree
from benchmarks.report.runs import TRACES, Runs
from tts.errors import BadInput
from tts.files.jsonl import row_at
from tts.records.outcomes import Outcome
from tts.records.solution_json import upgraded
from tts.search.variant import name_of
from tts.trace import Trace

COUNT = 10
LEAVES = 64  # candidates of one tree that are drawn; a page of ten trees must still open on a phone


@dataclass(frozen=True, slots=True)
class Case:
    """A problem, how far the methods are apart on it, and the outcome of each method's own run."""

    id: str
    spread: float
    outcomes: tuple[tuple[str, Outcome], ...]


@dataclass(frozen=True, slots=True)
class Search:
    """One method's search on a case's problem, as the page shows it."""

    name: str
    correct: bool
    answer: str
    about: str
    error: str | None
    tree: tree.Chain


@dataclass(frozen=True, slots=True)
class View:
    """A case as the page shows it."""

    problem: str
    gold: str
    about: str
    searches: Sequence[Search]


def pick(runs: Runs, found: Sequence[Curve], count: int = COUNT) -> list[Case]:
    """Choose the problems with the highest variance of correctness over the methods, each at its largest N."""
    drawn = [curve for curve in found if not curve.bound and _own(curve)]
    if len(drawn) < 2:
        return []
    right = [dict(zip(curve.top.ids, curve.top.right, strict=True)) for curve in drawn]
    common = [identity for identity in right[0] if all(identity in row for row in right)]
    spread = {identity: float(np.var([row[identity] for row in right])) for identity in common}
    chosen = sorted((i for i in common if spread[i] > 0), key=lambda i: -spread[i])[:count]
    return [Case(i, spread[i], _outcomes(runs, drawn, i)) for i in chosen]


def _outcomes(runs: Runs, drawn: Sequence[Curve], identity: str) -> tuple[tuple[str, Outcome], ...]:
    found = [(curve.name, runs.whole((curve.arm, curve.top.n, identity))) for curve in drawn]
    return tuple((name, outcome) for name, outcome in found if outcome is not None)


def _own(curve: Curve) -> bool:
    """Whether a curve is a run of its own, and not another vote of the same samples."""
    return curve.name.startswith(curve.arm.strategy)


class Traces:
    """The traces of run folders, by problem, strategy and N. A trace is read in full when it is first needed."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._files: dict[tuple[str, str, int], Path] = {}
        for path in paths:
            folder = path / TRACES
            for file in sorted(folder.rglob("*.jsonl")) if path.is_dir() and folder.is_dir() else ():
                self._add(file)

    def _add(self, file: Path) -> None:
        try:
            start = row_at(file, 0)
            plan = upgraded(start["plan"])
            self._files[start["problem"]["id"], name_of(plan["strategy"], plan["parameters"]), int(plan["n"])] = file
        except (BadInput, ValueError, KeyError, TypeError, AttributeError):
            return  # not a trace: the candidates of the outcome are drawn instead

    def of(self, outcome: Outcome) -> Trace | None:
        """Read the trace of an outcome's search; None without one."""
        n = outcome.plan.n
        file = self._files.get((outcome.id, name_of(outcome.plan.strategy, outcome.plan.parameters), n))
        try:
            return Trace.load(file) if file else None
        except BadInput:
            return None


def view(case: Case, traces: Traces, leaves: int = LEAVES) -> View:
    """Arrange a case for the page. A search without a trace shows at most ``leaves`` candidates."""
    first = case.outcomes[0][1]
    about = f"{case.id} · level {first.level}" if first.level else case.id
    searches = [_search(name, outcome, traces, leaves) for name, outcome in case.outcomes]
    return View(first.problem, first.gold, about, searches)


def _search(name: str, outcome: Outcome, traces: Traces, leaves: int) -> Search:
    pairs = list(zip(outcome.candidates, outcome.right, strict=True))
    trace, note = traces.of(outcome), ""
    if trace is not None:
        roots = tree.from_trace(trace, {c.key: (c.answer, verdict) for c, verdict in pairs})
    else:
        shown = pairs[:leaves]
        roots = tree.from_candidates([c for c, _ in shown], [verdict for _, verdict in shown])
        note = "" if len(shown) == len(pairs) else f" · the first {len(shown)} are drawn"
    plan = "" if name.startswith(outcome.plan.strategy) else f"{outcome.plan.strategy}, "  # what a selector chose
    n = outcome.plan.n
    about = f"{plan}N = {n}, {sum(outcome.right)} of {len(pairs)} candidates right{note}"
    answer = "no answer" if outcome.answer is None else outcome.answer
    return Search(name, outcome.correct, answer, about, outcome.error, tree.chain(roots))
