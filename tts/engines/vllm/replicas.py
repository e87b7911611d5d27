"""Assigns a search a replica of an engine and a priority."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar
from weakref import WeakKeyDictionary, WeakSet

from tts.types import Step

T = TypeVar("T")


class Place(NamedTuple, Generic[T]):
    """A search's priority, counted from 0 in order of start (lower ones first), and its replica."""

    turn: int
    replica: T


class Places(Generic[T]):
    """Assigns each search the replica with the fewest searches. It stays there, since its prefixes are cached there.

    A search is identified by its root's step, and has ended when that is freed.
    """

    def __init__(self, replicas: Sequence[T]) -> None:
        self._replicas: list[tuple[T, WeakSet[Step]]] = [(replica, WeakSet()) for replica in replicas]
        self._places: WeakKeyDictionary[Step, Place[T]] = WeakKeyDictionary()
        self._turns = itertools.count()

    def of(self, root: Step) -> Place[T]:
        """Return the replica and priority of the search with this root."""
        place = self._places.get(root)
        if place is None:
            replica, searches = min(self._replicas, key=lambda pair: len(pair[1]))
            searches.add(root)
            place = self._places[root] = Place(next(self._turns), replica)
        return place
