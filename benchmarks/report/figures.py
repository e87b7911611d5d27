"""The figures of a report: elements of its page, and files next to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report.curves import Curve, Point
from benchmarks.report.drawing import Dot, Series
from benchmarks.report.plot import Chart, Groups, Lines
from benchmarks.report.svg import png, svg
from benchmarks.stats.intervals import DIFFICULTIES, Interval, by_group
from tts.files.names import safe_name
from tts.files.text import write_atomically


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart with its caption.

    Attributes:
        name: of its file, without the ending.
        wide, narrow: SVG elements of a page, for a wide screen and for a phone.
        alone: an SVG file.
    """

    name: str
    chart: Chart
    caption: str
    wide: str
    narrow: str
    alone: str

    @classmethod
    def of(cls, name: str, chart: Chart, caption: str) -> Figure:
        """Draw a chart. Raises MissingExtra without matplotlib."""
        wide, narrow = svg(chart, caption), svg(chart, caption, narrow=True)
        return cls(name, chart, caption, wide, narrow, svg(chart, caption, alone=True))


def draw(curves: Sequence[Curve], groups: Mapping[str, Mapping[str, str | int]]) -> list[Figure]:
    """Draw accuracy over N, over FLOPs (ours, the papers'), and by each of ``groups``: a name and each problem's group.

    Raises MissingExtra without matplotlib.
    """
    figures = [
        _lines("accuracy-over-n", curves, "N", "samples, N", _over_n(curves)),
        _lines(
            "accuracy-over-flops", curves, "flops", "FLOPs a problem",
            "Accuracy over what a problem costs: FLOPs of policy and reward model together, cached prefixes counted "
            "once. Of two methods at the same height the one on the left is cheaper.",
        ),
        _lines(
            "accuracy-over-paper-flops", curves, "paper_flops", "FLOPs a problem as in the papers",
            "Accuracy over the papers' FLOPs: 2 x parameters x sampled tokens, of the policy alone.",
        ),
    ]  # fmt: skip
    for name, grouping in groups.items():
        if len(set(grouping.values())) > 1:
            figures.append(_grouped(name, curves, grouping))
    return [figure for figure in figures if figure is not None]


def _over_n(curves: Sequence[Curve]) -> str:
    words = ["Accuracy over the number of samples N. Bars are 95 % intervals over the problems."]
    if any(point.derived for curve in curves for point in curve.points):
        words.append("Hollow marks are estimates, means over subsets of the samples of the largest N.")
    if any(curve.bound for curve in curves):
        words.append("Dotted: at least one of the N solutions is right, the upper bound of any vote.")
    return " ".join(words)


def _lines(name: str, curves: Sequence[Curve], what: str, label: str, caption: str) -> Figure | None:
    series = []
    for curve in curves:
        points = sorted((point for point in curve.points if _x(point, what) > 0), key=lambda point: _x(point, what))
        dots = tuple(_dot(_x(point, what), point.accuracy, point.derived and not curve.bound) for point in points)
        if dots and not (curve.bound and what != "N"):
            series.append(Series(curve.name, dots, curve.colour, curve.bound))
    if not series:
        return None
    return Figure.of(name, Lines(series, label, flops=what != "N"), caption)


def _dot(x: float, value: Interval, hollow: bool = False) -> Dot:
    return Dot(x, value.value, value.low, value.high, hollow)


def _x(point: Point, what: str) -> float:
    return float({"N": point.n, "flops": point.flops, "paper_flops": point.paper_flops}[what])


def _grouped(name: str, curves: Sequence[Curve], grouping: Mapping[str, str | int]) -> Figure:
    names = sorted(set(grouping.values()), key=_rank)
    series = []
    for curve in curves:
        ids = [identity for identity in curve.top.ids if identity in grouping]
        right = dict(zip(curve.top.ids, curve.top.right, strict=True))
        found = by_group([right[i] for i in ids], [grouping[i] for i in ids])
        dots = [_dot(k, found[group][0]) for k, group in enumerate(names) if group in found]
        series.append(Series(curve.name, tuple(dots), curve.colour, curve.bound))
    counts = [sum(value == group for value in grouping.values()) for group in names]
    caption = f"Accuracy by {name} at each method's largest N, with 95 % intervals; the number of problems in brackets."
    if name == "difficulty":
        caption += (
            " Difficulty is measured on the same samples that vote, which by itself raises the majority on easy "
            "problems and lowers it on hard ones."
        )
    return Figure.of(f"accuracy-by-{name}", Groups(series, [str(group) for group in names], name, counts), caption)


def _rank(group: str | int) -> tuple[int, str]:
    """Sort difficulties from easy to hard, levels by number."""
    names = list(DIFFICULTIES)
    return (group, "") if isinstance(group, int) else (names.index(group) if group in names else 0, group)


def save(figures: Sequence[Figure], page: Path) -> list[Path]:
    """Write each figure as ``PAGE-NAME.svg`` and ``.png`` next to the page. Raises BadInput where that fails."""
    written = []
    for figure in figures:
        file = page.with_name(f"{page.stem}-{safe_name(figure.name)}.svg")
        picture = file.with_suffix(".png")
        write_atomically(file, figure.alone + "\n")
        write_atomically(picture, png(figure.chart))
        written += [file, picture]
    return written
