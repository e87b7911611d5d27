"""From messages to a problem."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from tts.answers.kinds.tool_call import ToolCall
from tts.errors import BadInput
from tts.files.json_text import dump, parse
from tts.server.refusals import Refusal
from tts.server.schemas import Function, Message
from tts.server.schemas import ToolCall as Asked
from tts.types import Problem, Turn

Placed = tuple[str, Message]
"""A message with its place in the request, such as ``messages[0]``."""


def problem_of(
    conversation: Sequence[Placed], functions: Sequence[Function] = (), schema: str = "", must_call: bool = False
) -> Problem:
    """Return the problem that a conversation asks: its last message, after all that was said before.

    Messages of one role in a row are one turn. A single question is a plain problem, the same as that of `tts solve`.
    Reward models read the turns of user and assistant as one text. With functions the answer may call them. With a
    JSON schema, as text, it is JSON that fits. If it ``must_call`` one, nothing else is an answer.

    Raises:
        Refusal: for a conversation that does not end with the user or with results of calls, or whose system message
            comes late, and where calls and results do not belong together.
    """
    if not conversation:
        raise _refused("input", "there is no message: give a question to be answered.")
    places, messages = [place for place, _ in conversation], [message for _, message in conversation]
    _check(conversation)
    turns = list(_turns(conversation))
    system, talk = turns[:1] if turns[0].role == "system" else [], [turn for turn in turns if turn.role != "system"]
    if turns[-1].role not in ("user", "tool"):
        raise _refused(places[-1], "the last message must be the user's: an answer is not continued here.")
    if turns[-1].role == "user" and not turns[-1].text.strip():
        raise _refused(places[-1], "the last message is empty: give a question to be answered.")
    if [turn for turn in turns[len(system) :] if turn.role == "system"]:
        late = max(k for k, message in enumerate(messages) if _role(message) == "system")
        sentence = "system messages come first: put what they say there, or into a message of the user."
        raise _refused(places[late], sentence)
    if talk[0].role != "user":
        spoken = next(k for k, message in enumerate(messages) if _role(message) != "system")
        raise _refused(places[spoken], "a conversation begins with the user, after the system message.")
    text = talk[0].text if len(talk) == 1 else "\n\n".join(f"{_SPEAKERS[turn.role]}: {_said(turn)}" for turn in talk)
    if len({function.name for function in functions}) < len(functions):
        raise _refused("tools", "two tools have the same name: give each its own.")
    tools = tuple(dump(function.definition) for function in functions)
    kind = ToolCall.name if must_call else ""
    return Problem(text, turns=tuple(turns) if len(turns) > 1 else (), kind=kind, tools=tools, schema=schema)


_SPEAKERS = {"user": "User", "assistant": "Assistant", "tool": "Tool"}


def _said(turn: Turn) -> str:
    return "\n".join(filter(None, [turn.text, *turn.calls]))


def _role(message: Message) -> str:
    return "system" if message.role == "developer" else message.role


def _check(conversation: Sequence[Placed]) -> None:
    """Refuse a message that lacks its text, and what its role does not have."""
    for place, message in conversation:
        if message.tool_calls and message.role != "assistant":
            raise _refused(f"{place}.tool_calls", "only the assistant calls tools.")
        if message.role == "tool" and message.tool_call_id is None:
            raise _refused(f"{place}.tool_call_id", "the result of a call names the call: give its id.")
        if message.role != "tool" and message.tool_call_id is not None:
            raise _refused(f"{place}.tool_call_id", "only a message of the role tool names a call.")
        if message.name is not None and message.role != "tool":
            sentence = f"{place}.name is not a field of this server's: leave it out."
            raise _refused(f"{place}.name", sentence, "unknown_parameter")
        if message.content is None and not message.tool_calls:
            raise _refused(f"{place}.content", f"{place}.content is missing.", "missing_required_parameter")


def _turns(conversation: Sequence[Placed]) -> Iterator[Turn]:
    """Yield the turns; the results of calls in the order of the calls."""
    calls: list[Asked] = []
    for role, group in groupby(conversation, key=lambda placed: _role(placed[1])):
        said = list(group)
        if role == "tool":
            yield from _results(said, calls)
            calls = []
            continue
        _answered(calls, said[0][0])
        calls = [call for _, message in said for call in message.tool_calls]
        if len({call.id for call in calls}) < len(calls):
            raise _refused(f"{said[-1][0]}.tool_calls", "two calls have the same id: give each its own.")
        text = "\n\n".join(message.text for _, message in said if message.content is not None)
        yield Turn(role, text, tuple(_call(place, call) for place, message in said for call in message.tool_calls))
    _answered(calls, conversation[-1][0])


def _results(said: Sequence[Placed], calls: Sequence[Asked]) -> Iterator[Turn]:
    found = {message.tool_call_id: message for _, message in said}
    known = {call.id for call in calls}
    for place, message in said:
        if message.tool_call_id not in known or found[message.tool_call_id] is not message:
            sentence = "this is not the result of a call just before it, or there are two: send one for each call."
            raise _refused(f"{place}.tool_call_id", sentence)
    for call in calls:
        if call.id not in found:
            raise _refused(said[-1][0], f"the result of the call {call.id[:80]!r} is missing: send one for each call.")
        yield Turn("tool", found[call.id].text)


def _answered(calls: Sequence[Asked], place: str) -> None:
    if calls:
        raise _refused(place, f"the result of the call {calls[0].id[:80]!r} is missing: send one for each call.")


def _call(place: str, call: Asked) -> str:
    try:
        arguments = parse(call.function.arguments or "{}", "the arguments")
    except BadInput as error:
        raise _refused(f"{place}.tool_calls", str(error)) from error
    return dump({"name": call.function.name, "arguments": arguments})


def _refused(place: str, sentence: str, code: str = "invalid_value") -> Refusal:
    return Refusal(400, sentence, place, code)
