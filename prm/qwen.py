"""The Qwen2.5-Math-PRM reward models: a special token after each step, with two labels.

Model card: https://huggingface.co/Qwen/Qwen2.5-Math-PRM-7B; paper: arXiv 2501.07301. The assistant's turn contains the
steps, each followed by ``<extra_0>``. A step's score is the probability of label 1 ("good") at its ``<extra_0>``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from prm.family import Family
from tts.errors import ModelError
from tts.models.text_encoder import TextEncoder
from tts.protocols import Pooling, Read
from tts.types import Problem

if TYPE_CHECKING:
    import torch

STEP_TOKEN = "<extra_0>"
SYSTEM = "Please reason step by step, and put your final answer within \\boxed{}."


class QwenFormat:
    """The prompt of the family. Implements :class:`tts.protocols.RewardFormat`.

    Steps lose the white space around them, including the separator, as in the training of the published models. Since
    ``<extra_0>`` is a token of its own, no token spans two steps.

    Args:
        tokenizer: tokenizer of the model, with a chat template.

    Raises:
        ModelError: the tokenizer lacks ``<extra_0>`` or a chat template, or merges tokens across steps.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._encoder = TextEncoder(tokenizer)
        self._mark = tokenizer.backend_tokenizer.token_to_id(STEP_TOKEN)
        if self._mark is None or self._encoder.encode(STEP_TOKEN) != [self._mark]:
            raise ModelError(f"the reward model's tokenizer has no token {STEP_TOKEN}: it is of another family.")
        if not tokenizer.chat_template:
            raise ModelError("the reward model's tokenizer has no chat template: its prompt cannot be made.")
        self._check()

    def prompt(self, problem: Problem) -> tuple[int, ...]:
        return tuple(self._encoder.encode(self._opening(self._encoder.quote(problem.text))))

    def step(self, index: int, text: str) -> Read:
        tokens = (*self._encoder.encode(self._encoder.quote(text.strip())), self._mark)
        return Read(tokens, len(tokens) - 1)

    def _opening(self, problem: str) -> str:
        messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": problem}]
        text: str = self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        return text

    def _check(self) -> None:
        """Tokenize one text both ways, to detect a tokenizer that joins across steps."""
        opening, steps = self._opening("What is 1 + 1?"), ["1 + 1 = 2", "So it is 2."]
        encode = self._encoder.encode
        pieces = [*encode(opening), *(token for k, s in enumerate(steps) for token in self.step(k, s).tokens)]
        if pieces != encode(opening + "".join(step + STEP_TOKEN for step in steps)):
            raise ModelError("the reward model's tokenizer joins tokens across steps: it is of another family.")


@dataclass(frozen=True, slots=True)
class Qwen(Family):
    """The family, as an engine uses it."""

    loader: ClassVar[str] = "prm.qwen_builtin:load"
    maker: ClassVar[str] = "prm.qwen_module:empty"

    @property
    def pooling(self) -> Pooling:
        return Pooling(column=1)

    def format(self, tokenizer: Any) -> QwenFormat:
        """Return the prompt form. Raises ModelError for a tokenizer of another family."""
        return QwenFormat(tokenizer)

    def scores(self, module: Any, hidden: torch.Tensor) -> torch.Tensor:
        """Convert hidden states [k, width] at the step tokens to scores [k]."""
        scores: torch.Tensor = module.score(hidden).float().softmax(-1)[:, 1]
        return scores


FAMILY = Qwen()
