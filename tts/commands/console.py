"""What the commands print and ask: layout, output that harms no terminal, the problem from standard input."""

from __future__ import annotations

import codecs
import io
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, TextIO

import typer

from tts.errors import BadInput
from tts.files.json_text import dump
from tts.files.standard_streams import ERRORS, errors, output
from tts.files.text import decoded, is_utf8, reason

LONGEST = 2000
"""Characters of the longest remark."""

LARGEST = 2**24
"""Bytes of the longest problem that is read from standard input."""


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


def visible(text: str) -> str:
    """Show what a terminal would obey: control characters and marks of writing direction become escapes.

    Line feeds and tabs stay.

    >>> visible("\x1b[31mred\u202e")
    '\\\\x1b[31mred\\\\u202e'
    """
    return _OBEYED.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


def say(text: str = "") -> None:
    """Print text for people on standard output. Raises BadInput where it cannot be written."""
    _write(visible(text))


def say_json(value: Any) -> None:
    """Print JSON on standard output, in ASCII where the output takes no UTF-8. Raises BadInput as :func:`say`."""
    name = (_output().encoding or "").lower().replace("-", "").replace("_", "")
    _write(dump(value, ascii_only=name != "utf8"))


def note(text: str) -> None:
    """Print a remark on standard error, as ``tts: ...``. One that cannot be written is lost, and nothing else is."""
    if len(text) > LONGEST:  # it quotes a text of no end
        text = f"{text[: LONGEST - 400]} ... {text[-400:]}"
    with suppress(OSError, ValueError):
        typer.echo(f"tts: {visible(text)}", None if errors() is sys.stderr else ERRORS, err=True)


def interactive() -> bool:
    """Return whether somebody watches standard error: whether a progress bar is drawn."""
    return ERRORS.isatty()


def check_printable() -> None:
    """Check before the work that its result can be printed. Raises BadInput where standard output is closed."""
    _output()


def problem_text(given: str | None) -> str:
    """Return the problem: the argument, else what is typed or piped in. Raises BadInput where it is not UTF-8 text."""
    if given is None:
        given = _asked()
    if not is_utf8(given):  # bytes that the locale could not decode
        with suppress(UnicodeError):
            given = os.fsencode(given).decode()
    if not is_utf8(given):
        raise BadInput("the problem is not UTF-8 text.")
    return given.strip()


def _asked() -> str:
    source = sys.stdin
    if source is None:
        raise BadInput("standard input is closed: give the problem as an argument.")
    try:
        if source.isatty():
            return str(typer.prompt("Problem", prompt_suffix=": "))
        if not isinstance(source, io.TextIOWrapper):
            return str(source.read(LARGEST))
        data = source.buffer.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        raise BadInput(f"the problem cannot be read: {reason(error)}.") from error
    if len(data) > LARGEST:
        raise BadInput(f"the problem is longer than {LARGEST:,} bytes.")
    try:
        return decoded(data, "the problem")
    except BadInput:
        encoding = source.encoding.lower().replace("-", "").replace("_", "")
        if encoding in ("utf8", "ascii", "ansix3.41968") or data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise
        return str(data.decode(source.encoding, "surrogateescape"))


def _output() -> TextIO:
    stream = output()
    if stream is None:
        raise BadInput("standard output is closed, so nothing can be printed: open it, or redirect it to a file.")
    return stream


def _write(text: str) -> None:
    stream = _output()
    try:
        typer.echo(text, None if stream is sys.stdout else stream)
    except BrokenPipeError:  # the reader has seen enough
        raise
    except (OSError, ValueError) as error:
        raise BadInput(f"standard output cannot be written: {reason(error)}.") from error
