"""Draws the tokens of vLLM's requests in one pass over the batch, as the transformers engine does.

On a CPU vLLM draws noise for every entry of the vocabulary, and asks each request's generator for a seed in turn: a
sixth of an engine's time with a small model. Here a token is drawn with one number, which depends on the request's
seed and the token's place alone. The same seed gives the same text in both engines, as far as their logits are equal.

vLLM is told to take the likeliest token, and this makes the drawn one the likeliest. Log-probabilities are the
model's own all the same: vLLM reads them before.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from vllm.v1.sample.logits_processor import BatchUpdate, LogitsProcessor, MoveDirectionality

from tts.engines.sampling import choose, uniforms
from tts.engines.vllm.cpu import DRAW


class Drawing(LogitsProcessor):  # type: ignore[misc]
    """A logits processor of vLLM that leaves requests without :data:`tts.engines.vllm.cpu.DRAW` as they are."""

    def __init__(self, vllm_config: Any, device: torch.device, is_pin_memory: bool) -> None:
        places = vllm_config.scheduler_config.max_num_seqs
        self._rows = _Rows(places)

    def is_argmax_invariant(self) -> bool:
        """No: which token is the likeliest is all that it changes."""
        return False

    def update_state(self, batch_update: BatchUpdate | None) -> None:
        """Follow the requests that come, go and move; vLLM names them in this order."""
        if batch_update is None:
            return
        rows = self._rows
        for place in batch_update.removed:
            rows.sampled[place] = None
        for place, params, _, sampled in batch_update.added:
            asked = (params.extra_args or {}).get(DRAW)
            rows.sampled[place] = sampled if asked else None
            if asked:
                rows.seeds[place], rows.before[place], rows.temperature[place], rows.top_p[place] = asked
        for one, other, direction in batch_update.moved:
            rows.move(one, other, swap=direction is MoveDirectionality.SWAP)

    def apply(self, logits: torch.Tensor) -> torch.Tensor:
        """Draw a token of each row that asks for it: [rows, vocabulary], changed in place."""
        rows, count = self._rows, len(logits)
        asking = [place for place, sampled in enumerate(rows.sampled[:count]) if sampled is not None]
        if asking:
            at: Any = slice(count) if len(asking) == count else asking
            positions = rows.before[at] + [len(rows.sampled[place] or ()) for place in asking]
            random = uniforms(rows.seeds[at], positions)
            drawn = choose(logits[at], random, rows.temperature[at], rows.top_p[at])
            logits[asking, drawn] = torch.inf
        return logits


class _Rows:
    """What is asked of each place in vLLM's batch; ``sampled`` holds vLLM's own lists, which grow, None elsewhere."""

    def __init__(self, places: int) -> None:
        self.sampled: list[list[int] | None] = [None] * places
        self.seeds = np.zeros(places, np.uint64)
        self.before = np.zeros(places, np.int64)
        self.temperature = np.zeros(places, np.float32)
        self.top_p = np.zeros(places, np.float32)

    def move(self, one: int, other: int, *, swap: bool) -> None:
        """Move what is at ``one`` to ``other``, and back where they swap."""
        sampled = self.sampled
        sampled[one], sampled[other] = (sampled[other] if swap else None), sampled[one]
        for column in (self.seeds, self.before, self.temperature, self.top_p):
            column[[one, other]] = column[[other, one]]
