"""A policy on a server that calls tools in OpenAI's form: ``tools`` go out, ``tool_calls`` come back.

The server makes its own prompt of the conversation, so token ids are stand-ins: as many as it counted.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from tts.engines.remote.finish import finish_of
from tts.engines.remote.reply import Json, text_of
from tts.engines.remote.text_steps import counted, estimate, spoken, stand_ins
from tts.engines.tool_caller import OfferedPolicy, messages_of
from tts.errors import EmptyProblem, PromptTooLong
from tts.files.json_text import dump
from tts.models.card import ModelCard
from tts.protocols import Completion, Policy, Request, Returned
from tts.tools.tool_calls import call_text, calls_in, read_call
from tts.types import Call, Finish, Node, Problem, Step

Ask = Callable[[Json, Request, int], Awaitable[tuple[Json, Json]]]
"""Sends messages and tools; returns the first choice of the answer and the whole answer."""


class ServerCaller(OfferedPolicy):
    """A policy behind a server with a route for chat.

    Args:
        policy: the policy without tools.
        ask: sends a conversation.
        card: the policy's prompt.
        tools: in OpenAI's form.
        guide: sentences on the use of tools, for the system message.
    """

    def __init__(
        self, policy: Policy, ask: Ask, card: ModelCard, tools: Sequence[Mapping[str, Any]], guide: str
    ) -> None:
        super().__init__(policy)
        self._ask, self._card, self._guide = ask, card, guide
        self._tools = [dict(tool) for tool in tools]
        self._messages: WeakKeyDictionary[Step, list[Json]] = WeakKeyDictionary()  # those that a step stands for

    def prompt(self, problem: Problem) -> Step:
        """Return the conversation and the tools as text, which the server never sees in this form."""
        if not problem.text.strip():
            raise EmptyProblem
        turns = self._card.conversation(problem)
        system = [turns.pop(0).text] if turns[0].role == "system" else []
        told = "\n\n".join(filter(None, [*system, self._guide]))
        messages: list[Json] = [{"role": "system", "content": told}] * bool(told)
        messages += map(_written, messages_of(turns, str, own_form=True))
        said = (part for turn in turns for part in (turn.text, *turn.calls))
        text = "\n\n".join([told, *said, dump(self._tools)])
        if estimate(text) >= self.context:
            raise PromptTooLong(
                f"problem and tools are about {estimate(text)} tokens long and {self.name} takes {self.context}: offer "
                "fewer tools, or choose a policy with a longer context."
            )
        step = Step(text, stand_ins(text, estimate(text)))
        self._messages[step] = messages
        return step

    async def generate(self, request: Request) -> Completion:
        """Sample one turn. A turn with calls stays open."""
        steps = [request.node.root.step, *request.node.steps]
        messages = [message for step in steps for message in self._messages.get(step, ())]
        limit = min(request.max_tokens, self.context - request.node.length)
        asked: Json = {"messages": messages, "tools": self._tools}
        if request.schema and self.policy.schemas:  # of a call, which the server holds its model to
            asked["tool_choice"] = "required"
        choice, data = await self._ask(asked, request, limit)
        message = choice.get("message")
        message = message if isinstance(message, dict) else {}
        said = spoken(message.get("content"))
        calls = _calls(message.get("tool_calls")) or calls_in(said)
        text = "\n".join(
            filter(None, [said, *(call_text(call.tool, call.arguments) for call in _unwritten(calls, said))])
        )
        count = counted(data, text, limit)
        finish, warning = finish_of("stop" if calls else choice.get("finish_reason"), text, count, limit)
        step = Step(text, stand_ins(text, count))
        self._messages[step] = [_turn(said, message.get("tool_calls"))]
        finish = Finish.STEP if calls and finish is Finish.STOP else finish
        return Completion((step,), finish, (warning,) * bool(warning), calls=calls if finish is Finish.STEP else ())

    def read_results(self, problem: Problem, key: str, node: Node, results: Sequence[Returned]) -> Step:
        """Return the results as messages of the role ``tool``, or of the user where the calls were text."""
        text = "\n".join(f"<tool_response>\n{result.text}\n</tool_response>" for result in results)
        step = Step(text, stand_ins(f"{key}{text}", estimate(text)), read=True)
        [turn] = self._messages.get(node.step, [{}])
        named = turn.get("tool_calls", [])
        if len(named) == len(results):
            answers = zip(named, results, strict=True)
            self._messages[step] = [
                {"role": "tool", "tool_call_id": call["id"], "content": result.text} for call, result in answers
            ]
        else:
            self._messages[step] = [{"role": "user", "content": text}]
        return step


def _written(message: Json) -> Json:
    """Return a message as servers take it: arguments of calls as text, no name beside a call's id."""
    calls = [
        {**call, "function": {**call["function"], "arguments": dump(call["function"]["arguments"])}}
        for call in message.get("tool_calls", ())
    ]
    kept = {name: value for name, value in message.items() if name != "name"}
    return kept | ({"tool_calls": calls} if calls else {})


def _calls(given: object) -> tuple[Call, ...]:
    """Return the calls of a message; an entry that is none gives a call that says so."""
    if not isinstance(given, list):
        return ()
    return tuple(map(_call, given))


def _call(entry: object) -> Call:
    function = entry.get("function") if isinstance(entry, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(function, dict) or not isinstance(name, str):
        return Call("", None, "a call needs a function with a name and arguments.")
    return read_call(name, function.get("arguments"))


def _unwritten(calls: Sequence[Call], said: str) -> Sequence[Call]:
    """Return the calls that the text does not hold already."""
    return () if "<tool_call>" in said or calls_in(said) else calls


def _turn(said: str, given: object) -> Json:
    """Return the turn of the assistant as it goes back to the server, with calls that every server takes."""
    turn: Json = {"role": "assistant", "content": said}
    if isinstance(given, list) and given:
        turn["tool_calls"] = [
            {"id": _id(entry, k), "type": "function", "function": _function(entry)} for k, entry in enumerate(given)
        ]
    return turn


def _id(entry: object, k: int) -> str:
    name = entry.get("id") if isinstance(entry, dict) else None
    return name if isinstance(name, str) and name else f"call_{k}"


def _function(entry: object) -> Json:
    function = entry.get("function") if isinstance(entry, dict) else None
    function = function if isinstance(function, dict) else {}
    arguments = function.get("arguments")
    arguments = arguments if isinstance(arguments, str) else dump(arguments if arguments is not None else {})
    return {"name": text_of(function.get("name")) or "", "arguments": arguments}
