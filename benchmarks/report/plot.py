"""Charts of accuracy with intervals: over N or FLOPs as lines, by group as dots."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from benchmarks.report.colours import LIGHT
from benchmarks.report.drawing import Drawing, Series


@dataclass(frozen=True, slots=True)
class Lines:
    """Accuracy over N (ticks at the values that occur) or over FLOPs (ticks at powers of ten), with intervals.

    Over N the series are a few pixels apart, so that intervals at the same N do not hide one another.
    """

    series: Sequence[Series]
    label: str
    flops: bool = False

    def draw(self, narrow: bool = False) -> Drawing:
        xs = sorted({dot.x for row in self.series for dot in row.dots})
        drawing = Drawing.of(self.series, self.label, narrow)
        axes = drawing.axes
        axes.set_xscale("log")
        pad = (xs[-1] / xs[0]) ** 0.04 if len(xs) > 1 else 2.0
        axes.set_xlim(xs[0] / pad, xs[-1] * pad)
        ticks = _powers(xs[0], xs[-1]) if self.flops else _thinned(xs, 6 if narrow else 10)
        axes.set_xticks(ticks, [power(x, 0) if self.flops else f"{x:.0f}" for x in ticks])
        axes.set_xticks([], minor=True)
        self._draw_series(drawing, 0.0 if self.flops else 4.0 if narrow else 7.0)
        return drawing

    def _draw_series(self, drawing: Drawing, apart: float) -> None:
        shift = -apart * (sum(not row.bound for row in self.series) - 1) / 2
        for row in self.series:
            drawing.curve(row, 0.0 if row.bound else shift)
            for dot in row.dots:
                where = power(dot.x, 0) if self.flops else f"N = {dot.x:.0f}"
                drawing.mark(row, dot, where, 0.0 if row.bound else shift, interval=not row.bound)
            shift += 0.0 if row.bound else apart


@dataclass(frozen=True, slots=True)
class Groups:
    """Accuracy by group: a dot with its interval for each series in each group; a dot's ``x`` is its group's index.

    Attributes:
        names: of the groups.
        counts: problems in each group, in brackets below its name; empty for none.
    """

    series: Sequence[Series]
    names: Sequence[str]
    label: str
    counts: Sequence[int] = ()

    def draw(self, narrow: bool = False) -> Drawing:
        drawing = Drawing.of(self.series, self.label, narrow, rows=2 if self.counts else 1)
        axes = drawing.axes
        axes.set_xlim(-0.5, len(self.names) - 0.5)
        ticks = [f"{name}\n({count})" for name, count in zip(self.names, self.counts, strict=False)]
        axes.set_xticks(range(len(self.names)), ticks or self.names)
        axes.tick_params(axis="x", length=0, labelcolor=LIGHT["ink"])
        for k in range(1, len(self.names)):
            axes.axvline(k - 0.5, color=LIGHT["line"], linewidth=1.0, zorder=0, clip_on=False)
        room = drawing.width / len(self.names)
        for at, row in enumerate(self.series):
            shift = 0.72 * room * ((at + 0.5) / len(self.series) - 0.5)
            for dot in row.dots:
                drawing.mark(row, dot, self.names[int(dot.x)], shift)
        return drawing


class Chart(Protocol):
    """What can be drawn, on a wide screen or narrow for a phone."""

    def draw(self, narrow: bool = False) -> Drawing: ...


def power(value: float, digits: int = 2) -> str:
    """Write a number as mantissa and power of ten, ``1.73·10¹⁰``; without ``digits`` a mantissa of one is left out."""
    if not value:
        return "0"
    mantissa, exponent = f"{value:.{digits}e}".split("e")
    raised = str(int(exponent)).translate(str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"))
    return ("" if mantissa == "1" else f"{mantissa}·") + f"10{raised}"


def _powers(low: float, high: float) -> list[float]:
    """List the powers of ten in a range; in a short range also 2 and 5 times them, or 3 times."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    factors = (1.0,) if high / low > 300 else (1.0, 3.0) if high / low > 20 else (1.0, 2.0, 5.0)
    return [f * 10.0**k for k in decades for f in factors if low * 0.99 <= f * 10.0**k <= high * 1.01]


def _thinned(values: Sequence[float], most: int) -> list[float]:
    """Keep at most so many ticks: every second, third ... from the end, so that the largest stays."""
    stride = -(-len(values) // most)
    return list(values)[::-1][::stride][::-1]
