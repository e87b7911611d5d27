"""Figures as SVG, drawn by a few lines of our own: a page that must work offline needs no plotting library.

A figure is a string. It takes its colours from the page it stands in, or with ``alone`` brings them along.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from benchmarks.report.style import CHART, SERIES, VARIABLES

MARKS = ("circle", "square", "diamond", "triangle", "circle", "square", "diamond", "triangle")


@dataclass(frozen=True, slots=True)
class Dot:
    """A value (0 to 1) at ``x`` with the ends of its interval."""

    x: float
    y: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Series:
    """A named row of dots. ``colour`` is the number of its colour; ``bound`` draws it dotted, without a band."""

    name: str
    dots: tuple[Dot, ...]
    colour: int
    bound: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a figure's plane lies, in pixels, and what its axes span."""

    width: int
    height: int
    left: int
    top: int
    right: int
    bottom: int
    x: tuple[float, float]
    y: tuple[float, float]
    log: bool
    size: int

    def px(self, x: float) -> float:
        low, high = self.x
        if self.log:
            x, low, high = math.log2(x), math.log2(low), math.log2(high)
        share = (x - low) / (high - low) if high > low else 0.5
        return self.left + share * (self.width - self.left - self.right)

    def py(self, y: float) -> float:
        low, high = self.y
        return self.height - self.bottom - (y - low) / (high - low) * (self.height - self.top - self.bottom)


def lines(
    series: Sequence[Series], label: str, title: str, *, flops: bool = False, narrow: bool = False, alone: bool = False
) -> str:
    """Accuracy over N (ticks at the values that occur) or over FLOPs (ticks at powers of ten), with bands."""
    xs = sorted({dot.x for row in series for dot in row.dots})
    keys, height = _legend(series, narrow)
    pad = (xs[-1] / xs[0]) ** 0.04 if len(xs) > 1 else 2.0
    frame = _frame(series, (xs[0] / pad, xs[-1] * pad), height, narrow, log=True)
    ticks = _powers(xs[0], xs[-1]) if flops else _thinned(xs, 6 if narrow else 10)
    parts = [*_grid(frame), *_ticks(frame, ticks, flops), _axis_label(frame, label)]
    for row in series:
        if len(row.dots) > 1 and not row.bound:
            edge = [(frame.px(d.x), frame.py(d.high)) for d in row.dots]
            edge += [(frame.px(d.x), frame.py(d.low)) for d in reversed(row.dots)]
            parts.append(f'<polygon class="band s{row.colour}" points="{_points(edge)}"/>')
    for row in series:
        path = [(frame.px(d.x), frame.py(d.y)) for d in row.dots]
        dotted = " bound" if row.bound else ""
        if len(path) > 1:
            parts.append(f'<polyline class="curve s{row.colour}{dotted}" points="{_points(path)}"/>')
        elif not row.bound:
            parts.append(_whisker(frame, row.dots[0], path[0][0], row.colour))
        for dot, (x, y) in zip(row.dots, path, strict=True):
            parts.append(
                _mark(row, x, y, 3.0 if row.bound else 4.5, f"{row.name}, {_quantity(dot.x, flops)}: {_percent(dot)}")
            )
    return _svg(frame, [*keys, *parts], title, narrow, alone)


def groups(
    series: Sequence[Series], names: Sequence[str], label: str, title: str, *, narrow: bool = False, alone: bool = False
) -> str:
    """Accuracy by group: a dot with its interval for each series in each group; a dot's ``x`` is its group's index."""
    keys, height = _legend(series, narrow)
    frame = _frame(series, (-0.5, len(names) - 0.5), height, narrow, log=False)
    parts = [*_grid(frame)]
    for k, name in enumerate(names):
        parts.append(_text(frame.px(k), frame.height - frame.bottom + frame.size + 7, name, "middle", frame.size))
        if k:
            x = frame.px(k - 0.5)
            parts.append(
                f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{frame.top}" y2="{frame.height - frame.bottom}"/>'
            )
    parts.append(_axis_label(frame, label))
    for at, row in enumerate(series):
        shift = 0.72 * ((at + 0.5) / len(series) - 0.5)
        for dot in row.dots:
            x = frame.px(dot.x + shift)
            parts.append(_whisker(frame, dot, x, row.colour))
            parts.append(_mark(row, x, frame.py(dot.y), 4.5, f"{row.name}, {names[int(dot.x)]}: {_percent(dot)}"))
    return _svg(frame, [*keys, *parts], title, narrow, alone)


def _frame(series: Sequence[Series], x: tuple[float, float], legend: int, narrow: bool, log: bool) -> Frame:
    lows = [min(dot.low, dot.y) for row in series for dot in row.dots]
    highs = [max(dot.high, dot.y) for row in series for dot in row.dots]
    low = max(0.0, math.floor(min(lows) * 10 - 0.2) / 10)
    high = min(1.0, math.ceil(max(highs) * 10 + 0.2) / 10)
    width, height, size = (380, 300, 12) if narrow else (920, 400, 14)
    return Frame(
        width, height + legend, 34 if narrow else 58, legend + 12, 10, 50, x, (low, max(high, low + 0.1)), log, size
    )


