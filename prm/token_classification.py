"""Reward models that classify tokens: a linear layer gives each token its labels, and a step is read at its mark.

TRL's PRMTrainer makes such models (AutoModelForTokenClassification), tokenizing problem, steps and separator each by
itself: https://huggingface.co/docs/trl/prm_trainer. A model of one's own is described by the attributes of
:class:`TokenClassification`.
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
    """A family of this form, as an engine uses it.

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
        """How the prompt grows. Raises ModelError for a form without a mark or a tokenizer of another family."""
        return TextFormat(self, tokenizer)

    def _options(self) -> dict[str, Any]:
        return {"label": self.label}

    def scores(self, module: Any, hidden: torch.Tensor) -> torch.Tensor:
        """Hidden states [k, width] at the marks, to scores [k]."""
        scores: torch.Tensor = module.score(hidden).float().softmax(-1)[:, self.label]
        return scores


FAMILY = TokenClassification()
