"""A tokenizer for the engines: ids in and out, safe from several threads, and the prompt of a policy."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from tts.aio import in_time
from tts.errors import EmptyProblem, ModelError, PromptTooLong
from tts.models.card import ModelCard
from tts.models.text_encoder import TextEncoder
from tts.types import Problem, Step, Turn

# Some templates (Llama's, SmolLM3's) write today's date into the prompt; a fixed date makes prompts reproducible.
_DATE = datetime.datetime(2024, 7, 26, tzinfo=datetime.UTC)
TEMPLATE_DATE = _DATE.strftime("%d %b %Y")

TEMPLATE_SECONDS = 10.0
"""Time that a chat template may take: it is a program of the model's author."""


class Text:
    """Encoding and decoding on the tokenizer's own core.

    The wrapper around it sets truncation and padding on each call, which breaks when two threads call at once.
    """

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self._encoder = TextEncoder(tokenizer)
        self.encode = self._encoder.encode
        self.core = self._encoder.core
        self.quote = self._encoder.quote
        self.unquote = self._encoder.unquote
        self._pieces: dict[int, str] = {}

    def piece(self, token: int) -> str:
        """Decode one id; each id once."""
        known = self._pieces.get(token)
        if known is None:
            known = self._pieces[token] = self.decode([token])
        return known

    def decode(self, tokens: Sequence[int]) -> str:
        """Decode ids to text without special tokens."""
        if self.core is not None:
            text: str = self.core.decode(tokens, skip_special_tokens=True)
        else:
            text = self.tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text

    def chat(
        self,
        user: str,
        system: str = "",
        *,
        before: Sequence[Turn] = (),
        opening: str = "",
        template: Mapping[str, Any] | None = None,
    ) -> tuple[str, list[int]]:
        """Encode the start of a conversation up to where the assistant continues, as text and ids.

        Without a chat template it is the text alone. A template that has no place for a system message, whether it
        refuses it or leaves it out, gets it at the head of the user's turn. The name of a control token in a message
        is text: only the template and ``opening`` write control tokens.

        Args:
            user: the user's last turn.
            system: system message, or empty.
            before: turns between the two.
            opening: how the assistant's turn has to begin, unless the template does that itself.
            template: further names for the template.

        Raises:
            ModelError: when the template refuses.
        """
        turns = [{"role": turn.role, "content": self.quote(turn.text)} for turn in (*before, Turn("user", user))]
        return self.converse(turns, system, opening=opening, template=template)

    def converse(
        self,
        turns: list[dict[str, Any]],
        system: str = "",
        *,
        opening: str = "",
        template: Mapping[str, Any] | None = None,
    ) -> tuple[str, list[int]]:
        """Encode a conversation as :meth:`chat` does; its turns are a template's messages with quoted texts."""
        system = self.quote(system)
        if not self.tokenizer.chat_template:
            plain = "\n\n".join(filter(None, [system, *(turn["content"] for turn in turns)])) + opening
            return self.unquote(plain), self.encode(plain, special=True)
        text = self._rendered(turns, system, template or {}) if system else None
        if text is None:
            if system:
                turns[0] = {**turns[0], "content": f"{system}\n\n{turns[0]['content']}"}
            text = self._rendered(turns, "", template or {}, needed=True) or ""
        text = opened(text, opening)
        return self.unquote(text), self.encode(text)

    def render(self, turns: list[dict[str, Any]], template: Mapping[str, Any]) -> str | None:
        """Write a conversation as the chat template does, quoted texts as they are; None if it refuses."""
        return self._rendered(turns, "", template) if self.tokenizer.chat_template else None

    def _rendered(
        self, turns: list[dict[str, Any]], system: str, template: Mapping[str, Any], needed: bool = False
    ) -> str | None:
        """Render the template; None if it has no place for the system message."""
        messages = [{"role": "system", "content": system}] * bool(system) + turns
        try:
            text: str = in_time(
                lambda: self.tokenizer.apply_chat_template(
                    messages, tokenize=False, add_generation_prompt=True, date_string=TEMPLATE_DATE,
                    strftime_now=_DATE.strftime, **template,
                ),
                TEMPLATE_SECONDS,
            )  # fmt: skip
        except TimeoutError as error:
            raise ModelError(
                f"the model's chat template has not ended after {TEMPLATE_SECONDS:g} s: it may loop for ever, so "
                "mend it."
            ) from error
        except Exception as error:
            if not needed:
                return None
            raise ModelError(f"the model's chat template does not take this conversation: {error}.") from error
        return text if system in text else None

    def prompt(self, problem: Problem, card: ModelCard, context: int) -> Step:
        """Encode a problem as a policy reads it.

        Raises EmptyProblem, PromptTooLong if ``context`` leaves no room for an answer.
        """
        if not problem.text.strip():
            raise EmptyProblem
        *before, last = card.conversation(problem)
        system = before.pop(0).text if before and before[0].role == "system" else ""
        opening = card.opening_of(problem)
        text, tokens = self.chat(last.text, system, before=before, opening=opening, template=card.template)
        if len(tokens) >= context:
            raise PromptTooLong(
                f"the problem is {len(tokens)} tokens long and {card.name} takes {context} together with the "
                "answer: shorten it, or choose a policy with a longer context."
            )
        return Step(text, tuple(tokens))


def opened(text: str, opening: str) -> str:
    """Append the required opening of the answer to a prompt, unless the template has written it."""
    return text if text.rstrip().endswith(opening.rstrip()) else text + opening


def end_ids(configured: int | list[int] | None, tokenizer: Any) -> set[int]:
    """Return the ids that end a solution: the tokenizer's end of sequence and those of the generation configuration."""
    ids = configured if isinstance(configured, list) else [configured]
    return {int(token) for token in (*ids, tokenizer.eos_token_id) if token is not None}
