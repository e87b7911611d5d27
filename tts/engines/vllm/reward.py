"""A reward model on vLLM that reads each token once: a pooling model, its prefix cache read, its scores remembered."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from tts.cost import ModelShape
from tts.engines.reward_prompt import Reader, joined
from tts.engines.vllm.client import Service, tokens_prompt
from tts.errors import EngineDied
from tts.models.card import ModelCard
from tts.protocols import Pooling, Read, RewardFormat, RewardModel
from tts.types import Node, Problem, Step


@dataclass(slots=True)
class _Known:
    """What a search has been told of a text: the score at its end, once known, and of the texts that go on from it."""

    score: float | None = None
    further: dict[tuple[int, ...], _Known] = field(default_factory=dict)


class VLLMReward(RewardModel):
    """A process reward model on vLLM as a pooling model. Implements :class:`tts.protocols.RewardModel`.

    Every token of a request that is not in the prefix cache comes back with its scores (pooling of kind ALL, the cache
    being read), so a step costs its own tokens, and on a GPU part of a block of those before it. Scores are remembered
    by the text they belong to for as long as the search lives, since what lies in the cache does not come back. Where a
    step does and nobody remembers it, the request is made once more past the cache.

    Args:
        card: name and limits.
        service: the running engine.
        form: how the family's prompt grows, step by step.
        pooling: which column of a token's scores is the step's.
        shape: for the cost of a pass.
        context: most tokens it reads.
    """

    concurrent = True
    background = True

    def __init__(
        self, card: ModelCard, service: Service, form: RewardFormat, pooling: Pooling, *, shape: ModelShape,
        context: int,
    ) -> None:  # fmt: skip
        from vllm import PoolingParams

        self.card = card
        self.name = card.name
        self.shape = shape
        self.context = context
        self.computed = 0  # tokens that were really read, those of repeated requests included
        self.reused = 0  # tokens that were wanted and in the cache
        self.services = (service,)
        self._service = service
        self._reader = Reader(form)
        self._column = pooling.column
        self._params = PoolingParams
        self._known: WeakKeyDictionary[Step, _Known] = WeakKeyDictionary()

    @property
    def alive(self) -> bool:
        """False once the engine's process has ended."""
        return self._service.alive

    @property
    def died(self) -> EngineDied:
        """Return the error of a request to a process that has ended."""
        return self._service.died

    @property
    def cache_hits(self) -> int:
        """Return the tokens that were found in the cache so far."""
        return self.reused

    def lengths(self, problem: Problem, node: Node) -> list[int]:
        """Tokens of the prompt, then of each step of ``node``."""
        return self._reader.lengths(problem, node)

    async def score(self, problem: Problem, node: Node, seen: int) -> tuple[float, ...]:
        """One score in 0..1 for each step after the first ``seen``.

        Raises PromptTooLong when the text does not fit the model's context, EngineError when vLLM fails at it.
        """
        if seen >= node.depth:
            return ()
        reads = self._reader.within(problem, node, self.name, self.context)
        known = self._known.setdefault(node.root.step, _Known())
        path = [known := known.further.setdefault(read.tokens, _Known()) for read in reads[1:]]
        for cached in (True, False):
            if any(place.score is None for place in path[seen:]):
                await self._fill(reads, path, cached=cached)
        return tuple(place.score for place in path[seen:] if place.score is not None)

    def close(self) -> None:
        """End the engine's process; requests under way fail with EngineError."""
        self._service.close()

    async def _fill(self, reads: list[Read], path: list[_Known], *, cached: bool) -> None:
        """Read a text and note the scores that come back: those of its last tokens, which were not in the cache."""
        tokens, marks = joined(reads)
        rows = await self._rows(tokens, cached=cached)
        start = len(tokens) - len(rows)
        for mark, place in zip(marks, path, strict=True):
            if mark >= start:
                place.score = rows[mark - start]

    async def _rows(self, tokens: list[int], *, cached: bool) -> list[float]:
        """The score at each of the last tokens, those that were not in the cache."""
        # Said outright: for some outcome reward models vLLM would leave the activation out.
        params = self._params(task="token_classify", use_activation=True, skip_reading_prefix_cache=not cached)

        def ask(name: str) -> AsyncGenerator[Any, None]:
            stream: AsyncGenerator[Any, None] = self._service.engine.encode(tokens_prompt(tokens), params, name)
            return stream

        rows: list[float] = (await self._service.ask(ask)).outputs.data[:, self._column].tolist()
        self.computed += len(rows)
        self.reused += len(tokens) - len(rows)
        return rows
