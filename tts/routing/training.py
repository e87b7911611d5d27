"""A small training loop: AdamW, a checkpoint chosen on held-out queries, resumable from safetensors."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from tqdm import tqdm

from tts.errors import BadInput

Weights = dict[str, torch.Tensor]
_EVERY = 50  # steps between two evaluations on the held-out queries


@dataclass(frozen=True, slots=True)
class Schedule:
    """Length and place of a training.

    Attributes:
        steps, batch, rate: steps, batch size and learning rate of AdamW.
        seed: seed of the batches.
        device: device name of torch.
        checkpoints: a folder to resume from; None for no checkpoints.
        progress: show a progress bar.
    """

    steps: int
    batch: int
    rate: float
    seed: int
    device: str
    checkpoints: Path | None = None
    progress: bool = False


def train(
    start: dict[str, np.ndarray],
    rows: np.ndarray,
    loss: Callable[[Weights, torch.Tensor], torch.Tensor],
    worth: Callable[[dict[str, np.ndarray]], float],
    schedule: Schedule,
) -> dict[str, np.ndarray]:
    """Minimise a loss over batches of rows.

    Args:
        start: initial weights by name.
        rows: indices of the training queries.
        loss: loss of weights and a batch of indices.
        worth: quality of weights on held-out queries; the best weights are returned, the earliest of equals.
        schedule: length and place.
    """
    weights = {
        k: torch.tensor(v, dtype=torch.float32, device=schedule.device).requires_grad_() for k, v in start.items()
    }
    optimiser = torch.optim.AdamW(weights.values(), lr=schedule.rate)
    best, best_worth, begun = _arrays(weights), worth(_arrays(weights)), 0
    if (found := _resumed(schedule, weights, optimiser)) is not None:
        best, best_worth, begun = found
    bar = tqdm(total=schedule.steps, initial=begun, unit="step", disable=not schedule.progress)
    with bar:
        for step in range(begun, schedule.steps):
            random = np.random.default_rng((schedule.seed, step))  # a resumed run draws the same batches
            torch.manual_seed(int(random.integers(2**31)))
            picked = random.choice(rows, min(schedule.batch, len(rows)), replace=False)
            optimiser.zero_grad()
            loss(weights, torch.tensor(picked, device=schedule.device)).backward()
            optimiser.step()
            bar.update()
            if (step + 1) % _EVERY == 0 or step + 1 == schedule.steps:
                now = _arrays(weights)
                if (value := worth(now)) > best_worth:
                    best, best_worth = now, value
                bar.set_postfix(held_out=f"{best_worth:.3f}")
                _keep(schedule, weights, optimiser, best, best_worth, step + 1)
    return best


def _arrays(weights: Weights) -> dict[str, np.ndarray]:
    return {name: tensor.detach().cpu().numpy().astype(np.float64) for name, tensor in weights.items()}


def _keep(
    schedule: Schedule,
    weights: Weights,
    optimiser: torch.optim.AdamW,
    best: dict[str, np.ndarray],
    worth: float,
    step: int,
) -> None:
    if schedule.checkpoints is None:
        return
    schedule.checkpoints.mkdir(parents=True, exist_ok=True)
    tensors = {f"now.{name}": tensor.detach() for name, tensor in weights.items()}
    tensors |= {f"best.{name}": torch.tensor(array) for name, array in best.items()}
    for name, tensor in weights.items():
        tensors |= {f"{key}.{name}": optimiser.state[tensor][key] for key in ("exp_avg", "exp_avg_sq", "step")}
    about = {"step": step, "worth": worth, "seed": schedule.seed, "batch": schedule.batch, "rate": schedule.rate}
    target = schedule.checkpoints / "router.safetensors"
    save_file(tensors, target.with_suffix(".partial"), metadata={"training": json.dumps(about)})
    target.with_suffix(".partial").replace(target)


def _resumed(
    schedule: Schedule, weights: Weights, optimiser: torch.optim.AdamW
) -> tuple[dict[str, np.ndarray], float, int] | None:
    """Load a checkpoint: the best weights, their worth and the step. Raises BadInput for another run's."""
    file = schedule.checkpoints / "router.safetensors" if schedule.checkpoints else None
    if file is None or not file.is_file():
        return None
    try:
        with safe_open(file, "pt", device=schedule.device) as kept:
            about = json.loads(kept.metadata()["training"])
            same = all(about[name] == getattr(schedule, name) for name in ("seed", "batch", "rate"))
            if not same or any(kept.get_tensor(f"now.{name}").shape != w.shape for name, w in weights.items()):
                raise BadInput(f"{file} is of a training with other settings or outcomes: name another folder.")
            for name, weight in weights.items():
                weight.data.copy_(kept.get_tensor(f"now.{name}"))
                keys = ("exp_avg", "exp_avg_sq", "step")
                optimiser.state[weight] = {key: kept.get_tensor(f"{key}.{name}").clone() for key in keys}
            best = {name: kept.get_tensor(f"best.{name}").cpu().numpy() for name in weights}
            return best, float(about["worth"]), int(about["step"])
    except (SafetensorError, KeyError, ValueError, TypeError, OSError) as error:
        raise BadInput(f"{file} is damaged: delete it to train from the beginning.") from error
