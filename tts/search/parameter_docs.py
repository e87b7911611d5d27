"""What the parameters of a strategy mean, read from the docstrings of its class and of the classes it derives from."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields, is_dataclass
from typing import Any

from tts.search.strategy import Strategy

_SECTION = re.compile(r"^Attributes:\n((?:(?: .*)?\n?)+)", re.MULTILINE)
_ENTRY = re.compile(r"^ {4}(\w+(?:, \w+)*): (.+(?:\n {5,}.+)*)", re.MULTILINE)


def meanings(strategy: type[Strategy]) -> dict[str, str]:
    """Return the meaning of each documented parameter by its name.

    A docstring holds them under ``Attributes:``, as ``name: meaning`` or ``name, name: meaning``; lines that go on are
    indented. A class's own words go before those of its bases.
    """
    found: dict[str, str] = {}
    for cls in reversed(strategy.__mro__):
        for section in _SECTION.findall(inspect.cleandoc(cls.__doc__ or "")):
            for names, meaning in _ENTRY.findall(section):
                found |= dict.fromkeys(names.split(", "), " ".join(meaning.split()))
    return found


def algorithm(strategy: type[Strategy]) -> list[str]:
    """Return the paragraphs of a strategy's docstring before its sections, each on one line; the first is a summary."""
    text = inspect.cleandoc(strategy.__doc__ or "").partition("\nAttributes:\n")[0]
    return [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]


def settable(strategy: type[Strategy]) -> dict[str, Any]:
    """Return the defaults of the parameters that users set: no objects, none with the metadata ``internal``."""
    made = strategy()
    if not is_dataclass(made):
        return {}
    hidden = ("object", "internal")
    return {f.name: getattr(made, f.name) for f in fields(made) if not any(f.metadata.get(mark) for mark in hidden)}
