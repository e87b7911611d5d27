"""The engine ``simulated``: answers after a realistic delay, for measurements of everything but a model.

Workers of a cluster find it as they find any engine of another package: by the entry point that :func:`plugin` writes.
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any, ClassVar

from tts.cost import ModelShape
from tts.engines.engine import Engine
from tts.errors import BadInput
from tts.models.card import ModelCard
from tts.protocols import Completion, Policy, Request, RewardModel
from tts.types import Finish, Problem, Step, Until

STEPS = 4
"""Steps of a solution; the last one states the answer."""


class SimulatedPolicy(Policy):
    """Writes solutions that depend on the request's seed alone, each step after a delay.

    Args:
        name: name in plans.
        seconds: mean time of a whole solution; a problem takes 0.5 to 1.5 times as long.
        characters: length of each step.
        gate: a file; while it exists, nothing is answered.
    """

    background = True
    shape = ModelShape(parameters=1_000_000, active=900_000, layers=4, width=128)
    context = 100_000

    def __init__(self, name: str, seconds: float, characters: int, gate: str) -> None:
        self.name, self._seconds, self._characters, self._gate = name, seconds, characters, gate

    def prompt(self, problem: Problem) -> Step:
        return _step(problem.text)

    async def generate(self, request: Request) -> Completion:
        depth = request.node.depth
        steps = min(request.steps if request.until is Until.STEP else STEPS, STEPS - depth)
        await asyncio.sleep(self._seconds * pace(request.problem.id) * steps / STEPS)
        while self._gate and Path(self._gate).exists():  # noqa: ASYNC240, ASYNC110 - a look takes microseconds
            await asyncio.sleep(0.02)
        draw = random.Random(request.seed)
        made = [self._text(draw, depth + k) for k in range(steps)]
        return Completion(tuple(made), Finish.STOP if depth + steps == STEPS else Finish.STEP)

    def _text(self, draw: random.Random, depth: int) -> Step:
        answer = f"\\boxed{{{draw.choice((7, 7, 7, 8, 9))}}}" if depth == STEPS - 1 else ""
        return _step("".join(draw.choices("abcdefgh ", k=self._characters)) + (answer or "\n\n"))


def pace(problem: str) -> float:
    """Return how long the problem of this id takes, relative to the mean: 0.5 to 1.5."""
    return 0.5 + random.Random(problem).random()


class SimulatedEngine(Engine):
    """Loads simulated policies; it has no reward model."""

    name: ClassVar[str] = "simulated"
    local: ClassVar[bool] = False

    def load_policy(
        self, card: ModelCard, *, seconds: float = 1.0, characters: int = 80, gate: str = "", **_: Any
    ) -> SimulatedPolicy:
        return SimulatedPolicy(card.name, seconds, characters, gate)

    def load_reward(self, card: ModelCard, **_: Any) -> RewardModel:
        raise BadInput("the simulated engine has no reward model: leave --prm out, or write --prm none.")


def plugin(folder: Path) -> Path:
    """Write the entry point into a folder, which is to be on ``PYTHONPATH`` with the checkout. Returns the folder."""
    info = folder / "tts_simulated-0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tts-simulated\nVersion: 0\n", encoding="utf-8")
    target = f"{__name__}:ENGINE"
    (info / "entry_points.txt").write_text(f"[tts.engine]\nsimulated = {target}\n", encoding="utf-8")
    return folder


def _step(text: str) -> Step:
    return Step(text, tuple(text.encode()))


ENGINE = SimulatedEngine()
