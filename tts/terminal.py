"""How the commands lay out what they print. Standard library only."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any


def paragraph(title: str, text: str) -> str:
    """A title, and below it the text, indented and wrapped to the terminal."""
    width = min(shutil.get_terminal_size().columns, 110)
    lines = [line for part in text.split("\n") for line in textwrap.wrap(part, width - 4)]
    return "\n".join([title, *(f"    {line}" for line in lines), ""])


def entries(pairs: Sequence[tuple[str, str]]) -> str:
    """Titles in a column, and beside each its text, wrapped to the terminal."""
    indent = max(len(title) for title, _ in pairs) + 2
    width = min(shutil.get_terminal_size().columns, 110) - indent
    lines = []
    for title, text in pairs:
        wrapped = [
            line
            for part in text.split("\n")
            for line in textwrap.wrap(part, width, break_long_words=False, break_on_hyphens=False) or [""]
        ]
        lines += [
            f"{name:<{indent}}{line}".rstrip()
            for name, line in zip([title, *[""] * (len(wrapped) - 1)], wrapped, strict=True)
        ]
    return "\n".join(lines)


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows of the same columns, in columns as wide as what stands in them; numbers to the right, thousands apart."""
    columns = list(rows[0])
    cells = [[f"{row[name]:,}" if isinstance(row[name], int) else str(row[name]) for name in columns] for row in rows]
    widths = [max(len(name), *(len(line[k]) for line in cells)) for k, name in enumerate(columns)]
    right = [all(isinstance(row[name], (int, float)) for row in rows) for name in columns]

    def line(texts: Sequence[str]) -> str:
        placed = zip(texts, widths, right, strict=True)
        return "  ".join(text.rjust(width) if r else text.ljust(width) for text, width, r in placed).rstrip()

    return "\n".join(line(texts) for texts in [columns, ["-" * width for width in widths], *cells])
