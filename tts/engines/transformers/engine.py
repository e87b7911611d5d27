"""The transformers engine: continuous batching on plain models, CPU or CUDA."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tts.engines import devices
from tts.engines.engine import Engine
from tts.models.card import Kind, ModelCard
from tts.protocols import RewardModel

if TYPE_CHECKING:
    from tts.engines.transformers.policy import TransformersPolicy


class TransformersEngine(Engine):
    """Loads models from folders; never from the network.

    ``device`` is "cpu", "cuda" or "cuda:k", by default a GPU if there is one; ``dtype`` is "float32", "bfloat16" or
    "float16", by default float32 on a CPU and the checkpoint's own on a GPU.
    """

    name = "transformers"
    whole_vocabulary = True

    def suits(self, card: ModelCard) -> bool:
        return not card.url

    def check(self, kind: Kind, options: Mapping[str, Any]) -> None:
        """Refuse an argument that this engine does not have, or a device that is not here, before PyTorch is loaded."""
        super().check(kind, options)
        devices.require(options.get("device"))

    def load_policy(
        self, card: ModelCard, *, device: str | None = None, dtype: str | None = None, max_rows: int = 256,
        cache_bytes: int | None = None,
    ) -> TransformersPolicy:  # fmt: skip
        """Load a policy. Raises MissingWeights or ModelError."""
        from tts.engines.transformers import loading

        return loading.load_policy(card, device, dtype, max_rows, cache_bytes)

    def load_reward(
        self, card: ModelCard, *, device: str | None = None, dtype: str | None = None, cache_bytes: int | None = None
    ) -> RewardModel:
        """Load a reward model. Raises MissingWeights or ModelError."""
        from tts.engines.transformers import loading

        return loading.load_reward(card, device, dtype, cache_bytes)


ENGINE = TransformersEngine()
