"""What charts are drawn on: a matplotlib figure with one plane, a legend above and an axis label below.

All sizes are points of 1/72 inch, which are the pixels of the SVG. A drawing is wide, or narrow for a phone. matplotlib
measures text in the font that it ships, so a chart has the same layout on every machine. Importing this module does not
import matplotlib.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks.report.colours import LIGHT, SERIES
from tts.errors import MissingExtra

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.transforms import Transform

STYLE: dict[str, Any] = {
    "font.family": ["DejaVu Sans"],
    "text.parse_math": False,  # a dollar sign in a model's name is a dollar sign
    "text.color": LIGHT["ink"],
    "axes.edgecolor": LIGHT["soft"],
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.axisbelow": True,
    "grid.color": LIGHT["line"],
    "grid.linewidth": 1.0,
    "ytick.left": False,
    "figure.facecolor": LIGHT["page"],
    "lines.solid_capstyle": "round",
    "lines.dash_capstyle": "round",
}
"""matplotlib's settings for a chart."""

_SHAPES = ("o", "s", "D", "^")
_UPWARD = "problems right, %"


@dataclass(frozen=True, slots=True)
class Dot:
    """A value (0 to 1) at ``x`` with the ends of its interval; ``hollow`` marks an estimate, not a run."""

    x: float
    y: float
    low: float
    high: float
    hollow: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """A named row of dots. ``colour`` is the number of its colour; ``bound`` draws it dotted, without intervals."""

    name: str
    dots: tuple[Dot, ...]
    colour: int
    bound: bool = False

    @property
    def paint(self) -> str:
        return LIGHT[f"s{self.colour}"]

    @property
    def shape(self) -> str:
        """The marker: bounds and the first colour have circles."""
        return "o" if self.colour == SERIES - 1 else _SHAPES[self.colour % len(_SHAPES)]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawn chart.

    Attributes:
        figure, axes: matplotlib's.
        width: of the plane.
        tips: for each mark by its id the text that a pointer resting on it shows.
    """

    figure: Figure
    axes: Axes
    width: float
    tips: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, series: Sequence[Series], label: str, narrow: bool, rows: int = 1) -> Drawing:
        """Lay out an empty chart whose upward axis holds every interval, with ``rows`` of text for a tick."""
        width, size, tall = (380.0, 12.0, 260.0) if narrow else (920.0, 14.0, 350.0)
        left, right, below = 2.8 * size, 12.0, (2.4 + 1.2 * rows) * size
        figure = matplotlib_figure()(figsize=(width / 72, 1.0), dpi=72)
        keys = _legend(figure, series, width, size)
        above = keys + 2.4 * size
        height = math.ceil(above + tall + below)
        figure.set_size_inches(width / 72, height / 72)
        box = (left / width, below / height, (width - left - right) / width, 1 - (above + below) / height)
        axes = figure.add_axes(box)
        axes.patch.set_visible(False)
        figure.text(2 / width, 1 - (keys + 1.3 * size) / height, _UPWARD, color=LIGHT["soft"], fontsize=size)
        axes.set_xlabel(label, color=LIGHT["soft"], fontsize=size, labelpad=0.4 * size)
        axes.tick_params(labelsize=size, labelcolor=LIGHT["soft"], color=LIGHT["soft"], length=5, pad=5)
        _upward(axes, series)
        return cls(figure, axes, width - left - right)

    def curve(self, row: Series, shift: float) -> None:
        """Draw the line through a series' dots."""
        self.axes.plot(
            [dot.x for dot in row.dots],
            [dot.y for dot in row.dots],
            transform=self._moved(shift),
            clip_on=False,
            **_stroke(row),
        )

    def mark(self, row: Series, dot: Dot, where: str, shift: float, interval: bool = True) -> None:
        """Draw a dot with its interval, ``shift`` points to the right of its place."""
        moved = self._moved(shift)
        if interval:
            self.axes.vlines(
                dot.x, dot.low, dot.high, colors=row.paint, linewidth=1.5, alpha=0.55, transform=moved, clip_on=False
            )
        name = f"tip-{len(self.tips)}"
        self.axes.plot(dot.x, dot.y, transform=moved, clip_on=False, zorder=3, gid=name, **_marker(row, dot.hollow))
        guess = " (estimated)" if dot.hollow else ""
        value = f"{100 * dot.y:.1f} % [{100 * dot.low:.1f}, {100 * dot.high:.1f}]"
        self.tips[name] = f"{row.name}, {where}: {value}{guess}"

    def _moved(self, shift: float) -> Transform:
        from matplotlib.transforms import ScaledTranslation

        return self.axes.transData + ScaledTranslation(shift / 72, 0, self.figure.dpi_scale_trans)


