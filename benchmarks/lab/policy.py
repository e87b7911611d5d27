"""The policies: one family of Llama models, trained to write worked solutions.

The two smaller ones learn the stories first (`lab-200k-stories`, `lab-1m-stories`), then stories and everyday problems
together, with the vocabulary of both. lab-4m grows from the unfinished lab-1m, lab-2m from the finished one; lab-2m is
trained longest and is the default policy.
"""

from __future__ import annotations

import itertools
import random
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

import torch
from safetensors.torch import load_file
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM

from benchmarks.lab import tokenizer
from benchmarks.lab.grow_model import grow
from benchmarks.lab.loop import Batch, Progress, Schedule, device, fit
from benchmarks.word_problems import grammar
from benchmarks.word_problems.everyday import words as everyday
from benchmarks.word_problems.everyday.rephrase import rephrase
from benchmarks.word_problems.generate import LabProblem
from benchmarks.word_problems.mix import stream
from benchmarks.word_problems.vocabulary import story_vocabulary

CONTEXT = 512
COMPILE = shutil.which("g++") is not None  # about a fifth faster, same results
CHUNK = 1024  # problems drawn at a time, sorted by length into batches


@dataclass(frozen=True, slots=True)
class Recipe:
    """A policy's shape and training.

    `tokens` is the total, `rate` the peak learning rate, `batch` tokens per step, `levels` the weights of levels 1 to
    5 of the stories, `everyday` the share of everyday problems. `decay` is the share of the training in which the rate
    falls to zero. `after` names a finished policy to go on from, which grows if it is smaller; `grown_from` a smaller
    one in its state after `trunk` tokens, before its rate falls. A policy from scratch without everyday problems has
    the vocabulary of the stories. `muon` trains with Muon, and in bfloat16 where that is exact enough (autocast).
    `rephrased` is the share of everyday problems in looser wordings.
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
    everyday: float = 0.0
    after: str = ""
    muon: bool = False
    rephrased: float = 0.0


FIRST = {
    "lab-200k-stories": Recipe("lab-200k-stories", 64, 3, 2, 160, 24_000_000, 4e-3, 5, decay=0.1),
    "lab-1m-stories": Recipe("lab-1m-stories", 128, 4, 2, 352, 13_000_000, 3e-3, 2),
}
RECIPES = {
    "lab-200k": replace(
        FIRST["lab-200k-stories"], name="lab-200k", tokens=9_000_000, rate=3e-3, seed=15, decay=0.4, everyday=0.7,
        after="lab-200k-stories",
    ),
    "lab-1m": replace(
        FIRST["lab-1m-stories"], name="lab-1m", tokens=9_000_000, rate=2.5e-3, seed=12, decay=0.35, trunk=5_850_000,
        everyday=0.7, after="lab-1m-stories",
    ),
    "lab-4m": Recipe("lab-4m", 256, 5, 4, 704, 1_600_000, 1.5e-3, 3, decay=0.35, grown_from="lab-1m", everyday=0.6),
    "lab-2m": Recipe(
        "lab-2m", 192, 4, 3, 512, 11_000_000, 2e-3, 22, decay=1.0, everyday=0.7, after="lab-1m", muon=True,
        rephrased=0.5,
    ),
}  # fmt: skip


def make(recipe: Recipe) -> LlamaForCausalLM:
    """Create a model of the recipe's shape; the recipe's seed determines its weights."""
    torch.manual_seed(recipe.seed)
    size = (
        len(tokenizer.build()) if recipe.everyday or recipe.after else len(tokenizer.SPECIAL) + len(story_vocabulary())
    )
    return llama(recipe, size, CONTEXT)


class Shape(Protocol):
    """The sizes of a Llama: width of its states, layers, attention heads, and inner width of the layers."""

    @property
    def width(self) -> int: ...

    @property
    def layers(self) -> int: ...

    @property
    def heads(self) -> int: ...

    @property
    def inner(self) -> int: ...


def llama(shape: Shape, vocabulary: int, context: int) -> LlamaForCausalLM:
    """Create a Llama with random weights, for so many tokens and a context of so many tokens."""
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=shape.width,
        intermediate_size=shape.inner,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.heads,
        head_dim=shape.width // shape.heads,
        max_position_embeddings=context,
        tie_word_embeddings=True,
        initializer_range=0.02 if shape.width > 128 else 0.04,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    return LlamaForCausalLM(config)


class Encoder:
    """Encoder of problems as training rows; sometimes replaces names and nouns by `<unk>`.

    `wide` counts the names and nouns of everyday problems in, and hides more: one in eight.
    """

    def __init__(self, wide: bool = False) -> None:
        tok = tokenizer.build()
        self.core = tok.backend_tokenizer
        ids = tok.get_vocab()
        self.unk, self.step = ids[tokenizer.UNK], ids[tokenizer.STEP]
        nouns = grammar.TOYS + grammar.FOOD + grammar.ANIMALS + grammar.PLANTS + grammar.GOODS
        people = grammar.WOMEN + grammar.MEN
        if wide:
            things = everyday.BOXES + tuple(noun for listed in everyday.NOUNS.values() for noun in listed)
            nouns = [*nouns, *things, *map(everyday.plural, things)]
            people = [*everyday.WOMEN, *everyday.MEN]
        self.share, self.wide = 0.12 if wide else 0.06, wide
        self.nouns = {ids[f" {w}"] for w in nouns}
        self.names = {ids[f" {w}"]: w for w in people} | {ids[w]: w for w in people}

    def question(self, problems: list[LabProblem], rng: random.Random) -> list[list[int]]:
        """Encode prompts up to and including the assistant's mark, one list of ids per problem."""
        texts = [f"<s><|user|>{p.problem}<|assistant|>" for p in problems]
        return [self.veil(e.ids, rng) for e in self.core.encode_batch(texts, add_special_tokens=False)]

    def solutions(self, texts: list[str]) -> list[list[int]]:
        """Encode solution texts, without an end mark."""
        return [e.ids for e in self.core.encode_batch(texts, add_special_tokens=False)]

    def veil(self, ids: list[int], rng: random.Random) -> list[int]:
        """Replace one name, or the nouns, or one of them, by `<unk>`: in a share of the problems each."""
        if rng.random() < self.share and (there := [self.names[i] for i in ids if i in self.names]):
            name = rng.choice(there)
            ids = [self.unk if self.names.get(i) == name else i for i in ids]
        if rng.random() < self.share:
            hidden = self.nouns
            if self.wide and rng.random() < 0.5 and (nouns := [i for i in ids if i in self.nouns]):
                hidden = {rng.choice(nouns)}
            ids = [self.unk if i in hidden else i for i in ids]
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


