"""The torch side of the Qwen reward models: a Qwen2 decoder and two linear layers, named as the weights are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers.models.qwen2.configuration_qwen2 import Qwen2Config
from transformers.models.qwen2.modeling_qwen2 import Qwen2Model, Qwen2PreTrainedModel

from tts.errors import ModelError


class Qwen2ForProcessRewardModel(Qwen2PreTrainedModel):
    """``model.*`` is the decoder, ``score.0`` [width, width], ReLU, ``score.2`` [labels, width]."""

    _keys_to_ignore_on_load_unexpected = [r"lm_head"]  # noqa: RUF012 - the base class's own protocol

    def __init__(self, config: Qwen2Config) -> None:
        super().__init__(config)
        width, labels = config.hidden_size, getattr(config, "num_labels", 2)
        self.model = Qwen2Model(config)
        self.score = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, labels))
        self.post_init()  # type: ignore[no-untyped-call]

    def forward(self, input_ids: torch.Tensor, **more: Any) -> torch.Tensor:
        """Token ids [rows, tokens] to labels' logits [rows, tokens, labels]."""
        logits: torch.Tensor = self.score(self.model(input_ids=input_ids, **more).last_hidden_state)
        return logits


def load(folder: Path, dtype: torch.dtype) -> Qwen2ForProcessRewardModel:
    """Read the weights of a folder. Raises ModelError where some are missing."""
    loader: Any = Qwen2ForProcessRewardModel.from_pretrained
    module, report = loader(
        folder, dtype=dtype, local_files_only=True, use_safetensors=True, attn_implementation="sdpa",
        output_loading_info=True,
    )  # fmt: skip
    if missing := sorted(report["missing_keys"]):
        raise ModelError(f"{folder} lacks the weights {', '.join(missing[:3])}: it is no Qwen process reward model.")
    result: Qwen2ForProcessRewardModel = module.eval()
    return result


def empty(folder: Path) -> Qwen2ForProcessRewardModel:
    """The module that a folder's configuration describes, on the meta device: shapes without numbers."""
    config = Qwen2Config.from_pretrained(folder, local_files_only=True)
    with torch.device("meta"):
        return Qwen2ForProcessRewardModel(config)
