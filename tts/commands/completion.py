"""Shell completion of names: strategies, votes, engines, models, data sets. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from tts import registry

if TYPE_CHECKING:
    from tts.models.card import Kind

Complete = Callable[[str], list[str]]


def registered(kind: str, *more: str) -> Complete:
    """Complete the registered names of a kind, and ``more``. A comma begins another name, as in ``all,auto``."""
    return lambda incomplete: _matching(incomplete, (*more, *registry.names(kind)))


def models(kind: Kind | None = None, *more: str) -> Complete:
    """Complete the short names of known models."""

    def complete(incomplete: str) -> list[str]:
        from tts.models.lookup import CARDS

        return _matching(incomplete, (*more, *(card.name for card in CARDS.values() if kind in (None, card.kind))))

    return complete


def among(*names: str) -> Complete:
    """Complete these names."""
    return lambda incomplete: _matching(incomplete, names)


def _matching(incomplete: str, names: Iterable[str]) -> list[str]:
    done, comma, begun = incomplete.rpartition(",")
    return [f"{done}{comma}{name}" for name in names if name.startswith(begun)]