def matplotlib_figure() -> type[Figure]:
    """Import matplotlib's figure. Raises MissingExtra where it is not installed."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtra(
            "figures are drawn with matplotlib, which is not installed: pip install 'tts-search[report]'."
        ) from error
    return Figure


def _stroke(row: Series) -> dict[str, Any]:
    """Choose how a series' line is drawn."""
    return {"color": row.paint, "linewidth": 2.2, "linestyle": (0, (0.1, 2.0)) if row.bound else "-"}


def _marker(row: Series, hollow: bool = False) -> dict[str, Any]:
    """Choose how a series' dots are drawn: hollow ones have the page's colour inside, full ones around them."""
    page = LIGHT["page"]
    inside, around = (page, row.paint) if hollow else (row.paint, page)
    return {
        "linestyle": "none",
        "marker": row.shape,
        "markersize": (6.0 if row.bound else 7.5 if row.shape == "D" else 9.0),
        "markerfacecolor": inside,
        "markeredgecolor": around,
        "markeredgewidth": 1.8 if hollow else 1.2,
    }


def _legend(figure: Figure, series: Sequence[Series], width: float, size: float) -> float:
    """Place the series' names above the plane in as many columns as have room, and return the height they take."""
    from matplotlib.lines import Line2D

    most = int((width - 3 * size) / (0.62 * size))  # characters, in a font whose mean is 0.6 of its size
    keys = [Line2D([], [], label=_short(printable(row.name), most), **(_marker(row) | _stroke(row))) for row in series]
    for columns in range(len(keys), 0, -1):
        legend = figure.legend(
            handles=keys, loc="upper left", bbox_to_anchor=(0, 1), ncols=columns, fontsize=size, frameon=False,
            borderpad=0.25, borderaxespad=0.0, handlelength=1.9, handletextpad=0.5, columnspacing=1.4,
            labelspacing=0.45,
        )  # fmt: skip
        box = legend.get_window_extent()
        if box.width <= width or columns == 1:
            return float(box.height)
        legend.remove()
    return 0.0


def _upward(axes: Axes, series: Sequence[Series]) -> None:
    """Let the upward axis begin and end at a multiple of five per cent, with a grid and ticks in per cent."""
    lows = [min(dot.low, dot.y) for row in series for dot in row.dots]
    highs = [max(dot.high, dot.y) for row in series for dot in row.dots]
    low = min(0.9, max(0.0, math.floor(min(lows) * 20 - 0.2) / 20))
    high = max(min(1.0, math.ceil(max(highs) * 20 + 0.2) / 20), low + 0.1)
    step = 0.05 if high - low <= 0.26 else 0.1 if high - low <= 0.61 else 0.2
    ticks = [k * step for k in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]
    axes.set_ylim(low, high)
    axes.set_yticks(ticks, [f"{100 * tick:.0f}" for tick in ticks])
    axes.grid(axis="y", clip_on=False)


def printable(text: str) -> str:
    """Replace the characters that XML cannot hold."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def _short(name: str, most: int) -> str:
    """Cut a name that would not fit on a line in its middle: names of one report often differ at their ends."""
    if len(name) <= most:
        return name
    tail = most // 3
    return f"{name[: most - tail - 1]}…{name[-tail:]}"
