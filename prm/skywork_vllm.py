"""The Skywork reward models in vLLM's process: vLLM's Qwen2 as a classifier with the published weight names.

Only vLLM imports this module (``model_class_overrides``).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from vllm.model_executor.models.adapters import as_seq_cls_model
from vllm.model_executor.models.qwen2 import Qwen2ForCausalLM

_Classifier: Any = as_seq_cls_model(Qwen2ForCausalLM)


class Qwen2ForPrmModel(_Classifier):  # type: ignore[misc]
    """A classifier with one label per token; its probability is the sigmoid of the value head."""

    def load_weights(self, weights: Iterable[tuple[str, torch.Tensor]]) -> set[str]:
        """Load the published weights, except the language model's head."""
        renamed = ((name.replace("v_head.summary.", "score."), weight) for name, weight in weights)
        loaded: set[str] = super().load_weights(pair for pair in renamed if not pair[0].startswith("lm_head."))
        return loaded
