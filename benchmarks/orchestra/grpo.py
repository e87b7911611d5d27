"""GRPO: the policy orchestrates tasks in groups, and learns from which trajectories of a group did better.

ToolOrchestra's recipe (arXiv 2511.21689). TRL's GRPOTrainer does the learning; the rollouts are searches of our own
engine, with the real tools. What a tool returned is read and not learned: it is masked, token by token.
"""

from __future__ import annotations

import random
import shutil
import statistics
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from transformers import LlamaForCausalLM

from benchmarks.orchestra.demonstrations import veiled
from benchmarks.orchestra.reward import Weights, kept, rewards
from benchmarks.orchestra.rollouts import Trajectory, Wish, roll, served
from benchmarks.orchestra.stories import MixedTask, mixed
from benchmarks.orchestra.tokenizer import build
from benchmarks.orchestra.tools import Shelf
from tts.errors import BadInput
from tts.files import json_text, jsonl
from tts.files.text import write_atomically
from tts.models.card import ModelCard

WISHES = (Wish(), Wish(), Wish(), Wish({"cost": 0.5}), Wish({"latency": 0.5}), Wish(only="local"))
"""What the tasks of the training ask for."""

SAVE = 0.03
"""Weight of cost where the user asks nothing: the dear model is worth its price if it solves 3 % more."""

_WISHED = 0.6  # weight of what is wished for, for each unit of the wish
_VEILED = 0.5  # of the tasks, with fresh words in their table

_STATE = "trainer_state.json"  # the last file of a checkpoint


@dataclass(frozen=True, slots=True)
class Recipe:
    """The training: `rounds` of `tasks` tasks with `group` trajectories each.

    `rate` is the learning rate, `low` and `high` the clip range of a token's ratio, `penalty` the weight of the
    distance from the first policy, `epochs` the steps on a round's trajectories, `rows` how many are read at once.
    """

    rounds: int = 24
    tasks: int = 16
    group: int = 8
    rate: float = 1e-4
    low: float = 0.2
    high: float = 0.28
    penalty: float = 1e-3
    epochs: int = 2
    rows: int = 40
    seed: int = 7


ORCHESTRATOR_8B = Recipe(tasks=16, group=8, rate=1e-6, low=0.2, high=0.28, penalty=1e-4, epochs=1, rows=8)
"""The published settings of Orchestrator-8B; the number of rounds is ours."""


def weights_of(wish: Wish) -> Weights:
    """Return the weights of the reward for a wish: cost always counts a little, and more where it is asked for."""
    return Weights(1.0, SAVE + _WISHED * wish.prefer.get("cost", 0.0), _WISHED * wish.prefer.get("latency", 0.0))


class Rounds:
    """The tasks of all rounds, and the trajectories that the policy in training makes of them."""

    def __init__(self, recipe: Recipe, shelf: Shelf, card: ModelCard, log: Path) -> None:
        self.recipe, self.shelf, self.card, self.log = recipe, shelf, card, log
        self.tasks: list[MixedTask] = []
        self.wishes: list[Wish] = []
        for number in range(recipe.rounds):
            draw = random.Random(f"{recipe.seed}|{number}")
            tasks = _hard(recipe.tasks, recipe.seed * 1_000_000 + number)
            self.tasks += [veiled(task, draw) if draw.random() < _VEILED else task for task in tasks]
            self.wishes += [draw.choice(WISHES) for _ in range(recipe.tasks)]
        self._ended = time.monotonic()

    def rollouts(self, prompts: Sequence[str], trainer: Any) -> dict[str, Any]:
        """Return what TRL wants of `prompts`, numbers of tasks, each as often as a group has trajectories."""
        places = [int(number) for number in prompts[:: self.recipe.group]]
        tasks, wishes = [self.tasks[k] for k in places], [self.wishes[k] for k in places]
        number = places[0] // self.recipe.tasks
        policy = served(_copied(trainer.model), self.card)
        begun = time.monotonic()
        try:
            groups = roll(policy, tasks, wishes, self.shelf, group=self.recipe.group, seed=number)
        finally:
            policy.close()
        found = [
            kept(rewards([each.rollout for each in group], weights_of(wish)))
            for group, wish in zip(groups, wishes, strict=True)
        ]
        ended = time.monotonic()
        row = _summary(number, groups, [reward for group in found for reward in group])
        row |= {"rolled": round(ended - begun, 2), "seconds": round(ended - self._ended, 2)}
        self._ended = ended
        with self.log.open("a", encoding="utf-8") as file:
            file.write(json_text.dump(row) + "\n")
        return _fields([each for group in groups for each in group]) | {"reward": [r for group in found for r in group]}


def _hard(count: int, seed: int) -> list[MixedTask]:
    """Draw training tasks, few of them sums over a table: nearly all of these are solved, so they teach nothing."""
    drawn = mixed("train", 2 * count, seed)
    stories = [task for task in drawn if task.family != "table"]
    return [*drawn[:1], *stories[: count - 1]]


