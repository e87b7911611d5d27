"""Servers of toy models that several files of tests call over a socket."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.server.serving import Toy, live, toy
from tests.tools.scripted import Scripted, asks
from tests.toy import ToyPolicy
from tts.protocols import Completion, Request


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Toy, str]]:
    made = toy(ToyPolicy(slip=0.0, context=2000), key="secret")
    with live(made) as address:
        yield made, f"{address}/v1"


class Adds(Scripted):
    """Calls ``add`` with 40 and 2, and answers with the result once the conversation holds one."""

    async def generate(self, request: Request) -> Completion:
        found = [turn.text for turn in request.problem.turns if turn.role == "tool"]
        said = f"The sum is {found[-1]}." if found else asks("add", a=40, b=2)
        return await Scripted([said]).generate(request)


@pytest.fixture(scope="module")
def adding() -> Iterator[str]:
    with live(toy(Adds([]), key="secret")) as address:  # type: ignore[arg-type]
        yield f"{address}/v1"
