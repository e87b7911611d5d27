"""What a reward model has said of one problem's steps: shared by a search and all its forks."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from tts.errors import BadInput, EngineError
from tts.protocols import RewardModel
from tts.types import Node, Problem, Step


def refusal(name: str) -> BadInput:
    """The error for a search by steps with a model that judges whole solutions."""
    return BadInput(
        f"{name} is an outcome reward model, which judges finished solutions only: choose best-of-n, or a process "
        "reward model for a search by steps."
    )


@dataclass(slots=True)
class Scores:
    """The known scores, by step. Steps that are equal token for token are one step here.

    ``outcome``: the model judges finished solutions; a solution's score is that of its last step.
    """

    outcome: bool = False
    _known: WeakKeyDictionary[Step, float] = field(default_factory=WeakKeyDictionary)
    _asked: dict[Step, asyncio.Event] = field(default_factory=dict)  # those being read: set when that has ended

    def __contains__(self, step: Step) -> bool:
        return step in self._known

    def get(self, step: Step) -> float | None:
        """The score of a step, None where there is none yet."""
        return self._known.get(step)

    def judged(self, node: Node) -> list[Node]:
        """The nodes on the path to ``node`` that a score is given for: all, or of an outcome model the last."""
        return node.path[-1:] if self.outcome else node.path

    def of(self, node: Node) -> tuple[float, ...]:
        """The scores of what is judged of a node; empty where not all are known."""
        scores = [self._known.get(above.step) for above in self.judged(node)]
        return tuple(s for s in scores if s is not None) if None not in scores else ()

    def judgeable(self, nodes: list[Node], name: str) -> list[Node]:
        """Those that the model called ``name`` can judge. Raises BadInput for an open node and an outcome model."""
        if self.outcome and any(node.open for node in nodes):
            raise refusal(name)
        return [node for node in nodes if node.finished] if self.outcome else nodes

    async def ask(self, reward: RewardModel, problem: Problem, node: Node) -> None:
        """Ask for what is not known of a node yet, and remember it. Raises EngineError for a wrong count of scores
        and for a score that is no finite number.

        A text that somebody is asking about already, in another fork say, is not read twice at once: the second waits,
        and asks itself only where the first was cut off.
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
            raise EngineError(f"{reward.name} gave {len(scores)} scores for {len(steps) - seen} steps.")
        for score in scores:
            if not isinstance(score, (int, float)) or not math.isfinite(score):
                raise EngineError(f"{reward.name} gave {score!r} as a score, which is no finite number.")
        self._known.update(zip(steps[seen:], scores, strict=True))
