"""The key/value cache as the attention of transformers' models expects it."""

from __future__ import annotations

from typing import Any

from transformers.cache_utils import Cache


class AttentionCache(Cache):
    """Passes new keys and values on to a :class:`tts.engines.transformers.ragged_batch.RaggedCache`."""

    def __init__(self, cache: Any) -> None:
        super().__init__(layers=[])
        self._cache = cache

    def update(self, key_states: Any, value_states: Any, layer_idx: int, *_: Any, **__: Any) -> Any:
        """Store them and return those of all tokens, as the cache's own ``update``."""
        return self._cache.update(key_states, value_states, layer_idx)

    def get_seq_length(self, *_: Any) -> int:
        return int(self._cache.get_seq_length())
