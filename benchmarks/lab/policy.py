"""The three policies: one family of Llama models, trained to write worked solutions."""

from __future__ import annotations

import itertools
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM

from benchmarks.lab import tokenizer
from benchmarks.lab.grow_model import grow
from benchmarks.lab.loop import Batch, Progress, Schedule, device, fit
from benchmarks.word_problems import grammar
from benchmarks.word_problems.generate import LabProblem, stream

CONTEXT = 512
COMPILE = shutil.which("g++") is not None  # about a fifth faster, same results
CHUNK = 1024  # problems drawn at a time, sorted by length into batches


@dataclass(frozen=True, slots=True)
class Recipe:
    """A policy's shape and training.

    `tokens` is the total, `rate` the peak learning rate, `batch` tokens per step, `levels` the weights of levels 1 to
    5, `decay` the share of the training in which the rate falls to zero. `grown_from` names a smaller policy to start
    from: its state after `trunk` tokens, before its rate falls.
    """

    name: str
    width: int
    layers: int
    heads: int
    inner: int
    tokens: int
    rate: float
    seed: int
    batch: int = 4096
    levels: tuple[float, ...] = (1.2, 1.2, 1.1, 1.0, 0.8)
    decay: float = 0.15
    trunk: int = 0
    grown_from: str = ""


RECIPES = {
    "lab-200k": Recipe("lab-200k", 64, 3, 2, 160, 24_000_000, 4e-3, 5, decay=0.1),
    "lab-1m": Recipe("lab-1m", 128, 4, 2, 352, 13_000_000, 3e-3, 2, trunk=9_180_000),
    "lab-4m": Recipe("lab-4m", 256, 5, 4, 704, 2_600_000, 1.5e-3, 3, decay=0.3, grown_from="lab-1m"),
}


