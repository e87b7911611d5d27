"""Engines: what turns many coroutines' requests into batches on a machine. Importing this loads none of them."""

from __future__ import annotations

import importlib
import importlib.util
import threading
from typing import Any

from tts import models
from tts.errors import UnknownName
from tts.protocols import Policy, RewardModel

# Name of an engine, and where its object with load_policy and load_reward lies.
ENGINES = {"transformers": "tts.engines.transformers:ENGINE"}
DEFAULT = "transformers"

_loaded: dict[tuple[str, ...], Any] = {}
_lock = threading.Lock()


def load_policy(name: str, *, engine: str = "auto", device: str | None = None, dtype: str | None = None) -> Policy:
    """The policy of this name, loaded once a process.

    Args:
        name: a short name, a hub id whose files are on this machine, or a folder.
        engine: ``"auto"`` or the name of one.
        device: as the engine takes it; by default a GPU where there is one.
        dtype: as the engine takes it.

    Raises:
        UnknownName: for a name nobody knows.
        MissingWeights: when its files are not here or are damaged.
        ModelError: when it cannot serve as a policy.
    """
    policy: Policy = _load("policy", name, engine, device, dtype)
    return policy


def load_reward(name: str, *, engine: str = "auto", device: str | None = None, dtype: str | None = None) -> RewardModel:
    """The reward model of this name, loaded once a process. Arguments and errors as for :func:`load_policy`."""
    reward: RewardModel = _load("prm", name, engine, device, dtype)
    return reward


def close_all() -> None:
    """Close every loaded model and forget it; requests under way fail with EngineError."""
    with _lock:
        loaded = list(_loaded.values())
        _loaded.clear()
    for model in loaded:
        model.close()


def _load(kind: models.Kind, name: str, engine: str, device: str | None, dtype: str | None) -> Any:
    engine = DEFAULT if engine == "auto" else engine.lower()
    if engine not in ENGINES:
        raise UnknownName("engine", engine, ENGINES)
    card = models.find(name, kind)
    key = (kind, card.folder or card.name, engine, device or "", dtype or "")
    with _lock:  # one load at a time: two of the same would cost twice the memory
        if key not in _loaded:
            module, _, attribute = ENGINES[engine].partition(":")
            loader = getattr(importlib.import_module(module), attribute)
            options: dict[str, Any] = {"device": device, "dtype": dtype}
            if kind == "policy":
                options["warn"] = _scope_check(card)
            _loaded[key] = getattr(loader, "load_policy" if kind == "policy" else "load_reward")(card, **options)
        return _loaded[key]


def _scope_check(card: models.ModelCard) -> Any:
    """For a model of limited scope, a function that says of a problem's text whether it lies beyond."""
    if not card.scope:
        return None

    def warn(text: str) -> str | None:
        try:
            look = importlib.import_module("benchmarks.lab.scope").look
        except ImportError:
            return None
        if (found := look(text)).known:
            return None
        reasons = " ".join(found.reasons).rstrip(".")
        return f"This problem looks unlike those {card.name} was trained on ({reasons}): {card.scope}"

    return warn
