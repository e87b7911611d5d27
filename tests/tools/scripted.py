"""A policy that plays a script of turns, one token a character, with the whole seam of policies that call tools."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.toy import SHAPE, step
from tts.cost import ModelShape
from tts.engines.tool_caller import with_calls
from tts.files.json_text import dump
from tts.protocols import Completion, Policy, Request, Returned
from tts.tools.tool import Result
from tts.tools.toolbox import Place, Toolbox
from tts.types import Call, Finish, Node, Problem, Step


def asks(tool: str, **arguments: Any) -> str:
    """Write a call as Qwen3 does."""
    return f"<tool_call>\n{dump({'name': tool, 'arguments': arguments})}\n</tool_call>"


def answers(text: object) -> str:
    return f"\\boxed{{{text}}}"


@dataclass(eq=False)
class Scripted(Policy):
    """Says the turns of its script in order, in every trajectory."""

    script: Sequence[str]
    name: str = "scripted"
    shape: ModelShape = SHAPE
    context: int = 20_000
    cards: list[Mapping[str, Any]] = field(default_factory=list)
    guide: str = ""
    seen: list[str] = field(default_factory=list)

    def prompt(self, problem: Problem) -> Step:
        return step(problem.text)

    def offered(self, tools: Sequence[Mapping[str, Any]], guide: str) -> Policy:
        self.cards, self.guide = list(tools), guide
        return self

    def read_results(self, problem: Problem, key: str, node: Node, results: Sequence[Returned]) -> Step:
        text = "".join(f"[{result.text}]" for result in results)
        self.seen.append(text)
        return Step(text, tuple(map(ord, text)), read=True)

    async def generate(self, request: Request) -> Completion:
        await asyncio.sleep(0)
        turn = sum(each.read for each in request.node.steps)
        said = step(self.script[min(turn, len(self.script) - 1)], ending=True)
        if len(said.tokens) > request.max_tokens:
            return Completion(
                (Step(said.text[: request.max_tokens], said.tokens[: request.max_tokens]),), Finish.LENGTH
            )
        return with_calls(request, Completion((said,), Finish.STOP))


HERE = Place(Problem("q"), "/0", 0)


def use(box: Toolbox, name: str, arguments: Mapping[str, Any] | None) -> Result:
    """Call a tool of a box once."""
    return asyncio.run(box.use(HERE, Call(name, arguments)))
