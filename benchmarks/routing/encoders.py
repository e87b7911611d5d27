"""RouterDC whole: encoders trained on its split with several seeds, and routers on their vectors."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.routing import quality
from benchmarks.routing.recorded import Split
from tts.registry import resolve
from tts.routing.embedding import CachedEmbedder
from tts.routing.encoder_training import EncoderTraining, train_encoder
from tts.routing.frozen_layers import FrozenLayers, Memory

HOW = EncoderTraining(layers=2, steps=200, batch=32, length=256, bfloat16=True)
"""The layers below are the same for all seeds, so they are computed once for all."""


def measure(split: Split, source: str, folder: Path, seeds: int) -> list[quality.Row]:
    """Train the missing encoders below ``folder``, embed all queries with each, fit and evaluate the routers."""
    assert split.other is not None
    texts = [table.texts for table in (split.train, split.test, split.other)]
    memory = Memory()
    vectors = [_vectors(split, source, folder / f"encoder-{seed}", seed, texts, memory) for seed in range(seeds)]
    return quality.trained(split, vectors)


def _vectors(
    split: Split, source: str, out: Path, seed: int, texts: Sequence[Sequence[str]], memory: Memory
) -> list[np.ndarray]:
    """Train one encoder, and embed the texts of each table."""
    trained = train_encoder(source, split.train, out, replace(HOW, seed=seed), progress=True, memory=memory)
    encoder = resolve("embedder", "transformers")(str(trained))
    embedder = CachedEmbedder(FrozenLayers(encoder, HOW.layers, memory, HOW.bfloat16), progress=True)
    return [asyncio.run(embedder.embed(table)) for table in texts]
