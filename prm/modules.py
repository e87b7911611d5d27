"""The torch side of all families: weights from safetensors, all of them present, no code from a checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from tts.errors import ModelError
from tts.models import shared_heads


def load(kind: Any, folder: Path, dtype: torch.dtype, what: str) -> Any:
    """Load a model of class ``kind`` with the weights of a folder. Raises ModelError if some are missing."""
    loader: Any = kind.from_pretrained
    module, report = loader(
        folder, dtype=dtype, local_files_only=True, use_safetensors=True, trust_remote_code=False,
        attn_implementation="sdpa", output_loading_info=True,
    )  # fmt: skip
    if missing := sorted(report["missing_keys"]):
        raise ModelError(f"{folder} lacks the weights {', '.join(missing[:3])}: it is no {what}.")
    return shared_heads.use(module.eval())


def empty(folder: Path, make: Callable[[Any], Any]) -> Any:
    """Create the module of a folder's configuration with ``make``, on the meta device: shapes without weights."""
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    with torch.device("meta"):
        return make(config)


def labels(module: Any, folder: Path, *, at_least: int = 1, at_most: int | None = None) -> Any:
    """Check the number of labels of a module. Raises ModelError if there are too few or too many."""
    found = int(module.config.num_labels)
    if found < at_least or (at_most is not None and found > at_most):
        wanted = at_least if at_most is not None else f"at least {at_least}"
        raise ModelError(f"{folder} has {found} labels where {wanted} were expected: it is of another family.")
    return module
