"""The torch side of the reward models that are plain classifiers of transformers: one linear layer named ``score``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification, AutoModelForTokenClassification

from prm import modules


def load_tokens(folder: Path, dtype: torch.dtype, label: int) -> Any:
    """Read a folder. Raises ModelError where weights are missing, or there is no such label."""
    module = modules.load(AutoModelForTokenClassification, folder, dtype, "token classifier")
    return modules.labels(module, folder, at_least=max(2, label + 1))


def load_sequences(folder: Path, dtype: torch.dtype) -> Any:
    """Read a folder. Raises ModelError where weights are missing, or there is more than one label."""
    module = modules.load(AutoModelForSequenceClassification, folder, dtype, "outcome reward model")
    return modules.labels(module, folder, at_most=1)


def empty_tokens(folder: Path) -> Any:
    make: Any = AutoModelForTokenClassification.from_config
    return modules.empty(folder, lambda config: make(config, trust_remote_code=False))


def empty_sequences(folder: Path) -> Any:
    make: Any = AutoModelForSequenceClassification.from_config
    return modules.empty(folder, lambda config: make(config, trust_remote_code=False))