def _legend(series: Sequence[Series], narrow: bool) -> tuple[list[str], int]:
    """Marks and names in rows above the plane, and the height they take."""
    width, size = (380, 12) if narrow else (920, 14)
    parts: list[str] = []
    x, y = 6.0, size + 2.0
    for row in series:
        wide = len(row.name) * size * 0.56 + 34
        if x > 6 and x + wide > width:
            x, y = 6.0, y + size + 9
        parts += [_mark(row, x + 6, y - size * 0.36, 4.5, ""), _text(x + 17, y, row.name, "start", size)]
        x += wide
    return parts, int(y + 8)


def _grid(frame: Frame) -> list[str]:
    low, high = frame.y
    step = 0.1 if high - low <= 0.61 else 0.2
    parts = []
    for k in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1):
        y = frame.py(k * step)
        parts.append(
            f'<line class="grid" x1="{frame.left}" x2="{frame.width - frame.right}" y1="{y:.1f}" y2="{y:.1f}"/>'
        )
        parts.append(
            _text(
                frame.left - 7,
                y + frame.size * 0.35,
                f"{100 * k * step:.0f}" + (" %" if frame.size > 12 else ""),
                "end",
                frame.size,
                "soft",
            )
        )
    return parts


def _ticks(frame: Frame, values: Sequence[float], flops: bool) -> list[str]:
    base = frame.height - frame.bottom
    parts = [f'<line class="axis" x1="{frame.left}" x2="{frame.width - frame.right}" y1="{base}" y2="{base}"/>']
    for value in values:
        x = frame.px(value)
        parts.append(f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{base}" y2="{base + 5}"/>')
        parts.append(
            _text(x, base + frame.size + 8, _quantity(value, flops).removeprefix("N = "), "middle", frame.size, "soft")
        )
    return parts


def _axis_label(frame: Frame, label: str) -> str:
    middle = (frame.left + frame.width - frame.right) / 2
    return _text(middle, frame.height - 8, label, "middle", frame.size, "soft")


def _quantity(value: float, flops: bool) -> str:
    if not flops:
        return f"N = {value:.0f}"
    mantissa, exponent = f"{value:.0e}".split("e")
    raised = str(int(exponent)).translate(str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"))
    return ("" if mantissa == "1" else f"{mantissa}·") + f"10{raised}"


def _percent(dot: Dot) -> str:
    return f"{100 * dot.y:.1f} % [{100 * dot.low:.1f}, {100 * dot.high:.1f}]"


def _powers(low: float, high: float) -> list[float]:
    """Powers of ten in a range; 1, 2 and 5 times them where it is short."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    factors = (1.0,) if high / low > 300 else (1.0, 3.0) if high / low > 20 else (1.0, 2.0, 5.0)
    return [f * 10.0**k for k in decades for f in factors if low * 0.99 <= f * 10.0**k <= high * 1.01]


def _thinned(values: Sequence[float], most: int) -> list[float]:
    """No more ticks than have room: every second, third ... from the end, so that the largest stays."""
    stride = -(-len(values) // most)
    return list(values)[::-1][::stride][::-1]


def _mark(row: Series, x: float, y: float, r: float, tip: str) -> str:
    title = f"<title>{escape(tip)}</title>" if tip else ""
    css = f'class="mark s{row.colour}"'
    shape = MARKS[row.colour % len(MARKS)]
    if shape == "circle":
        return f'<circle {css} cx="{x:.1f}" cy="{y:.1f}" r="{r}">{title}</circle>'
    if shape == "square":
        side = 1.8 * r
        corner = f'x="{x - side / 2:.1f}" y="{y - side / 2:.1f}"'
        return f'<rect {css} {corner} width="{side:.1f}" height="{side:.1f}">{title}</rect>'
    reach = 1.35 * r
    corners = [(x, y - reach), (x + reach, y), (x, y + reach), (x - reach, y)]
    if shape == "triangle":
        corners = [(x, y - reach), (x + reach, y + 0.8 * reach), (x - reach, y + 0.8 * reach)]
    return f'<polygon {css} points="{_points(corners)}">{title}</polygon>'


def _whisker(frame: Frame, dot: Dot, x: float, colour: int) -> str:
    ends = f'y1="{frame.py(dot.high):.1f}" y2="{frame.py(dot.low):.1f}"'
    return f'<line class="whisker s{colour}" x1="{x:.1f}" x2="{x:.1f}" {ends}/>'


def _text(x: float, y: float, text: str, anchor: str, size: int, css: str = "") -> str:
    return (
        f'<text class="{css}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(text)}</text>'
    )


def _points(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _svg(frame: Frame, parts: Sequence[str], title: str, narrow: bool, alone: bool) -> str:
    style = (
        f"<style>{VARIABLES}{CHART}</style><rect width='100%' height='100%' style='fill:var(--page)'/>" if alone else ""
    )
    size = f'width="{frame.width}" height="{frame.height}" ' if alone else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart {"narrow" if narrow else "wide"}" {size}'
        f'viewBox="0 0 {frame.width} {frame.height}" role="img"><title>{escape(title)}</title>'
        f"{style}{''.join(parts)}</svg>"
    )


def colour(index: int, bound: bool = False) -> int:
    """The number of a series' colour; the last is for bounds, beyond the others they begin again."""
    return SERIES - 1 if bound else index % (SERIES - 1)
