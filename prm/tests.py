"""Unit tests as a verifier of code: the score of a program is the share of the tests that it passes.

The tests are those of the problem's row, else the calls whose results the problem states. All runs are in the sandbox.
"""

from __future__ import annotations

from typing import Any

from tts import sandbox
from tts.answers.extract import conclusion
from tts.answers.kinds.execution import tested
from tts.answers.kinds.programs import program_in, task_of
from tts.cost import ModelShape
from tts.errors import BadInput
from tts.protocols import RewardModel
from tts.types import Node, Problem


class TestsReward(RewardModel):
    """A reward model that runs a problem's unit tests. It scores finished solutions, and costs no FLOPs.

    Raises:
        MissingSandbox: programs cannot run here.
    """

    __test__ = False  # pytest collects classes with this name

    concurrent = True
    counted = True
    background = True
    outcome = True

    def __init__(self) -> None:
        sandbox.check()
        self.name = "tests"
        self.shape = ModelShape(parameters=0, active=0, layers=0, width=0)

    async def prepare(self, problem: Problem) -> None:
        """Refuse a problem without tests before anything is sampled."""
        _tests(problem)

    def lengths(self, problem: Problem, node: Node) -> list[int]:
        return [0] * (1 + len(node.steps))

    async def score(self, problem: Problem, node: Node, seen: int) -> tuple[float, ...]:
        program = program_in(conclusion(node.text, node.root.step.text), task_of(problem.text).stub)
        return (0.0 if program is None else (await tested(program, _tests(problem))).share,)


def load(target: str = "", **parameters: Any) -> TestsReward:
    """Return the verifier. It takes nothing after its name. Raises BadInput, MissingSandbox."""
    if target or parameters:
        raise BadInput("the reward model tests takes no parameters: write --prm tests.")
    return TestsReward()


def _tests(problem: Problem) -> str:
    if problem.tests:
        return problem.tests
    task = task_of(problem.text)
    known = [(call, result) for call, result in task.calls if result]
    if not known:
        raise BadInput(
            "this problem shows no tests: put them in its row under `tests`, or state calls with their results in the "
            "problem."
        )
    return "\n".join(f"assert {call} == {result}" for call, result in known)