def make(recipe: Recipe) -> LlamaForCausalLM:
    """Create a model of the recipe's shape; the recipe's seed determines its weights."""
    torch.manual_seed(recipe.seed)
    size = len(tokenizer.build())
    config = LlamaConfig(
        vocab_size=size,
        hidden_size=recipe.width,
        intermediate_size=recipe.inner,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        num_key_value_heads=recipe.heads,
        head_dim=recipe.width // recipe.heads,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        initializer_range=0.02 if recipe.width > 128 else 0.04,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    return LlamaForCausalLM(config)


class Encoder:
    """Encoder of problems as training rows; sometimes replaces names and nouns by `<unk>`."""

    def __init__(self) -> None:
        tok = tokenizer.build()
        self.core = tok.backend_tokenizer
        ids = tok.get_vocab()
        self.unk, self.step = ids[tokenizer.UNK], ids[tokenizer.STEP]
        nouns = grammar.TOYS + grammar.FOOD + grammar.ANIMALS + grammar.PLANTS + grammar.GOODS
        self.nouns = {ids[f" {w}"] for w in nouns}
        people = grammar.WOMEN + grammar.MEN
        self.names = {ids[f" {w}"]: w for w in people} | {ids[w]: w for w in people}

    def question(self, problems: list[LabProblem], rng: random.Random) -> list[list[int]]:
        """Encode prompts up to and including the assistant's mark, one list of ids per problem."""
        texts = [f"<s><|user|>{p.problem}<|assistant|>" for p in problems]
        return [self.veil(e.ids, rng) for e in self.core.encode_batch(texts, add_special_tokens=False)]

    def solutions(self, texts: list[str]) -> list[list[int]]:
        """Encode solution texts, without an end mark."""
        return [e.ids for e in self.core.encode_batch(texts, add_special_tokens=False)]

    def veil(self, ids: list[int], rng: random.Random) -> list[int]:
        """Replace one name, or the nouns, by `<unk>`: 6 % of problems each."""
        if rng.random() < 0.06 and (there := [self.names[i] for i in ids if i in self.names]):
            name = rng.choice(there)
            ids = [self.unk if self.names.get(i) == name else i for i in ids]
        if rng.random() < 0.06:
            ids = [self.unk if i in self.nouns else i for i in ids]
        return ids


def pack(rows: list[tuple[list[int], list[int]]], size: int, rng: random.Random) -> list[Batch]:
    """Sort rows of (ids, targets) by length, cut them into batches of about `size` tokens, shuffle the batches."""
    rows = sorted(rows, key=lambda row: len(row[0]))
    batches, start = list[Batch](), 0
    while start < len(rows):
        count = max(1, size // len(rows[min(len(rows), start + size // len(rows[start][0]) + 1) - 1][0]))
        part = rows[start : start + count]
        width = max(len(ids) for ids, _ in part)
        ids = torch.tensor([ids + [0] * (width - len(ids)) for ids, _ in part])
        targets = torch.tensor([t + [-100] * (width - len(t)) for _, t in part])
        batches.append(Batch(ids, targets, sum(len(ids) for ids, _ in part)))
        start += count
    rng.shuffle(batches)
    return batches


def batches(recipe: Recipe, first: int) -> Iterator[list[Batch]]:
    """Yield chunks of batches from chunk `first` on; a chunk depends only on the recipe and its number."""
    encoder = Encoder()
    for chunk in itertools.count(first):
        seed = recipe.seed * 1_000_000 + chunk
        rng = random.Random(seed)
        problems = list(itertools.islice(stream(seed, recipe.levels), CHUNK))
        rows = []
        for prompt, answer in zip(
            encoder.question(problems, rng),
            encoder.solutions([p.solution + "</s>" for p in problems]),
            strict=True,
        ):
            ids = prompt + answer
            rows.append((ids[:-1], [-100] * (len(prompt) - 1) + ids[len(prompt) :]))
        yield pack(rows, recipe.batch, rng)


def loss_of(model: torch.nn.Module, batch: Batch) -> torch.Tensor:
    """Compute the cross-entropy of the solution's tokens. Rows are padded on the right, so no mask is needed."""
    assert isinstance(model, LlamaForCausalLM)
    where = next(model.parameters()).device
    targets = batch.targets.to(where)
    hidden = model.model(input_ids=batch.ids.to(where), use_cache=False).last_hidden_state
    wanted = targets != -100
    return functional.cross_entropy(model.lm_head(hidden[wanted]).float(), targets[wanted])


def start(recipe: Recipe, folder: Path) -> LlamaForCausalLM:
    """Create the model that a training starts from: fresh, or grown from another policy's trunk.

    Raises:
        FileNotFoundError: if the policy it grows from was not trained next to `folder`.
    """
    model = make(recipe)
    if recipe.grown_from:
        small = make(RECIPES[recipe.grown_from])
        own = dict(small.named_parameters())
        for name, value in load_file(folder.parent / recipe.grown_from / "trunk" / "model.safetensors").items():
            own[name].data.copy_(value)
        grow(small, model, recipe.seed)
    return model


def trained(recipe: Recipe, folder: Path) -> LlamaForCausalLM:
    """Load the policy that the training in `folder` produced."""
    model = make(recipe)
    own = dict(model.named_parameters())
    for name, value in load_file(folder / "checkpoint" / "model.safetensors").items():
        own[name].data.copy_(value)
    return model


def train(recipe: Recipe, folder: Path, stop_at: int | None = None) -> tuple[LlamaForCausalLM, Progress]:
    """Train a policy; resume in `folder`."""
    model = start(recipe, folder).to(device())  # type: ignore[arg-type]
    if COMPILE and recipe.tokens > 100_000:
        model.model.compile(dynamic=True)
    schedule = Schedule(recipe.tokens, recipe.rate, decay=recipe.decay)
    progress = fit(
        model, loss_of, lambda first: batches(recipe, first), schedule, folder, stop_at=stop_at, trunk=recipe.trunk
    )
    return model, progress
