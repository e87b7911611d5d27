"""Specialists: small policies, each trained on some kinds of the word problems; their pool is measured in ROUTING.md.

Each goes on from the built-in `lab-200k`, a policy of all kinds. The rate falls from the start, so that little of it is
forgotten. One stream of problems is drawn, and every problem goes to the specialist of its kind. The kind is read from
the text, because a problem does not name its story. Only training and the figures of the cards use it: a router never
sees it.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from transformers import LlamaForCausalLM

from benchmarks.lab import card, export, metrics, policy
from benchmarks.lab.loop import Batch, Progress, Schedule, device, fit
from benchmarks.lab.policy import Recipe
from benchmarks.lab.solutions import sample
from benchmarks.word_problems import grammar
from benchmarks.word_problems.generate import LabProblem, load, stream
from tts.files import json_text, jsonl
from tts.files.text import write_atomically
from tts.models.files import BUILT_IN

START = "lab-200k"
SEED = 31  # of the stream of problems
CHUNK = 4096  # problems drawn at a time; a chunk is one file
LEVELS = (1.2, 1.2, 1.1, 1.0, 0.8)
WARMUP = 100_000
SAMPLES = 10  # solutions of each validation problem for the figures of a card


def _words(words: list[str]) -> str:
    return rf"\b(?:{'|'.join(words)})\b"


_KINDS = (
    ("ages", r"years old"),
    ("tank", r"\bliters\b"),
    ("reading", r"\bpages\b"),
    ("travel", r"\bmiles\b"),
    ("points", r"\bpoints\b"),
    ("bus", r"\b(?:bus|train)\b"),
    ("money", r"\bdollars?\b|\$\d"),
    ("comparison", r"(?:than|as many(?: \w+)? as|as many) [A-Z]\w+\.(?!.*\b(?:do|did) they\b)"),
    ("place", r"^(?:At first )?(?i:{})\b".format("|".join(grammar.PLACES))),
    ("farm", _words(grammar.ANIMALS)),
    ("garden", _words(grammar.PLANTS)),
    ("baking", _words(grammar.FOOD)),
    ("toys", ""),
)
"""What tells a kind of problem: the first pattern that is found."""


def kind_of(text: str) -> str:
    """Return the kind of a word problem, by its words."""
    return next(kind for kind, pattern in _KINDS if re.search(pattern, text))


@dataclass(frozen=True, slots=True)
class Specialist:
    """A policy's recipe, and the kinds of problems that it is trained on."""

    recipe: Recipe
    kinds: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.recipe.name


def _specialist(name: str, seed: int, tokens: int, *kinds: str) -> Specialist:
    recipe = Recipe(name, 64, 3, 2, 160, tokens, 2e-3, seed, levels=LEVELS, decay=1.0, after=START)
    return Specialist(recipe, kinds)


SPECIALISTS = (
    _specialist("lab-toys", 41, 2_600_000, "toys", "place"),
    _specialist("lab-farm", 42, 3_100_000, "farm", "garden", "baking"),
    _specialist("lab-money", 43, 1_600_000, "money"),
    _specialist("lab-counts", 44, 2_600_000, "points", "bus", "tank"),
    _specialist("lab-trips", 45, 2_100_000, "travel", "reading", "ages", "comparison"),
)
"""Of lab-200k's shape. Tokens are about each one's share of 12 million, so that little of the stream is left."""


def problems(folder: Path, chunk: int) -> list[tuple[str, str]]:
    """Return the problems and solutions of a chunk, which depend on its number alone; drawn once into ``folder``."""
    file = folder / f"{chunk:04d}.jsonl"
    if not file.exists():
        drawn = itertools.islice(stream(SEED * 1_000_000 + chunk, LEVELS), CHUNK)
        lines = [json.dumps({"problem": p.problem, "solution": p.solution}) for p in drawn]
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(file, "\n".join(lines) + "\n")
    return [(row["problem"], row["solution"]) for _, row in jsonl.rows(file)]


