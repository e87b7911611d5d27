"""The last searches, for their permalinks: a store that forgets the oldest."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from typing import Any

from tts.server.answers import whole_row
from tts.server.spending import spending
from tts.types import Solution

_TOKEN, _EVENT = 40, 700  # bytes that a sampled token and an event take, about; Python's objects are large


class Traces:
    """Finished searches by an id that nobody guesses.

    Args:
        most: number of searches; 0 keeps none.
        most_bytes: about the memory that they may take together.
    """

    def __init__(self, most: int, most_bytes: int) -> None:
        self.most, self.most_bytes = most, most_bytes
        self.nbytes = 0
        self._kept: OrderedDict[str, tuple[Solution, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, solution: Solution) -> str | None:
        """Keep a search; return its id, or None if it is too large or none are kept."""
        size = _TOKEN * 2 * (solution.usage.policy_tokens + solution.usage.prompt_tokens)
        size += _EVENT * len(solution.trace.events)
        if not self.most or size > self.most_bytes:
            return None
        name = secrets.token_urlsafe(16)
        self._kept[name] = solution, size
        self.nbytes += size
        while len(self._kept) > self.most or self.nbytes > self.most_bytes:
            _, (_, freed) = self._kept.popitem(last=False)
            self.nbytes -= freed
        return name

    def get(self, name: str) -> dict[str, Any] | None:
        """Return the search as JSON types, ``{solution, models, events}``; None once it is forgotten.

        ``models`` is what each model cost, by name.
        """
        if name not in self._kept:
            return None
        solution, _ = self._kept[name]
        models = {name: spent.row() for name, spent in spending(solution).items()}
        return {"solution": whole_row(solution), "models": models, "events": solution.trace.events}
