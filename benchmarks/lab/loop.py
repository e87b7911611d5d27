"""The training loop of every stage: schedule, checkpoints that survive a kill, progress log.

A checkpoint is three files: weights and optimizer state as safetensors, the position in the data as JSON. It is
written next to the old one and then replaces it. An interrupted run resumes from the last complete one, with the same
result as an uninterrupted run.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tqdm import tqdm

DECAY = 0.05  # of weights


@dataclass(frozen=True, slots=True)
class Schedule:
    """Warmup (in tokens), constant, decay: over the last share `decay` of `tokens` the rate falls linearly to zero."""

    tokens: int
    rate: float
    warmup: int = 300_000
    decay: float = 0.3

    def at(self, seen: int) -> float:
        """Return the learning rate after so many tokens."""
        left = max(0.0, 1 - seen / self.tokens)
        return self.rate * min(1.0, (seen + 1000) / self.warmup, left / self.decay)


@dataclass(slots=True)
class Progress:
    """Progress of a stage: tokens seen, data chunk and batch within it, seconds of work, optimizer steps."""

    tokens: int = 0
    chunk: int = 0
    batch: int = 0
    seconds: float = 0.0
    steps: int = 0


def device() -> torch.device:
    """Return a GPU if there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def optimizers_for(model: torch.nn.Module, rate: float, muon: bool = False) -> list[torch.optim.Optimizer]:
    """Build AdamW with weight decay on matrices only; with ``muon`` Muon takes the matrices of the layers.

    Muon (Jordan 2024) orthogonalizes a matrix's momentum. Its updates are scaled to the size of AdamW's (arXiv
    2502.16982), so that both share the rate.
    """
    named = list(model.named_parameters())
    layers = [p for name, p in named if muon and p.ndim == 2 and "embed" not in name]
    matrices = [p for _, p in named if p.ndim > 1 and all(p is not each for each in layers)]
    vectors = [p for _, p in named if p.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": DECAY}, {"params": vectors, "weight_decay": 0.0}]
    adam = torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98), eps=1e-9, fused=True)
    if not layers:
        return [adam]
    return [adam, torch.optim.Muon(layers, lr=rate, weight_decay=DECAY, adjust_lr_fn="match_rms_adamw")]


def _weights(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    # named_parameters lists tied weights once, which is what safetensors wants.
    return {name: p.detach().contiguous() for name, p in model.named_parameters()}


def save_checkpoint(
    folder: Path, model: torch.nn.Module, optimizers: Sequence[torch.optim.Optimizer], progress: Progress
) -> None:
    """Write a checkpoint next to the old one, then replace the old one."""
    new = folder.with_name(folder.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    save_file(_weights(model), new / "model.safetensors")
    for number, optimizer in enumerate(optimizers):
        state = optimizer.state_dict()["state"]
        save_file(
            {f"{i}.{k}": v.contiguous() for i, s in state.items() for k, v in s.items()},
            new / f"optimizer-{number}.safetensors",
        )
    (new / "progress.json").write_text(json.dumps(asdict(progress)))
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(new, folder)


def load_checkpoint(folder: Path, model: torch.nn.Module, optimizers: Sequence[torch.optim.Optimizer]) -> Progress:
    """Load the last complete checkpoint into model and optimizers; without one return a fresh `Progress`."""
    new = folder.with_name(folder.name + ".new")
    if not folder.exists() and (new / "progress.json").exists():
        os.replace(new, folder)  # killed between removing the old one and renaming
    if not (folder / "progress.json").exists():
        return Progress()
    own = dict(model.named_parameters())
    for name, value in load_file(folder / "model.safetensors").items():
        own[name].data.copy_(value)
    for number, optimizer in enumerate(optimizers):
        state: dict[int, dict[str, torch.Tensor]] = {}
        for key, value in load_file(folder / f"optimizer-{number}.safetensors").items():
            index, _, name = key.partition(".")
            state.setdefault(int(index), {})[name] = value
        optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    return Progress(**json.loads((folder / "progress.json").read_text()))


@dataclass(frozen=True, slots=True)
class Batch:
    """Token ids and targets, both [rows, length]; target -100 is ignored. `tokens` excludes padding."""

    ids: torch.Tensor
    targets: torch.Tensor
    tokens: int


def fit(
    model: torch.nn.Module,
    loss_of: Callable[[torch.nn.Module, Batch], torch.Tensor],
    batches: Callable[[int], Iterator[list[Batch]]],
    schedule: Schedule,
    folder: Path,
    every_seconds: float = 90.0,
    stop_at: int | None = None,
    trunk: int = 0,
    muon: bool = False,
) -> Progress:
    """Train until `schedule.tokens` are seen; resume from `folder/checkpoint` if it exists.

    `batches(chunk)` yields lists of batches from that chunk on. `stop_at` stops early after so many tokens, with a
    checkpoint (for tests, and for a look at an unfinished model). The state after `trunk` tokens is kept in
    `folder/trunk`. `muon` chooses the optimizers (:func:`optimizers_for`).
    """
    model.train()
    optimizers = optimizers_for(model, schedule.rate, muon)
    progress = load_checkpoint(folder / "checkpoint", model, optimizers)
    if progress.tokens >= schedule.tokens:
        return progress
    folder.mkdir(parents=True, exist_ok=True)
    limit = min(schedule.tokens, stop_at or schedule.tokens)
    bar = tqdm(
        total=schedule.tokens,
        initial=progress.tokens,
        unit="tok",
        unit_scale=True,
        desc=folder.name,
        mininterval=5,
    )
    saved, mean = time.monotonic(), 0.0
    try:
        for chunk in batches(progress.chunk):
            for batch in chunk[progress.batch :]:
                if trunk and progress.tokens >= trunk and not (folder / "trunk").exists():
                    save_checkpoint(folder / "trunk", model, optimizers, progress)
                started = time.monotonic()
                loss = _update(model, optimizers, loss_of, batch, schedule.at(progress.tokens))
                mean = loss if not mean else 0.98 * mean + 0.02 * loss
                progress.tokens += batch.tokens
                progress.batch += 1
                progress.steps += 1
                progress.seconds += time.monotonic() - started
                bar.update(batch.tokens)
                bar.set_postfix(loss=f"{mean:.4f}", refresh=False)
                if progress.tokens >= limit:
                    return progress
                if time.monotonic() - saved > every_seconds:
                    save_checkpoint(folder / "checkpoint", model, optimizers, progress)
                    _log(folder, progress, mean, schedule.at(progress.tokens))
                    saved = time.monotonic()
            progress.chunk, progress.batch = progress.chunk + 1, 0
        raise RuntimeError("the data ended before the schedule did")
    finally:
        # Also on Ctrl-C: the work so far is kept. (A kill keeps the last checkpoint.)
        save_checkpoint(folder / "checkpoint", model, optimizers, progress)
        _log(folder, progress, mean, schedule.at(progress.tokens))
        bar.close()


def _update(
    model: torch.nn.Module,
    optimizers: Sequence[torch.optim.Optimizer],
    loss_of: Callable[[torch.nn.Module, Batch], torch.Tensor],
    batch: Batch,
    rate: float,
) -> float:
    for group in itertools.chain.from_iterable(optimizer.param_groups for optimizer in optimizers):
        group["lr"] = rate
    loss = loss_of(model, batch)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return float(loss.detach())


def _log(folder: Path, progress: Progress, loss: float, rate: float) -> None:
    row = {**asdict(progress), "loss": round(loss, 5), "rate": rate, "time": time.strftime("%H:%M:%S")}
    with (folder / "log.jsonl").open("a") as file:
        file.write(json.dumps(row) + "\n")
