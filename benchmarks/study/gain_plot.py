"""Figure of gains: one panel a policy, one line a search and N, a linear axis in points with zero in it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.report.colours import LIGHT
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
            left, box = (_LABELS + k * _PANEL) / width, (_PANEL - 16) / width
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
        """Return the ends of the axis, in points: multiples of five that hold zero and every interval."""
        ends = [
            0.0,
            *(100 * end for found in self.panels.values() for each in found.values() for end in (each.low, each.high)),
        ]
        return 5.0 * math.floor(min(ends) / 5 - 0.1), 5.0 * math.ceil(max(ends) / 5 + 0.1)
