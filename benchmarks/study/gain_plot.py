"""Figures of gains, on linear axes in points with zero in them: by search and N, and over a number such as an AUC."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.report.colours import LIGHT, SERIES
from benchmarks.report.drawing import Drawing, matplotlib_figure
from benchmarks.stats.intervals import Interval

_ROW, _SIZE, _LABELS, _PANEL, _ABOVE, _BELOW = 19.0, 12.0, 260.0, 240.0, 26.0, 44.0  # points


@dataclass(frozen=True, slots=True)
class Gains:
    """Gains with their intervals, by policy and by the name of the line; not every policy has every line."""

    lines: Sequence[str]
    panels: Mapping[str, Mapping[str, Interval]]
    label: str

    def draw(self, narrow: bool = False) -> Drawing:
        count = len(self.panels)
        width, height = _LABELS + count * _PANEL, _ABOVE + _ROW * len(self.lines) + _BELOW
        figure = matplotlib_figure()(figsize=(width / 72, height / 72), dpi=72)
        low, high = self.range()
        tips: dict[str, str] = {}
        for k, (policy, found) in enumerate(self.panels.items()):
            left, box = (_LABELS + k * _PANEL) / width, (_PANEL - 36) / width
            axes = figure.add_axes((left, _BELOW / height, box, _ROW * len(self.lines) / height))
            axes.patch.set_visible(False)
            axes.set_xlim(low, high)
            axes.set_ylim(len(self.lines) - 0.5, -0.5)
            axes.set_yticks(range(len(self.lines)), self.lines if k == 0 else [""] * len(self.lines))
            axes.tick_params(labelsize=_SIZE, labelcolor=LIGHT["ink"], length=0, pad=6)
            axes.set_title(policy, fontsize=_SIZE, color=LIGHT["ink"])
            axes.axvline(0, color=LIGHT["soft"], linewidth=1.2, zorder=1)
            axes.grid(axis="x")
            if k == count // 2:
                axes.set_xlabel(self.label, color=LIGHT["soft"], fontsize=_SIZE)
            for row, name in enumerate(self.lines):
                if name not in found:
                    continue
                value, low_end, high_end = (
                    100 * each for each in (found[name].value, found[name].low, found[name].high)
                )
                paint = LIGHT["good" if low_end > 0 else "bad" if high_end < 0 else "s7"]
                axes.hlines(row, low_end, high_end, colors=paint, linewidth=1.8, alpha=0.6)
                mark = f"tip-{len(tips)}"
                tips[mark] = f"{policy}, {name}: {found[name].points()}"
                axes.plot(value, row, marker="o", markersize=6, color=paint, linestyle="none", zorder=3, gid=mark)
        return Drawing(figure, figure.axes[0], width, tips)

    def range(self) -> tuple[float, float]:
        """Return the ends of the axis, see :func:`around`."""
        return around([each for found in self.panels.values() for each in found.values()])


@dataclass(frozen=True, slots=True)
class GainCurves:
    """Gains with their intervals over a number, one curve for each name."""

    curves: Mapping[str, Mapping[float, Interval]]
    label: str
    upward: str

    def draw(self, narrow: bool = False) -> Drawing:
        width, height = (380.0, 420.0) if narrow else (920.0, 480.0)
        figure = matplotlib_figure()(figsize=(width / 72, height / 72), dpi=72)
        axes = figure.add_axes((0.09, 0.12, 0.88, 0.72))
        axes.patch.set_visible(False)
        axes.set_ylim(*around([each for found in self.curves.values() for each in found.values()]))
        axes.axhline(0, color=LIGHT["soft"], linewidth=1.2, zorder=1)
        axes.grid(axis="y")
        axes.set_xlabel(self.label, color=LIGHT["soft"], fontsize=_SIZE)
        axes.tick_params(labelsize=_SIZE, labelcolor=LIGHT["soft"], length=0, pad=6)
        figure.text(0.01, 0.87, self.upward, color=LIGHT["soft"], fontsize=_SIZE)
        tips: dict[str, str] = {}
        every = [x for found in self.curves.values() for x in found]
        apart = 0.006 * (max(every) - min(every))  # so that intervals at the same place do not hide one another
        for k, (name, found) in enumerate(self.curves.items()):
            paint, shift = LIGHT[f"s{k % (SERIES - 1)}"], apart * (k - (len(self.curves) - 1) / 2)
            points = [(x + shift, 100 * found[x].value) for x in sorted(found)]
            axes.plot(*zip(*points, strict=True), color=paint, linewidth=2, label=name)
            for (place, value), x in zip(points, sorted(found), strict=True):
                axes.vlines(place, 100 * found[x].low, 100 * found[x].high, colors=paint, linewidth=1.5, alpha=0.6)
                mark = f"tip-{len(tips)}"
                tips[mark] = f"{name}, {x:g}: {found[x].points()}"
                axes.plot(place, value, marker="o", color=paint, linestyle="none", zorder=3, gid=mark)
        figure.legend(loc="upper left", ncols=2 if narrow else 3, fontsize=_SIZE, frameon=False)
        return Drawing(figure, axes, width, tips)


def around(gains: Sequence[Interval]) -> tuple[float, float]:
    """Return the ends of an axis, in points: multiples of five that hold zero and every interval."""
    ends = [0.0, *(100 * end for each in gains for end in (each.low, each.high))]
    return 5.0 * math.floor(min(ends) / 5 - 0.1), 5.0 * math.ceil(max(ends) / 5 + 0.1)
