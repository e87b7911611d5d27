"""How vLLM runs on a CPU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CPU_CACHE = 1 << 30
"""Bytes of keys and values."""

KEPT_BLOCKS = 1 << 28
"""Bytes of unfinished blocks (:mod:`tts.engines.vllm.unfinished_blocks`): one for every four of the cache."""

DRAW = "tts_draw"
"""Key of a request's ``extra_args``: its seed, the tokens drawn with it before, temperature and top_p."""

DRAWING = "tts.engines.vllm.drawing:Drawing"
"""The logits processor that draws tokens."""

OWN_SAMPLING = frozenset({"logits_processors", "speculative_config", "logprobs_mode"})
"""Engine arguments with which vLLM draws tokens itself."""

ARGUMENTS: Mapping[str, Any] = {
    "block_size": 32,  # the smallest there is on a CPU
    "kv_cache_memory_bytes": CPU_CACHE,
    "enforce_eager": True,  # compiling takes half a minute at every start
    "max_num_seqs": 256,
    "max_num_batched_tokens": 8192,
    "enable_chunked_prefill": False,  # with seeds vLLM's own sampler cannot take a prompt in pieces there
}
"""Engine arguments that the user's own replace."""
