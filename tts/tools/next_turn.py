"""The next turn of a conversation with tools as an answer: calls that whoever asked makes, or a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from tts.answers.finding import Found
from tts.answers.kinds.kind import Kind
from tts.answers.kinds.tool_call import ToolCall
from tts.files.json_text import canonical, dump, parse
from tts.tools.schema import misfit
from tts.tools.schema_change import closed, moved
from tts.tools.structured import Structured
from tts.tools.tool_calls import calls_in
from tts.types import Call, Problem


class NextTurn(Kind):
    """Calls vote by their functions and arguments, texts by the answer in them, as without tools.

    Calls of what was not offered, with arguments that do not fit its schema, or that cannot be read do not vote. Where
    the problem asks for a call (its kind is ``tool``), texts do not vote either.
    """

    wants = "a call of the tools, or an answer"

    def __init__(self, problem: Problem, text: Kind) -> None:
        super().__init__(problem, text.extract)
        self._text, self._schemas = text, schemas(problem.tools)

    def find(self, text: str) -> Found | str | None:
        if not calls_in(text):
            return None if self.problem.kind == ToolCall.name else self._text.find(text)
        calls = fitting(text, self._schemas)
        return dump([_row(call) for call in calls]) if calls else None

    def same(self, a: str, b: str) -> bool:
        first, second = _calls(a), _calls(b)
        return canonical(first) == canonical(second) if first or second else self._text.same(a, b)


def bound(kind: Kind) -> Kind:
    """Return the kind of a problem's answers, bound to the schema and the tools that the problem brings."""
    kind = Structured(kind.problem, kind) if kind.problem.schema else kind
    return NextTurn(kind.problem, kind) if kind.problem.tools else kind


def enforced(problem: Problem) -> str:
    """Return the JSON schema, as text, that a whole solution has to fit, whoever samples it; empty if it may be a text.

    It is that of a call where the problem demands one, else the problem's own.
    """
    if not problem.tools:
        return _closed(problem.schema) if problem.schema else ""
    return _demanded(problem.tools) if problem.kind == ToolCall.name else ""


@lru_cache(64)
def _demanded(tools: tuple[str, ...]) -> str:
    """Return the schema of a call of one of these tools, in the form of Llama 3: the object alone."""
    places, calls = dict[str, Any](), list[Any]()
    for k, (name, schema) in enumerate(schemas(tools).items()):
        places[str(k)] = {"type": "object", **moved(closed(schema), f"#/$defs/{k}")}
        members = {"name": {"const": name}, "arguments": {"$ref": f"#/$defs/{k}"}}
        calls.append({"type": "object", "properties": members, "required": [*members], "additionalProperties": False})
    return dump({"anyOf": calls, "$defs": places})


@lru_cache(64)
def _closed(schema: str) -> str:
    return dump(closed(parse(schema)))


def schemas(tools: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Return the JSON schema of each tool's arguments, by its name; ``tools`` are JSON texts of definitions."""
    functions = [parse(tool)["function"] for tool in tools]
    return {function["name"]: function.get("parameters") or {} for function in functions}


def fitting(text: str, tools: Mapping[str, Mapping[str, Any]]) -> tuple[Call, ...]:
    """Return the calls in a turn, in order; nothing unless all of them fit the tools, see :func:`schemas`."""
    calls = calls_in(text) if tools else ()
    return calls if all(call.tool in tools and _fits(call, tools[call.tool]) for call in calls) else ()


def call_words(call: Call) -> str:
    """Write a call for people: ``add(a=1)``."""
    return f"{call.tool}({', '.join(f'{name}={dump(value)}' for name, value in (call.arguments or {}).items())})"


def before_calls(text: str) -> str:
    """Return what a turn with calls says before the first one."""
    thoughts, mark, said = text.rpartition("</think>")
    at = said.find("<tool_call>")
    return thoughts + mark + (said[:at].rstrip() if at >= 0 else "")


def _fits(call: Call, schema: Mapping[str, Any]) -> bool:
    return call.arguments is not None and not misfit(call.arguments, schema)


def _row(call: Call) -> dict[str, Any]:
    return {"name": call.tool, "arguments": call.arguments}


def _calls(answer: str) -> Any:
    """Return the calls of an answer that :meth:`NextTurn.find` wrote; None of another one."""
    if not answer.startswith('[{"name": '):
        return None
    found = parse(answer)
    return found if isinstance(found, list) else None
