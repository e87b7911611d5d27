"""The torch side of plain classifiers of transformers: one linear layer named ``score``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification, AutoModelForTokenClassification

from prm import modules


def load_tokens(folder: Path, dtype: torch.dtype, label: int) -> Any:
    """Load a token classifier. Raises ModelError if weights or the label are missing."""
    module = modules.load(AutoModelForTokenClassification, folder, dtype, "token classifier")
    return modules.labels(module, folder, at_least=max(2, label + 1))


def load_sequences(folder: Path, dtype: torch.dtype) -> Any:
    """Load a sequence classifier. Raises ModelError if weights are missing, or it has several labels."""
    module = modules.load(AutoModelForSequenceClassification, folder, dtype, "outcome reward model")
    return modules.labels(module, folder, at_most=1)


def empty_tokens(folder: Path) -> Any:
    make: Any = AutoModelForTokenClassification.from_config
    return modules.empty(folder, lambda config: make(config, trust_remote_code=False))


def empty_sequences(folder: Path) -> Any:
    make: Any = AutoModelForSequenceClassification.from_config
    return modules.empty(folder, lambda config: make(config, trust_remote_code=False))
