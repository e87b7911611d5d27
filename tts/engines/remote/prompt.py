"""The prompt of a model behind a server: made here where its tokenizer is, else by the server's own."""

from __future__ import annotations

from tts.engines.remote.capabilities import Dialect
from tts.engines.remote.client import Server
from tts.engines.remote.reply import Json, Reply, ids_of, text_of
from tts.engines.remote.text_steps import estimate, stand_ins
from tts.engines.tokenizer import TEMPLATE_DATE, Text, opened
from tts.errors import EngineError
from tts.models.card import ModelCard
from tts.types import Problem, Turn

Prompt = tuple[str, tuple[int, ...]]
"""A prompt as text and token ids."""


_KEPT = 4096  # prompts that the server made


class Prompts:
    """Problems in a model's chat form.

    Args:
        card: the model's prompt; its name is the model's on the server.
        server, dialect: where it is, and what the server speaks.
        text: the model's tokenizer, where it is on this machine.
    """

    def __init__(self, card: ModelCard, server: Server, dialect: Dialect, text: Text | None) -> None:
        self._card, self._server, self._dialect, self._text = card, server, dialect, text
        self._prepared: dict[tuple[str, tuple[Turn, ...]], Prompt] = {}

    async def prepare(self, problem: Problem) -> None:
        """Fetch what :meth:`of` needs from the server, so that it will not block the event loop."""
        if self._asks and problem.text.strip() and (problem.text, problem.turns) not in self._prepared:
            self._prepared[problem.text, problem.turns] = await self._theirs(problem)
            if len(self._prepared) > _KEPT:
                del self._prepared[next(iter(self._prepared))]

    def of(self, problem: Problem, context: int) -> Prompt:
        """The prompt of a model that takes ``context`` tokens; PromptTooLong where that is seen here.

        Where only the server has the tokenizer and nothing was prepared, this waits for the server.
        """
        if (found := self._prepared.get((problem.text, problem.turns))) is not None:
            return found
        return self._server.wait(self._theirs(problem)) if self._asks else self._ours(problem, context)

    @property
    def ours(self) -> bool:
        """Whether the server gets token ids made on this machine, so that it reads no text of a problem."""
        return self._text is not None and self._dialect.ids

    @property
    def _asks(self) -> bool:
        return self._text is None and self._dialect.completions and bool(self._dialect.routes)

    def messages(self, problem: Problem) -> list[dict[str, str]]:
        """The turns of a chat."""
        return [{"role": turn.role, "content": turn.text} for turn in self._card.conversation(problem)]

    def _plain(self, problem: Problem) -> str:
        return "\n\n".join(message["content"] for message in self.messages(problem)) + self._card.opening_of(problem)

    def _ours(self, problem: Problem, context: int) -> Prompt:
        """The prompt made on this machine: by the tokenizer, else the card's words as they stand."""
        if self._text is None:
            text = self._plain(problem)
            return text, stand_ins(text, estimate(text))
        step = self._text.prompt(problem, self._card, context)
        takes_whole = self._dialect.ids or self._dialect.routes == "vllm"
        return step.text if takes_whole else _without_begin(step.text, self._text), step.tokens

    async def _theirs(self, problem: Problem) -> Prompt:
        """The prompt made by the server's own tokenizer."""
        plain, messages, opening = self._plain(problem), self.messages(problem), self._card.opening_of(problem)
        asked: Json = {"messages": messages}
        if self._dialect.routes == "llama.cpp":
            if self._card.template:
                asked["chat_template_kwargs"] = self._card.template
            text = opened(_text(await self._route("apply-template", asked), plain), opening)
            reply = await self._route("tokenize", {"content": text, "add_special": True, "parse_special": True})
            return text, self._tokens(reply)
        asked["chat_template_kwargs"] = {"date_string": TEMPLATE_DATE, **self._card.template}
        reply = await self._route("tokenize", {"model": self._card.name, "add_generation_prompt": True, **asked})
        if reply.status == 400 and messages[0]["role"] == "system":  # a template without a place for it
            system, first, *others = messages
            first = {**first, "content": f"{system['content']}\n\n{first['content']}"}
            asked["messages"] = [first, *others]
            reply = await self._route("tokenize", {"model": self._card.name, "add_generation_prompt": True, **asked})
        if reply.status == 400:  # a model without a chat template
            reply = await self._route("tokenize", {"model": self._card.name, "prompt": plain})
        tokens, text = self._tokens(reply), plain
        if opening or not self._dialect.ids:  # an older one takes ids, but gives none out
            reply = await self._route("detokenize", {"model": self._card.name, "tokens": tokens})
            text = _text(reply, plain)
        if opened(text, opening) != text:
            more = {"model": self._card.name, "prompt": opening, "add_special_tokens": False}
            tokens, text = (*tokens, *self._tokens(await self._route("tokenize", more))), text + opening
        return text, tokens

    def _tokens(self, reply: Reply) -> tuple[int, ...]:
        if (tokens := ids_of(reply.data.get("tokens"))) is None:
            reason = reply.message or "it gave no token ids"
            raise EngineError(f"{self._server.address.root}/tokenize failed ({reply.status}): {reason}.")
        return tuple(tokens)

    async def _route(self, path: str, body: Json) -> Reply:
        return await self._server.ask(f"{self._server.address.root}/{path}", body)


def _text(reply: Reply, otherwise: str) -> str:
    """The prompt in a reply."""
    return text_of(reply.data.get("prompt")) or otherwise


def _without_begin(text: str, tokenizer: Text) -> str:
    """A prompt as text, without the begin token that servers put before every text themselves."""
    begin = tokenizer.tokenizer.bos_token
    adds = tokenizer.encode("1", special=True) != tokenizer.encode("1")
    return text.removeprefix(begin) if begin and adds else text
