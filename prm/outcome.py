"""Outcome reward models: one score for a whole solution, read at the end of the conversation.

These are models saved as AutoModelForSequenceClassification with one label, which score a conversation in their chat
template, for example https://huggingface.co/Skywork/Skywork-Reward-Llama-3.1-8B-v0.2. The score is the sigmoid of the
logit, which keeps the order and is the probability that such models are trained for (Bradley and Terry).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from prm.family import Family
from prm.forms import split
from tts.errors import BadInput, ModelError
from tts.files import json_text
from tts.models.text_encoder import TextEncoder
from tts.protocols import Pooling, Read
from tts.types import Problem

if TYPE_CHECKING:
    import torch

_HERE = f"<<solution {secrets.token_hex(8)}>>"  # a placeholder that no problem contains


class OutcomeFormat:
    """The conversation with the solution as its only step. Implements :class:`tts.protocols.RewardFormat`.

    Args:
        tokenizer: tokenizer of the model, with a chat template.
        system: system message, or empty.

    Raises:
        ModelError: the tokenizer has no chat template, or joins question and solution.
    """

    def __init__(self, tokenizer: Any, system: str = "") -> None:
        if not tokenizer.chat_template:
            raise ModelError("the reward model's tokenizer has no chat template: its prompt cannot be made.")
        self._tokenizer, self._encoder, self._system = tokenizer, TextEncoder(tokenizer), system
        self._padding = _padding(tokenizer)
        self._closing = self._around("What is 1 + 1?")[1]
        self._check()

    def prompt(self, problem: Problem) -> tuple[int, ...]:
        return tuple(self._encoder.encode(self._around(self._encoder.quote(problem.text))[0]))

    def step(self, index: int, text: str) -> Read:
        """Return the tokens of the whole solution. Raises ModelError for a second step: these models score no steps."""
        if index:
            raise ModelError("an outcome reward model judges a whole solution, not its steps.")
        tokens = self._encoder.encode(self._encoder.quote(text.strip()) + self._closing)
        at = len(tokens) - 1
        while at and tokens[at] == self._padding:  # transformers reads the last token that is not padding
            at -= 1
        return Read(tuple(tokens), at)

    def _around(self, problem: str) -> list[str]:
        """Return the conversation's text before and after the solution."""
        turns = [{"role": "system", "content": self._system}] if self._system else []
        turns += [{"role": "user", "content": problem}, {"role": "assistant", "content": _HERE}]
        pieces = split(self._tokenizer.apply_chat_template(turns, tokenize=False), [_HERE])
        if pieces is None:
            raise ModelError("the reward model's chat template has no place for a solution: it is of another family.")
        return pieces

    def _check(self) -> None:
        problem, solution = "What is 1 + 1?", "1 + 1 = 2\n\nSo it is $\\boxed{2}$."
        pieces = [*self.prompt(Problem(problem)), *self.step(0, solution).tokens]
        if pieces != self._encoder.encode(solution.join(self._around(problem))):
            raise ModelError("the reward model's tokenizer joins question and solution: it is of another family.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Family):
    """The family, as an engine uses it.

    Attributes:
        system: system message of the conversation, or empty.
    """

    outcome: ClassVar[bool] = True
    loader: ClassVar[str] = "prm.classifier_module:load_sequences"
    maker: ClassVar[str] = "prm.classifier_module:empty_sequences"

    system: str = ""

    @property
    def pooling(self) -> Pooling:
        return Pooling(0)

    def format(self, tokenizer: Any) -> OutcomeFormat:
        """Return the prompt form. Raises ModelError for a tokenizer of another family."""
        return OutcomeFormat(tokenizer, self.system)

    def scores(self, module: Any, hidden: torch.Tensor) -> torch.Tensor:
        """Convert hidden states [k, width] at the ends of solutions to scores [k]."""
        scores: torch.Tensor = module.score(hidden).float().sigmoid()[:, 0]
        return scores


@dataclass(frozen=True, slots=True, kw_only=True)
class QwenOutcome(Outcome):
    """Qwen2.5-Math-RM-72B (its model card): the head of Qwen's process reward models, with one label."""

    loader: ClassVar[str] = "prm.qwen_module:load_outcome"
    maker: ClassVar[str] = "prm.qwen_module:empty_outcome"

    system: str = "Please reason step by step, and put your final answer within \\boxed{}."


def _padding(tokenizer: Any) -> int | None:
    """Return the padding token of the checkpoint's configuration."""
    try:
        config: Any = json_text.read(Path(tokenizer.name_or_path, "config.json"))
    except BadInput:
        return None
    found = config.get("pad_token_id") if isinstance(config, dict) else None
    return found if isinstance(found, int) else None


FAMILY = Outcome()
QWEN = QwenOutcome()
