"""Where a search is served: on which replica of an engine, and ahead of whom."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar
from weakref import WeakKeyDictionary, WeakSet

from tts.types import Step

T = TypeVar("T")


class Place(NamedTuple, Generic[T]):
    """A search's turn, counted from 0 as searches begin (a lower one goes first), and its replica."""

    turn: int
    replica: T


class Places(Generic[T]):
    """Gives each search the replica with the fewest, and leaves it there: that is where its prefixes are cached.

    A search is known by its root's step, and is over when that is gone.
    """

    def __init__(self, replicas: Sequence[T]) -> None:
        self._replicas: list[tuple[T, WeakSet[Step]]] = [(replica, WeakSet()) for replica in replicas]
        self._places: WeakKeyDictionary[Step, Place[T]] = WeakKeyDictionary()
        self._turns = itertools.count()

    def of(self, root: Step) -> Place[T]:
        """The place of the search with this root."""
        place = self._places.get(root)
        if place is None:
            replica, searches = min(self._replicas, key=lambda pair: len(pair[1]))
            searches.add(root)
            place = self._places[root] = Place(next(self._turns), replica)
        return place
