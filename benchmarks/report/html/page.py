"""The page of a report: one file that loads nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.report import paper
from benchmarks.report.confidence import ABOUT, confidences
from benchmarks.report.curves import Curve, Gain, Point, chances, gains, sizes
from benchmarks.report.figures import Figure
from benchmarks.report.html import cases, words
from benchmarks.report.html.render import render
from benchmarks.report.runs import Runs
from benchmarks.stats.intervals import difficulty

_PAIRS = 15

Cell = tuple[str, str] | None
"""A number and its interval as text; None for a dash."""


@dataclass(frozen=True, slots=True)
class Method:
    """A row of the main table."""

    name: str
    colour: int
    cells: Sequence[Cell]
    costs: Sequence[str]


@dataclass(frozen=True, slots=True)
class Difference:
    """A row of the table of paired differences. ``clear`` means that its interval does not hold zero."""

    above: str
    below: str
    n: int
    points: str
    interval: str
    clear: bool


@dataclass(frozen=True, slots=True)
class PaperTable:
    """Our figures and a paper's on one data set, a row a model."""

    dataset: str
    rows: Sequence[tuple[str, Sequence[Cell]]]


def report(
    title: str,
    runs: Runs,
    curves: Sequence[Curve],
    figures: Sequence[Figure],
    problems: int = cases.COUNT,
    leaves: int = cases.LEAVES,
) -> str:
    """Write the page of one or several runs, with at most ``problems`` and ``leaves`` candidates of each search."""
    columns = sizes(curves)
    chosen = cases.pick(runs, curves, problems)
    traces = cases.Traces(runs.paths if leaves == cases.LEAVES else ())  # a trace is always drawn in full
    return render(
        "report.html.jinja",
        title=title,
        lead=words.lead(runs, curves),
        headline=words.headline(curves),
        warnings=list(words.warnings(runs, curves)),
        columns=columns,
        methods=[_method(curve, columns) for curve in curves],
        table_note=words.table_note(curves),
        figures=figures,
        papers=list(_papers(runs, curves)),
        paper_note=words.paper_note(runs),
        gains=[_difference(gain) for gain in gains(curves)[:_PAIRS]],
        gains_note=words.DIFFERENCES,
        confidences=[(each, words.ranged(each.right)) for each in confidences(runs, curves)],
        confidence_note=ABOUT,
        cases=[cases.view(case, traces, leaves) for case in chosen if case.outcomes],
        cases_note=words.cases_note(len(chosen)),
        facts=list(_facts(runs)),
        method_note=words.method(),
    )


def groupings(runs: Runs) -> dict[str, dict[str, str | int]]:
    """Group the problems by the data set's levels, and by difficulty for the policy where it was sampled."""
    levels: dict[str, str | int] = {
        identity: outcome.level for identity, outcome in runs.problems.items() if outcome.level
    }
    bins: dict[str, str | int] = {identity: difficulty(value) for identity, value in chances(runs).items()}
    return {name: grouping for name, grouping in (("level", levels), ("difficulty", bins)) if grouping}


def _method(curve: Curve, columns: Sequence[int]) -> Method:
    return Method(curve.name, curve.colour, [_cell(curve.at(n)) for n in columns], words.cost(curve))


def _cell(point: Point | None) -> Cell:
    return None if point is None else words.ranged(point.accuracy)


def _difference(gain: Gain) -> Difference:
    points, _, interval = gain.value.points().partition(" points ")
    return Difference(gain.above, gain.below, gain.n, points, interval, gain.value.low > 0)


def _papers(runs: Runs, curves: Sequence[Curve]) -> Iterator[PaperTable]:
    for dataset in words.datasets(runs):
        if found := paper.rows(dataset, words.models(curves, "policy")):
            yield PaperTable(dataset, list(_paper_rows(dataset, found, curves)))


def _paper_rows(
    dataset: str, found: Sequence[tuple[str, paper.Row]], curves: Sequence[Curve]
) -> Iterator[tuple[str, list[Cell]]]:
    for policy, row in found:
        mine = [curve for curve in curves if curve.arm.policy == policy]
        single = next((point for curve in mine if (point := curve.at(1))), None)
        majority = next((curve.top for curve in mine if curve.name.startswith("majority")), None)
        best = max((c.top for c in mine if not c.bound), key=lambda point: point.accuracy.value, default=None)
        yield f"{policy}, here", [_cell(single), _cell(majority), _cell(best)]
        yield f"{row.policy}, paper", [_published(value) for value in (row.cot, row.majority, row.optimal)]
    for name, value in paper.LARGE[paper.dataset_key(dataset)]:
        yield f"{name}, paper", [_published(value), None, None]


def _published(value: float | None) -> Cell:
    return None if value is None else (f"{value:.1f}", "")


def _facts(runs: Runs) -> Iterator[tuple[str, str]]:
    for path, manifest in zip(runs.paths, runs.manifests, strict=True):
        yield "run", path.name or str(path)
        yield from _flat(manifest)


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield a manifest as names and values: nested names joined by a blank, the deepest mappings on one line."""
    if isinstance(value, dict):
        flat = name and not any(isinstance(inner, dict | list) for inner in value.values())
        if flat and " " in name:
            value = ", ".join(f"{key} {inner}" for key, inner in value.items() if inner not in (None, ""))
            yield from _flat(value, name)
            return
        for key, inner in value.items():
            yield from _flat(inner, f"{name} {key}" if name else str(key))
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for index, item in enumerate(value, 1):
            yield from _flat(item, f"{name} {index}" if len(value) > 1 else name)
    elif isinstance(value, list):
        yield name, ", ".join(map(str, value))
    elif value not in (None, ""):
        yield name, str(value)