def loosened(problem: LabProblem, share: float, rng: random.Random) -> LabProblem:
    """Return an everyday problem in a looser wording, with the probability ``share``; stories as they are."""
    if problem.id.startswith("lab-") or rng.random() >= share:
        return problem
    return replace(problem, problem=rephrase(rng, problem.problem))


def batches(recipe: Recipe, first: int) -> Iterator[list[Batch]]:
    """Yield chunks of batches from chunk `first` on; a chunk depends only on the recipe and its number."""
    encoder = Encoder(wide=recipe.everyday > 0)
    for chunk in itertools.count(first):
        seed = recipe.seed * 1_000_000 + chunk
        rng = random.Random(seed)
        problems = list(itertools.islice(stream(seed, recipe.levels, everyday=recipe.everyday), CHUNK))
        if recipe.rephrased:
            problems = [loosened(problem, recipe.rephrased, rng) for problem in problems]
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


def half_loss_of(model: torch.nn.Module, batch: Batch) -> torch.Tensor:
    """Compute the same with products of matrices in bfloat16, which is half as long again as fast on such a CPU."""
    with torch.autocast(next(model.parameters()).device.type, torch.bfloat16):
        return loss_of(model, batch)


def start(
    recipe: Recipe, folder: Path, recipes: Mapping[str, Recipe] = MappingProxyType(FIRST | RECIPES)
) -> LlamaForCausalLM:
    """Create the model that a training starts from: fresh, another policy with more words, or a smaller one, grown.

    `recipes` are those of the policies that it may start from, by name; others have its own shape.

    Raises:
        FileNotFoundError: if the policy it starts from was not trained next to `folder`.
    """
    model = make(recipe)
    if recipe.after:
        before = recipes.get(recipe.after, recipe)
        weights = load_file(folder.parent / recipe.after / "checkpoint" / "model.safetensors")
        if before.width < recipe.width:
            _grown(before, weights, model, recipe.seed)
        else:
            own = dict(model.named_parameters())
            for name, value in weights.items():
                own[name].data[: value.shape[0]].copy_(value)
    if recipe.grown_from:
        weights = load_file(folder.parent / recipe.grown_from / "trunk" / "model.safetensors")
        _grown(recipes[recipe.grown_from], weights, model, recipe.seed)
    return model


def _grown(before: Recipe, weights: Mapping[str, torch.Tensor], model: LlamaForCausalLM, seed: int) -> None:
    """Overwrite the weights of ``model`` by those of a smaller one, grown to its size."""
    small = make(before)
    own = dict(small.named_parameters())
    for name, value in weights.items():
        own[name].data.copy_(value)
    grow(small, model, seed)


def trained(recipe: Recipe, folder: Path, trunk: bool = False) -> LlamaForCausalLM:
    """Load the policy that the training in `folder` produced, or its trunk."""
    model = make(recipe)
    own = dict(model.named_parameters())
    for name, value in load_file(folder / ("trunk" if trunk else "checkpoint") / "model.safetensors").items():
        own[name].data.copy_(value)
    return model


def train(recipe: Recipe, folder: Path, stop_at: int | None = None) -> tuple[LlamaForCausalLM, Progress]:
    """Train a policy; resume in `folder`."""
    model = start(recipe, folder).to(device())  # type: ignore[arg-type]
    if COMPILE and recipe.tokens > 100_000:
        model.model.compile(dynamic=True)
    schedule = Schedule(recipe.tokens, recipe.rate, decay=recipe.decay)
    progress = fit(
        model,
        half_loss_of if recipe.muon else loss_of,
        lambda first: batches(recipe, first),
        schedule,
        folder,
        stop_at=stop_at,
        trunk=recipe.trunk,
        muon=recipe.muon,
    )
    return model, progress
