"""Figures as SVG, drawn by a few lines of our own: a page that must work offline needs no plotting library.

A figure is a string. It takes its colours from the page it stands in, or with ``alone`` brings them along.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from benchmarks.report.marks import Dot, Series, legend, line, mark, power, rule, text, whisker
from benchmarks.report.style import CHART, VARIABLES

_UPWARD = "problems right, %"


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

    @property
    def base(self) -> int:
        return self.height - self.bottom

    @property
    def end(self) -> int:
        return self.width - self.right

    def px(self, x: float) -> float:
        low, high = self.x
        if self.log:
            x, low, high = math.log2(x), math.log2(low), math.log2(high)
        share = (x - low) / (high - low) if high > low else 0.5
        return self.left + share * (self.end - self.left)

    def py(self, y: float) -> float:
        low, high = self.y
        return self.base - (y - low) / (high - low) * (self.base - self.top)


def lines(
    series: Sequence[Series], label: str, title: str, *, flops: bool = False, narrow: bool = False, alone: bool = False
) -> str:
    """Accuracy over N (ticks at the values that occur) or over FLOPs (ticks at powers of ten), with intervals.

    Over N the series stand a few pixels apart, so that intervals at the same N do not hide one another.
    """
    xs = sorted({dot.x for row in series for dot in row.dots})
    keys, height = legend(series, *_type(narrow))
    pad = (xs[-1] / xs[0]) ** 0.04 if len(xs) > 1 else 2.0
    frame = _frame(series, (xs[0] / pad, xs[-1] * pad), height, narrow, log=True)
    ticks = _powers(xs[0], xs[-1]) if flops else _thinned(xs, 6 if narrow else 10)
    parts = [*_grid(frame), *_ticks(frame, ticks, flops), _axis_label(frame, label)]
    apart = 0 if flops else 4 if narrow else 7
    places = _places(frame, series, apart)
    parts += [line(place, row) for row, place in zip(series, places, strict=True) if len(place) > 1]
    for row, place in zip(series, places, strict=True):
        for dot, (x, y) in zip(row.dots, place, strict=True):
            if not row.bound:
                parts.append(whisker(x, frame.py(dot.high), frame.py(dot.low), row.colour))
            tip = f"{row.name}, {_quantity(dot.x, flops)}: {_percent(dot)}"
            parts.append(mark(row, x, y, 3.0 if row.bound else 4.5, tip, dot.hollow))
    return _svg(frame, [*keys, *parts], title, narrow, alone)


def groups(
    series: Sequence[Series], names: Sequence[str], label: str, title: str, *, narrow: bool = False, alone: bool = False
) -> str:
    """Accuracy by group: a dot with its interval for each series in each group; a dot's ``x`` is its group's index."""
    keys, height = legend(series, *_type(narrow))
    frame = _frame(series, (-0.5, len(names) - 0.5), height, narrow, log=False)
    parts = [*_grid(frame), rule(frame.left, frame.base, frame.end, frame.base, "axis")]
    for k, name in enumerate(names):
        parts.append(text(frame.px(k), frame.base + frame.size + 7, name, "middle", frame.size))
        if k:
            x = frame.px(k - 0.5)
            parts.append(rule(x, frame.top, x, frame.base, "grid"))
    parts.append(_axis_label(frame, label))
    for at, row in enumerate(series):
        shift = 0.72 * ((at + 0.5) / len(series) - 0.5)
        for dot in row.dots:
            x = frame.px(dot.x + shift)
            parts.append(whisker(x, frame.py(dot.high), frame.py(dot.low), row.colour))
            parts.append(mark(row, x, frame.py(dot.y), 4.5, f"{row.name}, {names[int(dot.x)]}: {_percent(dot)}"))
    return _svg(frame, [*keys, *parts], title, narrow, alone)


def _places(frame: Frame, series: Sequence[Series], apart: float) -> list[list[tuple[float, float]]]:
    """Where each series' dots are drawn: those with intervals ``apart`` pixels from one another, around their x."""
    found, shift = [], -apart * (sum(not row.bound for row in series) - 1) / 2
    for row in series:
        found.append([(frame.px(dot.x) + (0.0 if row.bound else shift), frame.py(dot.y)) for dot in row.dots])
        shift += 0.0 if row.bound else apart
    return found


def _type(narrow: bool) -> tuple[int, int]:
    """Width and size of type."""
    return (380, 12) if narrow else (920, 14)


def _frame(series: Sequence[Series], x: tuple[float, float], keys: int, narrow: bool, log: bool) -> Frame:
    """A plane whose upward axis begins and ends at a multiple of five per cent."""
    lows = [min(dot.low, dot.y) for row in series for dot in row.dots]
    highs = [max(dot.high, dot.y) for row in series for dot in row.dots]
    low = max(0.0, math.floor(min(lows) * 20 - 0.2) / 20)
    high = min(1.0, math.ceil(max(highs) * 20 + 0.2) / 20)
    width, size = _type(narrow)
    top = keys + size + 18
    height = (260 if narrow else 350) + top + 50
    return Frame(width, height, 30 if narrow else 42, top, 12, 50, x, (low, max(high, low + 0.1)), log, size)


def _grid(frame: Frame) -> list[str]:
    low, high = frame.y
    step = 0.05 if high - low <= 0.26 else 0.1 if high - low <= 0.61 else 0.2
    parts = [text(6, frame.top - 11, _UPWARD, "start", frame.size, "soft")]
    for k in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1):
        y = frame.py(k * step)
        parts.append(rule(frame.left, y, frame.end, y, "grid"))
        parts.append(text(frame.left - 7, y + frame.size * 0.35, f"{100 * k * step:.0f}", "end", frame.size, "soft"))
    return parts


def _ticks(frame: Frame, values: Sequence[float], flops: bool) -> list[str]:
    parts = [rule(frame.left, frame.base, frame.end, frame.base, "axis")]
    for value in values:
        x, words = frame.px(value), _quantity(value, flops).removeprefix("N = ")
        parts.append(rule(x, frame.base, x, frame.base + 5, "axis"))
        parts.append(text(x, frame.base + frame.size + 8, words, "middle", frame.size, "soft"))
    return parts


def _axis_label(frame: Frame, label: str) -> str:
    return text((frame.left + frame.end) / 2, frame.height - 8, label, "middle", frame.size, "soft")


def _quantity(value: float, flops: bool) -> str:
    return power(value, 0) if flops else f"N = {value:.0f}"


def _percent(dot: Dot) -> str:
    return f"{100 * dot.y:.1f} % [{100 * dot.low:.1f}, {100 * dot.high:.1f}]" + (" (estimated)" if dot.hollow else "")


def _powers(low: float, high: float) -> list[float]:
    """Powers of ten in a range; 1, 2 and 5 times them where it is short."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    factors = (1.0,) if high / low > 300 else (1.0, 3.0) if high / low > 20 else (1.0, 2.0, 5.0)
    return [f * 10.0**k for k in decades for f in factors if low * 0.99 <= f * 10.0**k <= high * 1.01]


def _thinned(values: Sequence[float], most: int) -> list[float]:
    """No more ticks than have room: every second, third ... from the end, so that the largest stays."""
    stride = -(-len(values) // most)
    return list(values)[::-1][::stride][::-1]


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
