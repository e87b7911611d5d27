"""Step scores of one problem, shared by a search and all its forks."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from tts.errors import BadInput, EngineError
from tts.protocols import RewardModel
from tts.types import Node, Problem, Step


def refusal(name: str) -> BadInput:
    """Return the error for a step search with a model that scores whole solutions."""
    return BadInput(
        f"{name} is an outcome reward model, which scores finished solutions only: choose best-of-n, or a process "
        "reward model for a step search."
    )


@dataclass(slots=True)
class Scores:
    """The known scores by step. Steps that are equal token for token are one step.

    ``outcome``: the model scores finished solutions; a solution's score is stored with its last step.
    """

    outcome: bool = False
    _known: WeakKeyDictionary[Step, float] = field(default_factory=WeakKeyDictionary)
    _asked: dict[Step, asyncio.Event] = field(default_factory=dict)  # steps being scored; set when finished

    def __contains__(self, step: Step) -> bool:
        return step in self._known

    def get(self, step: Step) -> float | None:
        """Return the score of a step, None if unknown."""
        return self._known.get(step)

    def judged(self, node: Node) -> list[Node]:
        """Return the nodes on the path to ``node`` that have scores: all, or the last with an outcome model."""
        return node.path[-1:] if self.outcome else node.path

    def of(self, node: Node) -> tuple[float, ...]:
        """Return the scores of a node's path; empty if some are unknown."""
        scores = [self._known.get(above.step) for above in self.judged(node)]
        return tuple(s for s in scores if s is not None) if None not in scores else ()

    def judgeable(self, nodes: list[Node], name: str) -> list[Node]:
        """Return the nodes that the model can score. Raises BadInput for an open node and an outcome model."""
        if self.outcome and any(node.open for node in nodes):
            raise refusal(name)
        return [node for node in nodes if node.finished] if self.outcome else nodes

    async def ask(self, reward: RewardModel, problem: Problem, node: Node) -> None:
        """Request the missing scores of a node and keep them.

        A text that is already being scored, for example in another fork, is not scored twice at once: the second call
            waits, and requests it only if the first was cancelled. Raises EngineError for a wrong number of scores or
            one that is not finite.
        """
        while (asked := self._asked.get(node.step)) is not None:
            await asked.wait()
        steps = [above.step for above in self.judged(node)]
        seen = next((k for k, step in enumerate(steps) if step not in self._known), len(steps))
        if seen == len(steps):
            return
        asked = self._asked[node.step] = asyncio.Event()
        try:
            scores = await reward.score(problem, node, seen)
        finally:
            del self._asked[node.step]
            asked.set()
        if len(scores) != len(steps) - seen:
            raise EngineError(f"{reward.name} returned {len(scores)} scores for {len(steps) - seen} steps.")
        for score in scores:
            if not isinstance(score, (int, float)) or not math.isfinite(score):
                raise EngineError(f"{reward.name} returned {score!r} as a score, which is not a finite number.")
        self._known.update(zip(steps[seen:], scores, strict=True))
