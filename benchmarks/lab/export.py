"""Export of the final models in formats that transformers and vLLM load."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from transformers import LlamaForCausalLM

from benchmarks.lab import tokenizer
from benchmarks.lab.loop import Progress
from benchmarks.lab.policy import Recipe
from benchmarks.lab.prm_model import RewardModel
from benchmarks.lab.train_prm import PRMRecipe
from benchmarks.word_problems.generate import to_jsonl
from benchmarks.word_problems.mix import stream


def data_hash(seed: int, levels: tuple[float, ...], everyday: float = 0.0) -> str:
    """Return the sha256 of the first 1000 training problems of a recipe; equal data have equal hashes."""
    problems = list(itertools.islice(stream(seed * 1_000_000, levels, everyday=everyday), 1000))
    return hashlib.sha256(to_jsonl(problems)).hexdigest()


def _write(weights: Mapping[str, torch.Tensor], config: dict[str, Any], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    # Stored as float16 to keep the repository small; the config makes transformers and vLLM compute in float32.
    halves = {name: w.detach().cpu().to(torch.float16).contiguous() for name, w in weights.items()}
    save_file(halves, folder / "model.safetensors", metadata={"format": "pt"})
    config = {k: v for k, v in config.items() if k not in ("torch_dtype", "_name_or_path")} | {"dtype": "float32"}
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    tokenizer.save(folder)


def save_policy(model: LlamaForCausalLM, folder: Path) -> None:
    """Write a policy: weights, config, generation defaults and tokenizer. The tied head is not written twice."""
    weights = dict(model.named_parameters())
    _write(weights, model.config.to_dict() | {"architectures": ["LlamaForCausalLM"]}, folder)
    defaults = {
        "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0,
        "do_sample": True, "temperature": 1.0, "max_new_tokens": 320,
    }  # fmt: skip
    (folder / "generation_config.json").write_text(json.dumps(defaults, indent=2) + "\n")


def save_prm(model: RewardModel, folder: Path) -> None:
    """Write the reward model under the names of `Qwen2ForProcessRewardModel`."""
    config = model.model.config.to_dict() | {"architectures": ["Qwen2ForProcessRewardModel"], "num_labels": 2}
    config["id2label"], config["label2id"] = {"0": "wrong", "1": "right"}, {"wrong": 0, "right": 1}
    _write(dict(model.named_parameters()), config, folder)


def record(recipe: Recipe | PRMRecipe, progress: Progress, parameters: int, figures: dict[str, Any]) -> dict[str, Any]:
    """Build the record of a model card: recipe, training cost and figures."""
    levels = recipe.levels if isinstance(recipe, Recipe) else (1.0,) * 5
    return {
        "recipe": asdict(recipe),
        "parameters": parameters,
        "data_sha256": data_hash(recipe.seed, levels, recipe.everyday),
        "tokens": progress.tokens,
        "steps": progress.steps,
        "seconds": round(progress.seconds),
        "figures": figures,
    }
