"""Attention: the time of decoding with the engine's attention, and with that of transformers.

The policy of 30m, whose eight heads share two of keys and values, decodes rows of one problem each in the transformers
engine's cache: as in best-of-n, without sampling. The two attentions take turns.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.speed import random_models
from benchmarks.speed.harness import Bench, Measurement, Scale
from benchmarks.speed.results_file import Record
from benchmarks.speed.table import Row
from tts.models import shared_heads

PROMPT, TOKENS = 60, 256
"""Tokens of the problem, and of each solution."""
TURNS = 2


def measurements(scale: Scale) -> Iterator[Measurement]:
    for n in scale.widths:
        yield Measurement(f"attention/{n}", _measure(n))


def _measure(n: int) -> Any:
    async def run(bench: Bench) -> dict[str, Any]:
        from transformers import AutoModelForCausalLM

        folder, _ = random_models.make(bench.work / "shape-30m")
        load: Any = AutoModelForCausalLM.from_pretrained
        model = load(folder, attn_implementation="sdpa").eval()
        seconds: dict[str, list[float]] = {"sdpa": [], shared_heads.NAME: []}
        shared_heads.use(model)
        for _ in range(TURNS):
            for name, found in seconds.items():
                model.set_attn_implementation(name)
                found.append(decode(model.get_decoder(), n))
        return {"repeated_seconds": min(seconds["sdpa"]), "shared_seconds": min(seconds[shared_heads.NAME])}

    return run


def decode(decoder: Any, n: int) -> float:
    """Return the seconds of decoding ``TOKENS`` tokens for each of n rows behind one prompt."""
    import torch

    from tts.engines.transformers.ragged_batch import Geometry, RaggedCache

    cache, draw = RaggedCache(Geometry.of(decoder), n, PROMPT + TOKENS), np.random.default_rng(0)
    cache.count = n
    with torch.inference_mode():
        cache.forward(decoder, draw.integers(300, 4000, (n, PROMPT)), np.full(n, PROMPT))
        begun = time.perf_counter()
        for _ in range(TOKENS):
            cache.forward(decoder, draw.integers(300, 4000, (n, 1)), np.ones(n, np.int64))
    return time.perf_counter() - begun


def rows(record: Record) -> Iterator[Row]:
    for [n], found in record.of("attention"):
        ratio = found["repeated_seconds"] / found["shared_seconds"]
        yield Row(
            "attention",
            f"decoding on transformers, N={n}, repeated heads over shared ones",
            f"{ratio:.1f} times",
            note=f"{found['repeated_seconds']:.1f} s over {found['shared_seconds']:.1f} s",
        )
