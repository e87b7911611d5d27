"""Reward models that are causal language models: after a mark, one of two tokens says whether the step was right.

Math-Shepherd (arXiv 2312.08935) is of this form. A step's score is the softmax over the two tokens' logits at its mark.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tts.errors import ModelError
from tts.protocols import Pooling, Read
from tts.types import Problem

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoToken:
    """A family of this form, as an engine uses it.

    Attributes:
        good, bad: the two tokens, as the vocabulary spells them.
        mark: the token that follows each step, as the vocabulary spells it; the score is read there.
        opening: the text before the steps, with ``{problem}`` in it.
        first, further: the text before the first and before every further step.
    """

    good: str = "+"
    bad: str = "-"
    mark: str = "ки"
    opening: str = "{problem}"
    first: str = " "
    further: str = "\n"

    @property
    def pooling(self) -> Pooling:
        """As a classifier whose one weight is the difference of the two tokens' rows of the output head."""
        return Pooling(0, {"classifier_from_token": [self.bad, self.good], "method": "from_2_way_softmax"})

    def format(self, tokenizer: Any) -> TwoTokenFormat:
        """How the prompt grows. Raises ModelError for a tokenizer that lacks the tokens or joins them across steps."""
        return TwoTokenFormat(self, tokenizer)

    def load(self, folder: Path, dtype: torch.dtype) -> torch.nn.Module:
        """The causal language model, from safetensors. Raises ModelError where weights are missing."""
        module: torch.nn.Module = _module().load(folder, dtype, (self.bad, self.good))
        return module

    def shape(self, folder: Path) -> torch.nn.Module:
        """The module without its weights, on the meta device."""
        module: torch.nn.Module = _module().empty(folder)
        return module

    def decoder(self, module: Any) -> Any:
        """The part that turns token ids into hidden states."""
        return module.model.get_decoder()

    def scores(self, module: Any, hidden: torch.Tensor) -> torch.Tensor:
        """Hidden states [k, width] at the marks, to scores [k]."""
        scores: torch.Tensor = module.score(hidden).float().softmax(-1)[:, 1]
        return scores


class TwoTokenFormat:
    """The prompt, growing step by step. Implements :class:`tts.protocols.RewardFormat`.

    Steps are stripped of the white space around them. The white space between belongs to the step behind it, so the
    text up to a mark is read without anything after it.
    """

    def __init__(self, family: TwoToken, tokenizer: Any) -> None:
        self._family = family
        self._core = tokenizer.backend_tokenizer
        for name in ("good", "bad", "mark"):
            if self._core.token_to_id(getattr(family, name)) is None:
                raise ModelError(
                    f"the reward model's tokenizer has no token {getattr(family, name)!r}: it is of another family."
                )
        self._mark = self._core.token_to_id(family.mark)
        self._check()

    def prompt(self, problem: Problem) -> tuple[int, ...]:
        return tuple(self._encode(self._family.opening.format(problem=problem.text), special=True))

    def step(self, index: int, text: str) -> Read:
        before = self._family.further if index else self._family.first
        tokens = (*self._encode(before + text.strip()), self._mark)
        return Read(tokens, len(tokens) - 1)

    def _encode(self, text: str, *, special: bool = False) -> list[int]:
        ids: list[int] = self._core.encode(text, add_special_tokens=special).ids
        return ids

    def _check(self) -> None:
        """One text both ways: a tokenizer that joins across the seams is found here and not by its scores."""
        family, problem, steps = self._family, Problem("What is 1 + 1?"), ["1 + 1 = 2", "So it is 2."]
        pieces = [*self.prompt(problem), *(token for k, s in enumerate(steps) for token in self.step(k, s).tokens)]
        first, second = steps
        text = f"{family.first}{first}{family.mark}{family.further}{second}{family.mark}"
        if pieces != self._encode(family.opening.format(problem=problem.text) + text, special=True):
            raise ModelError("the reward model's tokenizer joins tokens across steps: it is of another family.")


def _module() -> Any:
    """The torch side, loaded late so that the format alone stays light."""
    import importlib

    return importlib.import_module("prm.two_token_module")


FAMILY = TwoToken()
