"""The conversation that asks a policy to improve a solution."""

from __future__ import annotations

from tts.types import Problem, Turn

REQUEST = (
    "Check this solution step by step. If a step is wrong or missing, correct it. Then write the whole improved "
    "solution, with its final answer."
)


def improvement(problem: Problem, solution: str) -> Problem:
    """Return the problem with a solution as the assistant's turn, and a request to improve it as the user's.

    What the problem says of the form of its answer still holds.
    """
    turns = (*(problem.turns or (Turn("user", problem.text),)), Turn("assistant", solution), Turn("user", REQUEST))
    return Problem(problem.text, turns=turns, instruction=problem.instruction, schema=problem.schema)
