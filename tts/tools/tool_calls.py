"""Reads the calls of tools out of a policy's text, by the rules that the models' authors publish.

Qwen3 and Hermes write ``<tool_call>{"name": ..., "arguments": {...}}</tool_call>``, as many as they like. Llama 3
writes the object alone, with ``parameters``, and Mistral a list of objects. Only sampled text is read here, never a
result.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tts.errors import BadInput
from tts.files.json_text import dump, parse
from tts.types import Call

_BLOCK = re.compile(r"<tool_call>(.*?)(?:</tool_call>|(?=<tool_call>)|\Z)", re.DOTALL)
_THOUGHT = "</think>"
_FENCE = re.compile(r"\A```(?:json)?\s*(.*?)\s*```\Z", re.DOTALL)
_MOST = 16
"""Most calls of one turn; what lies behind is not read."""


def calls_in(text: str) -> tuple[Call, ...]:
    """Return the calls in a turn of a policy, in order; empty if the turn is an answer.

    A block that holds no call gives one whose ``problem`` says why.
    """
    said = text.rpartition(_THOUGHT)[2]
    blocks = [block.strip() for block in _BLOCK.findall(said)][:_MOST]
    if blocks:
        return tuple(_call(block) for block in blocks)
    return _bare(said.strip())


def call_text(tool: str, arguments: Any) -> str:
    """Write a call as Qwen3 and Hermes do."""
    return f"<tool_call>\n{dump({'name': tool, 'arguments': arguments})}\n</tool_call>"


def _bare(text: str) -> tuple[Call, ...]:
    """Return the calls of a turn that is JSON from end to end."""
    fenced = _FENCE.match(text)
    text = fenced[1] if fenced else text
    if not text.startswith(("{", "[")):
        return ()
    try:
        value = parse(text)
    except BadInput:
        return ()
    many: Sequence[Any] = value if isinstance(value, list) else [value]
    named = [each for each in many if isinstance(each, dict) and isinstance(each.get("name"), str)]
    called = [each for each in named if "arguments" in each or "parameters" in each]
    return tuple(_of(each) for each in called[:_MOST]) if called and len(called) == len(many) else ()


def _call(block: str) -> Call:
    try:
        value = parse(block, "the call")
    except BadInput as error:
        return Call("", None, str(error))
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        return Call("", None, 'a call is a JSON object with "name" and "arguments".')
    return _of(value)


def _of(value: dict[str, Any]) -> Call:
    arguments = value.get("arguments", value.get("parameters", {}))
    return read_call(value["name"], arguments)


def read_call(tool: str, arguments: Any) -> Call:
    """Return a call whose arguments are an object, or JSON text of one, as servers send it."""
    if isinstance(arguments, str):
        try:
            arguments = parse(arguments or "{}", "the arguments")
        except BadInput as error:
            return Call(tool, None, str(error))
    if not isinstance(arguments, dict):
        return Call(tool, None, "the arguments are not a JSON object.")
    return Call(tool, arguments)
