"""One stream of problems at the driver: what waits, what is on a worker, and the budget that all share."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from tts.cluster.queue import Costs, Queue
from tts.cluster.worker import request
from tts.errors import BadInput
from tts.executor import Work
from tts.selection.shared_budget import Share, SharedBudget
from tts.solver import as_problem
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
    def of(cls, work: Work, recipe: str, costs: Costs) -> Run:
        """Return the stream of this work; ``recipe`` is its solver's."""
        problems, refused = dict[int, Problem](), dict[int, Solution]()
        for index, each in enumerate(work.problems):
            try:
                problems[index] = as_problem(each)
            except BadInput as error:
                refused[index] = work.solver.failed(each, str(error))
        shared = work.solver.shared(len(problems), work.spent)
        return cls(problems, refused, recipe, work.traced, shared, Queue(problems, costs))

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

    def recall(self) -> None:
        """Put back all that is in flight, for a reason that is not any problem's."""
        for index in self.flying:
            self.queue.back(index)
        self.flying.clear()

    def finish(self, index: int, solution: Solution) -> Solution:
        """Settle the share of a problem; returns its solution."""
        self.flying.discard(index)
        self.shared.close(self._shares.pop(index), solution.usage.flops)
        return solution
