"""Training of the process reward model: Qwen2.5-Math-PRM's architecture at a tiny size.

Question and steps form a chat whose assistant turn is every step's text followed by `<extra_0>`. A step's score is the
softmax over the two labels at its `<extra_0>`, index 1 (arXiv 2501.07301). The lowest layers hold a policy, which
knows the arithmetic; the layers above learn to judge with it (see `prm_model.py`).
"""

from __future__ import annotations

import copy
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional
from transformers import LlamaForCausalLM

from benchmarks.lab import prm_model
from benchmarks.lab.corruption import corrupt
from benchmarks.lab.loop import Batch, Progress, Schedule, device, fit
from benchmarks.lab.policy import COMPILE, CONTEXT, FIRST, RECIPES, Encoder, pack
from benchmarks.lab.prm_model import ASSISTANT_ID, STEP_ID, RewardModel
from benchmarks.lab.solutions import Sampling, Solution, shuffled
from benchmarks.word_problems.mix import stream


@dataclass(frozen=True, slots=True)
class PRMRecipe:
    """Training of the reward model: the policy inside it, its data, its length, and its shape."""

    name: str
    start: str
    samplings: tuple[Sampling, ...]
    tokens: int
    rate: float
    seed: int
    width: int = 128
    layers: int = 6
    batch: int = 4096
    decay: float = 0.3
    planted: int = 448  # of 1024 solutions per chunk, number of worked solutions with planted errors
    everyday: float = 0.6  # share of everyday problems among these


# The policy inside the reward model: lab-200k's shape, trained longer and from another seed, since a reward model does
# not see the errors that its own body makes. It serves as a body only.
BODY_FIRST = replace(FIRST["lab-200k-stories"], name="prm-body-stories", seed=1, tokens=17_200_000, decay=0.0775)
BODY = replace(RECIPES["lab-200k"], name="prm-body", seed=11, tokens=6_000_000, after="prm-body-stories")
# Policies whose solutions it learns from make more and plainer errors than finished ones, with which it did not learn
# to compare within as many tokens (step AUC 0.88 instead of 0.98): a small one stopped early, and lab-1m before its
# rate falls.
TEACHERS = {
    "lab-200k-early": replace(FIRST["lab-200k-stories"], name="lab-200k-early", seed=1, tokens=8_000_000, everyday=0.6)
}
PRM = PRMRecipe(
    "lab-prm",
    "prm-body",
    (
        Sampling("lab-200k-early", 5120, 2, 0.9, 902, everyday=0.5),
        Sampling("lab-1m", 7168, 2, 1.0, 901, everyday=0.5, trunk=True),
    ),
    6_000_000,
    2e-3,
    4,
)
# Evaluation data: problems of the validation split, which no training uses.
JUDGED = Sampling("lab-1m", 512, 2, 1.0, 911, (1, 1, 1, 1, 1), "validation")


def _divergence(step: list[int], wanted: list[int]) -> int:
    """Return the position of the first token that differs from the wanted ones; the length if none does."""
    return next((i for i, (a, b) in enumerate(zip(step, wanted, strict=False)) if a != b), min(len(step), len(wanted)))


def rows(
    solutions: list[Solution], references: list[str], encoder: Encoder, rng: random.Random
) -> list[tuple[list[int], list[int]]]:
    """Return ids and targets: the step's label (0 or 1) at its `<extra_0>`, and the same at the tokens before it.

    Tokens of the first wrong step count as right up to the first one that differs from the reference, then as wrong.
    Later tokens and the question have no target.
    """
    texts = [f"<s><|user|>{s.problem}<|assistant|>" for s in solutions]
    prompts = [encoder.veil(e.ids, rng) for e in encoder.core.encode_batch(texts, add_special_tokens=False)]
    out = []
    for prompt, solution, reference in zip(prompts, solutions, references, strict=True):
        ids, targets, paragraphs, clean = list(prompt), [-100] * len(prompt), reference.split("\n\n"), True
        for i, (step, label) in enumerate(zip(encoder.solutions(list(solution.steps)), solution.labels, strict=True)):
            tokens = [1] * len(step) if label else [-100] * len(step)
            if not label and clean and solution.steps[:i] == tuple(paragraphs[:i]) and i < len(paragraphs):
                at = _divergence(step, encoder.solutions([paragraphs[i]])[0])
                tokens = [1] * at + [0] * (len(step) - at)
            clean = clean and label
            ids += [*step, encoder.step]
            targets += [*tokens, int(label)]
        out.append((ids[:CONTEXT], targets[:CONTEXT]))
    return out


def batches(recipe: PRMRecipe, solutions: list[tuple[Solution, str]], first: int) -> Iterator[list[Batch]]:
    """Yield chunks of 1024 solutions without end, from chunk `first` on: planted errors and samples."""
    encoder = Encoder(wide=True)
    for chunk in itertools.count(first):
        rng = random.Random(recipe.seed * 1_000_000 + chunk)
        problems = stream(recipe.seed * 1_000_000 + chunk, everyday=recipe.everyday)
        fresh = itertools.islice(problems, recipe.planted)
        part = [(corrupt(problem, rng), problem.solution) for problem in fresh]
        count = 1024 - recipe.planted
        part += [solutions[(chunk * count + i) % len(solutions)] for i in range(count)]
        yield pack(rows([s for s, _ in part], [r for _, r in part], encoder, rng), recipe.batch, rng)


