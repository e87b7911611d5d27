"""Tool calls: JSON with a name and arguments, in any of the forms that models write; order and layout do not count."""

from __future__ import annotations

import json
import re
from typing import Any

from tts.answers.kinds.kind import Kind
from tts.errors import BadInput
from tts.files.json_text import canonical, parse, within

_TAG = re.compile(r"<tool_call>\s*(.*?)\s*</tool_call>", re.DOTALL)
_FENCE = re.compile(r"```(?:json|tool_call)?[ \t]*\n(.*?)```", re.DOTALL)
_TAIL = 20_000


class ToolCall(Kind):
    """One call or a list of calls: equal names and arguments, without the fields to leave out."""

    name = "tool"
    wants = 'a tool call as JSON, {"name": ..., "arguments": {...}}'
    instruction = 'Answer with the tool call as JSON: {"name": ..., "arguments": {...}}'
    lists = "field"

    def find(self, text: str) -> str | None:
        tagged = [call for content in _TAG.findall(text) if (call := _calls(content))]
        if tagged:
            return _spelled([one for calls in tagged for one in calls])
        for content in reversed(_FENCE.findall(text)):
            if calls := _calls(content):
                return _spelled(calls)
        calls = _last(text[-_TAIL:])
        return _spelled(calls) if calls else None

    def same(self, a: str, b: str) -> bool:
        first, second = self._compared(a), self._compared(b)
        return first == second if first and second else a == b

    def _compared(self, answer: str) -> str:
        calls = [{"name": call["name"], "arguments": self._kept(call["arguments"])} for call in _calls(answer)]
        return canonical(calls) if calls else ""

    def _kept(self, value: Any) -> Any:
        """Return arguments without the fields to leave out, at any depth."""
        if isinstance(value, dict):
            return {name: self._kept(item) for name, item in value.items() if name not in self.listed}
        return [self._kept(item) for item in value] if isinstance(value, list) else value


def _spelled(calls: list[dict[str, Any]]) -> str:
    if not calls:
        return ""
    return json.dumps(calls[0] if len(calls) == 1 else calls, sort_keys=True, ensure_ascii=False)


def _calls(text: str) -> list[dict[str, Any]]:
    """Parse JSON as a list of calls; empty if it is anything else."""
    try:
        found = parse(text)
    except BadInput:
        return []
    return _of(found)


def _of(found: Any) -> list[dict[str, Any]]:
    if isinstance(found, dict) and isinstance(found.get("tool_calls"), list):
        found = found["tool_calls"]
    if isinstance(found, list):
        calls = [_call(each) for each in found]
        return [call for call in calls if call] if calls and all(calls) else []
    call = _call(found)
    return [call] if call else []


def _call(found: Any) -> dict[str, Any] | None:
    if isinstance(found, dict) and isinstance(found.get("function"), dict):
        found = found["function"]  # the form of OpenAI's servers
    if not isinstance(found, dict):
        return None
    name = next(
        (found[key] for key in ("name", "tool", "function", "tool_name") if isinstance(found.get(key), str)), ""
    )
    keys = ("arguments", "parameters", "args", "input")
    arguments = next((found[key] for key in keys if key in found), None)
    if isinstance(arguments, str):
        try:
            arguments = parse(arguments)
        except BadInput:
            return None
    return {"name": name, "arguments": arguments or {}} if name and isinstance(arguments or {}, dict) else None


def _last(text: str) -> list[dict[str, Any]]:
    """Return the calls of the last JSON value in a text that holds some."""
    found: list[dict[str, Any]] = []
    for value in within(text):
        found = _of(value) or found
    return found
