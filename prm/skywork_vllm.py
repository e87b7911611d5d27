"""The Skywork reward models in vLLM's process: vLLM's own Qwen2 as a classifier, its weight read by its published name.

vLLM imports this module there (``model_class_overrides``); nothing else does.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from vllm.model_executor.models.adapters import as_seq_cls_model
from vllm.model_executor.models.qwen2 import Qwen2ForCausalLM

_Classifier: Any = as_seq_cls_model(Qwen2ForCausalLM)


class Qwen2ForPrmModel(_Classifier):  # type: ignore[misc]
    """One label a token, its probability the sigmoid of the value head."""

    def load_weights(self, weights: Iterable[tuple[str, torch.Tensor]]) -> set[str]:
        """Load the published weights, the language model's head left out."""
        renamed = ((name.replace("v_head.summary.", "score."), weight) for name, weight in weights)
        loaded: set[str] = super().load_weights(pair for pair in renamed if not pair[0].startswith("lm_head."))
        return loaded
