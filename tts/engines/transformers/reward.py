"""A reward model that reads each token once: new steps run after cached prefixes, many texts in a batch."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import torch

from tts.cost import ModelShape
from tts.engines.reward_prompt import Reader
from tts.engines.ticket import Ticket, failure
from tts.engines.transformers.device_thread import Worker
from tts.engines.transformers.local_model import LocalModel
from tts.engines.transformers.prefix_cache import Head, Prefix, PrefixStore
from tts.errors import TTSError
from tts.models.card import ModelCard
from tts.protocols import Read, RewardFormat, RewardModel
from tts.types import Node, Problem, Step


@dataclass(slots=True, eq=False)
class _Job:
    node: Node
    reads: list[Read]  # reads of the prompt, then of each step
    seen: int
    ticket: Ticket[tuple[float, ...]]
    chain: list[Prefix]


class TransformersReward(LocalModel, RewardModel):
    """A process reward model on the transformers library. Implements :class:`tts.protocols.RewardModel`.

    Scores and keys and values hang on the steps of the search; equal texts are read once, whichever step they belong
    to. Requests that wait are read together.

    Args:
        card: name and limits.
        model: the decoder, without any output head.
        head: hidden states [k, width] at the positions that are read, to scores [k] in 0..1.
        form: how the family's prompt grows, step by step.
        shape: for the cost of a pass.
        worker: the thread that runs it.
        cache_bytes: most bytes of keys and values kept between requests.
        pass_tokens: about the most tokens of one forward pass.
        threads: of torch, in its kernels; 0 leaves torch's own setting.
    """

    def __init__(
        self,
        card: ModelCard,
        model: Any,
        head: Head,
        form: RewardFormat,
        *,
        shape: ModelShape,
        worker: Worker,
        cache_bytes: int,
        pass_tokens: int = 4096,
        threads: int = 0,
    ) -> None:
        store = PrefixStore(model, cache_bytes, pass_tokens=pass_tokens, head=head)
        super().__init__(card, model.config, shape=shape, store=store, worker=worker, threads=threads)
        self.pass_tokens = pass_tokens
        self._reader = Reader(form)
        self._prefixes: WeakKeyDictionary[Step, Prefix] = WeakKeyDictionary()
        self._waiting: deque[_Job] = deque()
        worker.add(self)

    def lengths(self, problem: Problem, node: Node) -> list[int]:
        """Return the tokens of the prompt, then of each step of ``node``."""
        return self._reader.lengths(problem, node)

    async def score(self, problem: Problem, node: Node, seen: int) -> tuple[float, ...]:
        """Return one score in 0..1 for each step after the first ``seen``.

        Raises PromptTooLong when the text does not fit the model's context, EngineError when the model fails at it.
        """
        if seen >= node.depth:
            return ()
        job = _Job(node, self._reader.within(problem, node, self.name, self.context), seen, Ticket(), [])
        self._waiting.append(job)
        self._worker.notify(self)
        return await job.ticket.result()

    def close(self) -> None:
        """Leave the worker; requests under way fail with EngineError."""
        self._worker.remove(self)

    # -- on the worker's thread --------------------------------------------------------------------------------------

    def has_work(self) -> bool:
        return bool(self._waiting)

    @torch.inference_mode()
    def step(self) -> None:
        """Read what waits, up to about ``pass_tokens`` new tokens."""
        jobs = self._take()
        try:
            # Nothing follows a finished solution.
            open_ends = {id(prefix) for job in jobs if not job.node.finished for prefix in job.chain}
            self._store.fill((job.chain[-1] for job in jobs), lambda prefix: id(prefix) in open_ends)
            outcomes = [(job.ticket, tuple(p.value for p in job.chain[1 + job.seen :])) for job in jobs]
        except Exception as error:
            Ticket.settle([(job.ticket, failure(f"scoring with {self.name}", error)) for job in jobs])
            return
        self._store.trim()
        Ticket.settle(outcomes)

    def abort(self, error: TTSError) -> None:
        jobs = list(self._waiting)
        self._waiting.clear()
        Ticket.settle([(job.ticket, failure(self.name, error)) for job in jobs])

    def _take(self) -> list[_Job]:
        jobs: list[_Job] = []
        tokens = 0
        while self._waiting and tokens < self.pass_tokens:
            job = self._waiting.popleft()
            if job.ticket.abandoned:
                continue
            job.chain = self._chain(job)
            tokens += sum(len(p.tokens) for p in job.chain if p.kv is None and p.value is None)
            jobs.append(job)
        return jobs

    def _chain(self, job: _Job) -> list[Prefix]:
        """Return the prefixes of the prompt and of each step in the prefix tree."""
        steps = [job.node.root.step, *job.node.steps]
        chain: list[Prefix] = []
        for step, read in zip(steps, job.reads, strict=True):
            prefix = self._prefixes.get(step)
            if prefix is None:
                prefix = self._store.get(chain[-1] if chain else None, read.tokens, at=read.at)
                self._prefixes[step] = prefix
            chain.append(prefix)
        return chain
