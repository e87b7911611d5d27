"""The interface between routing and search: ranking models for a problem, and access to their policies."""

from __future__ import annotations

from typing import Protocol

from tts.protocols import Policy
from tts.routing.choice import Expected
from tts.types import Problem


class Team(Protocol):
    """Models that a strategy may route between."""

    async def rank(self, text: str) -> list[Expected]:
        """Return the predictions of all models for a problem, best first."""
        ...

    async def policy(self, arm: str, problem: Problem) -> Policy:
        """Return the loaded policy of an arm. Raises ModelError or EngineError if it cannot be used."""
        ...
