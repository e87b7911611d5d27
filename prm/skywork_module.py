"""The torch side of the Skywork reward models: a Qwen2 decoder and a value head, with the names of the weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers.models.qwen2.configuration_qwen2 import Qwen2Config
from transformers.models.qwen2.modeling_qwen2 import Qwen2Model, Qwen2PreTrainedModel

from prm import modules


class ValueHead(nn.Module):
    """The value head: ``summary`` [1, width] gives each token one value."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.summary = nn.Linear(width, 1)


class Qwen2ForPrmModel(Qwen2PreTrainedModel):
    """The model: ``model.*`` is the decoder; the language model's head in the published files is unused."""

    _keys_to_ignore_on_load_unexpected = [r"lm_head"]  # noqa: RUF012 - the base class's own protocol

    def __init__(self, config: Qwen2Config) -> None:
        super().__init__(config)
        self.model = Qwen2Model(config)
        self.v_head = ValueHead(config.hidden_size)
        self.post_init()  # type: ignore[no-untyped-call]

    def forward(self, input_ids: torch.Tensor, **more: Any) -> torch.Tensor:
        """Compute the values [rows, tokens] of token ids [rows, tokens]."""
        values: torch.Tensor = self.v_head.summary(self.model(input_ids=input_ids, **more).last_hidden_state)[..., 0]
        return values


def load(folder: Path, dtype: torch.dtype) -> Any:
    """Load the weights of a folder. Raises ModelError if some are missing."""
    return modules.load(Qwen2ForPrmModel, folder, dtype, "Skywork reward model")


def empty(folder: Path) -> Any:
    """Create the module of a folder's configuration, on the meta device: shapes without weights."""
    return modules.empty(folder, Qwen2ForPrmModel)
