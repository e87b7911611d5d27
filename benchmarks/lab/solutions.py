"""Sampling of labelled solutions from the policies, to train and evaluate the reward model."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm
from transformers import LlamaForCausalLM

from benchmarks.lab import tokenizer
from benchmarks.lab.sampling import Sampler
from benchmarks.word_problems.generate import LabProblem, check_steps
from benchmarks.word_problems.mix import stream
from tts.files import jsonl

CHUNK = 256  # problems sampled at a time; a chunk is one file


@dataclass(frozen=True, slots=True)
class Solution:
    """A sampled solution: its problem's text, its paragraphs, and for each whether all is right up to there."""

    problem: str
    steps: tuple[str, ...]
    labels: tuple[bool, ...]

    @property
    def correct(self) -> bool:
        """Return whether it is finished and right to the end."""
        return all(self.labels) and self.steps[-1].startswith("The answer is")

    @property
    def answer(self) -> str:
        """Return the boxed answer, or "" if there is none."""
        return self.steps[-1].partition("\\boxed{")[2].partition("}")[0]


@dataclass(frozen=True, slots=True)
class Sampling:
    """A sampling plan: `count` problems of one policy, `each` solutions of each, at a temperature.

    `everyday` is the share of everyday problems, `levels` the weights of the levels of the others. `trunk` takes the
    policy as it was before its rate fell.
    """

    policy: str
    count: int
    each: int
    temperature: float
    seed: int
    levels: tuple[float, ...] = (0.8, 1.0, 1.2, 1.3, 1.3)
    split: str = "train"
    everyday: float = 0.0
    trunk: bool = False


def sample(
    model: LlamaForCausalLM, problems: list[LabProblem], each: int, temperature: float, seed: int
) -> list[Solution]:
    """Sample `each` labelled solutions of every problem, problem by problem."""
    tok = tokenizer.build()
    texts = [f"<s><|user|>{p.problem}<|assistant|>" for p in problems for _ in range(each)]
    prompts = tok(texts, add_special_tokens=False)["input_ids"]
    outs = Sampler(model).sample(prompts, temperature, seed)
    rows = []
    for i, out in enumerate(outs):
        problem, text = problems[i // each], str(tok.decode(out))
        rows.append(Solution(problem.problem, tuple(text.split("\n\n")), tuple(check_steps(problem, text))))
    return rows


def gather(model: LlamaForCausalLM, plan: Sampling, folder: Path) -> None:
    """Sample a plan into `folder`, one file per chunk; existing chunks are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    problems = stream(plan.seed, plan.levels, plan.split, plan.everyday)
    for chunk in tqdm(range(-(-plan.count // CHUNK)), desc=f"sample {plan.policy}"):
        part = list(itertools.islice(problems, min(CHUNK, plan.count - chunk * CHUNK)))
        path = folder / f"{chunk:04d}.jsonl"
        if path.exists():
            continue
        rows = sample(model, part, plan.each, plan.temperature, plan.seed * 1000 + chunk)
        lines = [json.dumps({"problem": s.problem, "steps": s.steps, "labels": s.labels}) for s in rows]
        new = path.with_suffix(".new")
        new.write_text("\n".join(lines) + "\n", encoding="utf-8")
        new.replace(path)


def read(folder: Path) -> Iterator[Solution]:
    """Yield the solutions that `gather` wrote, in order."""
    for path in sorted(folder.glob("*.jsonl")):
        for _, row in jsonl.rows(path):
            yield Solution(row["problem"], tuple(row["steps"]), tuple(row["labels"]))


def shuffled(folders: list[Path], seed: int) -> list[Solution]:
    """Return all solutions of several folders, shuffled by the seed."""
    rows = [s for folder in folders for s in read(folder)]
    random.Random(seed).shuffle(rows)
    return rows
