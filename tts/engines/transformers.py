"""Loads policies and reward models into the transformers engine: continuous batching on plain models, CPU or CUDA."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from tts.cost import ModelShape
from tts.engines.policy import TransformersPolicy, Warn
from tts.engines.ragged import Geometry
from tts.engines.reward import TransformersReward
from tts.engines.weights import require
from tts.engines.worker import worker_for
from tts.errors import BadInput, ModelError, TTSError
from tts.models import ModelCard
from tts.registry import resolve

__all__ = ["ENGINE", "TransformersEngine", "TransformersPolicy", "TransformersReward"]

_SHARE = 0.2  # of the free memory, for each of: running rows, a policy's prefixes, a reward model's prefixes
_SMALL = 30_000_000  # parameters below which more than one thread only gets in its own way
_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_ROPES = {"default", "linear", "llama3", "yarn", "proportional"}  # those whose angles depend on the position alone


class TransformersEngine:
    """Loads models from folders; never from the network.

    ``device`` is "cpu", "cuda" or "cuda:k", by default a GPU where there is one; ``dtype`` is "float32", "bfloat16" or
    "float16", by default float32 on a CPU and the checkpoint's own on a GPU.
    """

    def load_policy(
        self, card: ModelCard, *, device: str | None = None, dtype: str | None = None, max_rows: int = 256,
        cache_bytes: int | None = None, warn: Warn | None = None,
    ) -> TransformersPolicy:  # fmt: skip
        """A policy ready to sample. Raises MissingWeights or ModelError, each with one sentence."""
        folder, where = require(card), _device(device)
        model = _guarded(card, lambda: _causal_model(folder, where, dtype))
        _check_positions(card, model.config)
        share = cache_bytes if cache_bytes is not None else _free_share(where)
        return TransformersPolicy(
            card, model, _tokenizer(card, folder), shape=shape_of(model), worker=worker_for(str(where)),
            row_bytes=share, cache_bytes=share, max_rows=max_rows, threads=_threads(model, where), warn=warn,
        )  # fmt: skip

    def load_reward(
        self, card: ModelCard, *, device: str | None = None, dtype: str | None = None, cache_bytes: int | None = None
    ) -> TransformersReward:
        """A reward model ready to score. Raises MissingWeights or ModelError, each with one sentence."""
        folder, where = require(card), _device(device)
        family = resolve("prm family", card.family)
        form = family.format(_tokenizer(card, folder))
        module = _guarded(card, lambda: family.load(folder, _dtype(folder, where, dtype)).to(where))
        decoder = family.decoder(module)
        _check_positions(card, decoder.config)
        return TransformersReward(
            card, decoder, lambda hidden: family.scores(module, hidden), form, shape=shape_of(module),
            worker=worker_for(str(where)), cache_bytes=cache_bytes if cache_bytes is not None else _free_share(where),
            threads=_threads(module, where),
        )  # fmt: skip


ENGINE = TransformersEngine()


def shape_of(model: torch.nn.Module) -> ModelShape:
    """What a pass through a loaded model costs."""
    geometry = Geometry.of(model)
    config: Any = model.config
    active = sum(m.weight.numel() for m in model.modules() if isinstance(m, torch.nn.Linear))
    parameters = sum(p.numel() for p in model.parameters())
    return ModelShape(parameters, active, geometry.layers, config.num_attention_heads * geometry.size)


def _causal_model(folder: Path, device: torch.device, dtype: str | None) -> Any:
    from transformers import AutoModelForCausalLM

    loader: Any = AutoModelForCausalLM.from_pretrained
    model, report = loader(
        folder, dtype=_dtype(folder, device, dtype), local_files_only=True, use_safetensors=True,
        trust_remote_code=False, attn_implementation="sdpa", output_loading_info=True,
    )  # fmt: skip
    if missing := sorted(report["missing_keys"]):
        raise ModelError(f"{folder} lacks the weights {', '.join(missing[:3])}: copy or save the whole model again.")
    return model.to(device).eval()


def _tokenizer(card: ModelCard, folder: Path) -> Any:
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    # AutoTokenizer goes by the model's type, and for some types rebuilds the pre-tokenizer in place of the one that
    # tokenizer.json holds. The file is the whole truth where there is one.
    loader: Any = PreTrainedTokenizerFast if (folder / "tokenizer.json").is_file() else AutoTokenizer

    def load() -> Any:
        tokenizer: Any = loader.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        if (core := getattr(tokenizer, "backend_tokenizer", None)) is not None:
            core.no_truncation()
            core.no_padding()
        return tokenizer

    return _guarded(card, load, "the tokenizer of ")


def _guarded(card: ModelCard, load: Callable[[], Any], what: str = "") -> Any:
    """Run a loader quietly, and say in one sentence what went wrong."""
    from transformers.utils import logging as chatter

    logger, bars = logging.getLogger("transformers"), chatter.is_progress_bar_enabled()
    level = logger.level
    logger.setLevel(logging.ERROR)
    chatter.disable_progress_bar()
    try:
        return load()
    except TTSError:
        raise
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        raise ModelError(f"{what}{card.name} cannot be loaded: {reason}.") from error
    finally:
        logger.setLevel(level)
        if bars:
            chatter.enable_progress_bar()


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
    """The data type asked for; else float32 on a CPU, elsewhere that of the checkpoint."""
    if name is not None:
        if name not in _DTYPES:
            raise BadInput(f"there is no data type {name!r}: use {', '.join(_DTYPES)}.")
        return _DTYPES[name]
    if device.type == "cpu":
        return torch.float32
    from transformers import AutoConfig

    return getattr(AutoConfig.from_pretrained(folder, local_files_only=True), "dtype", None) or torch.bfloat16


def _check_positions(card: ModelCard, config: Any) -> None:
    """Refuse models whose position code changes with the length of the text: cached keys would not fit."""
    rope = getattr(config, "rope_parameters", None) or {}
    kind = rope.get("rope_type", "default")
    if kind not in _ROPES:
        raise ModelError(f"{card.name} uses {kind!r} positions, which this engine cannot cache; choose another model.")


def _threads(model: torch.nn.Module, device: torch.device) -> int:
    """One thread for a small model on a CPU, unless the user chose; else torch's own setting.

    Measured with one million parameters on two busy cores: a token for 16 rows took 17 ms on one thread and 540 ms on
    two, which wait for each other in each of its hundred small kernels. Idle cores gain nothing either.
    """
    small = sum(p.numel() for p in model.parameters()) < _SMALL
    return 1 if device.type == "cpu" and small and "OMP_NUM_THREADS" not in os.environ else 0


def _free_share(device: torch.device) -> int:
    """Bytes for one cache: a share of the memory that is free now."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0] * _SHARE)
    try:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        free = 8 << 30
    return int(min(free, 32 << 30) * _SHARE)
