"""Outcome reward models: one score for a whole solution, out of an engine that scores steps."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from tts.errors import EngineDied
from tts.protocols import RewardFamily, RewardModel
from tts.types import Node, Problem, Step


class OutcomeReward(RewardModel):
    """A reward model that reads a solution as one step.

    Args:
        engine_model: the engine's model, whose format takes a whole solution for a step.
    """

    outcome = True

    def __init__(self, engine_model: RewardModel) -> None:
        self.name = engine_model.name
        self.shape = engine_model.shape
        self.concurrent = engine_model.concurrent
        self.background = engine_model.background
        self.engine_model = engine_model
        self._whole: WeakKeyDictionary[Step, Step] = WeakKeyDictionary()

    @property
    def alive(self) -> bool:
        return self.engine_model.alive

    @property
    def died(self) -> EngineDied:
        return self.engine_model.died

    async def prepare(self, problem: Problem) -> None:
        await self.engine_model.prepare(problem)

    def warn(self, problem: Problem) -> str | None:
        return self.engine_model.warn(problem)

    def close(self) -> None:
        self.engine_model.close()

    def lengths(self, problem: Problem, node: Node) -> list[int]:
        """Count the tokens of the prompt, then none for each step but the last, which has those of the solution."""
        if not node.depth:
            return self.engine_model.lengths(problem, node)
        first, whole = self.engine_model.lengths(problem, self._flat(node))
        return [first, *[0] * (node.depth - 1), whole]

    async def score(self, problem: Problem, node: Node, seen: int) -> tuple[float, ...]:
        """Return the solution's score in 0..1; none where all steps are ``seen``. Raises what the engine raises."""
        if seen >= node.depth:
            return ()
        return await self.engine_model.score(problem, self._flat(node), 0)

    def _flat(self, node: Node) -> Node:
        """Return the solution as one step below the prompt; the same step as long as the node's last one lives."""
        if (step := self._whole.get(node.step)) is None:
            step = self._whole[node.step] = Step(node.text, ())
        return Node(step, node.key, node.finish, node.root)


def of_family(model: RewardModel, family: RewardFamily) -> RewardModel:
    """Return an engine's model as its family scores: an outcome family's as a scorer of whole solutions."""
    return OutcomeReward(model) if family.outcome else model
