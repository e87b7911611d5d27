"""Reward models that classify tokens: a linear layer labels each token, and the score is read at the step's mark.

TRL's PRMTrainer trains such models (AutoModelForTokenClassification) and tokenizes problem, steps and separator
separately: https://huggingface.co/docs/trl/prm_trainer. The attributes of :class:`TokenClassification` describe other
models of this kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from prm.family import Family
from prm.forms import Form, TextFormat
from tts.protocols import Pooling

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenClassification(Family, Form):
    """The family, as an engine uses it.

    Attributes:
        label: the label whose probability is the score.
    """

    loader: ClassVar[str] = "prm.classifier_module:load_tokens"
    maker: ClassVar[str] = "prm.classifier_module:empty_tokens"

    first: str = ""
    further: str = ""
    apart: bool = True
    label: int = 1

    @property
    def pooling(self) -> Pooling:
        return Pooling(self.label)

    def format(self, tokenizer: Any) -> TextFormat:
        """Return the prompt form. Raises ModelError without a mark or for another tokenizer."""
        return TextFormat(self, tokenizer)

    def _options(self) -> dict[str, Any]:
        return {"label": self.label}

    def scores(self, module: Any, hidden: torch.Tensor) -> torch.Tensor:
        """Convert hidden states [k, width] at the marks to scores [k]."""
        scores: torch.Tensor = module.score(hidden).float().softmax(-1)[:, self.label]
        return scores


FAMILY = TokenClassification()
