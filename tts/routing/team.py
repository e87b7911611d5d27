"""The seam between routing and search: who ranks models for a problem, and hands them out."""

from __future__ import annotations

from typing import Protocol

from tts.protocols import Policy
from tts.routing.choice import Expected


class Team(Protocol):
    """Models that a strategy may route between."""

    async def rank(self, text: str) -> list[Expected]:
        """What is expected of each model on a problem, the best one first; embedding, clustering and scoring."""
        ...

    async def policy(self, arm: str) -> Policy:
        """The policy of an arm, loaded. Raises ModelError or EngineError where it cannot be used."""
        ...
