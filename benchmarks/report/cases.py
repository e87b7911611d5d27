"""The problems on which methods differ most, with the search of each to unfold."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np

from benchmarks.report import tree
from benchmarks.report.curves import Curve
from benchmarks.report.runs import TRACES, Runs
from tts.errors import BadInput
from tts.records.outcomes import Outcome
from tts.trace import Trace

COUNT = 10
LEAVES = 64  # candidates of one tree that are drawn; a page of ten trees must still open on a phone


@dataclass(frozen=True, slots=True)
class Case:
    """A problem, how far the methods are apart on it, and the outcomes of each method's own run."""

    id: str
    spread: float
    outcomes: tuple[tuple[str, Outcome], ...]


def pick(runs: Runs, found: Sequence[Curve], count: int = COUNT) -> list[Case]:
    """The ``count`` problems with the highest variance of correctness over the methods, each at its largest N."""
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
    """The traces of run folders, by problem, strategy and N. Only their first lines are read before one is wanted."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._files: dict[tuple[str, str, int], Path] = {}
        for path in paths:
            folder = path / TRACES
            for file in sorted(folder.rglob("*.jsonl")) if path.is_dir() and folder.is_dir() else ():
                with file.open(encoding="utf-8") as lines:
                    self._add(file, lines.readline())

    def _add(self, file: Path, first: str) -> None:
        try:
            start = json.loads(first)
            plan = start["plan"]
            n = plan.get("n", plan.get("parameters", {}).get("n", 0))
            self._files[start["problem"]["id"], plan["strategy"], int(n)] = file
        except (ValueError, KeyError, TypeError, AttributeError):
            return  # a file of something else: the candidates serve as well

    def of(self, outcome: Outcome) -> Trace | None:
        n = int(outcome.plan.parameters.get("n", 0))
        file = self._files.get((outcome.id, outcome.plan.strategy, n))
        try:
            return Trace.load(file) if file else None
        except BadInput:
            return None


def draw(case: Case, traces: Traces, leaves: int = LEAVES) -> str:
    """A problem as a part of the page that unfolds; of each search ``leaves`` candidates, where it has no trace."""
    first = case.outcomes[0][1]
    verdicts, trees = [], []
    for name, outcome in case.outcomes:
        css, mark = ("good", "✓") if outcome.correct else ("bad", "✗")
        answer = "no answer" if outcome.answer is None else outcome.answer
        verdicts.append(f'<span><span class="{css}">{mark}</span> {escape(name)}: <b>{escape(answer)}</b></span>')
        trees.append(_search(name, outcome, traces, leaves))
    level = f" · level {first.level}" if first.level else ""
    return (
        f'<details class="case"><summary><span class="plain">{escape(first.problem)}</span>'
        f'<div class="verdicts">{"".join(verdicts)}</div></summary><div>'
        f'<p class="soft small">{escape(case.id)}{level} · right answer <b>{escape(first.gold)}</b></p>'
        f"{''.join(trees)}</div></details>"
    )


def _search(name: str, outcome: Outcome, traces: Traces, leaves: int) -> str:
    n = outcome.plan.parameters.get("n", "?")
    plan = "" if name.startswith(outcome.plan.strategy) else f"{outcome.plan.strategy}, "  # what a selector chose
    if outcome.error is not None:
        return f'<h3>{escape(name)}</h3><p class="small bad">{escape(outcome.error)}</p>'
    trace = traces.of(outcome)
    pairs = list(zip(outcome.candidates, outcome.right, strict=True))
    note = ""
    if trace is not None:
        roots = tree.from_trace(trace, {c.key: (c.answer, verdict) for c, verdict in pairs})
    else:
        shown = pairs[:leaves]
        roots = tree.from_candidates([c for c, _ in shown], [verdict for _, verdict in shown])
        note = "" if len(shown) == len(pairs) else f" · the first {len(shown)} are drawn"
    right = sum(outcome.right)
    about = f"{plan}N = {n}, {right} of {len(pairs)} candidates right{note}"
    return (
        f'<details><summary><b>{escape(name)}</b> <span class="soft small">{escape(about)}</span></summary>'
        f"{tree.draw(roots)}</details>"
    )
