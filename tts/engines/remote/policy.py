"""A policy behind an OpenAI-compatible server: raw completions, by token ids where the server knows them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

from tts.cost import ModelShape
from tts.engines.json_grammar import not_held
from tts.engines.remote.capabilities import Dialect, unknown_model
from tts.engines.remote.client import Server
from tts.engines.remote.coalescing import Siblings
from tts.engines.remote.finish import finish_of
from tts.engines.remote.json_schema import held, without
from tts.engines.remote.logprobs import ALTERNATIVES, asked, fewer, of_choice
from tts.engines.remote.prompt import Prompts
from tts.engines.remote.reply import Json, Reply, first_choice, ids_of, words
from tts.engines.remote.text_steps import Answer, Cut, Pieces, Stepped, counted, spoken, stand_ins, within
from tts.engines.remote.tool_caller import ServerCaller
from tts.engines.remote.traffic import Traffic
from tts.engines.step_splitter import Splitter
from tts.engines.tokenizer import Text
from tts.engines.tool_caller import TextCaller
from tts.errors import EmptyProblem, EngineError, ModelError, PromptTooLong
from tts.models.card import ModelCard
from tts.protocols import Completion, Policy, Request
from tts.types import Finish, Node, Problem, Step, TokenLogprobs, Until

_SEED = (1 << 31) - 1  # what every server takes for a seed
_FEW = 16  # tokens: a request is not shortened below this when the server says that it does not fit
_TOO_LONG = re.compile(
    r"context (length|size|window)|maximum (model|sequence) length|max_model_len|n_ctx|too long", re.IGNORECASE
)
_CONTROL = re.compile(
    r"<[|\uff5c]\S{1,40}?[|\uff5c]>|</?s>|<[a-z]+_\w{1,30}>|\[/?[A-Z_]{3,30}\]"
)  # as models name them
_CONTEXT = re.compile(r"(?:context (?:length|size|window)|max_model_len)\D{0,24}?(\d{2,9})(?!\d)", re.IGNORECASE)


class _TooLong(PromptTooLong):
    """A refusal of a prompt with its limit. ``context`` is the length that the server takes, as it says; else 0."""

    def __init__(self, sentence: str, context: int) -> None:
        super().__init__(sentence)
        self.context = context


class RemotePolicy(Policy):
    """A model behind a server as a policy. Implements :class:`tts.protocols.Policy`.

    With token ids a continuation sends exactly what was sampled, and steps end where every other engine ends them.
    Without, the text is sent and the ids of a step are stand-ins: as many as the server counted, equal for equal texts.
    Where ids are spoken, the steps that a search asks for at once after one prefix are one request. Without seeds, the
    whole solutions that it asks for at once are one request too; with seeds each is its own, so that the first four of
    sixteen are the four of N = 4.

    Args:
        card: prompt, separator and limits; its name is the model's on the server.
        server: where it is.
        dialect: what the server speaks.
        text: the model's tokenizer, where it is on this machine.
        shape: for the cost of a pass; all zeros where the model's size is not known.
        served: most tokens of prompt and solution together by what the server lists, 0 where it does not say.
        seeds: send a seed with each request, so that a server that can repeats its samples.
    """

    background = True
    remote = True

    def __init__(
        self,
        card: ModelCard,
        server: Server,
        dialect: Dialect,
        *,
        text: Text | None,
        shape: ModelShape,
        served: int = 0,
        seeds: bool = True,
    ) -> None:
        self.card = card
        self.name = card.name
        self.shape = shape
        self.context = min(card.context, served or card.context)
        self._served = served
        self._rooms: WeakKeyDictionary[Step, int] = WeakKeyDictionary()  # of a problem, by what a refusal said of it
        self._server = server
        self._dialect = dialect
        self._seeds = seeds
        self._splitter = Splitter(text.decode, card.separator, ()) if text and dialect.ids else None
        self.steps = dialect.completions
        self.logprobs = ALTERNATIVES  # until the server refuses
        self.schemas = not (card.thinking and dialect.completions)  # likewise; a server that chats lets a model think
        self._uncounted = not shape.active
        self._text = text
        self._prompts = Prompts(card, server, dialect, text)
        self._siblings = Siblings(self._completions)
        self._chats = Siblings(self._chatted)

    def warn(self, problem: Problem) -> str | None:
        """A sentence for the user, else None; that FLOPs are not counted is said once."""
        said = []
        if self._uncounted:
            self._uncounted = False
            said.append(f"FLOPs are not counted: the size of {self.name} is not known on this machine.")
        if not self._prompts.ours and (name := _CONTROL.search(problem.text)):
            said.append(f"The server reads the problem's text, and may take {name[0]} in it for a control token.")
        return " ".join(said) or None

    async def prepare(self, problem: Problem) -> None:
        """Fetch what ``prompt`` needs from the server, so that it will not block the event loop."""
        await self._prompts.prepare(problem)

    def prompt(self, problem: Problem) -> Step:
        """The problem in the model's chat form. Raises EmptyProblem, or PromptTooLong.

        Where only the server has the tokenizer and ``prepare`` was not awaited, this waits for the server.
        """
        if not problem.text.strip():
            raise EmptyProblem
        text, tokens = self._prompts.of(problem, self.context)
        if len(tokens) >= self.context:
            raise PromptTooLong(
                f"the problem is {len(tokens)} tokens long and {self.name} takes {self.context} together with the "
                "answer: shorten it, or choose a policy with a longer context."
            )
        return Step(text, tokens)

    def offered(self, tools: Sequence[Mapping[str, Any]], guide: str) -> Policy:
        """Return this model with tools: in its chat template where its tokenizer is here, else by the server's chat."""
        if self._text is not None and self._dialect.ids:
            return TextCaller(self, self._text, self.card, tools, guide)
        return ServerCaller(self, self._converse, self.card, tools, guide)

    async def generate(self, request: Request) -> Completion:
        """Sample one continuation.

        Raises:
            EngineError: when the server is gone or fails at it.
            ModelError: for a single step of a model that can only chat, or where the server does not take the request.
            PromptTooLong: when the server says so of the prompt alone.
        """
        if request.until is Until.STEP and not self.steps:
            raise ModelError(
                f"{self._server.address.base} only chats (it has no raw completions for {self.name}), so a solution "
                "cannot be continued step by step: use best-of-n or majority."
            )
        node = request.node
        room = self._rooms.get(node.root.step, self.context)
        limit = min(request.max_tokens, min(room, self.context) - node.length)
        sample = self._complete if self.steps else self._chat
        while limit >= 1:
            try:
                completion = await sample(request, limit)
            except _TooLong as refusal:
                limit = self._shortened(limit, node, refusal.context)
                if limit < _FEW and not node.depth:
                    raise
                limit = limit if limit >= _FEW else 0
            else:
                lost = (not_held(self.name, "the server refuses it"),) * bool(request.schema and not self.schemas)
                return replace(completion, warnings=(*completion.warnings, *lost))
        return Completion((Step("", ()),), Finish.LENGTH)

    def _shortened(self, limit: int, node: Node, context: int) -> int:
        """The limit of the next try after a refusal that names a context, or 0.

        What it names holds for its own problem and no other: servers have named lengths that were not theirs. What the
        server lists holds against it.
        """
        if context >= self._served and _FEW <= (room := context - node.length) < limit:
            self._rooms[node.root.step] = context
            return room
        return limit // 2

    @property
    def dialect(self) -> Dialect:
        """Return what the server speaks."""
        return self._dialect

    @property
    def traffic(self) -> Traffic:
        """Return the requests so far and the time they took."""
        return self._server.traffic

    def close(self) -> None:
        """Close the connections; requests under way fail with EngineError."""
        self._server.close()

    # -- sampling ----------------------------------------------------------------------------------------------------

    async def _complete(self, request: Request, limit: int) -> Completion:
        """Ask on until a step or the solution has ended: the server stops at every separator, an empty step's too."""
        cut = self._dialect.ids and self._splitter is None and not request.schema
        whole = request.until is Until.END and not cut
        pieces = Stepped(self._splitter, request.node.tokens) if self._splitter else Pieces(self.card.separator)
        finish, warnings, logprobs = Finish.LENGTH, dict[str, None](), list[TokenLogprobs]()
        for turn in itertools.count():
            left = limit - len(pieces.tokens)
            answer = await self._answer(request, pieces, left, turn, whole) if left > 0 else None
            if answer is None:
                break
            pieces.take(answer)
            logprobs += answer.logprobs
            finish = answer.finish
            warnings |= {answer.warning: None} if answer.warning else {}
            if finish is not Finish.STOP and request.until is Until.STEP and pieces.between:
                finish = Finish.STEP
                break
            if finish is not Finish.STEP:
                break
            finish = Finish.LENGTH  # should no more tokens be left
            if not answer.tokens:
                break
        steps = self._named(pieces.steps(whole and not self._dialect.ids))
        return Completion(steps, finish, tuple(warnings), tuple(logprobs))

    async def _answer(self, request: Request, pieces: Pieces | Stepped, left: int, turn: int, whole: bool) -> Answer:
        body = self._sampling(request, turn) | {"model": self.name, "max_tokens": left}
        body |= asked(min(request.logprobs, self.logprobs)) | self._held(request, self._dialect.routes == "llama.cpp")
        if self._dialect.ids:
            # The server's own defaults come from the model's generation_config and would change the distribution.
            body |= {"return_token_ids": True, "top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0}
            body["prompt"] = [*request.node.tokens, *pieces.tokens]
        else:
            body["prompt"] = request.node.root.step.text + request.node.text + pieces.text
            if self._dialect.routes == "vllm":
                body["add_special_tokens"] = False  # the prompt has them
            elif self._dialect.routes == "llama.cpp":
                body |= {"top_k": 0, "min_p": 0.0, "repeat_penalty": 1.0}
        if not whole and not self._dialect.tells_stop:
            return await self._cut(body, pieces.text, left)
        if not whole:
            body["stop"] = [self.card.separator]
        if not turn and self._joined(request):
            reply = await self._siblings.ask((*_kin(request), left), body)
        else:
            reply = await self._completions(body)
        choice = await self._choice(await self._granted(reply, body, self._completions), request.node)
        if self._dialect.ids:
            return replace(self._by_ids(choice, left), logprobs=of_choice(choice)[:left])
        text = spoken(choice.get("text"))
        count = counted(reply.data, text, left)
        finish, warning = self._finish(choice, text, count, left)
        if finish is Finish.STEP and not text.endswith(self.card.separator):
            text += self.card.separator
        return Answer(text, [0] * count, finish, warning, of_choice(choice))

    def _by_ids(self, choice: Json, left: int) -> Answer:
        tokens = ids_of(choice.get("token_ids"))
        if tokens is None:
            raise EngineError(f"{self._server.address.base} did not say which token ids it sampled.")
        text = spoken(choice.get("text"))
        if len(tokens) > left:  # more than was asked for
            return Answer(text, tokens[:left], Finish.LENGTH)
        finish, warning = self._finish(choice, text, len(tokens), left)
        if finish is Finish.STEP and not text.endswith(self.card.separator):
            text += self.card.separator
        return Answer(text, tokens, finish, warning)

    def _joined(self, request: Request) -> bool:
        """Return whether requests after one prefix are sent as one; greedy siblings are equal, so they are not."""
        if request.temperature <= 0:
            return False
        return self._dialect.ids if request.until is Until.STEP else not self._seeds

    async def _completions(self, body: Json) -> Reply:
        return await self._server.ask(f"{self._server.address.base}/completions", body)

    async def _chatted(self, body: Json) -> Reply:
        return await self._server.ask(f"{self._server.address.base}/chat/completions", body)

    async def _cut(self, body: Json, before: str, left: int) -> Answer:
        """A step from a server that does not say whether a stop string or the model ended it: streamed, cut here."""
        separator = self.card.separator
        url = f"{self._server.address.base}/completions"
        found = await self._server.pour(url, body | {"stream": True}, lambda: Cut(separator, before))
        if isinstance(found, Reply):  # a refusal, or the whole answer at once
            found = await self._cut_whole(found, before, left)
        if not found.answered:
            raise self._no_choices()
        text, count = found.text, within(found.count, found.text, left)
        if found.stepped:
            return Answer(text, [0] * count, Finish.STEP)
        finish, warning = finish_of(found.reason, text, count, left)
        return Answer(text, [0] * count, finish, warning)

    async def _cut_whole(self, reply: Reply, before: str, left: int) -> Cut:
        choice = await self._choice(reply, None)
        text = spoken(choice.get("text"))
        read = Cut(self.card.separator, before)
        read.answered, read.reason = True, choice.get("finish_reason")
        read.add(text)
        count = counted(reply.data, text, left)
        read.count = -(-count * len(read.text) // max(len(text), 1)) if read.stepped else count
        return read

    async def _chat(self, request: Request, limit: int) -> Completion:
        """A whole solution from a server that only chats."""
        body = self._sampling(request, 0) | {"model": self.name, self._dialect.chat_limit: limit}
        body["messages"] = self._prompts.messages(request.problem)
        body |= asked(min(request.logprobs, self.logprobs), chat=True) | self._held(request)
        if self.card.template:
            body["chat_template_kwargs"] = self.card.template
        if self._joined(request):
            reply = await self._chats.ask((*_kin(request), limit), body)
        else:
            reply = await self._chatted(body)
        choice = await self._choice(reply := await self._granted(reply, body, self._chatted), request.node)
        message = choice.get("message")
        text = spoken(message.get("content") if isinstance(message, dict) else message)
        most = limit * self._dialect.solutions
        count = counted(reply.data, text, most)
        finish, warning = finish_of(choice.get("finish_reason"), text, count, most)
        pieces = Pieces(self.card.separator)
        pieces.take(Answer(text, [0] * count, finish))
        steps = self._named(pieces.steps(split=True))
        return Completion(steps, finish, (warning,) * bool(warning), of_choice(choice))

    async def _converse(self, messages: Json, request: Request, limit: int) -> tuple[Json, Json]:
        """Send a conversation with tools; return the first choice of the answer and the whole answer."""
        body = self._sampling(request, 0) | messages | {"model": self.name, self._dialect.chat_limit: limit}
        if self.card.template:
            body["chat_template_kwargs"] = self.card.template
        reply = await self._granted(await self._chatted(body), body, self._chatted)
        return await self._choice(reply, request.node), reply.data

    def _held(self, request: Request, native: bool = False) -> Json:
        return held(request.schema if self.schemas else "", native=native)

    async def _granted(self, reply: Reply, body: Json, ask: Callable[[Json], Awaitable[Reply]]) -> Reply:
        """Ask again without what the server refuses: log-probabilities, or a schema."""
        while True:
            if (least := fewer(reply, body)) is not None:
                self.logprobs = least
            elif without(reply, body):
                self.schemas = False
            else:
                return reply
            reply = await ask(body)

    def _sampling(self, request: Request, turn: int) -> Json:
        body: Json = {"temperature": request.temperature, "top_p": request.top_p}
        if self._seeds and request.temperature > 0:
            body["seed"] = (request.seed + turn * 0x9E3779B1) & _SEED
        return body

    def _finish(self, choice: Json, text: str, count: int, most: int) -> tuple[Finish, str]:
        if choice.get("stop_reason", choice.get("matched_stop")) == self.card.separator:
            return Finish.STEP, ""
        return finish_of(choice.get("finish_reason"), text, count, most)

    def _named(self, steps: Sequence[Step]) -> tuple[Step, ...]:
        """Steps with ids; in text mode stand-ins, equal for equal texts."""
        if self._dialect.ids:
            return tuple(steps)
        return tuple(Step(step.text, stand_ins(step.text, len(step.tokens))) for step in steps)

    # -- refusals ----------------------------------------------------------------------------------------------------

    async def _choice(self, reply: Reply, node: Node | None) -> Json:
        """The first choice of an answer. Raises what a refusal means."""
        if reply.ok:
            if (choice := first_choice(reply.data)) is not None:
                return choice
            raise self._no_choices(words({key: reply.data.get(key) for key in ("detail", "message")}))
        if reply.status in (400, 413, 422) and _TOO_LONG.search(reply.message):
            found = _CONTEXT.search(reply.message)
            length = f"with its {node.length} tokens " if node else ""
            raise _TooLong(
                f"the problem {length}is too long for {self.name} ({reply.message}): shorten it, or choose a policy "
                "with a longer context.",
                int(found[1]) if found else 0,
            )
        if reply.status == 404:
            raise ModelError(await unknown_model(self._server, self.name))
        reason = reply.message or "it does not say why"
        raise EngineError(f"{self._server.address.base} refused the request ({reply.status}): {reason}.")

    def _no_choices(self, said: str = "") -> EngineError:
        said = f" ({said})" if said else ""
        return EngineError(f"{self._server.address.base} answered without choices{said}: is it OpenAI-compatible?")


def _kin(request: Request) -> tuple[object, ...]:
    """Return what requests for continuations of one prefix have in common."""
    return request.node, request.key.rstrip("0123456789"), request.until, request.temperature, request.top_p
