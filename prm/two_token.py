"""Reward models that are causal language models: at a mark, one of two tokens says whether the step was right.

A step's score is the softmax over the two tokens' logits, that of the good one. Math-Shepherd and the RLHFlow models
are of this form; a model of one's own is described by the attributes of :class:`TwoToken`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prm.forms import ChatFormat, Form, TextFormat
from tts.errors import ModelError
from tts.protocols import Pooling, RewardFormat

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoToken(Form):
    """A family of this form, as an engine uses it.

    Attributes:
        good, bad: the two tokens, as the vocabulary spells them.
        chat: each step is a turn of the user and ``good`` the assistant's answer, by the tokenizer's chat template; the
            score is read before the answer. Of the text form's attributes ``first`` alone counts then.
    """

    good: str = "+"
    bad: str = "-"
    chat: bool = False

    @property
    def pooling(self) -> Pooling:
        """As a classifier whose one weight is the difference of the two tokens' rows of the output head."""
        overrides = {"classifier_from_token": [self.bad, self.good], "method": "from_2_way_softmax"}
        return Pooling(0, overrides, {"convert": "classify"})

    def format(self, tokenizer: Any) -> RewardFormat:
        """How the prompt grows. Raises ModelError for a tokenizer that lacks the tokens or joins them across steps."""
        ids = [tokenizer.backend_tokenizer.token_to_id(token) for token in (self.good, self.bad)]
        for token, found in zip((self.good, self.bad), ids, strict=True):
            if found is None:
                raise ModelError(f"the reward model's tokenizer has no token {token!r}: it is of another family.")
        return ChatFormat(self, tokenizer, ids[0]) if self.chat else TextFormat(self, tokenizer)

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


def _module() -> Any:
    """The torch side, loaded late so that the format alone stays light."""
    import importlib

    return importlib.import_module("prm.two_token_module")


FAMILY = TwoToken()
