"""A policy behind an OpenAI-compatible server: raw completions, by token ids where the server knows them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import Any

from tts.cost import ModelShape
from tts.engines.remote.capabilities import Dialect, is_ids, unknown_model
from tts.engines.remote.client import Json, Reply, Server
from tts.engines.remote.coalescing import Siblings
from tts.engines.remote.prompt import Prompts
from tts.engines.remote.text_steps import ENDED, Answer, Cut, Pieces, Stepped, counted, stand_ins
from tts.engines.step_splitter import Splitter
from tts.engines.tokenizer import Text
from tts.errors import BadInput, EngineError, ModelError, PromptTooLong
from tts.models.card import ModelCard
from tts.protocols import Completion, Policy, Request, Warn
from tts.types import Finish, Node, Problem, Step, Until

_SEED = (1 << 31) - 1  # what every server takes for a seed
_FEW = 16  # tokens: a request is not shortened below this when the server says that it does not fit
_TOO_LONG = re.compile(
    r"context (length|size|window)|maximum (model|sequence) length|max_model_len|n_ctx|too long", re.IGNORECASE
)
_CONTEXT = re.compile(r"(?:context (?:length|size|window)|max_model_len)\D{0,24}?(\d{2,})", re.IGNORECASE)


class RemotePolicy(Policy):
    """A model behind a server as a policy. Implements :class:`tts.protocols.Policy`.

    With token ids a continuation sends exactly what was sampled, and steps end where every other engine ends them.
    Without, the text is sent and the ids of a step are stand-ins: as many as the server counted, equal for equal texts.
    Where ids are spoken, the steps that a search asks for at once after one prefix are one request.

    Args:
        card: prompt, separator and limits; its name is the model's on the server.
        server: where it is.
        dialect: what the server speaks.
        text: the model's tokenizer, where it is on this machine.
        shape: for the cost of a pass; all zeros where the model's size is not known.
        context: most tokens of prompt and solution together.
        seeds: send a seed with each request, so that a server that can repeats its samples.
        warn: says of a problem's text why the model may be out of its depth.
    """

    def __init__(
        self,
        card: ModelCard,
        server: Server,
        dialect: Dialect,
        *,
        text: Text | None,
        shape: ModelShape,
        context: int,
        seeds: bool = True,
        warn: Warn | None = None,
    ) -> None:
        self.card = card
        self.name = card.name
        self.shape = shape
        self.context = context
        self._server = server
        self._dialect = dialect
        self._seeds = seeds
        self._warn = warn
        self._splitter = Splitter(text.decode, card.separator, ()) if text and dialect.ids else None
        self.steps = dialect.completions
        self._uncounted = not shape.active
        self._prompts = Prompts(card, server, dialect, text)
        self._siblings = Siblings(self._completions)

    def warn(self, problem: Problem) -> str | None:
        """A sentence for the user, else None; that FLOPs are not counted is said once."""
        said = []
        if self._uncounted:
            self._uncounted = False
            said.append(f"FLOPs are not counted: the size of {self.name} is not known on this machine.")
        if self._warn and (outside := self._warn(problem.text)):
            said.append(outside)
        return " ".join(said) or None

    async def prepare(self, problem: Problem) -> None:
        """Fetch what ``prompt`` needs from the server, so that it will not block the event loop."""
        await self._prompts.prepare(problem)

    def prompt(self, problem: Problem) -> Step:
        """The problem in the model's chat form. Raises BadInput when it is empty, PromptTooLong when it is too long.

        Where only the server has the tokenizer and ``prepare`` was not awaited, this waits for the server.
        """
        if not problem.text.strip():
            raise BadInput("the problem is empty: give some text to solve.")
        text, tokens = self._prompts.of(problem, self.context)
        if len(tokens) >= self.context:
            raise self._too_long(len(tokens))
        return Step(text, tokens)

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
        limit = min(request.max_tokens, self.context - request.node.length)
        sample = self._complete if self.steps else self._chat
        while limit >= 1:
            try:
                return await sample(request, limit)
            except PromptTooLong:
                limit //= 2
                if limit < _FEW and not request.node.depth:
                    raise
                limit = limit if limit >= _FEW else 0
        return Completion((Step("", ()),), Finish.LENGTH)

    def close(self) -> None:
        """Close the connections; requests under way fail with EngineError."""
        self._server.close()

    # -- sampling ----------------------------------------------------------------------------------------------------

    async def _complete(self, request: Request, limit: int) -> Completion:
        """Ask on until a step or the solution has ended: the server stops at every separator, an empty step's too."""
        whole = request.until is Until.END and not (self._dialect.ids and self._splitter is None)
        pieces = Stepped(self._splitter, request.node.tokens) if self._splitter else Pieces(self.card.separator)
        finish = Finish.LENGTH
        for turn in itertools.count():
            left = limit - len(pieces.tokens)
            answer = await self._answer(request, pieces, left, turn, whole) if left > 0 else None
            if answer is None:
                break
            pieces.take(answer)
            finish = answer.finish
            if finish is not Finish.STOP and request.until is Until.STEP and pieces.between:
                finish = Finish.STEP
                break
            if finish is not Finish.STEP:
                break
            finish = Finish.LENGTH  # should no more tokens be left
            if not answer.tokens:
                break
        return Completion(self._named(pieces.steps(whole and not self._dialect.ids)), finish)

    async def _answer(self, request: Request, pieces: Pieces | Stepped, left: int, turn: int, whole: bool) -> Answer:
        body = self._sampling(request, turn) | {"model": self.name, "max_tokens": left}
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
            return await self._cut(body, pieces.text)
        if not whole:
            body["stop"] = [self.card.separator]
        # Greedy siblings are equal, and vLLM gives one of them at a time.
        if self._dialect.ids and request.until is Until.STEP and not turn and request.temperature > 0:
            kin = request.node, request.key.rstrip("0123456789"), left, request.temperature, request.top_p
            reply = await self._siblings.ask(kin, body)
        else:
            reply = await self._completions(body)
        choice = await self._choice(reply, request.node)
        text, finish = str(choice.get("text") or ""), self._finish(choice)
        if finish is Finish.STEP and not text.endswith(self.card.separator):
            text += self.card.separator
        tokens: Any = choice.get("token_ids")
        if self._dialect.ids and not is_ids(tokens):
            raise EngineError(f"{self._server.address.base} did not say which token ids it sampled.")
        return Answer(text, tokens if is_ids(tokens) else [0] * counted(reply.data, text), finish)

    async def _completions(self, body: Json) -> Reply:
        return await self._server.ask(f"{self._server.address.base}/completions", body)

    async def _cut(self, body: Json, before: str) -> Answer:
        """A step from a server that does not say whether a stop string or the model ended it: streamed, cut here."""
        separator = self.card.separator
        url = f"{self._server.address.base}/completions"
        reply = await self._server.pour(url, body | {"stream": True}, lambda: Cut(separator, before))
        if isinstance(reply, Reply):
            await self._choice(reply, None)
            raise EngineError(f"{self._server.address.base} answered without choices.")
        return Answer(reply.text, [0] * reply.count, reply.finish)

    async def _chat(self, request: Request, limit: int) -> Completion:
        """A whole solution from a server that only chats."""
        body = self._sampling(request, 0) | {"model": self.name, self._dialect.chat_limit: limit}
        body["messages"] = self._prompts.messages(request.problem)
        if self.card.template:
            body["chat_template_kwargs"] = self.card.template
        reply = await self._server.ask(f"{self._server.address.base}/chat/completions", body)
        choice = await self._choice(reply, request.node)
        message = choice.get("message")
        text = str((message.get("content") if isinstance(message, dict) else "") or "")
        pieces = Pieces(self.card.separator)
        finish = self._finish(choice)
        pieces.take(Answer(text, [0] * counted(reply.data, text), finish))
        return Completion(self._named(pieces.steps(split=True)), finish)

    def _sampling(self, request: Request, turn: int) -> Json:
        body: Json = {"temperature": request.temperature, "top_p": request.top_p}
        if self._seeds and request.temperature > 0:
            body["seed"] = (request.seed + turn * 0x9E3779B1) & _SEED
        return body

    def _finish(self, choice: Json) -> Finish:
        if choice.get("finish_reason") not in ENDED:
            return Finish.LENGTH
        told = choice.get("stop_reason", choice.get("matched_stop"))
        return Finish.STEP if told == self.card.separator else Finish.STOP

    def _named(self, steps: Sequence[Step]) -> tuple[Step, ...]:
        """Steps with ids; in text mode stand-ins, equal for equal texts."""
        if self._dialect.ids:
            return tuple(steps)
        return tuple(Step(step.text, stand_ins(step.text, len(step.tokens))) for step in steps)

    # -- refusals ----------------------------------------------------------------------------------------------------

    async def _choice(self, reply: Reply, node: Node | None) -> Json:
        """The first choice of an answer. Raises what a refusal means."""
        if reply.ok:
            choices = reply.data.get("choices")
            if isinstance(choices, list) and choices and isinstance(choices[0], dict):
                return choices[0]
            raise EngineError(f"{self._server.address.base} answered without choices: is it OpenAI-compatible?")
        if reply.status in (400, 413, 422) and _TOO_LONG.search(reply.message):
            if found := _CONTEXT.search(reply.message):
                self.context = min(self.context, int(found[1]))
            raise self._too_long(node.length if node else 0)
        if reply.status == 404:
            raise ModelError(await unknown_model(self._server, self.name))
        raise EngineError(f"{self._server.address.base} refused the request ({reply.status}): {reply.message}.")

    def _too_long(self, tokens: int) -> PromptTooLong:
        length = f"{tokens} tokens long" if tokens else "too long"
        return PromptTooLong(
            f"the problem is {length} and {self.name} takes {self.context} together with the answer: shorten it, or "
            "choose a policy with a longer context."
        )
