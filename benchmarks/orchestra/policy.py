"""The orchestrator: a Llama that learns from demonstrations how tools are called."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch.nn import functional
from transformers import LlamaForCausalLM

from benchmarks.lab.grow_model import grow
from benchmarks.lab.loop import Batch, Progress, Schedule, device, fit
from benchmarks.lab.policy import COMPILE, llama, pack
from benchmarks.lab.tokenizer import ASSISTANT, EOS
from benchmarks.orchestra import tokenizer
from benchmarks.orchestra.demonstrations import Demonstration, demonstrate
from benchmarks.orchestra.stories import everyday, mixed
from benchmarks.orchestra.tokenizer import CONTEXT
from benchmarks.orchestra.tools import votes
from tts.files import json_text
from tts.models.files import BUILT_IN

CHUNK = 512  # tasks drawn at a time
MARK = 1 << 20  # more than there are tokens
EVERYDAY = 0.25  # everyday problems a task


@dataclass(frozen=True, slots=True)
class Recipe:
    """The policy's shape and its supervised training, with Muon and products of matrices in bfloat16.

    `tokens` is the total, prompts included; `rate` the peak learning rate; `batch` tokens per step; `decay` the share
    of the training in which the rate falls to zero. `grown_from` names the built-in policy that it starts from, which
    knows the words of the stories; empty for none. `emphasis` is the weight of the decisions once more: which tool to
    call, whether to call another, and the answer.
    """

    width: int = 128
    layers: int = 4
    heads: int = 2
    inner: int = 352
    tokens: int = 14_000_000
    rate: float = 2e-3
    warmup: int = 100_000
    decay: float = 0.6
    batch: int = 4096
    seed: int = 1
    grown_from: str = "lab-1m"
    emphasis: float = 0.5


def make(recipe: Recipe) -> LlamaForCausalLM:
    """Create a model of the recipe's shape; the recipe's seed determines its weights."""
    torch.manual_seed(recipe.seed)
    return llama(recipe, len(tokenizer.build()), CONTEXT)


def loss_of(model: torch.nn.Module, batch: Batch, emphasis: float) -> torch.Tensor:
    """Compute the cross-entropy of all targets, plus that of the marked ones alone times `emphasis`."""
    assert isinstance(model, LlamaForCausalLM)
    where = next(model.parameters()).device
    targets = batch.targets.to(where)
    with torch.autocast(where.type, torch.bfloat16):
        hidden = model.model(input_ids=batch.ids.to(where), use_cache=False).last_hidden_state
        wanted = targets != -100
        found = targets[wanted]
        logits = model.lm_head(hidden[wanted]).float()
    losses = functional.cross_entropy(logits, found % MARK, reduction="none")
    return losses.mean() + emphasis * losses[found >= MARK].mean()


class Encoder:
    """Encoder of conversations as rows of (ids, targets): the targets are what the policy says, and its ends."""

    def __init__(self) -> None:
        built = tokenizer.build()
        self.core = built.backend_tokenizer
        ids = built.get_vocab()
        self.says, self.ends = ids[ASSISTANT], ids[EOS]
        self.calls = ids['<tool_call>\n{"name": "']
        self.called = {ids['"}}\n</tool_call>'], ids["}}\n</tool_call>"]}

    def rows(self, demonstrations: list[Demonstration]) -> list[tuple[list[int], list[int]]]:
        """Encode demonstrations. Decisions are marked: `MARK` is added to their targets."""
        texts = [each.text for each in demonstrations]
        encoded = self.core.encode_batch(texts, add_special_tokens=False)
        rows = [self._row(e.ids, [t.learned for t in d.turns]) for e, d in zip(encoded, demonstrations, strict=True)]
        return [(ids, self._decisions(ids, targets)) for ids, targets in rows]

    def _decisions(self, ids: list[int], targets: list[int]) -> list[int]:
        """Mark the targets at the start of a turn, after a call, and in an answer."""
        marked, answers = list(targets), False
        for place, here in enumerate(ids):
            if here == self.says:
                answers = targets[place] != self.calls
            first = here == self.says or (place > 0 and ids[place - 1] == self.says)
            if targets[place] >= 0 and (answers or first or here in self.called):
                marked[place] += MARK
        return marked

    def _row(self, ids: list[int], learned: list[bool]) -> tuple[list[int], list[int]]:
        targets, saying, turns = [], False, iter(learned)
        for here, after in itertools.pairwise(ids):
            saying = next(turns) if here == self.says else saying and here != self.ends
            targets.append(after if saying else -100)
        return ids[:-1], targets


def batches(recipe: Recipe, first: int) -> Iterator[list[Batch]]:
    """Yield chunks of batches from chunk `first` on; a chunk depends only on the recipe and its number."""
    encoder, seen = Encoder(), votes()
    for chunk in itertools.count(first):
        seed = recipe.seed * 1_000_000 + chunk
        draw = random.Random(seed)
        tasks = mixed("train", CHUNK, seed) + everyday(round(EVERYDAY * CHUNK), seed)
        yield pack(encoder.rows(list(demonstrate(iter(tasks), draw, seen))), recipe.batch, draw)


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


def train(recipe: Recipe, folder: Path) -> Progress:
    """Train a policy on demonstrations; resume in `folder`."""
    model = start(recipe).to(device())  # type: ignore[arg-type]
    if COMPILE and recipe.tokens > 200_000:
        model.model.compile(dynamic=True)
    schedule = Schedule(recipe.tokens, recipe.rate, recipe.warmup, recipe.decay)
    loss = partial(loss_of, emphasis=recipe.emphasis)
    return fit(model, loss, lambda chunk: batches(recipe, chunk), schedule, folder, muon=True)
