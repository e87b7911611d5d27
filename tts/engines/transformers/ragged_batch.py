"""A batch of rows of different lengths on one decoder: the key/value cache and one forward pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tts.engines.hf import head_size, setting
from tts.errors import ModelError
from tts.models.decoder import Decoder

_ROUND = 16  # capacities and attention lengths are multiples of this, so shapes repeat
_GROWTH = 1.5


@dataclass(frozen=True, slots=True)
class Geometry:
    """The shape of a model's keys and values.

    ``window`` is how many tokens a layer of kind ``sliding_attention`` looks back, itself counted; ``kinds`` are the
    kinds of layers where a model tells them apart, and where it does not, a window is that of every layer.
    """

    layers: int
    heads: int
    size: int
    dtype: torch.dtype
    device: torch.device
    window: int = 0
    kinds: tuple[str, ...] = ()

    @classmethod
    def of(cls, model: torch.nn.Module) -> Geometry:
        """Read it off a loaded transformers model. Raises ModelError if attention is not plain and causal."""
        config: Any = model.config
        kinds = sorted(set(setting(config, "layer_types", ())))
        if odd := [kind for kind in kinds if kind not in ("full_attention", "sliding_attention")]:
            raise ModelError(
                f"a {config.model_type} model has layers of kind {', '.join(odd)}, which this engine cannot run: "
                "use --engine vllm."
            )
        window = setting(config, "sliding_window", 0)
        if kinds == ["full_attention"]:
            kinds, window = [], 0
        elif not setting(config, "use_sliding_window", True):
            window = 0
        weight = next(model.parameters())
        heads = setting(config, "num_key_value_heads") or config.num_attention_heads
        return cls(
            config.num_hidden_layers, heads, head_size(config), weight.dtype, weight.device, window, tuple(kinds)
        )

    @property
    def token_bytes(self) -> int:
        """Return the bytes of one token's keys and values."""
        return 2 * self.layers * self.heads * self.size * self.dtype.itemsize


