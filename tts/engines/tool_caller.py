"""A local policy that may call tools: its chat template offers them, its text holds the calls.

The prompt and what is read grow in token ids: a turn that was sampled is never tokenized again.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from tts.engines.tokenizer import Text, opened
from tts.errors import EmptyProblem, EngineDied, PromptTooLong
from tts.files.json_text import dump, parse
from tts.models.card import ModelCard
from tts.protocols import Completion, Policy, Request, Returned
from tts.tools.tool_calls import call_text, calls_in
from tts.types import Finish, Node, Problem, Step, Turn

FORM = (
    "You may call tools. To call one, write a line with nothing but\n"
    '<tool_call>{"name": NAME, "arguments": {...}}</tool_call>\nand wait for its result. The tools:\n'
)
"""How tools are offered where a chat template has no place for them."""


class OfferedPolicy(Policy):
    """Base class of a policy with tools in its prompt: it passes everything else on to the policy without."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.name, self.shape, self.context = policy.name, policy.shape, policy.context
        self.background, self.steps, self.prices = policy.background, policy.steps, policy.prices
        self.remote, self.logprobs = policy.remote, policy.logprobs

    @property
    def alive(self) -> bool:
        return self.policy.alive

    @property
    def died(self) -> EngineDied:
        return self.policy.died

    @property
    def counted(self) -> bool:
        return self.policy.counted

    @property
    def cache_hits(self) -> int:
        return self.policy.cache_hits

    def warn(self, problem: Problem) -> str | None:
        return self.policy.warn(problem)

    def close(self) -> None:
        self.policy.close()