def settings(recipe: Recipe, folder: Path) -> Any:
    """Return a recipe as the configuration of TRL's trainer. The rate falls to zero over the second half."""
    from trl.trainer.grpo_config import GRPOConfig

    batch = recipe.tasks * recipe.group
    steps = recipe.rounds * recipe.epochs
    rows = max(k for k in range(1, min(recipe.rows, batch) + 1) if batch % k == 0)
    return GRPOConfig(
        output_dir=str(folder),
        max_steps=steps,
        num_iterations=recipe.epochs,
        num_generations=recipe.group,
        per_device_train_batch_size=rows,
        gradient_accumulation_steps=batch // rows,
        steps_per_generation=batch // rows,
        learning_rate=recipe.rate,
        lr_scheduler_type="warmup_stable_decay",
        lr_scheduler_kwargs={"num_decay_steps": steps - steps // 2, "decay_type": "linear"},
        adam_beta2=0.98,
        weight_decay=0.0,
        epsilon=recipe.low,
        epsilon_high=recipe.high,
        beta=recipe.penalty,
        loss_type="dapo",  # each sampled token counts equally
        temperature=1.0,
        shuffle_dataset=False,
        gradient_checkpointing=False,
        bf16=False,
        dataloader_pin_memory=False,
        model_init_kwargs={"dtype": "float32"},
        seed=recipe.seed,
        save_strategy="steps",
        save_steps=recipe.epochs,
        save_total_limit=2,
        logging_strategy="no",
        report_to=[],
    )


def train(recipe: Recipe, start: LlamaForCausalLM, shelf: Shelf, card: ModelCard, folder: Path) -> LlamaForCausalLM:
    """Train the policy `start`; resume in `folder`, after the last complete round. Return the trained policy.

    Raises:
        BadInput: if the extra ``train`` is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    at = _resumed(recipe, folder)
    rounds = Rounds(recipe, shelf, card, folder / "log.jsonl")
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # of a rollout_func, that TRL may change it; of vLLM's version, which is not used
        trainer = _trainer(recipe, start, rounds, folder)
    trainer.train(resume_from_checkpoint=str(at) if at else None)
    trained = _copied(trainer.model)
    trained.eval()
    return trained


def _trainer(recipe: Recipe, start: LlamaForCausalLM, rounds: Rounds, folder: Path) -> Any:
    try:
        from datasets import Dataset
        from trl.trainer.grpo_trainer import GRPOTrainer
    except ImportError as error:
        raise BadInput("GRPO needs the extra `train`: pip install -e '.[train]'.") from error
    start.save_pretrained(folder / "start")  # TRL reads the policy, and its copy for the distance, from a folder
    return GRPOTrainer(
        str(folder / "start"),
        reward_funcs=_reward,
        args=settings(recipe, folder),
        train_dataset=Dataset.from_dict({"prompt": [str(k) for k in range(len(rounds.tasks))]}),
        processing_class=build(),
        rollout_func=rounds.rollouts,
    )


def _reward(reward: list[float], **_: Any) -> list[float]:
    return reward


def _resumed(recipe: Recipe, folder: Path) -> Path | None:
    """Return the last complete checkpoint; remove broken ones, and the rounds of the log that come after it."""
    numbers = {int(each.name.rpartition("-")[2]): each for each in folder.glob("checkpoint-*")}
    for number in [n for n, each in numbers.items() if not (each / _STATE).is_file()]:
        shutil.rmtree(numbers.pop(number))
    last = max(numbers, default=0)
    log = folder / "log.jsonl"
    rows = [row for _, row in jsonl.rows(log)] if log.is_file() else []
    write_atomically(log, "".join(f"{json_text.dump(row)}\n" for row in rows[: last // recipe.epochs]))
    return numbers.get(last)


def _copied(model: Any) -> LlamaForCausalLM:
    copied = LlamaForCausalLM(model.config)
    copied.load_state_dict(model.state_dict())
    return copied


def _fields(trajectories: Sequence[Trajectory]) -> dict[str, Any]:
    """Split trajectories into prompts and what follows; a token that was read has mask 0."""
    starts = [each.sampled.index(True) if True in each.sampled else len(each.tokens) - 1 for each in trajectories]
    return {
        "prompt_ids": [list(each.tokens[:k]) for each, k in zip(trajectories, starts, strict=True)],
        "completion_ids": [list(each.tokens[k:]) for each, k in zip(trajectories, starts, strict=True)],
        "env_mask": [[int(s) for s in each.sampled[k:]] for each, k in zip(trajectories, starts, strict=True)],
        "logprobs": None,
    }


def _summary(number: int, groups: Sequence[Sequence[Trajectory]], found: Sequence[float]) -> dict[str, Any]:
    flat = [each for group in groups for each in group]
    calls: dict[str, int] = {}
    for each in flat:
        for name, count in each.rollout.calls.items():
            calls[name[:64]] = calls.get(name[:64], 0) + count
    return {
        "round": number,
        "solved": round(statistics.fmean(each.rollout.solved for each in flat), 4),
        "cost": round(statistics.fmean(each.rollout.cost for each in flat), 6),
        "reward": round(statistics.fmean(found), 4),
        "tokens": sum(len(each.tokens) for each in flat),
        "calls": dict(sorted(calls.items(), key=lambda item: -item[1])[:8]),
    }


def progress(folder: Path) -> dict[str, float]:
    """Return the tokens and seconds of a training, of all its rounds."""
    rows = [row for _, row in jsonl.rows(folder / "log.jsonl")]
    return {"tokens": sum(row["tokens"] for row in rows), "seconds": round(sum(row["seconds"] for row in rows), 1)}


def rehearsal(recipe: Recipe) -> Recipe:
    """Return the same training at a tiny size, to test the code."""
    return replace(recipe, rounds=2, tasks=3, group=2)
