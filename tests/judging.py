"""A policy that grades by hand-set rules: a full peer of a judge's language model."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from prm.judge_prompt import LETTERS
from tests.toy import SHAPE
from tts.cost import ModelShape
from tts.errors import PromptTooLong
from tts.protocols import Completion, Policy, Request
from tts.types import Finish, Problem, Step, TokenLogprobs


def by_slips(prompt: str) -> float:
    """Grade 1 without a slip of the toy policy in what is graded, else 0."""
    name = re.findall(r"Grade the (first|second|step|solution)", prompt)[-1]
    [block] = re.findall(rf"<{name}-\w+>\n(.*?)\n?</{name}-", prompt, re.DOTALL)
    return 0.0 if "#" in block else 1.0


@dataclass(eq=False)
class Grader(Policy):
    """Puts the probability ``sure`` on the letter of its grade and the rest on the worst and the best one.

    Attributes:
        rule: from a prompt to a grade, 1 is best.
        logprobs: 0 answers in words.
        words: what it says without log-probabilities; empty for the letter.
    """

    rule: Callable[[str], float] = by_slips
    sure: float = 0.8
    logprobs: int = 20
    words: str = ""
    name: str = "grader"
    shape: ModelShape = SHAPE
    context: int = 5000
    asked: list[Request] = field(default_factory=list)

    def prompt(self, problem: Problem) -> Step:
        if len(problem.text) >= self.context:
            raise PromptTooLong("too long.")
        [turn] = problem.turns
        assert problem.plain
        return Step(turn.text, tuple(map(ord, turn.text)))

    async def generate(self, request: Request) -> Completion:
        self.asked.append(request)
        prompt = request.node.step.text
        swapped = "T means that it certainly holds" in prompt
        grade = self.rule(prompt)
        place = round((grade if swapped else 1 - grade) * 19)
        if not request.logprobs:
            text = self.words or f"Grade: {LETTERS[place]}."
            return Completion((Step(text, (1,) * min(len(text), request.max_tokens)),), Finish.STOP)
        rest = math.log((1 - self.sure) / 2)
        top = ((f" {LETTERS[place]}", math.log(self.sure)), ("A", rest), ("T", rest), ("the", -9.0))
        step = Step(LETTERS[place], (place,))
        return Completion((step,), Finish.LENGTH, logprobs=(TokenLogprobs(math.log(self.sure), top),))
