"""Python functions as reward models: they score whole solutions, or steps."""

from __future__ import annotations

import asyncio
import inspect
import math
from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any
from weakref import WeakKeyDictionary

from tts.aio import aside
from tts.cost import ModelShape
from tts.errors import BadInput, EngineError
from tts.files.user_code import user_code
from tts.protocols import RewardModel
from tts.types import Node, Problem

Function = Callable[[str, Any], Any]
"""``(problem, solution) -> score`` or ``(problem, steps) -> scores``; it may be a coroutine function."""

SECONDS = 60.0
"""Time limit of one call."""

_CALLS = 8  # limit of concurrent calls of one function, each in its own thread


class FunctionReward(RewardModel):
    """A reward model that calls a user's function.

    A function whose second argument is called ``steps`` gets the list of step texts and returns one score per step. Any
    other function gets the text of a finished solution and returns one score. Scores are numbers from 0 to 1. A
    function costs no FLOPs.

    Args:
        function: called in a thread, or awaited if it is a coroutine function.
        name: name in plans and traces; default: the function's name.
        seconds: time limit of one call.

    Raises:
        BadInput: the function does not take a problem and a solution.
    """

    concurrent = True
    counted = True

    def __init__(self, function: Function, name: str = "", seconds: float = SECONDS) -> None:
        named = inspect.isroutine(function)
        self.name = name or (function.__name__ if named else type(function).__name__)
        self.shape = ModelShape(parameters=0, active=0, layers=0, width=0)
        self.background = not inspect.iscoroutinefunction(function)  # a coroutine may use the caller's event loop
        self.outcome = _second_parameter(function, self.name) != "steps"
        self._function, self._seconds = function, seconds
        self._gates: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()

    def lengths(self, problem: Problem, node: Node) -> list[int]:
        return [0] * (1 + len(node.steps))

    async def score(self, problem: Problem, node: Node, seen: int) -> tuple[float, ...]:
        texts = [step.text for step in node.steps]
        if self.outcome:
            return (self._checked(await self._call(problem.text, "".join(texts))),)
        found = await self._call(problem.text, texts)
        if not isinstance(found, Sequence) or len(found) != len(texts):
            raise EngineError(f"{self.name} must return {len(texts)} scores, one a step, not {found!r}.")
        return tuple(self._checked(score) for score in found[seen:])

    async def _call(self, problem: str, solution: str | list[str]) -> Any:
        gate = self._gates.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(_CALLS))
        async with gate:
            try:
                if inspect.iscoroutinefunction(self._function):
                    return await asyncio.wait_for(self._function(problem, solution), self._seconds)
                return await asyncio.wait_for(aside(self._function, problem, solution), self._seconds)
            except TimeoutError as error:
                raise EngineError(
                    f"{self.name} took more than {self._seconds:g} s for one solution: make it faster, or give "
                    "FunctionReward more seconds."
                ) from error
            except Exception as error:
                raise EngineError(f"{self.name} failed with {type(error).__name__}: {error}.") from error

    def _checked(self, score: Any) -> float:
        """Convert a score to a float. Raises EngineError if it is not a number from 0 to 1."""
        value = float(score) if isinstance(score, Real) else math.nan
        if not 0 <= value <= 1:
            raise EngineError(f"{self.name} returned {score!r}: a score is a number from 0 to 1.")
        return value


def load(target: str | Function, allow_code: bool = False) -> FunctionReward:
    """Return the reward model of a function, or of ``module:function`` or ``file.py:function``.

    Raises:
        BadInput: running the user's code is not allowed, or the function does not exist.
    """
    if not isinstance(target, str):
        return FunctionReward(target)
    return FunctionReward(user_code(target, "--prm", allow_code), target)


def _second_parameter(function: Function, name: str) -> str:
    """Return the name of the second argument. Raises BadInput for a function without one."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
        inspect.signature(function).bind("problem", "solution")
    except (TypeError, ValueError) as error:
        raise BadInput(
            f"{name} cannot score solutions: define it as (problem, solution) -> score or (problem, steps) -> scores."
        ) from error
    return parameters[1].name if len(parameters) > 1 else ""
