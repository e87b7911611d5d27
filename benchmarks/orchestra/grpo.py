"""GRPO: the policy orchestrates tasks in groups, and learns from which trajectories of a group did better.

ToolOrchestra's recipe (arXiv 2511.21689) in small: rewards by :mod:`benchmarks.orchestra.reward`, groups without a
spread of rewards left out, clipped ratios (0.2 below, 0.28 above), a penalty on the distance from the policy that the
training began with. The rollouts are searches of our own engine, with the real tools.
"""

from __future__ import annotations

import copy
import random
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch.nn import functional
from tqdm import tqdm
from transformers import LlamaForCausalLM

from benchmarks.lab.loop import load_checkpoint, optimizer_for, save_checkpoint
from benchmarks.orchestra.reward import Weights, advantages, rewards
from benchmarks.orchestra.rollouts import Trajectory, Wish, roll, served
from benchmarks.orchestra.stories import mixed
from benchmarks.orchestra.tools import Shelf
from tts.files.json_text import dump
from tts.models.card import ModelCard

WISHES = (Wish(), Wish(), Wish({"cost": 0.5}), Wish({"latency": 0.5}), Wish(only="local"))
"""What the tasks of the training ask for, in turn."""

ALWAYS = 0.3
"""Weight of cost where the user asks nothing: an equal answer for less is better."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """The training: `rounds` of `tasks` tasks with `group` trajectories each.

    `rate` is the learning rate, `low` and `high` the clip range of a token's ratio, `penalty` the weight of the
    distance from the first policy, `epochs` the passes over a round's trajectories, `rows` how many are read at once.
    """

    rounds: int = 60
    tasks: int = 15
    group: int = 8
    rate: float = 3e-4
    low: float = 0.2
    high: float = 0.28
    penalty: float = 1e-3
    epochs: int = 2
    rows: int = 32
    seed: int = 7


@dataclass(frozen=True, slots=True)
class Sample:
    """A trajectory with its advantage and the log-probabilities of its tokens under the policy that sampled it."""

    trajectory: Trajectory
    advantage: float
    before: torch.Tensor
    first: torch.Tensor


def weights_of(wish: Wish) -> Weights:
    """Return the weights of the reward for a wish: cost always counts a little, and more where it is asked for."""
    return Weights(1.0, ALWAYS + wish.prefer.get("cost", 0.0), wish.prefer.get("latency", 0.0))


def train(
    recipe: Recipe, start: LlamaForCausalLM, shelf: Shelf, card: ModelCard, folder: Path, stop_at: int | None = None
) -> LlamaForCausalLM:
    """Train the policy `start`; resume in `folder`, after the last complete round. Return the trained policy."""
    model, first = copy.deepcopy(start), start.eval()
    optimizer = optimizer_for(model, recipe.rate)
    for group in optimizer.param_groups:
        group["weight_decay"] = 0.0
    progress = load_checkpoint(folder / "checkpoint", model, optimizer)
    bar = tqdm(range(recipe.rounds), initial=progress.chunk, desc=folder.name, unit="round")
    for number in range(progress.chunk, min(recipe.rounds, stop_at or recipe.rounds)):
        begun = time.monotonic()
        tasks = mixed("train", recipe.tasks, recipe.seed * 1_000_000 + number)
        draw = random.Random(f"{recipe.seed}|{number}")
        wishes = [draw.choice(WISHES) for _ in tasks]
        policy = served(copy.deepcopy(model), card)
        try:
            groups = roll(policy, tasks, wishes, shelf, group=recipe.group, seed=number)
        finally:
            policy.close()
        samples = graded(groups, wishes, model, first, recipe.rows)
        for parameters in optimizer.param_groups:
            parameters["lr"] = recipe.rate * min(1.0, 2 * (1 - number / recipe.rounds))  # falls in the second half
        for _ in range(recipe.epochs if samples else 0):
            update(model, optimizer, samples, recipe)
        progress.chunk, progress.seconds = number + 1, progress.seconds + time.monotonic() - begun
        progress.tokens += sum(len(t.tokens) for group in groups for t in group)
        save_checkpoint(folder / "checkpoint", model, optimizer, progress)
        row = _summary(number, groups, wishes, len(samples))
        with (folder / "log.jsonl").open("a") as file:
            file.write(dump(row) + "\n")
        bar.update()
        bar.set_postfix(solved=row["solved"], cost=row["cost"], refresh=False)
    bar.close()
    model.eval()
    return model


def graded(
    groups: Sequence[Sequence[Trajectory]],
    wishes: Sequence[Wish],
    model: LlamaForCausalLM,
    first: LlamaForCausalLM,
    rows: int,
) -> list[Sample]:
    """Return the trajectories of the groups that teach something, with their advantages."""
    kept: list[tuple[Trajectory, float]] = []
    for group, wish in zip(groups, wishes, strict=True):
        found = advantages(rewards([each.rollout for each in group], weights_of(wish)))
        if found is not None:
            kept += zip(group, found, strict=True)
    kept.sort(key=lambda each: len(each[0].tokens))
    samples: list[Sample] = []
    with torch.no_grad():
        for k in range(0, len(kept), rows):
            part = [trajectory for trajectory, _ in kept[k : k + rows]]
            mine, theirs = likelihoods(model, part), likelihoods(first, part)
            samples += [
                Sample(trajectory, advantage, mine[i].clone(), theirs[i].clone())
                for i, (trajectory, advantage) in enumerate(kept[k : k + rows])
            ]
    return samples


def likelihoods(model: LlamaForCausalLM, part: Sequence[Trajectory]) -> torch.Tensor:
    """Compute the log-probability of each token of trajectories, [rows, longest - 1]; of padding too."""
    ids = _padded([torch.tensor(each.tokens) for each in part])
    hidden = model.model(input_ids=ids[:, :-1], use_cache=False).last_hidden_state
    logits = model.lm_head(hidden).float()
    return -functional.cross_entropy(logits.transpose(1, 2), ids[:, 1:], reduction="none")


def update(model: LlamaForCausalLM, optimizer: torch.optim.Optimizer, samples: list[Sample], recipe: Recipe) -> None:
    """Take one step on all samples; each sampled token counts equally."""
    total = sum(sum(sample.trajectory.sampled) for sample in samples)
    model.train()
    for k in range(0, len(samples), recipe.rows):
        part = samples[k : k + recipe.rows]
        now = likelihoods(model, [sample.trajectory for sample in part])
        counted = _padded([torch.tensor(sample.trajectory.sampled[1:]).float() for sample in part])
        loss = (objective(now, part, recipe) * counted[:, : now.shape[1]]).sum() / total
        loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


def objective(now: torch.Tensor, part: Sequence[Sample], recipe: Recipe) -> torch.Tensor:
    """Compute the loss of each token, [rows, length]: the clipped ratio times the advantage, and the penalty."""
    width = now.shape[1]
    before, first = (_padded([x[:width] for x in each])[:, :width] for each in (
        [sample.before for sample in part], [sample.first for sample in part]))  # fmt: skip
    gain = torch.tensor([sample.advantage for sample in part])[:, None]
    ratio = (now - before).exp()
    clipped = ratio.clamp(1 - recipe.low, 1 + recipe.high)
    away = (first - now).exp() - (first - now) - 1  # an unbiased estimate of the divergence that is never negative
    return -torch.minimum(ratio * gain, clipped * gain) + recipe.penalty * away


def _padded(rows: Sequence[torch.Tensor]) -> torch.Tensor:
    return torch.nn.utils.rnn.pad_sequence(list(rows), batch_first=True)


def _summary(
    number: int, groups: Sequence[Sequence[Trajectory]], wishes: Sequence[Wish], taught: int
) -> dict[str, object]:
    found = [each.rollout for group in groups for each in group]
    calls: dict[str, int] = {}
    for each in found:
        for name, count in each.calls.items():
            calls[name[:64]] = calls.get(name[:64], 0) + count
    return {
        "round": number,
        "solved": round(statistics.fmean(each.solved for each in found), 4),
        "cost": round(statistics.fmean(each.cost for each in found), 6),
        "taught": taught,
        "calls": dict(sorted(calls.items(), key=lambda item: -item[1])[:8]),
    }


def rehearsal(recipe: Recipe) -> Recipe:
    """Return the same training at a tiny size, to test the code."""
    return replace(recipe, rounds=2, tasks=3, group=2)
