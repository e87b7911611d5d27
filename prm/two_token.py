"""Reward models that are causal language models: at a mark, one of two tokens rates the step.

A step's score is the probability of the good token in a softmax over the two. Math-Shepherd and the RLHFlow models have
this form; the attributes of :class:`TwoToken` describe other models of this kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from prm.family import Family
from prm.forms import ChatFormat, Form, TextFormat
from tts.errors import ModelError
from tts.protocols import Pooling, RewardFormat

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoToken(Family, Form):
    """The family, as an engine uses it.

    Attributes:
        good, bad: the two tokens, as the vocabulary spells them.
        chat: each step is a turn of the user and ``good`` the assistant's answer, in the tokenizer's chat template; the
            score is read before the answer. Of the text form's attributes only ``first`` is then used.
    """

    loader: ClassVar[str] = "prm.two_token_module:load"
    maker: ClassVar[str] = "prm.two_token_module:empty"

    good: str = "+"
    bad: str = "-"
    chat: bool = False

    @property
    def pooling(self) -> Pooling:
        """Describe a classifier whose weight is the difference of the two tokens' rows of the output head."""
        overrides = {"classifier_from_token": [self.bad, self.good], "method": "from_2_way_softmax"}
        return Pooling(0, overrides, {"convert": "classify"})

    def format(self, tokenizer: Any) -> RewardFormat:
        """Return the prompt form. Raises ModelError for a tokenizer that lacks the tokens or joins across steps."""
        ids = [tokenizer.backend_tokenizer.token_to_id(token) for token in (self.good, self.bad)]
        for token, found in zip((self.good, self.bad), ids, strict=True):
            if found is None:
                raise ModelError(f"the reward model's tokenizer has no token {token!r}: it is of another family.")
        return ChatFormat(self, tokenizer, ids[0]) if self.chat else TextFormat(self, tokenizer)

    def _options(self) -> dict[str, Any]:
        return {"tokens": (self.bad, self.good)}

    def decoder(self, module: Any) -> Any:
        """Return the part that turns token ids into hidden states."""
        return module.model.get_decoder()

    def scores(self, module: Any, hidden: torch.Tensor) -> torch.Tensor:
        """Convert hidden states [k, width] at the marks to scores [k]."""
        scores: torch.Tensor = module.score(hidden).float().softmax(-1)[:, 1]
        return scores


FAMILY = TwoToken()
