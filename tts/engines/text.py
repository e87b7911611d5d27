"""A tokenizer as the engines use it: ids in, ids out, safe from several threads, and the prompt of a policy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tts.errors import BadInput, ModelError, PromptTooLong
from tts.models import ModelCard
from tts.types import Problem, Step

# Llama's template writes today's date into the system message; a fixed one keeps prompts the same from day to day.
TEMPLATE_DATE = "26 Jul 2024"


class Text:
    """Encoding and decoding on the tokenizer's own core.

    The wrapper around it sets truncation and padding on each call, which breaks when two threads call at once.
    """

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self._core = getattr(tokenizer, "backend_tokenizer", None)

    def encode(self, text: str, *, special: bool = False) -> list[int]:
        """Text to ids; ``special`` adds what the tokenizer puts around a text (a begin token)."""
        if self._core is not None:
            ids: list[int] = self._core.encode(text, add_special_tokens=special).ids
        else:
            ids = self.tokenizer.encode(text, add_special_tokens=special)
        return ids

    def decode(self, tokens: Sequence[int]) -> str:
        """Ids to text, special tokens left out."""
        if self._core is not None:
            text: str = self._core.decode(tokens, skip_special_tokens=True)
        else:
            text = self.tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text

    def chat(self, user: str, system: str = "") -> tuple[str, list[int]]:
        """The opening of a conversation up to where the assistant begins, as text and ids.

        Without a chat template it is the user's text alone. Raises ModelError when the template refuses.
        """
        if not getattr(self.tokenizer, "chat_template", None):
            text = f"{system}\n\n{user}" if system else user
            return text, self.encode(text, special=True)
        messages = [{"role": "user", "content": user}]
        if system:
            messages.insert(0, {"role": "system", "content": system})
        try:
            text = self.tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=True, date_string=TEMPLATE_DATE
            )
        except Exception as error:
            raise ModelError(f"the model's chat template does not take this conversation: {error}.") from error
        return text, self.encode(text)

    def prompt(self, problem: Problem, card: ModelCard, context: int) -> Step:
        """A problem as a policy reads it.

        Raises BadInput for an empty problem, PromptTooLong where ``context`` leaves no room for an answer.
        """
        if not problem.text.strip():
            raise BadInput("the problem is empty: give some text to solve.")
        user = f"{problem.text}\n{card.suffix}" if card.suffix else problem.text
        text, tokens = self.chat(user, card.system)
        if len(tokens) >= context:
            raise PromptTooLong(
                f"the problem is {len(tokens)} tokens long and {card.name} takes {context} together with the "
                "answer: shorten it, or choose a policy with a longer context."
            )
        return Step(text, tuple(tokens))


def end_ids(configured: int | list[int] | None, tokenizer: Any) -> set[int]:
    """Ids that end a solution: the tokenizer's end of sequence and those that the generation configuration names."""
    ids = configured if isinstance(configured, list) else [configured]
    return {int(token) for token in (*ids, tokenizer.eos_token_id) if token is not None}
