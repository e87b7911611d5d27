"""Outcome reward models: one score for a whole solution, out of an engine that scores steps."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from tts.types import Node, Problem, Step


class OutcomeReward:
    """A reward model that sees a solution as one step. Implements :class:`tts.protocols.RewardModel`.

    All else is the engine's model: ``inner``, whose format takes a whole solution for a step.
    """

    outcome = True

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._whole: WeakKeyDictionary[Step, Step] = WeakKeyDictionary()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def lengths(self, problem: Problem, node: Node) -> list[int]:
        """Tokens of the prompt, then none for each step but the last, which has those of the whole solution."""
        if not node.depth:
            prompt: list[int] = self._inner.lengths(problem, node)
            return prompt
        first, whole = self._inner.lengths(problem, self._flat(node))
        return [first, *[0] * (node.depth - 1), whole]

    async def score(self, problem: Problem, node: Node, seen: int) -> tuple[float, ...]:
        """One score in 0..1, that of the solution; none where all steps are ``seen``. Errors as the engine's own."""
        if seen >= node.depth:
            return ()
        scores: tuple[float, ...] = await self._inner.score(problem, self._flat(node), 0)
        return scores

    def _flat(self, node: Node) -> Node:
        """The solution as one step below the prompt; the same step as long as the node's last one lives."""
        if (step := self._whole.get(node.step)) is None:
            step = self._whole[node.step] = Step(node.text, ())
        return Node(step, node.key, node.finish, node.root)
