"""Helpers for loading Hugging Face models: quiet loading, tokenizers, the cost shape of a model."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

import torch

from tts.cost import ModelShape
from tts.errors import BadInput, ModelError, TTSError
from tts.files import json_text
from tts.models.card import ModelCard
from tts.models.core_tokenizer import CoreTokenizer
from tts.models.files import built_in

T = TypeVar("T")

_IMAGES = ("model.vision_tower", "model.multi_modal_projector")  # parts that are not used for text
SMALL = 30_000_000  # below this many parameters several threads are slower than one


def setting(config: Any, name: str, default: Any = None) -> Any:
    """Return a setting of a transformers configuration; ``default`` if its type lacks it or it is None."""
    value = getattr(config, name, None)
    return default if value is None else value


def head_size(config: Any) -> int:
    """Return the width of one attention head."""
    return int(setting(config, "head_dim") or config.hidden_size // config.num_attention_heads)


def shape_of(model: torch.nn.Module) -> ModelShape:
    """Return the shape that the cost of a pass depends on. Works for a model on the meta device."""
    config: Any = model.config.get_text_config()  # type: ignore[operator, union-attr]
    parts = [part for name, part in model.named_modules() if not name.startswith(_IMAGES)]
    active = sum(part.weight.numel() for part in parts if isinstance(part, torch.nn.Linear))
    numbers = {id(p): p.numel() for part in parts for p in part.parameters(recurse=False)}
    return ModelShape(
        sum(numbers.values()), active, config.num_hidden_layers, config.num_attention_heads * head_size(config)
    )


def causal_shape(card: ModelCard, folder: Path) -> ModelShape:
    """Return the shape of a causal language model from its configuration, without loading it."""
    from transformers import AutoConfig, AutoModelForCausalLM

    def build() -> ModelShape:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        with torch.device("meta"):
            make: Any = AutoModelForCausalLM.from_config
            return shape_of(make(config, trust_remote_code=False))

    return guarded(card, build)


def check_type(folder: Path) -> None:
    """Refuse a model of a type that transformers does not know; code that comes with a checkpoint is never run."""
    if built_in(folder):
        return
    import transformers

    try:
        kind = json_text.read(folder / "config.json").get("model_type", "")
    except (BadInput, AttributeError):
        return  # the error is raised where the configuration is read
    if kind not in transformers.CONFIG_MAPPING:
        raise ModelError(
            f"{folder / 'config.json'} is of type {kind!r}, which transformers {transformers.__version__} does not "
            "know (code from a checkpoint is never run): update transformers, or choose another model."
        )


def tokenizer_of(card: ModelCard, folder: Path) -> Any:
    """Load the tokenizer of a model's folder. Raises ModelError if it cannot be read."""
    if built_in(folder):
        return CoreTokenizer(folder)
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    # AutoTokenizer depends on the model's type, and for some types rebuilds the pre-tokenizer instead of using that of
    # tokenizer.json. If that file exists, it is authoritative.
    loader: Any = PreTrainedTokenizerFast if (folder / "tokenizer.json").is_file() else AutoTokenizer

    def load() -> Any:
        tokenizer: Any = loader.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        if tokenizer.is_fast:
            tokenizer.backend_tokenizer.no_truncation()
            tokenizer.backend_tokenizer.no_padding()
        return tokenizer

    return guarded(card, load, "the tokenizer of ")


def guarded(card: ModelCard, load: Callable[[], T], what: str = "", folder: Path | None = None) -> T:
    """Run a loader quietly, and say in one sentence what went wrong.

    Importing transformers takes longer than a first answer: it is not imported for the ``folder`` of a built-in model.
    """
    try:
        with nullcontext() if folder is not None and built_in(folder) else _quiet():
            return load()
    except TTSError:
        raise
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        raise ModelError(f"{what}{card.name} cannot be loaded: {reason}.") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers from writing to the terminal."""
    from transformers.utils import logging as chatter

    logger, bars = logging.getLogger("transformers"), chatter.is_progress_bar_enabled()
    level = logger.level
    logger.setLevel(logging.ERROR)
    chatter.disable_progress_bar()
    try:
        yield
    finally:
        logger.setLevel(level)
        if bars:
            chatter.enable_progress_bar()