def batches(specialist: Specialist, folder: Path, first: int) -> Iterator[list[Batch]]:
    """Yield chunks of batches of a specialist's kinds from chunk ``first`` on."""
    encoder = policy.Encoder()
    for chunk in itertools.count(first):
        rng = random.Random(specialist.recipe.seed * 1_000_000 + chunk)
        mine = [p for p in problems(folder, chunk) if kind_of(p[0]) in specialist.kinds]
        prompts = encoder.question([_asked(text) for text, _ in mine], rng)
        answers = encoder.solutions([f"{text}</s>" for _, text in mine])
        rows = []
        for prompt, answer in zip(prompts, answers, strict=True):
            ids = prompt + answer
            rows.append((ids[:-1], [-100] * (len(prompt) - 1) + ids[len(prompt) :]))
        yield policy.pack(rows, specialist.recipe.batch, rng)


def _asked(text: str) -> LabProblem:
    return LabProblem("", text, "", 1, 0, "", (), "train")


def begun(recipe: Recipe, start: Path = BUILT_IN / START) -> LlamaForCausalLM:
    """Create the model that a specialist starts from: the policy in the folder ``start``, of the same shape."""
    model = policy.make(recipe)
    own = dict(model.named_parameters())
    for name, value in load_file(start / "model.safetensors").items():
        own[name].data.copy_(value)
    return model


def train(specialist: Specialist, work: Path, start: Path = BUILT_IN / START, stop_at: int | None = None) -> Progress:
    """Train a specialist, from the policy in ``start``; resume in its folder of ``work``."""
    recipe = specialist.recipe
    model = begun(recipe, start).to(device())  # type: ignore[arg-type]
    if policy.COMPILE and recipe.tokens > 100_000:
        model.model.compile(dynamic=True)
    schedule = Schedule(recipe.tokens, recipe.rate, warmup=WARMUP, decay=recipe.decay)
    drawn = partial(batches, specialist, work / "kinds")
    return fit(model, policy.loss_of, drawn, schedule, work / recipe.name, stop_at=stop_at)


def figures(specialist: Specialist, work: Path, each: int = 100, samples: int = SAMPLES) -> dict[str, Any]:
    """Measure on the first ``each`` problems of each level of lab-validation: its kinds, and the others."""
    model = policy.trained(specialist.recipe, work / specialist.name)
    problems = [p for i, p in enumerate(load("lab-validation")) if i % 100 < each]
    mine = [p for p in problems if kind_of(p.problem) in specialist.kinds]
    others = [p for p in problems if kind_of(p.problem) not in specialist.kinds]
    drawn = sample(model, mine, samples, 1.0, 7)
    groups = [drawn[k : k + samples] for k in range(0, len(drawn), samples)]
    return {
        "its kinds, greedy": _greedy(model, mine),
        "its kinds, at temperature 1.0": metrics.sampled(groups, [p.answer for p in mine]),
        "other kinds, greedy": _greedy(model, others),
    }


def _greedy(model: LlamaForCausalLM, problems: list[LabProblem]) -> dict[str, float]:
    found = sample(model, problems, 1, 0.0, 0)
    return metrics.share([float(s.answer == p.answer) for s, p in zip(found, problems, strict=True)])


def data_hash(specialist: Specialist, folder: Path) -> str:
    """Return the sha256 of the specialist's problems in the first chunk; equal data have equal hashes."""
    texts = [text for pair in problems(folder, 0) if kind_of(pair[0]) in specialist.kinds for text in pair]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def write(specialist: Specialist, progress: Progress, found: dict[str, Any], work: Path, models: Path) -> None:
    """Write the model's files and its card."""
    recipe, folder = specialist.recipe, models / specialist.name
    model = policy.trained(recipe, work / recipe.name)
    export.save_policy(model, folder)
    record = export.record(recipe, progress, sum(p.numel() for p in model.parameters()), found)
    record |= {"data_sha256": data_hash(specialist, work / "kinds"), "kinds": list(specialist.kinds), "after": START}
    card.write(folder, record)


def everything(work: Path, models: Path, specialists: Sequence[Specialist] = SPECIALISTS) -> None:
    """Train the specialists in order, measure them, write their files; each is skipped where it is done."""
    for specialist in specialists:
        progress = train(specialist, work)
        kept = work / "figures" / f"{specialist.name}.json"
        if not kept.exists():
            kept.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(kept, json.dumps(figures(specialist, work), indent=2))
        write(specialist, progress, json_text.read(kept), work, models)
