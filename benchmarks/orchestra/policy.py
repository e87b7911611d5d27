"""The orchestrator: a Llama that learns from demonstrations how tools are called."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import LlamaForCausalLM

from benchmarks.lab.grow_model import grow
from benchmarks.lab.loop import Batch, Progress, Schedule, device, fit
from benchmarks.lab.policy import COMPILE, llama, loss_of, pack
from benchmarks.lab.tokenizer import ASSISTANT, EOS
from benchmarks.orchestra import tokenizer
from benchmarks.orchestra.demonstrations import Demonstration, demonstrate
from benchmarks.orchestra.stories import everyday, mixed
from benchmarks.orchestra.tokenizer import CONTEXT
from tts.files import json_text
from tts.models.files import BUILT_IN

CHUNK = 512  # tasks drawn at a time
EVERYDAY = 0.25  # everyday problems a task


@dataclass(frozen=True, slots=True)
class Recipe:
    """The policy's shape and its supervised training.

    `tokens` is the total, prompts included; `rate` the peak learning rate; `batch` tokens per step; `decay` the share
    of the training in which the rate falls to zero. `grown_from` names the built-in policy that it starts from, which
    knows the words of the stories; empty for none.
    """

    width: int = 64
    layers: int = 5
    heads: int = 2
    inner: int = 160
    tokens: int = 8_000_000
    rate: float = 3e-3
    warmup: int = 100_000
    decay: float = 0.3
    batch: int = 3072
    seed: int = 1
    grown_from: str = "lab-200k"


def make(recipe: Recipe) -> LlamaForCausalLM:
    """Create a model of the recipe's shape; the recipe's seed determines its weights."""
    torch.manual_seed(recipe.seed)
    return llama(recipe, len(tokenizer.build()), CONTEXT)


class Encoder:
    """Encoder of conversations as rows of (ids, targets): the targets are what the policy says, and its ends."""

    def __init__(self) -> None:
        built = tokenizer.build()
        self.core = built.backend_tokenizer
        ids = built.get_vocab()
        self.says, self.ends = ids[ASSISTANT], ids[EOS]

    def rows(self, demonstrations: list[Demonstration]) -> list[tuple[list[int], list[int]]]:
        """Encode demonstrations."""
        texts = [each.text for each in demonstrations]
        return [self._row(each.ids) for each in self.core.encode_batch(texts, add_special_tokens=False)]

    def _row(self, ids: list[int]) -> tuple[list[int], list[int]]:
        targets, saying = [], False
        for here, after in itertools.pairwise(ids):
            saying = here == self.says or (saying and here != self.ends)
            targets.append(after if saying else -100)
        return ids[:-1], targets


def batches(recipe: Recipe, first: int) -> Iterator[list[Batch]]:
    """Yield chunks of batches from chunk `first` on; a chunk depends only on the recipe and its number."""
    encoder = Encoder()
    for chunk in itertools.count(first):
        seed = recipe.seed * 1_000_000 + chunk
        draw = random.Random(seed)
        tasks = mixed("train", CHUNK, seed) + everyday(round(EVERYDAY * CHUNK), seed)
        yield pack(encoder.rows(list(demonstrate(iter(tasks), draw))), recipe.batch, draw)


def start(recipe: Recipe) -> LlamaForCausalLM:
    """Create the model that a training starts from: fresh, or grown from a built-in policy.

    A word without a space before it begins as the same word with one, so that a copy into a call is a small step.
    """
    model = make(recipe)
    if recipe.grown_from:
        folder = BUILT_IN / recipe.grown_from
        small = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32)
        fresh = model.model.embed_tokens.weight.detach().clone()
        grow(small, model, recipe.seed)
        words: dict[str, int] = json_text.read(folder / "tokenizer.json")["model"]["vocab"]
        with torch.no_grad():
            rows, known = model.model.embed_tokens.weight, small.model.embed_tokens.weight
            scale = float(known.std() / fresh.std())
            for token, place in tokenizer.build().get_vocab().items():
                rows[place] = fresh[place] * scale
                near = words.get(token, words.get(f" {token}"))
                if near is not None:
                    rows[place, : known.shape[1]] = known[near] + 0.2 * rows[place, : known.shape[1]] * (
                        token not in words
                    )
    return model


def trained(recipe: Recipe, folder: Path) -> LlamaForCausalLM:
    """Load the policy that a training in `folder` produced."""
    return with_weights(make(recipe), folder / "checkpoint" / "model.safetensors")


def with_weights(model: LlamaForCausalLM, file: Path) -> LlamaForCausalLM:
    """Copy the weights of a checkpoint into a model and return it."""
    own = dict(model.named_parameters())
    for name, value in load_file(file).items():
        own[name].data.copy_(value)
    return model


def train(recipe: Recipe, folder: Path, stop_at: int | None = None) -> Progress:
    """Train a policy on demonstrations; resume in `folder`."""
    model = start(recipe).to(device())  # type: ignore[arg-type]
    if COMPILE and recipe.tokens > 200_000:
        model.model.compile(dynamic=True)
    schedule = Schedule(recipe.tokens, recipe.rate, recipe.warmup, recipe.decay)
    return fit(model, loss_of, lambda first: batches(recipe, first), schedule, folder, stop_at=stop_at)
