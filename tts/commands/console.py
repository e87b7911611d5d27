"""Layout of printed text: paragraphs, wrapped entries, tables."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tts.errors import BadInput


def paragraph(title: str, text: str) -> str:
    """Format a title and, below it, a text that is indented and wrapped to the terminal."""
    return "\n".join([title, *(line for part in text.split("\n") for line in fold(part, "    ")), ""])


def fold(text: str, before: str = "") -> list[str]:
    """Wrap a text to the terminal: ``before`` opens the first line, the others are indented by its length."""
    width = min(shutil.get_terminal_size().columns, 110)
    indent = " " * len(before)
    return textwrap.wrap(
        text,
        width,
        initial_indent=before,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def count(number: int, noun: str) -> str:
    """Format a count, such as "1 problem" or "1,000 problems"."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def entries(pairs: Sequence[tuple[str, str]]) -> str:
    """Format pairs in two columns: titles, and texts wrapped to the terminal."""
    indent = max(len(title) for title, _ in pairs) + 2
    lines = []
    for title, text in pairs:
        first, *more = text.split("\n")
        lines += fold(first, f"{title:<{indent}}") or [title]
        lines += [line for part in more for line in fold(part, " " * indent) or [""]]
    return "\n".join(lines)


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Format rows that have the same keys as a text table.

    Numbers, and "-" for a missing one, are aligned right, with commas between thousands.
    """
    columns = list(rows[0])
    cells = [[f"{row[name]:,}" if isinstance(row[name], int) else str(row[name]) for name in columns] for row in rows]
    widths = [max(len(name), *(len(line[k]) for line in cells)) for k, name in enumerate(columns)]
    right = [all(isinstance(row[name], (int, float)) or row[name] == "-" for row in rows) for name in columns]

    def line(texts: Sequence[str]) -> str:
        placed = zip(texts, widths, right, strict=True)
        return "  ".join(text.rjust(width) if r else text.ljust(width) for text, width, r in placed).rstrip()

    return "\n".join(line(texts) for texts in [columns, ["-" * width for width in widths], *cells])


def check_writable(path: Path) -> None:
    """Check before the work that the output file can be written. Raises BadInput if not."""
    try:
        with path.open("a", encoding="utf-8"):
            pass
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}.") from error
