"""Figures of gains, on linear axes in points with zero in them: by search and N, and over a number such as an AUC."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.report.colours import LIGHT, SERIES
from benchmarks.report.drawing import Drawing, matplotlib_figure
from benchmarks.stats.intervals import Interval

_SIZE, _LEFT, _PANEL, _GAP, _ABOVE = 12.0, 36.0, (232.0, 190.0), 14.0, 44.0  # points
_MARKS = "os^Dv"


@dataclass(frozen=True, slots=True)
class GainPanels:
    """Gains with their intervals by search, policy and N: a panel for each search, a line for each policy.

    A mark is filled where the interval is above zero or below it. Not every policy has every search and N.
    """

    gains: Mapping[str, Mapping[str, Mapping[int, Interval]]]
    label: str

    def draw(self, narrow: bool = False) -> Drawing:
        across = 2 if narrow else 4
        down = -(-len(self.gains) // across)
        width, height = _LEFT + across * _PANEL[0], _ABOVE + down * _PANEL[1]
        figure = matplotlib_figure()(figsize=(width / 72, height / 72), dpi=72)
        policies = list(dict.fromkeys(policy for found in self.gains.values() for policy in found))
        ns = sorted({n for found in self.gains.values() for each in found.values() for n in each})
        tips: dict[str, str] = {}
        for k, (search, found) in enumerate(self.gains.items()):
            row, column = divmod(k, across)
            box = _PANEL[0] - _GAP, _PANEL[1] - _ABOVE
            left, bottom = _LEFT + column * _PANEL[0], height - _ABOVE - row * _PANEL[1] - box[1]
            axes = figure.add_axes((left / width, bottom / height, box[0] / width, box[1] / height))
            axes.set_title(search, fontsize=_SIZE, color=LIGHT["ink"], pad=9)
            axes.set_xlim(-0.5, len(ns) - 0.5)
            axes.set_xticks(range(len(ns)), [f"N = {n}" if k + across >= len(self.gains) else "" for n in ns])
            axes.set_ylim(*self.range())
            axes.tick_params(labelsize=_SIZE - 1, labelcolor=LIGHT["soft"], labelleft=column == 0, length=0, pad=6)
            _with_zero(axes)
            for p, policy in enumerate(policies):
                shift = 0.16 * (p - (len(policies) - 1) / 2)
                said = f"{policy}, {search}"
                _line(
                    axes, {ns.index(n) + shift: (n, each) for n, each in found.get(policy, {}).items()}, p, said, tips
                )
        for p, policy in enumerate(policies):
            figure.axes[0].plot([], [], marker=_MARKS[p % len(_MARKS)], color=_paint(p), label=policy)
        figure.text(4 / width, 1 - 14 / height, self.label, color=LIGHT["soft"], fontsize=_SIZE)
        figure.legend(loc="upper right", ncols=len(policies), fontsize=_SIZE, frameon=False, borderaxespad=0.1)
        return Drawing(figure, figure.axes[0], width, tips)

    def range(self) -> tuple[float, float]:
        """Return the ends of the axis, see :func:`around`."""
        return around([each for found in self.gains.values() for own in found.values() for each in own.values()])


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
        axes.set_ylim(*around([each for found in self.curves.values() for each in found.values()]))
        _with_zero(axes)
        axes.set_xlabel(self.label, color=LIGHT["soft"], fontsize=_SIZE)
        axes.tick_params(labelsize=_SIZE, labelcolor=LIGHT["soft"], length=0, pad=6)
        figure.text(0.01, 0.87, self.upward, color=LIGHT["soft"], fontsize=_SIZE)
        tips: dict[str, str] = {}
        every = [x for found in self.curves.values() for x in found]
        apart = 0.006 * (max(every) - min(every))  # so that intervals at the same place do not hide one another
        for k, (name, found) in enumerate(self.curves.items()):
            paint, shift = _paint(k), apart * (k - (len(self.curves) - 1) / 2)
            points = [(x + shift, 100 * found[x].value) for x in sorted(found)]
            axes.plot(*zip(*points, strict=True), color=paint, linewidth=2, label=name)
            for (place, value), x in zip(points, sorted(found), strict=True):
                axes.vlines(place, 100 * found[x].low, 100 * found[x].high, colors=paint, linewidth=1.5, alpha=0.6)
                mark = f"tip-{len(tips)}"
                tips[mark] = f"{name}, {x:g}: {found[x].points()}"
                axes.plot(place, value, marker="o", color=paint, linestyle="none", zorder=3, gid=mark)
        figure.legend(loc="upper left", ncols=2 if narrow else 3, fontsize=_SIZE, frameon=False)
        return Drawing(figure, axes, width, tips)


def _line(axes: Any, gains: Mapping[float, tuple[int, Interval]], p: int, said: str, tips: dict[str, str]) -> None:
    """Draw one policy's gains by their places, and add the words that a resting pointer shows."""
    paint, page = _paint(p), LIGHT["page"]
    places = sorted(gains)
    axes.plot(places, [100 * gains[place][1].value for place in places], color=paint, alpha=0.5)
    for place in places:
        n, gain = gains[place]
        axes.vlines(place, 100 * gain.low, 100 * gain.high, colors=paint, linewidth=1.6, alpha=0.6)
        tip = f"tip-{len(tips)}"
        tips[tip] = f"{said}, N = {n}: {gain.points()}"
        axes.plot(
            place, 100 * gain.value, marker=_MARKS[p % len(_MARKS)], markersize=6, color=paint, linestyle="none",
            gid=tip, zorder=3, markerfacecolor=paint if gain.low > 0 or gain.high < 0 else page,
        )  # fmt: skip


def _paint(k: int) -> str:
    return LIGHT[f"s{k % (SERIES - 1)}"]


def _with_zero(axes: Any) -> None:
    axes.patch.set_visible(False)
    axes.axhline(0, color=LIGHT["soft"], linewidth=1.2, zorder=1)
    axes.grid(axis="y")


def around(gains: Sequence[Interval]) -> tuple[float, float]:
    """Return the ends of an axis, in points: multiples of five that hold zero and every interval."""
    ends = [0.0, *(100 * end for each in gains for end in (each.low, each.high))]
    return 5.0 * math.floor(min(ends) / 5 - 0.1), 5.0 * math.ceil(max(ends) / 5 + 0.1)
