"""Reward models that classify tokens: a linear layer gives each token its labels, and a step is read at its mark.

TRL's PRMTrainer makes such models (AutoModelForTokenClassification), tokenizing problem, steps and separator each by
itself: https://huggingface.co/docs/trl/prm_trainer. A model of one's own is described by the attributes of
:class:`TokenClassification`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prm.forms import Form, TextFormat
from tts.protocols import Pooling

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenClassification(Form):
    """A family of this form, as an engine uses it.

    Attributes:
        label: the label whose probability is the score.
    """

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

    def load(self, folder: Path, dtype: torch.dtype) -> torch.nn.Module:
        """The classifier (``model.*``, ``score.*``), from safetensors. Raises ModelError where weights are missing."""
        module: torch.nn.Module = _module().load_token_classifier(folder, dtype, self.label)
        return module

    def shape(self, folder: Path) -> torch.nn.Module:
        """The module without its weights, on the meta device."""
        module: torch.nn.Module = _module().empty_token_classifier(folder)
        return module

    def decoder(self, module: Any) -> Any:
        """The part that turns token ids into hidden states."""
        return module.base_model

    def scores(self, module: Any, hidden: torch.Tensor) -> torch.Tensor:
        """Hidden states [k, width] at the marks, to scores [k]."""
        scores: torch.Tensor = module.score(hidden).float().softmax(-1)[:, self.label]
        return scores


def _module() -> Any:
    """The torch side, loaded late so that the format alone stays light."""
    import importlib

    return importlib.import_module("prm.classifier_module")


FAMILY = TokenClassification()
