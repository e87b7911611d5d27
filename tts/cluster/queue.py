"""The queue of a run: the longest problem first, so that the last minute is short."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Mapping

from tts.cluster.losses import LOSSES
from tts.types import Problem, Solution

DEMOTED = 2
"""Losses after which a problem waits until all others are handed out: it may be what ends its workers."""


class Costs:
    """What problems cost: measured by an earlier search in this call, else guessed from the length of the text."""

    def __init__(self) -> None:
        self._tokens: dict[str, int] = {}
        self._sums = [0, 0]  # tokens and characters of what is measured

    def add(self, solution: Solution) -> None:
        problem, tokens = solution.problem, solution.usage.policy_tokens
        if tokens and problem.id not in self._tokens:
            self._tokens[problem.id] = tokens
            self._sums[0] += tokens
            self._sums[1] += len(problem.text)

    def expected(self, problem: Problem) -> float:
        """Return the expected number of sampled tokens; before anything is measured, a number of characters."""
        tokens, characters = self._sums
        rate = tokens / characters if characters else 1.0
        return self._tokens.get(problem.id, rate * len(problem.text))


class Queue:
    """Problems by their index, those with the highest expected cost first."""

    def __init__(self, problems: Mapping[int, Problem], costs: Costs) -> None:
        self._costs = {index: costs.expected(problem) for index, problem in problems.items()}
        self._waiting = [(-cost, index) for index, cost in self._costs.items()]
        heapq.heapify(self._waiting)
        self.losses = Counter[int]()

    def __len__(self) -> int:
        return len(self._waiting)

    def next(self) -> int:
        """Take the index of the next problem."""
        return heapq.heappop(self._waiting)[1]

    def again(self, index: int) -> bool:
        """Put back a problem whose worker was lost; False if that happened :data:`LOSSES` times, so that it fails."""
        self.losses[index] += 1
        if self.losses[index] >= LOSSES:
            return False
        self.back(index)
        return True

    def back(self, index: int) -> None:
        """Put back a problem."""
        rank = -self._costs[index] if self.losses[index] < DEMOTED else math.inf
        heapq.heappush(self._waiting, (rank, index))
