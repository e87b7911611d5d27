"""What the policy and the reward model of the transformers engine have in common."""

from __future__ import annotations

from typing import Any

from tts.cost import ModelShape
from tts.engines.hf import setting
from tts.engines.transformers.device_thread import Worker
from tts.engines.transformers.prefix_cache import PrefixStore, Stats
from tts.models.card import ModelCard


class LocalModel:
    """A model of this process: its card, the prefixes it has computed, and the worker whose thread runs it.

    ``config`` is the model's own configuration, which may bound the context more tightly than the card.
    """

    background = True

    def __init__(
        self, card: ModelCard, config: Any, *, shape: ModelShape, store: PrefixStore, worker: Worker, threads: int
    ) -> None:
        self.card = card
        self.name = card.name
        self.shape = shape
        self.context = min(card.context, setting(config, "max_position_embeddings", card.context))
        self.threads = threads
        self._store = store
        self._worker = worker

    @property
    def stats(self) -> Stats:
        """What has been done so far."""
        return self._store.stats

    @property
    def cache_hits(self) -> int:
        """Return the tokens that were found in the cache so far."""
        return self.stats.reused

    @property
    def nbytes(self) -> int:
        """Bytes of keys and values held for steps that are alive."""
        return self._store.nbytes
