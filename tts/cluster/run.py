"""One stream of problems at the driver: what waits, what is on a worker, and the budget that all share."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from tts.api import Solver, as_problem
from tts.cluster.queue import Costs, Queue
from tts.cluster.worker import request
from tts.errors import BadInput
from tts.selection.shared_budget import Share, SharedBudget
from tts.types import Problem, Solution


@dataclass(slots=True)
class Run:
    """The problems of one stream.

    A problem keeps its share of the budget when its worker is lost; what that worker spent on it is not known.

    Attributes:
        problems: by index; those that cannot be sent are in ``refused`` instead, as failed solutions.
        recipe: the solver's, as text.
        traced: whether traces are wanted.
        name: of this run, so that a worker tells its problems from those of an earlier one.
    """

    problems: dict[int, Problem]
    refused: dict[int, Solution]
    recipe: str
    traced: bool
    shared: SharedBudget
    queue: Queue
    flying: set[int] = field(default_factory=set)
    name: str = field(default_factory=lambda: secrets.token_hex(8))
    _shares: dict[int, Share] = field(default_factory=dict)

    @classmethod
    def of(
        cls, solver: Solver, given: Sequence[str | Problem], recipe: str, spent: float, traced: bool, costs: Costs
    ) -> Run:
        """Return the stream of these problems; ``spent`` FLOPs of all are already used."""
        problems, refused = dict[int, Problem](), dict[int, Solution]()
        for index, each in enumerate(given):
            try:
                problems[index] = as_problem(each)
            except BadInput as error:
                refused[index] = solver.failed(each, str(error))
        shared = solver.shared(len(problems), spent)
        return cls(problems, refused, recipe, traced, shared, Queue(problems, costs))

    @property
    def unfinished(self) -> int:
        return len(self.queue) + len(self.flying)

    def take(self) -> tuple[int, str]:
        """Take the next problem: its index, and what its worker is asked for."""
        index = self.queue.next()
        if index not in self._shares:
            self._shares[index] = self.shared.open()
        self.flying.add(index)
        return index, request(self.problems[index], self._shares[index], self.traced)

    def again(self, index: int) -> bool:
        """Put back a problem whose worker was lost; False if that happened too often."""
        self.flying.discard(index)
        return self.queue.again(index)

    def finish(self, index: int, solution: Solution) -> Solution:
        """Settle the share of a problem; returns its solution."""
        self.flying.discard(index)
        self.shared.close(self._shares.pop(index), solution.usage.flops)
        return solution
