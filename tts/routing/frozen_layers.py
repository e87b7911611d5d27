"""The lower layers of an encoder, where only the upper ones are trained: each text passes them once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
import torch

from tts.errors import BadInput

Key = tuple[str, int]
_PART = 8  # texts of similar length that a CPU computes at once: more of them are filled up with padding
_MOST = 4 * 1024**3  # bytes


class Encoder(Protocol):
    """An embedder whose model can be trained: the one of the transformers engine.

    Attributes:
        name: of the embedder.
        model: the text encoder, a module of torch.
        device: where it is.
        longest: tokens of a text that are read.
    """

    name: str
    model: Any
    device: str
    longest: int

    def encode(self, texts: Sequence[str]) -> torch.Tensor:
        """Embed one batch: [n, d], with gradients."""
        ...


class Memory:
    """What lower layers returned, by text and the number of tokens that are read, up to a number of bytes.

    Encoders may share it if their lower layers are equal: those that were trained from one, in its upper layers.
    """

    def __init__(self, most: int = _MOST) -> None:
        self.most, self.bytes = most, 0
        self._kept: dict[Key, torch.Tensor] = {}

    def get(self, key: Key) -> torch.Tensor | None:
        return self._kept.get(key)

    def keep(self, key: Key, found: torch.Tensor) -> None:
        """Keep a tensor; without room for it, it is computed again next time."""
        size = found.numel() * found.element_size()
        if key not in self._kept and self.bytes + size <= self.most:
            self._kept[key] = found
            self.bytes += size


class FrozenLayers:
    """An encoder that computes its lower layers once for each text.

    Args:
        encoder: embeds; its ``upper`` uppermost layers may change, the others may not. 0: all may change.
        memory: of the lower layers; shared with encoders that have the same ones.
        bfloat16: compute products of matrices in bfloat16, and keep what the lower layers return in 16 bits.

    Raises:
        BadInput: the encoder has fewer layers.
    """

    def __init__(self, encoder: Encoder, upper: int, memory: Memory | None = None, bfloat16: bool = False) -> None:
        self.encoder = encoder
        self.memory = memory or Memory()
        self._bfloat16 = bfloat16
        stack = layers_of(encoder.model)
        if upper > len(stack):
            raise BadInput(f"the encoder has {len(stack)} layers, so not {upper} of them.")
        self._lower, self._upper = (stack[:-upper], stack[-upper:]) if upper else ([], stack)

    @property
    def name(self) -> str:
        """Return the encoder's name; in 16 bits another one, since vectors are cached by it."""
        return f"{self.encoder.name}, bfloat16" if self._bfloat16 else self.encoder.name

    async def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Return one vector a text, float32 [n, d]."""
        return await asyncio.to_thread(self._embedded, list(texts))

    @torch.no_grad()  # on the thread that computes: torch keeps the setting for each thread
    def _embedded(self, texts: list[str]) -> np.ndarray:
        found: np.ndarray = self.encode(texts).float().cpu().numpy()
        return found

    def encode(self, texts: Sequence[str]) -> torch.Tensor:
        """Embed texts: [n, d], with gradients of the upper layers where they are enabled."""
        if not texts:
            return self.encoder.encode(["a"])[:0]
        order = sorted(range(len(texts)), key=lambda k: len(texts[k]))
        size = _PART if self.encoder.device == "cpu" else max(len(texts), 1)
        with torch.autocast(torch.device(self.encoder.device).type, torch.bfloat16, enabled=self._bfloat16):
            parts = [self._part([texts[k] for k in order[at : at + size]]) for at in range(0, len(order), size)]
        return torch.cat(parts)[torch.tensor(order).argsort()]

    def _part(self, texts: list[str]) -> torch.Tensor:
        if not self._lower:
            return self.encoder.encode(texts)
        keys = [(text, self.encoder.longest) for text in texts]
        found = {key: self.memory.get(key) for key in keys}
        if missing := [key for key, tensor in found.items() if tensor is None]:
            found |= self._computed(missing)
        with self._replaced([found[key] for key in keys]):  # type: ignore[misc]
            return self.encoder.encode(texts)

    @torch.no_grad()
    def _computed(self, keys: Sequence[Key]) -> dict[Key, torch.Tensor]:
        """Compute the lower layers: a tensor [t, d] a text, without padding."""
        seen: list[torch.Tensor] = []

        def stop(module: Any, args: tuple[torch.Tensor, ...]) -> None:
            seen.append(args[0])
            raise _Stop

        with self._mask() as masks:
            handle = self._upper[0].register_forward_pre_hook(stop)
            try:
                self.encoder.encode([text for text, _ in keys])
            except _Stop:
                pass
            finally:
                handle.remove()
        found = {}
        for key, hidden, mask in zip(keys, seen[0], masks[0].bool(), strict=True):
            found[key] = hidden[mask].to(torch.float16 if self._bfloat16 else hidden.dtype)
            self.memory.keep(key, found[key])
        return found

    @contextmanager
    def _replaced(self, known: Sequence[torch.Tensor]) -> Iterator[None]:
        """Let the lower layers return what they returned before."""
        with self._mask() as masks:

            def recall(module: Any, args: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
                hidden = torch.zeros_like(args[0], dtype=torch.float32)
                hidden[masks[0].bool()] = torch.cat([each.to(hidden.dtype) for each in known])
                return hidden, *args[1:]

            handle = self._upper[0].register_forward_pre_hook(recall)
            for layer in self._lower:
                layer.forward = _unchanged
            try:
                yield
            finally:
                handle.remove()
                for layer in self._lower:
                    del layer.forward

    @contextmanager
    def _mask(self) -> Iterator[list[torch.Tensor]]:
        """Collect the attention masks of the model's calls."""
        masks: list[torch.Tensor] = []

        def note(module: Any, args: Any, named: dict[str, torch.Tensor]) -> None:
            masks.append(named["attention_mask"])

        handle = self.encoder.model.register_forward_pre_hook(note, with_kwargs=True)
        try:
            yield masks
        finally:
            handle.remove()


class _Stop(Exception):
    """The upper layers need not be computed."""


def _unchanged(hidden: torch.Tensor, *args: Any, **named: Any) -> torch.Tensor:
    return hidden


def layers_of(model: Any) -> list[Any]:
    """Return the layers of an encoder, lowest first; none if it has no list of them."""
    stack = next((part for part in model.modules() if isinstance(part, torch.nn.ModuleList)), None)
    return list(stack) if stack is not None else []
