"""RouterDC's encoder (arXiv 2409.19886): a sentence encoder trained so that its vectors tell which arms are good.

What is trained becomes a sentence-transformers folder, so that any router of a pool can use it as its embedder.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
import torch.nn.functional as F

from tts.errors import BadInput
from tts.files import json_text
from tts.models.files import encoder_folder
from tts.registry import resolve
from tts.routing.clustering import centres, distances
from tts.routing.contrastive import arm_loss, held_out, sample_loss
from tts.routing.embedding import CachedEmbedder, Embedder, load_embedder, normalized
from tts.routing.frozen_layers import Encoder, FrozenLayers, Memory, layers_of
from tts.routing.outcomes import ArmOutcomes
from tts.routing.training import Schedule, Weights, train

RECORD = "training.json"  # in the trained folder: what it was trained on, and how
_ARMS = "arms"
_WEIGHTS = {".safetensors", ".bin", ".h5", ".ot", ".msgpack", ".onnx"}
_OTHER_FORMS = {"onnx", "openvino", ".git", ".gitattributes", ".cache"}
_HELD_OUT_TEXTS = 512  # held-out queries that choose the checkpoint; more would take longer than the training


class Source(Encoder, Embedder, Protocol):
    """An encoder with its files.

    Attributes:
        folder, encoder: the embedder's folder, and the one of its text encoder, which is the same or lies in it.
    """

    folder: Path
    encoder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderTraining:
    """How an encoder is trained, with one vector per arm, which is not kept: a router learns its own.

    Differs from the paper as :class:`tts.routing.contrastive.ContrastiveRouter` does. Dropout is off.

    Attributes:
        layers: how many of the encoder's uppermost layers are trained; 0 trains all of it. Few layers are several
            times faster.
        steps: optimiser steps, and ``batch`` queries in each.
        rate: AdamW's learning rate.
        length: tokens of a query that are read.
        top, bottom: arms that are pulled and pushed (the first loss).
        clusters: of the untrained vectors, for the second loss; ``negatives`` of other clusters a query.
        temperature: divides the cosines.
        seed: of the arms' start, the batches and the held-out queries.
        bfloat16: compute products of matrices in bfloat16, which is twice as fast where the processor has it.
    """

    layers: int = 0
    steps: int = 1000
    batch: int = 64
    rate: float = 5e-5
    length: int = 512
    top: int = 3
    bottom: int = 3
    clusters: int = 8
    negatives: int = 3
    temperature: float = 1.0
    seed: int = 0
    bfloat16: bool = False

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "length", "top", "bottom", "clusters", "negatives"):
            if getattr(self, name) < 1:
                raise BadInput(f"{name} is a whole number, 1 or more, not {getattr(self, name)}.")
        if self.layers < 0:
            raise BadInput(f"layers is a whole number, 0 (all) or more, not {self.layers}.")


def check(source: str, out: Path) -> None:
    """Check that ``out`` can become the trained encoder of ``source``, before anything is loaded.

    Raises:
        BadInput: ``source`` is no encoder on this machine, or ``out`` holds something else.
        MissingWeights: the encoder's files are not on this machine.
    """
    if source == "tfidf" or source.startswith(("http://", "https://")):
        raise BadInput(f"{source} cannot be trained: name a sentence-transformers folder or hub id with --embedder.")
    if out.exists() and not (out / RECORD).is_file():
        raise BadInput(f"{out} holds something else than a trained encoder: name another folder.")
    encoder_folder(source)


def train_encoder(
    source: str, outcomes: ArmOutcomes, out: Path, how: EncoderTraining | None = None, *,
    device: str | None = None, progress: bool = False, memory: Memory | None = None,
) -> Path:  # fmt: skip
    """Train the encoder ``source`` on outcomes and write it to the folder ``out``; the same call resumes.

    Args:
        source: a sentence-transformers folder or hub id.
        outcomes: of at least two arms. A share of the queries chooses the checkpoint and is not trained on.
        out: its state lies next to it, in ``out`` with ``.training``, until it is done. A folder that was trained
            likewise is left as it is.
        device: by default a GPU when there is one.
        memory: of the layers that are not trained, shared by trainings of one source.

    Raises:
        BadInput: ``out`` holds something else, or an encoder that was trained otherwise.
        MissingWeights, ModelError: the encoder cannot be loaded.
    """
    how = how or EncoderTraining()
    check(source, out)
    problems = hashlib.sha256("\n".join(outcomes.hashes()).encode()).hexdigest()
    record = {"source": Path(source).name, "problems": problems, "arms": list(outcomes.arms), **asdict(how)}
    if (out / RECORD).is_file():
        if json_text.read(out / RECORD) != record:
            raise BadInput(f"{out} was trained otherwise: name another folder, or delete it.")
        return out
    embedder: Source = resolve("embedder", "transformers")(source, device)
    state = out.with_name(f"{out.name}.training")
    schedule = Schedule(how.steps, how.batch, how.rate, how.seed, embedder.device, state, progress)
    learned = _train(embedder, outcomes, how, schedule, memory)
    _load(embedder, learned)
    _write(embedder, record, out)
    shutil.rmtree(state, ignore_errors=True)
    return out


def _train(
    embedder: Source, outcomes: ArmOutcomes, how: EncoderTraining, schedule: Schedule, memory: Memory | None
) -> dict[str, np.ndarray]:
    encoder = _Module(embedder.model, FrozenLayers(embedder, how.layers, memory, how.bfloat16))
    texts = np.array(outcomes.texts, dtype=object)
    before = normalized(asyncio.run(CachedEmbedder(embedder, progress=schedule.progress).embed(outcomes.texts)))
    embedder.longest = min(embedder.longest, how.length)
    near = distances(before, centres("kmeans", before, outcomes.groups, how.clusters, how.seed)).argmin(1)
    kinds = torch.tensor(near, device=embedder.device)
    quality = torch.tensor(np.nan_to_num(outcomes.quality), dtype=torch.float32, device=embedder.device)
    held = held_out(outcomes, how.seed)
    judged = np.random.default_rng((how.seed, 2)).permutation(np.flatnonzero(held))[:_HELD_OUT_TEXTS]
    start = {name: p.detach().cpu().numpy() for name, p in _trained(embedder, how.layers).items()}
    arms = np.random.default_rng(how.seed).normal(0.0, before.shape[1] ** -0.5, (len(outcomes.arms), before.shape[1]))

    def loss(weights: Weights, rows: torch.Tensor) -> torch.Tensor:
        own = {f"model.{name}": weight for name, weight in weights.items() if name != _ARMS}
        found = torch.func.functional_call(encoder, own, (texts[rows.cpu().numpy()].tolist(),))
        queries = F.normalize(found, dim=1)
        cosines = queries @ F.normalize(weights[_ARMS], dim=1).T / how.temperature
        return arm_loss(cosines, quality[rows], how.top, how.bottom) + sample_loss(
            queries / how.temperature**0.5, kinds[rows], how.negatives
        )

    def worth(weights: dict[str, np.ndarray]) -> float:
        _load(embedder, weights)
        vectors = normalized(asyncio.run(encoder.layers.embed(texts[judged].tolist())))
        return outcomes.rows(judged).macro((vectors @ normalized(weights[_ARMS]).T).argmax(1))

    return train({**start, _ARMS: arms}, np.flatnonzero(~held), loss, worth, schedule)


class _Module(torch.nn.Module):
    """Encoder whose weights can be replaced for one call; texts go in, vectors come out."""

    def __init__(self, model: Any, layers: FrozenLayers) -> None:
        super().__init__()
        self.model = model
        self.layers = layers

    def forward(self, texts: list[str]) -> torch.Tensor:
        return self.layers.encode(texts)


def _trained(embedder: Encoder, layers: int) -> dict[str, torch.nn.Parameter]:
    """Return the weights that are trained: of the uppermost layers, or all that the vectors depend on."""
    model = embedder.model
    embedder.encode(["a"]).sum().backward()
    every = {name: p for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad(set_to_none=True)
    if not layers:
        return every
    upper = {id(p) for layer in layers_of(model)[-layers:] for p in layer.parameters()}
    return {name: p for name, p in every.items() if id(p) in upper}


@torch.no_grad()
def _load(embedder: Source, weights: dict[str, np.ndarray]) -> None:
    own = dict(embedder.model.named_parameters())
    for name, value in weights.items():
        if name != _ARMS:
            own[name].copy_(torch.from_numpy(value))


def _write(embedder: Source, record: dict[str, Any], out: Path) -> None:
    """Write the folder beside its place, then move it there; forget the vectors of an earlier one."""
    part = out.with_name(f"{out.name}.partial")
    shutil.rmtree(part, ignore_errors=True)
    encoder = embedder.encoder

    def left_out(folder: str, names: list[str]) -> set[str]:
        weights = {name for name in names if Path(folder) == encoder and Path(name).suffix in _WEIGHTS}
        return weights | _OTHER_FORMS.intersection(names)

    shutil.copytree(embedder.folder, part, ignore=left_out)
    embedder.model.save_pretrained(part / encoder.relative_to(embedder.folder))
    (part / RECORD).write_text(json_text.dump(record, indent=1) + "\n", encoding="utf-8")
    part.replace(out)
    shutil.rmtree(CachedEmbedder(load_embedder(str(out))).folder, ignore_errors=True)