class TextCaller(OfferedPolicy):
    """A policy whose tokenizer is on this machine.

    Args:
        policy: the policy without tools.
        text, card: its tokenizer and its prompt.
        tools: in the form of chat templates.
        guide: sentences on the use of tools, for the system message.
    """

    def __init__(
        self, policy: Policy, text: Text, card: ModelCard, tools: Sequence[Mapping[str, Any]], guide: str
    ) -> None:
        super().__init__(policy)
        self._text, self._card, self._guide = text, card, guide
        self._tools = [_quoted(tool, text.quote) for tool in tools]
        self.native = bool(tools) and self._knows()
        self._mark = secrets.token_hex(12)

    def warn(self, problem: Problem) -> str | None:
        """Say that the template knows no tools, and what else there is to say of the problem."""
        plain = "" if self.native else f"The chat template of {self.name} knows no tools: they are described as text."
        return " ".join(filter(None, [plain, self.policy.warn(problem)])) or None

    def prompt(self, problem: Problem) -> Step:
        """Encode the problem with the tools. Raises PromptTooLong if no room is left for an answer."""
        if not problem.text.strip():
            raise EmptyProblem
        card = self._card
        turns = card.conversation(problem)
        system = [turns.pop(0).text] if turns[0].role == "system" else []
        template: dict[str, Any] = dict(card.template)
        if self.native:
            template["tools"] = self._tools
        else:
            system.append(self._text.unquote(FORM + "\n".join(dump(tool["function"]) for tool in self._tools)))
        told = "\n\n".join(filter(None, [*system, self._guide]))
        messages = self._messages(turns, template)
        text, tokens = self._text.converse(messages, told, opening=card.opening, template=template)
        if len(tokens) >= self.context:
            raise PromptTooLong(
                f"problem and tools are {len(tokens)} tokens long and {self.name} takes {self.context} together with "
                "the answer: offer fewer tools, or choose a policy with a longer context."
            )
        return Step(text, tuple(tokens))

    async def generate(self, request: Request) -> Completion:
        """Sample one turn. A turn with calls stays open."""
        completion = await self.policy.generate(request)
        return with_calls(request, completion)

    def read_results(self, problem: Problem, key: str, node: Node, results: Sequence[Returned]) -> Step:
        """Encode the results as the template writes them, up to where the assistant continues."""
        texts = [self._text.quote(_harmless(result.text)) for result in results]
        after = self._after(texts)
        tokens = self._text.encode(after)
        last = node.step.tokens[-1:]
        if last and tuple(tokens[:1]) == last:  # the token that ended the turn was sampled already
            tokens = tokens[1:]
        return Step(self._text.unquote(after), tuple(tokens), read=True)

    def _messages(self, turns: Sequence[Turn], template: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the conversation in the template's form for calls and results, where it has one, else as text."""
        native = messages_of(turns, self._text.quote, own_form=True)
        written = self._text.render(native, template) if self.native else None
        results = [message["content"].strip() for message in native if message["role"] == "tool"]
        whole = written is not None and all(text in written for text in results)
        return native if whole else messages_of(turns, self._text.quote, own_form=False)

    def _after(self, texts: Sequence[str]) -> str:
        """Return what the template writes after a turn of the assistant: its end, the results, a new turn."""
        begun = [{"role": "user", "content": "1"}, {"role": "assistant", "content": self._mark}]
        told = [{"role": "tool", "content": text} for text in texts]
        joined = _as_text(texts)
        forms = [[*begun, *told]] * self.native + [[*begun, {"role": "user", "content": joined}]]
        for turns in forms:
            written = self._text.render(turns, self._card.template)
            if written is not None and all(text.strip() in written for text in texts) and self._mark in written:
                return opened(written.rpartition(self._mark)[2], self._card.opening)
        return f"\n\n{joined}\n\n"  # a model without a chat template

    def _knows(self) -> bool:
        """Return whether the chat template writes the tools into the prompt."""
        name = f"probe_{secrets.token_hex(6)}"
        schema = {"type": "object", "properties": {}}
        probe = {"type": "function", "function": {"name": name, "description": "-", "parameters": schema}}
        turns = [{"role": "user", "content": "1"}]
        return name in (self._text.render(turns, {**self._card.template, "tools": [probe]}) or "")


class LastTurn(OfferedPolicy):
    """A policy with tools whose turn with calls ends a solution: whoever asked makes the calls.

    It alone is held to schemas, if ``schemas``: where a search makes the calls, any turn may be one.
    """

    def __init__(self, policy: Policy, schemas: bool = False) -> None:
        super().__init__(policy)
        self.schemas = schemas

    def prompt(self, problem: Problem) -> Step:
        return self.policy.prompt(problem)

    async def generate(self, request: Request) -> Completion:
        completion = await self.policy.generate(request)
        return replace(completion, finish=Finish.STOP, calls=()) if completion.calls else completion


def messages_of(turns: Sequence[Turn], quote: Callable[[str], str], *, own_form: bool) -> list[dict[str, Any]]:
    """Return turns as the messages of chat templates and servers.

    Args:
        turns: a conversation.
        quote: applied to every text that somebody else wrote.
        own_form: write calls and their results in the form that OpenAI defines; else as text, as Qwen3 and Hermes do.
    """
    found: list[dict[str, Any]] = []
    asked: list[dict[str, Any]] = []  # the calls just before, in the form of a message
    for results, group in groupby(turns, key=lambda turn: turn.role == "tool"):
        if results:
            texts = [quote(_harmless(turn.text)) for turn in group]
            found += _results(texts, asked) if own_form else [{"role": "user", "content": _as_text(texts)}]
            continue
        for turn in group:
            calls = [parse(call) for call in turn.calls]
            asked = [
                {"id": f"call{128 * len(found) + k:05x}", "type": "function", "function": _quoted(call, quote)}
                for k, call in enumerate(calls)
            ]  # Mistral's template wants ids of nine characters
            if calls and own_form:
                found.append({"role": turn.role, "content": quote(turn.text), "tool_calls": asked})
            else:
                written = [turn.text, *(call_text(call["name"], call["arguments"]) for call in calls)]
                found.append({"role": turn.role, "content": quote("\n".join(filter(None, written)))})
    return found


def _results(texts: Sequence[str], asked: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    named = [(call["id"], call["function"]["name"]) for call in asked] + [("", "")] * len(texts)
    return [
        {"role": "tool", "tool_call_id": name, "name": tool, "content": text}
        for (name, tool), text in zip(named, texts, strict=False)
    ]


def _as_text(results: Sequence[str]) -> str:
    return "\n".join(f"<tool_response>\n{text}\n</tool_response>" for text in results)


def with_calls(request: Request, completion: Completion) -> Completion:
    """Return a completion with the calls that its turn holds; the turn then stays open."""
    if completion.finish is not Finish.STOP:
        return completion
    said = request.node.conclusion[1] + "".join(step.text for step in completion.steps)
    calls = calls_in(said)
    if not calls:
        return completion
    return Completion(completion.steps, Finish.STEP, completion.warnings, completion.logprobs, calls)


def _harmless(text: str) -> str:
    """Return a result that cannot end the block it stands in, in a model that reads its mark as text."""
    return text.replace("</tool_response", "<\\/tool_response")


def _quoted(value: Any, quote: Callable[[str], str]) -> Any:
    """Quote every text of a tool's description, or of a call: somebody else may have written it."""
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, Mapping):
        return {quote(str(key)): _quoted(each, quote) for key, each in value.items()}
    return [_quoted(each, quote) for each in value] if isinstance(value, (list, tuple)) else value
