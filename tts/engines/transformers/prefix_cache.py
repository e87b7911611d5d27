"""Prefix cache: a tree of computed prefixes in which each node holds the keys and values of its own tokens."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch

from tts.engines.transformers.ragged_batch import Geometry, RaggedCache

Head = Callable[[torch.Tensor], torch.Tensor]

_CHUNK = 2048  # most new tokens of one row fed at once: bounds the attention mask


@dataclass(slots=True)
class Stats:
    """What an engine has done since it was made; tokens, but for ``passes`` and ``peak_rows``.

    ``prefill`` were read ahead of sampling, ``decode`` fed one by one, ``score`` read by a reward model; ``reused``
    were wanted and already there.
    """

    prefill: int = 0
    decode: int = 0
    score: int = 0
    reused: int = 0
    passes: int = 0
    peak_rows: int = 0


@dataclass(slots=True, eq=False, weakref_slot=True)
class Prefix:
    """Some tokens behind a parent prefix, with their keys and values and, for a reward model, the value read there.

    Attributes:
        kv: [layers, 2, heads, tokens, size], or None if it is not (or no longer) held.
        at: index among ``tokens`` of the position that is scored; negative for none.
        value: the score, once known.
        last: for a policy, the token that comes next and is not in the cache yet.
    """

    parent: Prefix | None
    tokens: tuple[int, ...]
    at: int = -1
    last: int = -1
    kv: torch.Tensor | None = None
    value: float | None = None
    length: int = field(init=False)

    def __post_init__(self) -> None:
        self.length = len(self.tokens) + (self.parent.length if self.parent else 0)

    @property
    def chain(self) -> list[Prefix]:
        """Return the prefixes from the first down to this one."""
        chain = [self]
        while (parent := chain[-1].parent) is not None:
            chain.append(parent)
        chain.reverse()
        return chain


class PrefixStore:
    """Prefixes of one model: equal ones are one object, lost ones are computed again, all in ragged batches.

    A prefix lives as long as somebody holds it, and its memory goes with it. Beyond ``limit`` bytes the keys and values
    used longest ago go first, the deepest first among those used together.

    Args:
        model: the decoder without its output head.
        limit: bytes of keys and values held between passes.
        pass_tokens: about the most tokens, filling included, of one forward pass.
        head: hidden states [k, width] to values [k], for a reward model.
    """

    def __init__(
        self, model: torch.nn.Module, limit: int, *, pass_tokens: int = 4096, head: Head | None = None
    ) -> None:
        self.model = model
        self.geometry = Geometry.of(model)
        self.limit = limit
        self.pass_tokens = pass_tokens
        self.stats = Stats()
        self._head = head
        self._known: weakref.WeakValueDictionary[tuple[int, tuple[int, ...], int], Prefix] = (
            weakref.WeakValueDictionary()
        )
        self._held: OrderedDict[int, tuple[weakref.ref[Prefix], int]] = OrderedDict()
        self._dead: deque[int] = deque()  # filled by the callbacks of weak references, in any thread at any time
        self._bytes = 0
        self._lock = threading.Lock()

    @property
    def nbytes(self) -> int:
        """Return the bytes of keys and values held."""
        with self._lock:
            self._bury()
            return self._bytes

    def get(self, parent: Prefix | None, tokens: tuple[int, ...], *, at: int = -1, last: int = -1) -> Prefix:
        """Return the prefix of these tokens after ``parent``: the existing one, or a new one without its cache."""
        # A child holds its parent, so the parent's id stays unique while the entry exists.
        key = (id(parent), tokens, last if at < 0 else at)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = Prefix(parent, tokens, at, last)
        return found

    def keep(self, prefix: Prefix, kv: torch.Tensor) -> None:
        """Give a prefix its keys and values; ``trim`` later decides whether they stay."""
        prefix.kv = kv
        name, size = id(prefix), kv.numel() * kv.element_size()
        dead = self._dead
        with self._lock:
            self._bury()
            self._bytes -= self._held.pop(name, (None, 0))[1]
            self._held[name] = (weakref.ref(prefix, lambda _: dead.append(name)), size)
            self._bytes += size

    def trim(self) -> None:
        """Let go of the keys and values used longest ago, until the limit holds."""
        with self._lock:
            self._bury()
            while self._bytes > self.limit and self._held:
                _, (reference, size) = self._held.popitem(last=False)
                self._bytes -= size
                if (prefix := reference()) is not None:
                    prefix.kv = None

    def fill(self, wanted: Iterable[Prefix], keep: Callable[[Prefix], bool] = lambda _: True) -> None:
        """Compute what is missing of these prefixes and of those above them.

        With a head that is the value of each prefix with a position to read; without, keys and values. ``keep`` says
        whose keys and values are worth holding once their value is known.
        """
        chains = [prefix.chain for prefix in {id(prefix): prefix for prefix in wanted}.values()]
        before = self.stats.prefill + self.stats.score
        total = sum(chain[-1].length for chain in chains)
        while runs := list(self._runs(chains)):
            for batch in self._batches(runs):
                self._compute(batch, keep)
        self.stats.reused += max(0, total - (self.stats.prefill + self.stats.score - before))
        self._touch(chains)

    # -- what is missing -------------------------------------------------------------------------------------------

    def _runs(self, chains: list[list[Prefix]]) -> Iterator[list[Prefix]]:
        """Return the first run of missing prefixes of each chain; of chains with the same start only the first."""
        begun: set[int] = set()
        for chain in chains:
            end = len(chain)
            while end and self._settled(chain[end - 1]):
                end -= 1
            first = next((k for k in range(end) if chain[k].kv is None), end)
            if first == end or id(chain[first]) in begun:
                continue
            stop = next((k for k in range(first, end) if chain[k].kv is not None), end)
            begun.update(id(prefix) for prefix in chain[first:stop])
            yield chain[first:stop]

    def _settled(self, prefix: Prefix) -> bool:
        if self._head is not None and prefix.at >= 0:
            return prefix.value is not None
        return prefix.kv is not None

    def _batches(self, runs: list[list[Prefix]]) -> Iterator[list[list[Prefix]]]:
        """Runs of like size together, so that little filling is computed."""
        runs.sort(key=lambda run: run[-1].length - _above(run), reverse=True)
        batch: list[list[Prefix]] = []
        longest = reach = 0
        for run in runs:
            new = run[-1].length - _above(run)
            reach = max(reach, run[-1].length)
            full = (len(batch) + 1) * longest > self.pass_tokens
            heavy = (len(batch) + 1) * reach * self.geometry.token_bytes > max(self.limit, 1 << 26)
            if batch and (full or heavy or longest - new > max(16, longest // 2)):
                yield batch
                batch, longest, reach = [], 0, run[-1].length
            longest = max(longest, new)
            batch.append(run)
        if batch:
            yield batch

    # -- computing -------------------------------------------------------------------------------------------------

    def _compute(self, runs: list[list[Prefix]], keep: Callable[[Prefix], bool]) -> None:
        """Run one ragged pass over the tokens of these runs, each after the cached prefixes above it."""
        starts = [_above(run) for run in runs]
        rows = [[token for prefix in run for token in prefix.tokens] for run in runs]
        counts = np.array([len(row) for row in rows])
        cache = RaggedCache(self.geometry, len(runs), max(starts) + int(counts.max()))
        cache.count = len(runs)
        for i, run in enumerate(runs):
            above = run[0].parent.chain if run[0].parent else []
            cache.write(i, [prefix.kv for prefix in above if prefix.kv is not None])
        tokens = np.zeros((len(runs), counts.max()), np.int64)
        for i, row in enumerate(rows):
            tokens[i, : len(row)] = row
        reads = [(i, prefix, prefix.length - len(prefix.tokens) + prefix.at - starts[i])
                 for i, run in enumerate(runs) for prefix in run if prefix.at >= 0]  # fmt: skip
        for begin in range(0, tokens.shape[1], _CHUNK):
            piece = tokens[:, begin : begin + _CHUNK]
            hidden = cache.forward(self.model, piece, np.clip(counts - begin, 0, piece.shape[1]))
            self._read(hidden, [(i, prefix, at - begin) for i, prefix, at in reads if 0 <= at - begin < piece.shape[1]])
        for i, run in enumerate(runs):
            self._store(cache, i, run, keep)
        self.stats.passes += 1
        if self._head is None:
            self.stats.prefill += int(counts.sum())
        else:
            self.stats.score += int(counts.sum())

    def _read(self, hidden: torch.Tensor, reads: list[tuple[int, Prefix, int]]) -> None:
        if not reads or self._head is None:
            return
        values = self._head(hidden[[i for i, _, _ in reads], [at for _, _, at in reads]]).float().tolist()
        for (_, prefix, _), value in zip(reads, values, strict=True):
            prefix.value = value

    def _store(self, cache: RaggedCache, row: int, run: list[Prefix], keep: Callable[[Prefix], bool]) -> None:
        for prefix in run:
            if not self._settled(prefix) or keep(prefix):
                self.keep(prefix, cache.read(row, prefix.length - len(prefix.tokens), prefix.length))

    # -- memory ----------------------------------------------------------------------------------------------------

    def _touch(self, chains: list[list[Prefix]]) -> None:
        """Mark as used just now, the deepest first, so that a parent outlives its children."""
        with self._lock:
            self._bury()
            used = {id(prefix): prefix.length for chain in chains for prefix in chain}
            for name in sorted(used, key=lambda name: used[name], reverse=True):
                if name in self._held:
                    self._held.move_to_end(name)

    def _bury(self) -> None:
        """Take what has died off the books."""
        while self._dead:
            entry = self._held.get(name := self._dead.popleft())
            if entry is not None and entry[0]() is None:
                del self._held[name]
                self._bytes -= entry[1]


def _above(run: list[Prefix]) -> int:
    return run[0].length - len(run[0].tokens)
