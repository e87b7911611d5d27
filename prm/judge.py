"""Language models as judges: the expected grade over the log-probabilities of one token (arXiv 2607.05391)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import copy
from itertools import product
from typing import Any

from prm.judge_prompt import DEFAULT, expected, graded, parsed
from tts.aio import together
from tts.cost import ModelShape
from tts.errors import BadInput, PromptTooLong, UnknownName, Unscored
from tts.models.find import find
from tts.protocols import Policy, Request, RewardModel
from tts.types import Node, Problem, Until

WORDS = 16
"""Tokens of an answer in words, where a policy gives no log-probabilities."""

Ask = tuple[Problem, bool]
"""A prompt, and whether its scale is swapped."""


class Judge(RewardModel):
    """A policy that grades solutions, or the last step of each prefix.

    A grade is one of twenty letters. The score is its expectation over the likeliest tokens in the letter's place, the
    mean over criteria and repeats. Every second repeat asks on a swapped scale, where A is the worst letter, so a
    preference of the judge for a letter cancels. Without log-probabilities the score is read from the judge's words.

    Args:
        policy: a policy, or the name of one; the solver then loads it, once if the search uses the same.
        criteria: sentences that hold for a good solution.
        repeats: prompts for each criterion, in turn on the plain scale and the swapped one. More than two repeat equal
            prompts at temperature 0, which helps only where the judge's answers vary.

    Raises:
        BadInput: no criterion, an empty one, repeats outside 1 to 16, or a policy that thinks before it answers.
    """

    concurrent = True
    compares = True
    outcome = True

    def __init__(self, policy: str | Policy, criteria: Sequence[str] = (DEFAULT,), repeats: int = 2) -> None:
        criteria = (criteria,) if isinstance(criteria, str) else tuple(criteria)
        if not criteria or not all(isinstance(each, str) and each.strip() for each in criteria):
            raise BadInput("a judge needs criteria: give each as a sentence that holds for a good solution.")
        if isinstance(repeats, bool) or not isinstance(repeats, int) or not 1 <= repeats <= 16:
            raise BadInput(f"the repeats of a judge must be a whole number from 1 to 16, not {repeats!r}.")
        self.criteria, self.repeats, self.prompts = criteria, repeats, len(criteria) * repeats
        self.shape = ModelShape(parameters=0, active=0, layers=0, width=0)
        if isinstance(policy, str):
            card = find(policy, "policy")
            if card.thinking:
                raise BadInput(f"{card.name} thinks before it answers, and a judge answers with its first token: name "
                               "a policy that does not.")  # fmt: skip
            self.works_with, self.name = policy, f"judge:{card.name}"
        else:
            self.name = f"judge:{policy.name}"
            self.bind(policy)

    def bind(self, policy: Policy) -> None:
        self.bound, self.shape, self.background = policy, policy.shape, policy.background

    def for_steps(self, steps: bool) -> Judge:
        """Return the judge of steps, which grades the last step of each prefix, or of whole solutions."""
        if self.outcome != steps:
            return self
        other = copy(self)
        other.outcome = not steps
        return other

    @property
    def policy(self) -> Policy:
        """Return the policy that grades. Raises BadInput before it is loaded."""
        if self.bound is None:
            raise BadInput(f"{self.name} is not loaded: give Judge a loaded policy, or use it in a Solver.")
        return self.bound

    @property
    def alive(self) -> bool:
        return self.bound is not None and self.bound.alive

    # -- scores ------------------------------------------------------------------------------------------------------

    def lengths(self, problem: Problem, node: Node) -> list[int]:
        """Count the tokens of all prompts of each score; nothing is shared between scores."""
        counts = [self._length(self._asks_of(problem, each)) for each in self._judged(node)]
        return [0, *[0] * (node.depth - len(counts)), *counts]

    async def measure(self, problem: Problem, nodes: Sequence[Node]) -> None:
        asks = [ask for node in nodes for each in self._judged(node) for ask in self._asks_of(problem, each)]
        await together(self.policy.prepare(prompt) for prompt, _ in asks)

    async def score(self, problem: Problem, node: Node, seen: int) -> tuple[float, ...]:
        judged = self._judged(node) if self.outcome else self._judged(node)[seen:]
        return tuple(await together(self._grade(self._asks_of(problem, each)) for each in judged))

    def _judged(self, node: Node) -> list[Node]:
        return node.path[-1:] if self.outcome else node.path

    def _asks_of(self, problem: Problem, node: Node) -> list[Ask]:
        if self.outcome:
            return self._asks(problem, [("solution", node.text)], "the solution")
        before = node.text.removesuffix(node.step.text)
        parts = [("earlier", before), ("step", node.step.text)] if before else [("step", node.step.text)]
        return self._asks(problem, parts, "the step, given what is before it,")

    def _asks(self, problem: Problem, parts: Sequence[tuple[str, str]], asked: str) -> list[Ask]:
        turns = product(self.criteria, (bool(repeat % 2) for repeat in range(self.repeats)))
        return [(graded(problem, parts, asked, criterion, swapped), swapped) for criterion, swapped in turns]

    def _length(self, asks: Sequence[Ask]) -> int:
        """Count the tokens of prompts and answers; 0 if a prompt is too long, which ``score`` reports."""
        answer = 1 if self.policy.logprobs else WORDS
        try:
            return sum(len(self.policy.prompt(prompt).tokens) + answer for prompt, _ in asks)
        except PromptTooLong:
            return 0

    async def _grade(self, asks: Sequence[Ask]) -> float:
        """Return the mean grade. Raises Unscored if no prompt gets one."""
        found = [grade for grade in await together(self._answer(*ask) for ask in asks) if grade is not None]
        if not found:
            raise Unscored(f"{self.name} answered without a grade; name a larger model as judge.")
        return math.fsum(found) / len(found)

    async def _answer(self, prompt: Problem, swapped: bool) -> float | None:
        await self.policy.prepare(prompt)
        root, count = Node(self.policy.prompt(prompt), "/"), min(self.policy.logprobs, 20)
        if count:
            request = Request(prompt, root, "/0", 0, Until.END, 1, 0.0, 1.0, count)
            completion = await self.policy.generate(request)
            if completion.logprobs:
                return expected(completion.logprobs[0].top, swapped)
        self.notes = (f"{self.policy.name} gives no log-probabilities, so {self.name} grades by its words.",)
        words = await self.policy.generate(Request(prompt, root, "/0", 0, Until.END, WORDS, 0.0))
        return parsed("".join(step.text for step in words.steps), swapped)

    # -- comparisons -------------------------------------------------------------------------------------------------

    async def to_compare(self, problem: Problem, first: Node, second: Node) -> int:
        pair = self._pair(problem, first, second)
        await together(self.policy.prepare(prompt) for asks in pair for prompt, _ in asks)
        return sum(map(self._length, pair))

    async def compare(self, problem: Problem, first: Node, second: Node) -> tuple[float, float]:
        """Grade each of two solutions with both in view, in the slots given. Raises as ``score`` does."""
        one, other = await together(self._grade(asks) for asks in self._pair(problem, first, second))
        return one, other

    def _pair(self, problem: Problem, first: Node, second: Node) -> list[list[Ask]]:
        parts = [("first", first.text), ("second", second.text)]
        return [self._asks(problem, parts, f"the {name} solution") for name, _ in parts]


def load(name: str, **parameters: Any) -> Judge:
    """Return the judge that ``judge:NAME`` names. Raises UnknownName for a parameter that it does not have."""
    for parameter in parameters:
        if parameter not in ("criteria", "repeats"):
            raise UnknownName("parameter of judge", parameter, ("criteria", "criterion", "repeats"))
    return Judge(name, **parameters)
