"""A policy with continuous batching: rows join and leave the running batch at every token."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray

from tts.aio import aside
from tts.cost import ModelShape
from tts.engines.hf import setting
from tts.engines.json_grammar import JsonGrammars, JsonText
from tts.engines.sampling import SEEDS, choose, uniforms
from tts.engines.step_splitter import Splitter, Stepper
from tts.engines.ticket import Ticket, failure
from tts.engines.tokenizer import Text, end_ids
from tts.engines.tool_caller import TextCaller
from tts.engines.transformers.device_thread import Worker
from tts.engines.transformers.local_model import LocalModel
from tts.engines.transformers.logprobs import token_logprobs
from tts.engines.transformers.prefix_cache import Prefix, PrefixStore
from tts.engines.transformers.ragged_batch import RaggedCache
from tts.engines.transformers.surprisal import SurprisalReader
from tts.errors import TTSError
from tts.models.card import ModelCard
from tts.protocols import Completion, Policy, Request
from tts.tools.next_turn import enforced
from tts.types import Finish, Node, Problem, Step, TokenLogprobs

_HEADROOM = 64  # tokens that a row must be able to grow by, so that rows are not evicted at once
_IDLE_BYTES = 1 << 26  # an idle engine releases a batch larger than this


@dataclass(slots=True, eq=False)
class _Job:
    """One request on its way through the engine."""

    request: Request
    ticket: Ticket[Completion]
    stepper: Stepper
    limit: int
    base: Prefix | None = None  # the prefix that is continued; its ``last`` token is the first one fed
    at: Prefix | None = None  # what the row is filled from: the base, or more after an eviction
    logprobs: list[TokenLogprobs] = field(default_factory=list)  # one a token, where asked for
    json: JsonText | None = None  # what it is held to


@dataclass(slots=True, eq=False)
class _Rows:
    """The running batch: one entry a row of the cache, in the same order."""

    cache: RaggedCache
    jobs: list[_Job] = field(default_factory=list)
    pending: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    seeds: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    temperature: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    top_p: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))

    def join(self, jobs: list[_Job]) -> None:
        """Append jobs whose prefixes are computed; jobs that continue the same prefix stand side by side."""
        first = self.cache.count
        longest = max(job.at.length for job in jobs if job.at)
        self.cache.reserve(first + len(jobs), longest + 1)
        self.cache.count += len(jobs)
        row = first
        while row < self.cache.count:
            at = jobs[row - first].at
            same = sum(1 for job in jobs[row - first :] if job.at is at)
            self.cache.write(row, [p.kv for p in at.chain if p.kv is not None] if at else [])
            self.cache.repeat(row, same - 1)
            row += same
        self.jobs += jobs
        requests = [job.request for job in jobs]
        self.pending = np.append(self.pending, [_next(job) for job in jobs])
        self.counts = np.append(self.counts, [len(job.stepper.tokens) for job in jobs])
        self.seeds = np.append(self.seeds, np.array([r.seed & SEEDS for r in requests], np.uint64))
        self.temperature = np.append(self.temperature, np.array([r.temperature for r in requests], np.float32))
        self.top_p = np.append(self.top_p, np.array([r.top_p for r in requests], np.float32))

    def leave(self, gone: list[int]) -> None:
        """Take rows out; the last ones close the gaps."""
        moves = self.cache.drop(gone)
        count = self.cache.count
        for source, target in moves:
            self.jobs[target] = self.jobs[source]
        del self.jobs[count:]
        for name in ("pending", "seeds", "counts", "temperature", "top_p"):
            values = getattr(self, name)
            for source, target in moves:
                values[target] = values[source]
            setattr(self, name, values[:count])


def _next(job: _Job) -> int:
    """Return the next token to feed: the last one sampled before the row was evicted, or the last of its prefix."""
    return job.stepper.tokens[-1] if job.stepper.tokens else (job.base.last if job.base else -1)


class TransformersPolicy(LocalModel, Policy):
    """A causal language model of the transformers library as a policy. Implements :class:`tts.protocols.Policy`.

    Every request is one row of a running batch. Requests wait first come first served while the batch is full. A
    prefix is computed once however many continue it, and what is known of a step lives as long as the step does.
    The same request samples the same tokens whatever else is in the batch, up to rounding of the logits.

    Args:
        card: prompt, separator and limits.
        model: a loaded ``...ForCausalLM``, in evaluation mode on its device.
        tokenizer: its tokenizer.
        shape: for the cost of a pass.
        worker: the thread that runs it.
        max_rows: most rows at once.
        row_bytes: most bytes of keys and values of the running rows.
        cache_bytes: most bytes of keys and values kept between requests.
        threads: of torch, in its kernels; 0 leaves torch's own setting.
    """

    schemas = True

    def __init__(
        self,
        card: ModelCard,
        model: Any,
        tokenizer: Any,
        *,
        shape: ModelShape,
        worker: Worker,
        row_bytes: int,
        cache_bytes: int,
        max_rows: int = 256,
        threads: int = 0,
    ) -> None:
        self._decoder, self._head = model.get_decoder(), model.get_output_embeddings()
        store = PrefixStore(self._decoder, cache_bytes)
        super().__init__(card, model.config, shape=shape, store=store, worker=worker, threads=threads)
        self._reader = SurprisalReader(card.name, self._decoder, self._head, store.geometry)
        self.max_rows = max_rows
        self.row_bytes = row_bytes
        self._text = Text(tokenizer)
        configured = setting(model.generation_config, "eos_token_id")
        ends = end_ids(configured, tokenizer)
        self._splitter = Splitter(self._text.decode, card.separator, ends)
        self._grammars = JsonGrammars(self._text.core, self._head.weight.shape[0], ends, thinks=card.thinking)
        self._prefixes: WeakKeyDictionary[Step, Prefix] = WeakKeyDictionary()
        self._rows = _Rows(RaggedCache(self._store.geometry))
        self._waiting: deque[_Job] = deque()
        self.logprobs = len(tokenizer)
        worker.add(self)

    def prompt(self, problem: Problem) -> Step:
        """Encode the problem in the model's chat form. Raises BadInput if empty, PromptTooLong if too long."""
        return self._text.prompt(problem, self.card, self.context)

    async def prepare(self, problem: Problem) -> None:
        """Compile the problem's schema."""
        if schema := enforced(problem):
            await aside(self._grammars.check, schema)

    def warn(self, problem: Problem) -> str | None:
        """A sentence on a schema that the model cannot be held to."""
        return self._grammars.warning(self.name, enforced(problem))

    def offered(self, tools: Sequence[Mapping[str, Any]], guide: str) -> Policy:
        """Return this model with tools in its prompt, in its chat template's own form."""
        return TextCaller(self, self._text, self.card, tools, guide)

    async def generate(self, request: Request) -> Completion:
        """Sample one continuation. Raises EngineError when the model fails at it."""
        tokens = request.node.tokens
        limit = min(request.max_tokens, self.context - len(tokens))
        if limit < 1:
            return Completion((Step("", ()),), Finish.LENGTH)
        json = self._grammars.start(request.schema) if request.schema else None
        job = _Job(request, Ticket(), self._splitter.start(tokens), limit, json=json)
        self._waiting.append(job)
        self._worker.notify(self)
        return await job.ticket.result()

    async def surprisal(self, problem: Problem, node: Node) -> tuple[float, ...] | None:
        """Compute the surprisals of a node's tokens, in a batch with those of other problems."""
        ticket = self._reader.add(node.tokens)
        self._worker.notify(self)
        return await ticket.result()

    def close(self) -> None:
        """Leave the worker; requests under way fail with EngineError."""
        self._worker.remove(self)

    # -- on the worker's thread --------------------------------------------------------------------------------------

    def has_work(self) -> bool:
        return bool(self._waiting or self._rows.jobs or self._reader.has_work())

    @torch.inference_mode()
    def step(self) -> None:
        """Drop what was cancelled, admit what waits, decode one token for every row."""
        if gone := [i for i, job in enumerate(self._rows.jobs) if job.ticket.abandoned]:
            self._rows.leave(gone)
        self._reader.step()
        self._admit()
        self._make_room()
        if not self._rows.jobs:
            return
        try:
            finished = self._decode()
        except Exception as error:
            jobs, self._rows = self._rows.jobs, _Rows(RaggedCache(self._store.geometry))
            Ticket.settle([(job.ticket, failure(f"sampling from {self.name}", error)) for job in jobs])
            return
        if finished:
            outcomes = [(self._rows.jobs[row].ticket, self._complete(row)) for row in finished]
            self._rows.leave(finished)
            self._store.trim()
            Ticket.settle(outcomes)
        if not self.has_work() and self._rows.cache.nbytes > _IDLE_BYTES:
            self._rows.cache.clear()

    def abort(self, error: TTSError) -> None:
        self._reader.abort(error)
        jobs = [*self._rows.jobs, *self._waiting]
        self._waiting.clear()
        self._rows = _Rows(RaggedCache(self._store.geometry))
        Ticket.settle([(job.ticket, failure(self.name, error)) for job in jobs])

    def _admit(self) -> None:
        """Move waiting requests into the batch while there is room, computing first what their prefixes lack."""
        jobs: list[_Job] = []
        rows, longest = self._rows.cache.count, self._rows.cache.get_seq_length()
        while self._waiting and rows + len(jobs) < self.max_rows:
            job = self._waiting[0]
            longest = max(longest, job.request.node.length + len(job.stepper.tokens) + _HEADROOM)
            crowded = (rows + len(jobs) + 1) * longest * self._store.geometry.token_bytes > self.row_bytes
            if crowded and rows + len(jobs):
                break
            self._waiting.popleft()
            if not job.ticket.abandoned:
                jobs.append(job)
        if not jobs:
            return
        try:
            for job in jobs:
                self._place(job)
            self._store.fill([job.at for job in jobs if job.at])
            order = {id(job.at): i for i, job in reversed(list(enumerate(jobs)))}
            jobs.sort(key=lambda job: order[id(job.at)])
            self._rows.join(jobs)
            self._store.trim()
        except Exception as error:
            Ticket.settle([(job.ticket, failure(f"reading a prompt with {self.name}", error)) for job in jobs])
            if len(self._rows.jobs) != self._rows.cache.count:
                self._rows.cache.count = len(self._rows.jobs)
        self.stats.peak_rows = max(self.stats.peak_rows, len(self._rows.jobs))

    def _place(self, job: _Job) -> None:
        job.base = job.base or self._prefix(job.request.node)
        sampled = job.stepper.tokens
        job.at = self._store.get(job.base, (job.base.last, *sampled[:-1])) if sampled else job.base

    def _make_room(self) -> None:
        """Send rows back to wait when the batch has outgrown its memory; they go on later where they were."""
        rows, token_bytes = self._rows, self._store.geometry.token_bytes
        while len(rows.jobs) > 1 and len(rows.jobs) * (rows.cache.get_seq_length() + 1) * token_bytes > self.row_bytes:
            self._waiting.appendleft(rows.jobs[-1])
            rows.leave([len(rows.jobs) - 1])

    def _decode(self) -> list[int]:
        """Sample one token for each row. Returns the finished rows."""
        rows = self._rows
        count = len(rows.jobs)
        ones = np.ones(count, np.int64)
        hidden = rows.cache.forward(self._decoder, rows.pending[:, None], ones)
        logits = self._head(hidden[:, 0])
        self._hold(logits)
        random = uniforms(rows.seeds, rows.counts)
        tokens = choose(logits, random, rows.temperature, rows.top_p).tolist()
        self._note_logprobs(logits, tokens)
        rows.pending = np.array(tokens)
        rows.counts += 1
        self.stats.decode += count
        self.stats.passes += 1
        done = []
        for row, (job, token) in enumerate(zip(rows.jobs, tokens, strict=True)):
            asked = job.request
            if job.json:
                job.json.take(token)
            if job.stepper.take([token], asked.until, asked.steps) or len(job.stepper.tokens) >= job.limit:
                done.append(row)
        return done

    def _hold(self, logits: torch.Tensor) -> None:
        """Rule out the tokens with which a text would not fit its schema any more."""
        for row, job in enumerate(self._rows.jobs):
            if job.json:
                logits[row].masked_fill_(torch.from_numpy(~job.json.allowed()).to(logits.device), -torch.inf)

    def _note_logprobs(self, logits: torch.Tensor, tokens: list[int]) -> None:
        """Keep the log-probabilities of the rows that ask for them."""
        asking = [row for row, job in enumerate(self._rows.jobs) if job.request.logprobs]
        if not asking:
            return
        jobs = [self._rows.jobs[row] for row in asking]
        counts = [job.request.logprobs for job in jobs]
        found = token_logprobs(logits[asking], [tokens[row] for row in asking], counts, self._text.piece)
        for job, each in zip(jobs, found, strict=True):
            job.logprobs.append(each)

    def _complete(self, row: int) -> Completion:
        """Return the result of a row; its computation stays with its last step if the solution can continue there."""
        job = self._rows.jobs[row]
        steps = job.stepper.steps()
        finish = job.stepper.finish(job.request.until)
        if finish is Finish.STEP and job.base is not None:
            sampled = job.stepper.tokens
            prefix = self._store.get(job.base, (job.base.last, *sampled[:-1]), last=sampled[-1])
            self._prefixes[steps[-1]] = prefix
            if prefix.kv is None:
                end = job.base.length + len(sampled)
                self._store.keep(prefix, self._rows.cache.read(row, job.base.length, end))
        return Completion(steps, finish, logprobs=tuple(job.logprobs))

    def _prefix(self, node: Node) -> Prefix:
        """Return a node's place in the prefix tree: all tokens but the last, which is fed to continue the node."""
        path: list[Node] = []
        known = None
        above: Node | None = node
        while above is not None and (known := self._prefixes.get(above.step)) is None:
            path.append(above)
            above = above.parent
        for below in reversed(path):
            tokens = below.step.tokens if known is None else (known.last, *below.step.tokens)
            known = self._store.get(known, tokens[:-1], last=tokens[-1])
            self._prefixes[below.step] = known
        assert known is not None
        return known