class Learner(nn.Module):
    """A reward model in training, with the frozen policy of its lowest layers.

    Labels alone taught nothing in a million tokens, so there is a dense target too: the surprise of each token of a
    solution under the policy, at the dimension where the constructed comparison writes it.
    """

    def __init__(self, reward: RewardModel, policy: LlamaForCausalLM) -> None:
        super().__init__()
        self.reward = reward
        self.depth, self.width = policy.config.num_hidden_layers, policy.config.hidden_size
        self.place = prm_model.places(policy)[0]
        self.norm = [copy.deepcopy(policy.model.norm)]  # in a list, so that it is not trained
        self.scale = 4.0
        for p in prm_model.kept(reward, self.depth):
            p.requires_grad_(False)

    @torch.no_grad()
    def surprise(self, ids: torch.Tensor, states: torch.Tensor) -> torch.Tensor:
        """Compute minus the log-probability of each token [rows, length] of a solution, up to 8; 0 elsewhere."""
        inside = ((ids == ASSISTANT_ID).cumsum(1) > 0) & (ids != ASSISTANT_ID) & (ids != STEP_ID)
        table = self.reward.model.embed_tokens.weight[:, : self.width]
        logits = self.norm[0](states[..., : self.width].roll(1, 1)[inside]) @ table.T
        found = torch.zeros(ids.shape, device=ids.device)
        found[inside] = functional.cross_entropy(logits, ids[inside], reduction="none").clamp(max=8.0)
        return found


def loss_of(model: nn.Module, batch: Batch) -> torch.Tensor:
    """Compute cross-entropy at the step marks, half of that at the tokens before, and the error of the surprise."""
    assert isinstance(model, Learner)
    where = next(model.parameters()).device
    ids, targets = batch.ids.to(where), batch.targets.to(where)
    out = model.reward.model(input_ids=ids, use_cache=False, output_hidden_states=True)
    wanted = targets != -100
    logits = model.reward.score(out.last_hidden_state[wanted]).float()
    losses = functional.cross_entropy(logits, targets[wanted], reduction="none")
    marks, real = ids[wanted] == STEP_ID, ids != 0
    surprise = out.hidden_states[model.depth + 1][..., model.place] / model.scale
    error = functional.smooth_l1_loss(surprise[real], model.surprise(ids, out.hidden_states[model.depth])[real])
    return losses[marks].mean() + 0.5 * losses[~marks].mean() + error


def references(recipe: PRMRecipe) -> dict[str, str]:
    """Return the worked solutions of the sampled problems, by the problem's text."""
    found = dict[str, str]()
    for plan in recipe.samplings:
        for p in itertools.islice(stream(plan.seed, plan.levels, plan.split, plan.everyday), plan.count):
            found[p.problem] = p.solution
    return found


def train(
    recipe: PRMRecipe, folder: Path, policy: LlamaForCausalLM, stop_at: int | None = None
) -> tuple[RewardModel, Progress]:
    """Train the reward model on the samples next to `folder`; resume there."""
    model = prm_model.make(policy, recipe.seed, recipe.width, recipe.layers)
    learner = Learner(model, policy).to(device())
    learner.norm[0].to(device())
    if COMPILE and recipe.tokens > 100_000:
        model.model.compile(dynamic=True)
    solutions = shuffled([folder.parent / "samples" / s.policy for s in recipe.samplings], recipe.seed)
    known = references(recipe)
    pairs = [(s, known[s.problem]) for s in solutions]
    schedule = Schedule(recipe.tokens, recipe.rate, warmup=200_000, decay=recipe.decay)

    def chunks(first: int) -> Iterator[list[Batch]]:
        return batches(recipe, pairs, first)

    return model, fit(learner, loss_of, chunks, schedule, folder, stop_at=stop_at)


@torch.inference_mode()
def scores(model: RewardModel, solutions: list[Solution], size: int = 16384) -> list[list[float]]:
    """Compute the probability that each step is right, for every solution."""
    model.eval()
    encoder, where = Encoder(), next(model.parameters()).device
    ids, marks = list[list[int]](), list[list[int]]()
    for solution, prompt in zip(
        solutions, encoder.solutions([f"<s><|user|>{s.problem}<|assistant|>" for s in solutions]), strict=True
    ):
        # Marks are found by position: a policy may have written the token itself.
        row, places = list(prompt), list[int]()
        for step in encoder.solutions(list(solution.steps)):
            row += [*step, STEP_ID]
            places.append(len(row) - 1)
        ids.append(row[:CONTEXT])
        marks.append(places)
    out: list[list[float]] = [[] for _ in ids]
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    for start in range(0, len(order), count := max(1, size // len(ids[order[-1]]))):
        part = order[start : start + count]
        width = len(ids[part[-1]])
        batch = torch.tensor([ids[i] + [0] * (width - len(ids[i])) for i in part], device=where)
        good = model(batch).float().softmax(-1)[..., 1].cpu()
        for row_number, i in enumerate(part):
            out[i] = [float(good[row_number, at]) if at < CONTEXT else 0.0 for at in marks[i]]
    return out


def load(recipe: PRMRecipe, folder: Path, policy: LlamaForCausalLM) -> RewardModel:
    """Load a trained reward model from a checkpoint folder; `policy` and the recipe give its shape."""
    model = prm_model.make(policy, recipe.seed, recipe.width, recipe.layers)
    own = dict(model.named_parameters())
    for name, value in load_file(folder / "model.safetensors").items():
        own[name.removeprefix("reward.")].data.copy_(value)
    return model
