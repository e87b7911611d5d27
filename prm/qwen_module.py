"""The torch side of the Qwen reward models: a Qwen2 decoder and two linear layers, with the names of the weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers.models.qwen2.configuration_qwen2 import Qwen2Config
from transformers.models.qwen2.modeling_qwen2 import Qwen2Model, Qwen2PreTrainedModel

from prm import modules


class Qwen2ForProcessRewardModel(Qwen2PreTrainedModel):
    """``model.*`` is the decoder, ``score.0`` [width, width], ReLU, ``score.2`` [labels, width]."""

    _keys_to_ignore_on_load_unexpected = [r"lm_head"]  # noqa: RUF012 - the base class's own protocol

    def __init__(self, config: Qwen2Config) -> None:
        super().__init__(config)
        width, labels = config.hidden_size, config.num_labels or 2
        self.model = Qwen2Model(config)
        self.score = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, labels))
        self.post_init()  # type: ignore[no-untyped-call]

    def forward(self, input_ids: torch.Tensor, **more: Any) -> torch.Tensor:
        """Compute the labels' logits [rows, tokens, labels] of token ids [rows, tokens]."""
        logits: torch.Tensor = self.score(self.model(input_ids=input_ids, **more).last_hidden_state)
        return logits


class Qwen2ForRewardModel(Qwen2ForProcessRewardModel):
    """The outcome reward model of Qwen2.5-Math: one label."""

    def __init__(self, config: Qwen2Config) -> None:
        config.num_labels = 1
        super().__init__(config)


def load(folder: Path, dtype: torch.dtype) -> Any:
    """Load the weights of a folder. Raises ModelError if some are missing."""
    return modules.load(Qwen2ForProcessRewardModel, folder, dtype, "Qwen process reward model")


def empty(folder: Path) -> Any:
    """Create the module of a folder's configuration, on the meta device: shapes without weights."""
    return modules.empty(folder, Qwen2ForProcessRewardModel)


def load_outcome(folder: Path, dtype: torch.dtype) -> Any:
    """Load the weights of an outcome reward model. Raises ModelError if some are missing."""
    return modules.load(Qwen2ForRewardModel, folder, dtype, "Qwen outcome reward model")


def empty_outcome(folder: Path) -> Any:
    """Create an outcome reward model without weights, on the meta device."""
    return modules.empty(folder, Qwen2ForRewardModel)
