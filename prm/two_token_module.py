"""The torch side of the two-token reward models: a causal language model, and two rows of its head."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

from prm import modules


class TwoTokenModel(nn.Module):
    """The model: ``model`` is the causal language model; ``score`` [2, width] has the head's rows of bad and good."""

    def __init__(self, model: Any, tokens: tuple[int, int] = (0, 1)) -> None:
        super().__init__()
        self.model, self.config = model, model.config
        head = model.get_output_embeddings()
        self.score = nn.Linear(head.in_features, 2, bias=head.bias is not None, dtype=head.weight.dtype, device="meta")
        self.score.weight = nn.Parameter(head.weight.detach()[list(tokens)], requires_grad=False)
        if head.bias is not None:
            self.score.bias = nn.Parameter(head.bias.detach()[list(tokens)], requires_grad=False)


def load(folder: Path, dtype: torch.dtype, tokens: tuple[str, str]) -> TwoTokenModel:
    """Load the weights of a folder; ``tokens`` are bad and good. Raises ModelError if weights are missing."""
    model = modules.load(AutoModelForCausalLM, folder, dtype, "reward model of this family")
    reader: Any = PreTrainedTokenizerFast if (folder / "tokenizer.json").is_file() else AutoTokenizer
    core: Any = reader.from_pretrained(folder, local_files_only=True, trust_remote_code=False).backend_tokenizer
    bad, good = (core.token_to_id(token) for token in tokens)
    return TwoTokenModel(model, (bad, good))


def empty(folder: Path) -> Any:
    """Create the module of a folder's configuration, on the meta device: shapes without weights."""
    make: Any = AutoModelForCausalLM.from_config
    return modules.empty(folder, lambda config: TwoTokenModel(make(config, trust_remote_code=False)))
