"""The torch side of the built-in reward model, which is of the Qwen family; it loads without transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from tts.models.decoder import Configuration, Decoder, fill
from tts.models.files import built_in


class BuiltInReward(nn.Module):
    """The module of :class:`prm.qwen_module.Qwen2ForProcessRewardModel`, with the same names of the weights."""

    def __init__(self, config: Configuration) -> None:
        super().__init__()
        width = config.hidden_size
        self.config = config
        self.model = Decoder(config)
        self.score = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 2))

    @property
    def base_model(self) -> Decoder:
        return self.model


def load(folder: Path, dtype: torch.dtype) -> Any:
    """Load the weights of a folder. Raises ModelError if some are missing."""
    if not built_in(folder):
        from prm import qwen_module

        return qwen_module.load(folder, dtype)
    with torch.device("meta"):
        module = BuiltInReward(Configuration.read(folder / "config.json"))
    fill(module, folder, dtype)
    return module
