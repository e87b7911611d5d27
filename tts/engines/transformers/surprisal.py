"""Surprisal of whole texts: all that wait in one ragged pass, of which nothing is kept."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from tts.engines.ticket import Ticket, failure
from tts.engines.transformers.ragged_batch import Geometry, RaggedCache
from tts.errors import TTSError

_PASS_TOKENS = 4096  # about the most tokens, filling included, of one pass


class SurprisalReader:
    """Reads texts for their surprisals, on the worker's thread.

    Args:
        name: of the model, for errors.
        decoder: the model without its output head.
        head: its output head.
        geometry: the shape of its keys and values.
    """

    def __init__(self, name: str, decoder: torch.nn.Module, head: Any, geometry: Geometry) -> None:
        self._name, self._decoder, self._head, self._geometry = name, decoder, head, geometry
        self._waiting: deque[tuple[Sequence[int], Ticket[tuple[float, ...]]]] = deque()

    def add(self, tokens: Sequence[int]) -> Ticket[tuple[float, ...]]:
        """Queue a text of at least two tokens."""
        ticket: Ticket[tuple[float, ...]] = Ticket()
        self._waiting.append((tokens, ticket))
        return ticket

    def has_work(self) -> bool:
        return bool(self._waiting)

    def abort(self, error: TTSError) -> None:
        waiting = list(self._waiting)
        self._waiting.clear()
        Ticket.settle([(ticket, failure(self._name, error)) for _, ticket in waiting])

    def step(self) -> None:
        """Read what waits, up to about 4096 tokens."""
        jobs: list[tuple[Sequence[int], Ticket[tuple[float, ...]]]] = []
        longest = 0
        while self._waiting:
            tokens, ticket = self._waiting[0]
            if jobs and (len(jobs) + 1) * max(longest, len(tokens)) > _PASS_TOKENS:
                break
            self._waiting.popleft()
            if not ticket.abandoned:
                jobs.append((tokens, ticket))
                longest = max(longest, len(tokens))
        if not jobs:
            return
        try:
            found: Sequence[Any] = self._read([tokens for tokens, _ in jobs])
        except Exception as error:
            found = [failure(f"reading a solution with {self._name}", error) for _ in jobs]
        Ticket.settle([(ticket, values) for (_, ticket), values in zip(jobs, found, strict=True)])

    def _read(self, texts: Sequence[Sequence[int]]) -> list[tuple[float, ...]]:
        counts = np.array([len(tokens) - 1 for tokens in texts])
        fed = np.zeros((len(texts), counts.max()), np.int64)
        next_tokens = np.zeros_like(fed)
        for row, tokens in enumerate(texts):
            fed[row, : counts[row]], next_tokens[row, : counts[row]] = tokens[:-1], tokens[1:]
        cache = RaggedCache(self._geometry, len(texts), int(counts.max()))
        cache.count = len(texts)
        hidden = cache.forward(self._decoder, fed, counts)
        targets = torch.from_numpy(next_tokens).to(hidden.device)
        found = []
        for row, count in enumerate(counts.tolist()):  # row by row: logits of a large vocabulary are large
            logits = self._head(hidden[row, :count]).float()
            kept = logits.gather(1, targets[row, :count, None])[:, 0]
            found.append(tuple((logits.logsumexp(1) - kept).tolist()))
        return found
