"""The torch side of the two-token reward models: a causal language model, and the two rows of its head that count."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

from tts.errors import ModelError


class TwoTokenModel(nn.Module):
    """``model`` is the causal language model; ``score`` [2, width] holds its output head's rows of bad and good."""

    def __init__(self, model: Any, tokens: tuple[int, int] = (0, 1)) -> None:
        super().__init__()
        self.model, self.config = model, model.config
        head = model.get_output_embeddings()
        self.score = nn.Linear(head.in_features, 2, bias=head.bias is not None, dtype=head.weight.dtype, device="meta")
        self.score.weight = nn.Parameter(head.weight.detach()[list(tokens)], requires_grad=False)
        if head.bias is not None:
            self.score.bias = nn.Parameter(head.bias.detach()[list(tokens)], requires_grad=False)


def load(folder: Path, dtype: torch.dtype, tokens: tuple[str, str]) -> TwoTokenModel:
    """Read the weights of a folder; ``tokens`` are bad and good. Raises ModelError where weights are missing."""
    loader: Any = AutoModelForCausalLM.from_pretrained
    model, report = loader(
        folder, dtype=dtype, local_files_only=True, use_safetensors=True, trust_remote_code=False,
        attn_implementation="sdpa", output_loading_info=True,
    )  # fmt: skip
    if missing := sorted(report["missing_keys"]):
        raise ModelError(f"{folder} lacks the weights {', '.join(missing[:3])}: it is no reward model of this family.")
    core: Any = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True).backend_tokenizer
    bad, good = (core.token_to_id(token) for token in tokens)
    return TwoTokenModel(model.eval(), (bad, good))


def empty(folder: Path) -> nn.Module:
    """The module that a folder's configuration describes, on the meta device: shapes without numbers."""
    config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    with torch.device("meta"):
        make: Any = AutoModelForCausalLM.from_config
        return TwoTokenModel(make(config, trust_remote_code=False))
