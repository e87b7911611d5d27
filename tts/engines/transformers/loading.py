"""Loads the models of the transformers engine from their folders. Importing this loads PyTorch."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from tts.engines.hf import SMALL, check_type, guarded, setting, shape_of, tokenizer_of
from tts.engines.outcome_reward import of_family
from tts.engines.transformers.device_thread import worker_for
from tts.engines.transformers.policy import TransformersPolicy
from tts.engines.transformers.reward import TransformersReward
from tts.errors import BadInput, ModelError
from tts.models import shared_heads
from tts.models.card import ModelCard
from tts.models.decoder import causal_model
from tts.models.descriptions import family_of
from tts.models.files import built_in, require
from tts.protocols import RewardModel

_SHARE = 0.2  # share of the free memory for each of: running rows, a policy's prefixes, a reward model's prefixes
_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_ROPES = {"default", "linear", "llama3", "yarn", "proportional"}  # types whose angles depend on the position only
_SCALES = (
    "final_logit_softcapping",
    "logit_scale",
    "logits_scaling",
)  # operations between output head and softmax that this engine lacks


def load_policy(
    card: ModelCard, device: str | None, dtype: str | None, max_rows: int, cache_bytes: int | None
) -> TransformersPolicy:
    """Load a policy. Raises MissingWeights or ModelError."""
    folder, where = require(card), _device(device)
    check_type(folder)
    model = guarded(card, lambda: _causal_model(folder, where, dtype), folder=folder)
    card = _checked(card, model.config)
    share = cache_bytes if cache_bytes is not None else _free_share(where)
    return TransformersPolicy(
        card, model, tokenizer_of(card, folder), shape=shape_of(model), worker=worker_for(str(where)),
        row_bytes=share, cache_bytes=share, max_rows=max_rows, threads=_threads(model, where),
    )  # fmt: skip


def load_reward(card: ModelCard, device: str | None, dtype: str | None, cache_bytes: int | None) -> RewardModel:
    """Load a reward model. Raises MissingWeights or ModelError."""
    folder, where = require(card), _device(device)
    family = family_of(card)
    form = family.format(tokenizer_of(card, folder))
    module = guarded(card, lambda: family.load(folder, _dtype(folder, where, dtype)).to(where), folder=folder)
    decoder = family.decoder(module)
    card = _checked(card, decoder.config)
    reward = TransformersReward(
        card, decoder, lambda hidden: family.scores(module, hidden), form, shape=shape_of(module),
        worker=worker_for(str(where)), cache_bytes=cache_bytes if cache_bytes is not None else _free_share(where),
        threads=_threads(module, where),
    )  # fmt: skip
    return of_family(reward, family)


def _causal_model(folder: Path, device: torch.device, dtype: str | None) -> Any:
    if built_in(folder):
        return causal_model(folder, _dtype(folder, device, dtype)).to(device)
    from transformers import AutoModelForCausalLM

    loader: Any = AutoModelForCausalLM.from_pretrained
    model, report = loader(
        folder, dtype=_dtype(folder, device, dtype), local_files_only=True, use_safetensors=True,
        trust_remote_code=False, attn_implementation="sdpa", output_loading_info=True,
    )  # fmt: skip
    if missing := sorted(report["missing_keys"]):
        raise ModelError(f"{folder} lacks the weights {', '.join(missing[:3])}: copy or save the whole model again.")
    return shared_heads.use(model.to(device).eval())


def _device(name: str | None) -> torch.device:
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise BadInput(f"there is no device {name!r}: use cpu, cuda or cuda:0.") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise BadInput(f"device {name!r} was asked for, but this machine has no CUDA device that torch can use.")
    return device


def _dtype(folder: Path, device: torch.device, name: str | None) -> torch.dtype:
    """Return the requested data type; default: float32 on a CPU, elsewhere that of the checkpoint."""
    if name is not None:
        if name not in _DTYPES:
            raise BadInput(f"there is no data type {name!r}: use {', '.join(_DTYPES)}.")
        return _DTYPES[name]
    if device.type == "cpu":
        return torch.float32
    if built_in(folder):
        return torch.float32
    from transformers import AutoConfig

    dtype: torch.dtype = setting(AutoConfig.from_pretrained(folder, local_files_only=True), "dtype", torch.bfloat16)
    return dtype


def _checked(card: ModelCard, config: Any) -> ModelCard:
    """Return the card with the context that this engine supports. Raises ModelError for unsupported features."""
    config = config.get_text_config()
    ropes = setting(config, "rope_parameters", {})
    for rope in [ropes, *(part for part in ropes.values() if isinstance(part, dict))]:
        kind = rope.get("rope_type", "default")
        if kind == "longrope":  # beyond this length all positions change, which invalidates cached keys
            first = rope.get("original_max_position_embeddings") or config.original_max_position_embeddings
            card = replace(card, context=min(card.context, first))
        elif kind not in _ROPES:
            raise ModelError(
                f"{card.name} uses {kind!r} positions, which this engine cannot cache: use --engine vllm, or another "
                "model."
            )
    for name in _SCALES:
        if setting(config, name) not in (None, 1, 1.0):
            raise ModelError(
                f"{card.name} rescales its logits ({name}), which this engine does not: use --engine vllm."
            )
    return card


def _threads(model: torch.nn.Module, device: torch.device) -> int:
    """Set one thread for a small model on a CPU, unless the user chose; else torch's own setting.

    Measured with one million parameters on two busy cores: a token for 16 rows took 17 ms on one thread and 540 ms on
    two, which wait for each other in each of its hundred small kernels. Idle cores gain nothing either.
    """
    small = sum(p.numel() for p in model.parameters()) < SMALL
    return 1 if device.type == "cpu" and small and "OMP_NUM_THREADS" not in os.environ else 0


def _free_share(device: torch.device) -> int:
    """Return the bytes for one cache: a share of the free memory."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0] * _SHARE)
    try:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        free = 8 << 30
    return int(min(free, 32 << 30) * _SHARE)
