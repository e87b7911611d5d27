"""The table of a run: what was measured, the figure, its bar, and whether it holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table.

    Attributes:
        part: the part of the benchmark.
        what: what was measured.
        figure: the result, as text.
        bar: the requirement; empty for none.
        holds: whether it is met; None without one.
        note: how the figure was measured.
    """

    part: str
    what: str
    figure: str
    bar: str = ""
    holds: bool | None = None
    note: str = ""

    @property
    def verdict(self) -> str:
        return "" if self.holds is None else "holds" if self.holds else "missed"


HEAD = Row("part", "what", "figure", "bar", None, "note")


def at_most(value: float, limit: float, unit: str = "") -> tuple[str, bool]:
    """Check an upper bar: return its text, and whether it holds."""
    return f"<= {limit:g}{unit}", value <= limit


def at_least(value: float, limit: float, unit: str = "") -> tuple[str, bool]:
    """Check a lower bar: return its text, and whether it holds."""
    return f">= {limit:g}{unit}", value >= limit


def render(rows: Iterable[Row]) -> str:
    """Format the rows in columns."""
    cells = [
        (row.part, row.what, row.figure, row.bar, row.verdict if row is not HEAD else "verdict", row.note)
        for row in (HEAD, *rows)
    ]
    widths = [max(len(line[k]) for line in cells) for k in range(len(cells[0]))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])
