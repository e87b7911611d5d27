"""What figures are drawn with: the series' marks and whiskers, their legend, text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from benchmarks.report.style import SERIES

SHAPES = ("circle", "square", "diamond", "triangle")


@dataclass(frozen=True, slots=True)
class Dot:
    """A value (0 to 1) at ``x`` with the ends of its interval; ``hollow`` where it is an estimate and not a run."""

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


def legend(series: Sequence[Series], width: int, size: int) -> tuple[list[str], int]:
    """A piece of each series' line with its mark and name, in rows above the plane, and the height they take."""
    parts: list[str] = []
    x, y = 6.0, size + 2.0
    for row in series:
        wide = len(row.name) * size * 0.56 + 50
        if x > 6 and x + wide > width:
            x, y = 6.0, y + size + 9
        middle = y - size * 0.36
        parts.append(line([(x, middle), (x + 26, middle)], row))
        parts += [mark(row, x + 13, middle, 3.0 if row.bound else 4.5), text(x + 33, y, row.name, "start", size)]
        x += wide
    return parts, int(y + 8)


def line(points: Iterable[tuple[float, float]], row: Series) -> str:
    dotted = " bound" if row.bound else ""
    return f'<polyline class="curve s{row.colour}{dotted}" points="{_points(points)}"/>'


def mark(row: Series, x: float, y: float, r: float, tip: str = "", hollow: bool = False) -> str:
    """The series' shape, the same for the same colour; ``tip`` is shown by a pointer that rests on it."""
    title = f"<title>{escape(tip)}</title>" if tip else ""
    css = f'class="mark s{row.colour}{" hollow" if hollow else ""}"'
    shape = "circle" if row.colour == SERIES - 1 else SHAPES[row.colour % len(SHAPES)]
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


def whisker(x: float, high: float, low: float, colour: int) -> str:
    """An interval from pixel ``high`` down to pixel ``low``, with its ends."""
    ends = "".join(f"M{x - 2.5:.1f} {y:.1f}h5" for y in (high, low))
    return f'<path class="whisker s{colour}" d="M{x:.1f} {high:.1f}V{low:.1f}{ends}"/>'


def text(x: float, y: float, words: str, anchor: str, size: int, css: str = "") -> str:
    return (
        f'<text class="{css}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(words)}</text>'
    )


def power(value: float, digits: int = 2) -> str:
    """A number as mantissa and power of ten, ``1.73·10¹⁰``; a mantissa of one without ``digits`` is left out."""
    if not value:
        return "0"
    mantissa, exponent = f"{value:.{digits}e}".split("e")
    raised = str(int(exponent)).translate(str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"))
    return ("" if mantissa == "1" else f"{mantissa}·") + f"10{raised}"


def rule(x1: float, y1: float, x2: float, y2: float, css: str) -> str:
    """A line of the grid or an axis."""
    return f'<line class="{css}" x1="{x1:.1f}" x2="{x2:.1f}" y1="{y1:.1f}" y2="{y2:.1f}"/>'


def _points(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
