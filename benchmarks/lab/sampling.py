"""Batched sampling of many solutions from a small Llama, with one preallocated cache; finished rows are dropped."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn import functional
from transformers import LlamaForCausalLM

EOS = 2
Cache = tuple[torch.Tensor, torch.Tensor]


def _rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    half = x.shape[-1] // 2
    return x * cos + torch.cat((-x[..., half:], x[..., :half]), -1) * sin


def _keep(cache: torch.Tensor, index: torch.Tensor, at: int) -> torch.Tensor:
    """Move the rows `index` (ascending) of a cache that is filled up to column `at` to its front."""
    cache[: len(index), :, :at] = cache[index, :, :at]
    return cache[: len(index)]


def _choose(logits: torch.Tensor, temperature: float, generator: torch.Generator) -> torch.Tensor:
    """Draw one token per row by inverting the cumulative distribution with a single random number."""
    if temperature <= 0:
        return logits.argmax(-1)
    sums = (logits / temperature).softmax(-1).cumsum(-1)
    drawn = torch.rand(len(logits), 1, generator=generator, device=logits.device) * sums[:, -1:]
    return torch.searchsorted(sums, drawn, right=True).clamp(max=logits.shape[1] - 1)[:, 0]


class Sampler:
    """Sampler of `model`. Rows of a batch are padded on the left, so all write at the same position of the cache."""

    def __init__(self, model: LlamaForCausalLM) -> None:
        self.model = model.eval()
        self.config = model.config
        self.where = next(model.parameters()).device
        self.heads, self.size = self.config.num_attention_heads, int(self.config.head_dim or 0)

    @torch.inference_mode()
    def sample(
        self,
        prompts: list[list[int]],
        temperature: float,
        seed: int,
        longest: int = 512,
        rows: int = 256,
        done: Callable[[int], object] = lambda n: None,
    ) -> list[list[int]]:
        """Return one continuation (ids, without the end mark) per prompt; temperature 0 is greedy.

        `longest` limits prompt and continuation together; `done` is called with the row count of each batch.
        """
        order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
        generator = torch.Generator(self.where).manual_seed(seed)
        answers: list[list[int]] = [[] for _ in prompts]
        for start in range(0, len(order), rows):
            part = order[start : start + rows]
            for i, ids in zip(
                part, self._batch([prompts[i] for i in part], temperature, generator, longest), strict=True
            ):
                answers[i] = ids
            done(len(part))
        return answers

    def _batch(
        self, prompts: list[list[int]], temperature: float, generator: torch.Generator, longest: int
    ) -> list[list[int]]:
        width = max(map(len, prompts))
        pads = torch.tensor([width - len(p) for p in prompts], device=self.where)
        ids = torch.tensor([[0] * (width - len(p)) + p for p in prompts], device=self.where)
        shape = (len(prompts), self.heads, longest, self.size)
        caches = [
            (torch.zeros(shape, device=self.where), torch.zeros(shape, device=self.where))
            for _ in self.model.model.layers
        ]
        alive: list[int | None] = list(range(len(prompts)))  # prompt of each row, None once it ended
        answers, at = [list[int]() for _ in prompts], 0
        while True:
            logits = self._forward(ids, at, pads, caches)
            at += ids.shape[1]
            chosen = _choose(logits, temperature, generator)
            for row, (place, token) in enumerate(zip(alive, chosen.tolist(), strict=True)):
                if place is not None and token != EOS:
                    answers[place].append(token)
                else:
                    alive[row] = None
            going = [row for row, place in enumerate(alive) if place is not None]
            if not going or at + 1 >= longest:
                return answers
            if len(going) < 0.75 * len(alive):
                # Moving the cache is expensive, so ended rows are dropped in groups.
                index = torch.tensor(going, device=self.where)
                pads, chosen, alive = pads[index], chosen[index], [alive[row] for row in going]
                caches = [(_keep(k, index, at), _keep(v, index, at)) for k, v in caches]
            ids = chosen[:, None]

    def _forward(self, ids: torch.Tensor, at: int, pads: torch.Tensor, caches: list[Cache]) -> torch.Tensor:
        """Compute the logits [rows, vocabulary] of the last column of `ids` [rows, new], which starts at `at`."""
        core, (rows, new) = self.model.model, ids.shape
        columns = torch.arange(at, at + new, device=self.where)
        cos, sin = core.rotary_emb(core.embed_tokens.weight, (columns[None] - pads[:, None]).clamp(min=0))
        seen = torch.arange(at + new, device=self.where)
        mask = (seen[None, None] >= pads[:, None, None]) & (seen[None, None] <= columns[None, :, None])
        # A padding column attends to itself, so that no softmax row is empty.
        mask = (mask | (seen[None, None] == columns[None, :, None]))[:, None]
        x = core.embed_tokens(ids)
        for layer, (keys, values) in zip(core.layers, caches, strict=True):
            h, attention = layer.input_layernorm(x), layer.self_attn
            q, k, v = (
                p(h).view(rows, new, self.heads, self.size).transpose(1, 2)
                for p in (attention.q_proj, attention.k_proj, attention.v_proj)
            )
            q, k = _rotate(q, cos[:, None], sin[:, None]), _rotate(k, cos[:, None], sin[:, None])
            keys[:, :, at : at + new], values[:, :, at : at + new] = k, v
            out = functional.scaled_dot_product_attention(q, keys[:, :, : at + new], values[:, :, : at + new], mask)
            x = x + attention.o_proj(out.transpose(1, 2).reshape(rows, new, -1))
            x = x + layer.mlp(layer.post_attention_layernorm(x))
        logits: torch.Tensor = self.model.lm_head(core.norm(x[:, -1]))
        return logits
