"""A policy and a reward model small enough to calculate by hand, with the full interface of the real engines.

The toy counts: a solution is ``depth`` steps "1\n\n", "2\n\n" ... and then "\\boxed{depth}". At each step the policy
slips with probability ``slip`` (drawn from the request's seed) and writes "#" instead, after which the answer it boxes
is wrong. One token a character. The reward of a step is 0.9 before the first slip and 0.1 from there on. Where
log-probabilities are asked for, the alternatives have -2 in the mean at a slip and -10 elsewhere.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tts.cost import ModelShape
from tts.errors import PromptTooLong
from tts.protocols import Completion, Policy, Request, RewardModel
from tts.types import Finish, Node, Problem, Step, TokenLogprobs, Until

SHAPE = ModelShape(parameters=1000, active=900, layers=2, width=8)


def step(text: str, ending: bool = False) -> Step:
    return Step(text, tuple(map(ord, text)) + ((0,) if ending else ()))


def logprobs(steps: Sequence[Step]) -> tuple[TokenLogprobs, ...]:
    """Log-probabilities of each token of the steps, the same of all tokens of a step."""
    means = [-2.0 if "#" in step.text else -10.0 for step in steps for _ in step.tokens]
    texts = [chr(token) if token else "" for step in steps for token in step.tokens]
    return tuple(
        TokenLogprobs(-0.1, (("x", -0.1), ("y", 2 * mean + 0.1)), -mean / 2, text)
        for mean, text in zip(means, texts, strict=True)
    )


@dataclass(eq=False)
class ToyPolicy(Policy):
    depth: int = 3
    slip: float = 0.3
    context: int = 200
    name: str = "toy"
    shape: ModelShape = SHAPE
    calls: list[Request] = field(default_factory=list)
    in_flight: int = 0
    peak: int = 0
    delay: float = 0.0
    logprobs: int = 20

    def prompt(self, problem: Problem) -> Step:
        if len(problem.text) >= self.context:
            raise PromptTooLong(
                f"the problem has {len(problem.text)} tokens, the context is {self.context}: shorten it."
            )
        return step(problem.text)

    async def generate(self, request: Request) -> Completion:
        completion = await self._generate(request)
        return replace(completion, logprobs=logprobs(completion.steps)) if request.logprobs else completion

    async def _generate(self, request: Request) -> Completion:
        self.calls.append(request)
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            await asyncio.sleep(self.delay)
        finally:
            self.in_flight -= 1
        draw = random.Random(request.seed)
        steps: list[Step] = []
        slipped, done, room = "#" in request.node.text, request.node.depth, request.max_tokens
        while True:
            if done == self.depth:
                new = step(
                    "\\boxed{" + (f"{self.depth + draw.randrange(1, 9)}" if slipped else f"{self.depth}") + "}", True
                )
            else:
                slips = request.temperature > 0 and draw.random() < self.slip
                slipped |= slips
                new = step("#\n\n" if slips else f"{done + 1}\n\n")
            if len(new.tokens) > room:
                cut = Step(new.text[:room], new.tokens[:room])
                return Completion((*steps, cut), Finish.LENGTH)
            steps.append(new)
            room -= len(new.tokens)
            done += 1
            if done > self.depth:
                return Completion(tuple(steps), Finish.STOP)
            if request.until is Until.STEP and len(steps) == request.steps:
                return Completion(tuple(steps), Finish.STEP)


class OneByOne(ToyPolicy):
    """An engine that gives one step, however many it is asked for."""

    async def generate(self, request: Request) -> Completion:
        return await super().generate(replace(request, steps=1))


@dataclass(eq=False)
class ToyReward(RewardModel):
    name: str = "toy-prm"
    shape: ModelShape = SHAPE
    calls: list[tuple[str, int]] = field(default_factory=list)
    delay: float = 0.0

    def lengths(self, problem: Problem, node: Node) -> list[int]:
        return [len(problem.text), *(len(step.text) + 1 for step in node.steps)]

    async def score(self, problem: Problem, node: Node, seen: int) -> tuple[float, ...]:
        self.calls.append((node.key, seen))
        await asyncio.sleep(self.delay)
        texts = [step.text for step in node.steps]
        return tuple(0.1 if any("#" in text for text in texts[: k + 1]) else 0.9 for k in range(seen, len(texts)))