class RaggedCache:
    """Keys and values of rows that each have their own length.

    ``kv`` is [layers, 2, rows, heads, capacity, size]; row ``i`` holds ``lengths[i]`` tokens, whatever lies behind them
    is finite and never attended to. The first ``count`` rows are in use.
    """

    def __init__(self, geometry: Geometry, rows: int = 1, capacity: int = _ROUND) -> None:
        self.geometry = geometry
        self.count = 0
        self.lengths: NDArray[np.int64] = np.zeros(rows, np.int64)
        self.kv = self._empty(rows, _round(capacity))
        self._at: tuple[torch.Tensor, torch.Tensor] = (torch.empty(0), torch.empty(0))
        self._span = 0

    @property
    def rows(self) -> int:
        return self.kv.shape[2]

    @property
    def capacity(self) -> int:
        return self.kv.shape[4]

    @property
    def nbytes(self) -> int:
        return self.kv.numel() * self.kv.element_size()

    def reserve(self, rows: int, capacity: int) -> None:
        """Make room, growing geometrically so that growth is rare."""
        if rows <= self.rows and capacity <= self.capacity:
            return
        rows = max(rows, int(self.rows * _GROWTH)) if rows > self.rows else self.rows
        capacity = max(capacity, int(self.capacity * _GROWTH)) if capacity > self.capacity else self.capacity
        old, used = self.kv, int(self.lengths[: self.count].max(initial=0))
        self.kv = self._empty(rows, _round(capacity))
        self.kv[:, :, : self.count, :, :used] = old[:, :, : self.count, :, :used]
        self.lengths = np.concatenate([self.lengths, np.zeros(rows - len(self.lengths), np.int64)])

    def write(self, row: int, pieces: list[torch.Tensor]) -> None:
        """Fill a row with pieces of [layers, 2, heads, tokens, size], one behind the other."""
        length = sum(piece.shape[3] for piece in pieces)
        self.lengths[row] = length
        if length:
            torch.cat(pieces, 3, out=self.kv[:, :, row, :, :length])

    def repeat(self, row: int, times: int) -> None:
        """Copy a row into the ``times`` rows after it."""
        length = int(self.lengths[row])
        self.lengths[row + 1 : row + 1 + times] = length
        self.kv[:, :, row + 1 : row + 1 + times, :, :length] = self.kv[:, :, row : row + 1, :, :length]

    def read(self, row: int, start: int, stop: int) -> torch.Tensor:
        """Copy the keys and values of some tokens of a row: [layers, 2, heads, stop - start, size]."""
        return self.kv[:, :, row, :, start:stop].clone()

    def drop(self, gone: list[int]) -> list[tuple[int, int]]:
        """Take rows out; rows from the end move into the holes. Returns the moves made, as (from, to)."""
        holes = set(gone)
        last = self.count - len(holes)
        movers = [row for row in range(last, self.count) if row not in holes]
        moves = list(zip(movers, sorted(hole for hole in holes if hole < last), strict=True))
        for source, target in moves:  # slices are copied in runs; indices, element by element
            length = int(self.lengths[source])
            self.kv[:, :, target, :, :length] = self.kv[:, :, source, :, :length]
            self.lengths[target] = length
        self.count = last
        return moves

    def clear(self) -> None:
        """Remove all rows and release their memory."""
        self.count = 0
        self.lengths = np.zeros(1, np.int64)
        self.kv = self._empty(1, _ROUND)

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, layer_idx: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Store new keys and values at each row's own positions; attention calls this in each layer.

        Args and results are [rows, heads, new tokens, size]; results reach back to the first token.
        """
        rows, positions = self._at
        keys, values = self.kv[layer_idx, 0], self.kv[layer_idx, 1]
        keys[rows, :, positions] = key_states.transpose(1, 2)
        values[rows, :, positions] = value_states.transpose(1, 2)
        return keys[: self.count, :, : self._span], values[: self.count, :, : self._span]

    def forward(self, model: torch.nn.Module, tokens: NDArray[np.int64], new: NDArray[np.int64]) -> torch.Tensor:
        """Feed every row its new tokens, and keep their keys and values.

        Args:
            model: the decoder without its output head.
            tokens: [rows, most new tokens], filled up on the right with any id.
            new: [rows], how many of them are real.

        Returns:
            Hidden states [rows, most new tokens, width]; those of filling are meaningless.
        """
        device, width = self.geometry.device, tokens.shape[1]
        lengths = self.lengths[: self.count]
        span = int(lengths.max()) + width
        self.reserve(self.count, span)
        self._span = min(_round(span), self.capacity)
        positions = torch.from_numpy(lengths[:, None] + np.arange(width)).to(device)
        self._at = (torch.arange(self.count, device=device)[:, None], positions)
        out = model(
            input_ids=torch.from_numpy(tokens).to(device),
            attention_mask=self._masks(positions),
            position_ids=positions if width == 1 else positions.clamp(max=int((lengths + new).max()) - 1),
            past_key_values=self if isinstance(model, Decoder) else _for_transformers(self),
            use_cache=True,
        )
        self.lengths[: self.count] += new
        states: torch.Tensor = out.last_hidden_state
        return states

    def _masks(self, positions: torch.Tensor) -> Any:
        """Return the additive mask of what each new token does not see; one, or one for each kind of layer."""
        g = self.geometry
        seen = torch.arange(self._span, device=g.device)
        hidden = seen > positions[:, :, None]
        beyond = hidden | (seen <= positions[:, :, None] - g.window) if g.window else hidden
        low = torch.finfo(g.dtype).min

        def added(where: torch.Tensor) -> torch.Tensor:
            return torch.zeros(where.shape, dtype=g.dtype, device=g.device).masked_fill_(where, low)[:, None]

        if not g.kinds:
            return added(beyond)
        return {kind: added(beyond if kind == "sliding_attention" else hidden) for kind in g.kinds}

    def get_seq_length(self) -> int:
        return int(self.lengths[: self.count].max(initial=0))

    def _empty(self, rows: int, capacity: int) -> torch.Tensor:
        # Zeros, not garbage: a masked value is multiplied by zero, and zero times NaN is NaN.
        g = self.geometry
        return torch.zeros(g.layers, 2, rows, g.heads, capacity, g.size, dtype=g.dtype, device=g.device)


def _for_transformers(cache: RaggedCache) -> Any:
    from tts.engines.transformers.attention_cache import AttentionCache

    return AttentionCache(cache)


def _round(capacity: int) -> int:
    return -(-capacity // _ROUND) * _ROUND
