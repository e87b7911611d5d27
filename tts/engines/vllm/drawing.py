"""Draws the tokens of vLLM's requests in one pass over the batch, as the transformers engine does.

On a CPU vLLM draws noise for every entry of the vocabulary, and asks each request's generator for a seed in turn: a
sixth of an engine's time with a small model. Here a token is drawn with one number, which depends on the request's
seed and the token's place alone. The same seed gives the same text in both engines, as far as their logits are equal.

vLLM is told to take the likeliest token, and this makes the drawn one the likeliest. Log-probabilities are the
model's own all the same: vLLM reads them before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from vllm.v1.sample.logits_processor import BatchUpdate, LogitsProcessor, process_dict_updates

from tts.engines.sampling import choose, uniforms
from tts.engines.vllm.cpu import DRAW


@dataclass(frozen=True)
class _Row:
    """A request in vLLM's batch; ``sampled`` is vLLM's own list, which grows."""

    seed: int
    before: int
    temperature: float
    top_p: float
    sampled: list[int]


class Drawing(LogitsProcessor):  # type: ignore[misc]
    """A logits processor of vLLM that leaves requests without :data:`tts.engines.vllm.cpu.DRAW` as they are."""

    def __init__(self, vllm_config: Any, device: torch.device, is_pin_memory: bool) -> None:
        self._rows: dict[int, _Row] = {}
        self._changed()

    def is_argmax_invariant(self) -> bool:
        """No: which token is the likeliest is all that it changes."""
        return False

    def update_state(self, batch_update: BatchUpdate | None) -> None:
        """Follow the requests that come, go and move."""
        if process_dict_updates(self._rows, batch_update, _row):
            self._changed()

    def apply(self, logits: torch.Tensor) -> torch.Tensor:
        """Draw a token of each row that asks for it: [rows, vocabulary], changed in place."""
        if self._rows:
            positions = self._before + np.fromiter(map(len, self._sampled), np.int64, len(self._sampled))
            rows = logits if len(self._rows) == len(logits) else logits[self._index]
            drawn = choose(rows, uniforms(self._seeds, positions), self._temperature, self._top_p)
            logits[self._index, drawn] = torch.inf
        return logits

    def _changed(self) -> None:
        rows = [self._rows[index] for index in sorted(self._rows)]
        self._index = torch.tensor(sorted(self._rows))
        self._seeds = np.array([row.seed for row in rows], np.uint64)
        self._before = np.array([row.before for row in rows], np.int64)
        self._temperature = np.array([row.temperature for row in rows], np.float32)
        self._top_p = np.array([row.top_p for row in rows], np.float32)
        self._sampled = [row.sampled for row in rows]


def _row(params: Any, prompt: list[int] | None, sampled: list[int]) -> _Row | None:
    asked = (params.extra_args or {}).get(DRAW)
    if not asked:
        return None
    seed, before, temperature, top_p = asked
    return _Row(seed, before, temperature, top_p, sampled)
