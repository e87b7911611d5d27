"""The base class of engines: what loads models and turns many coroutines' requests into batches.

An engine is registered by name as "module:attribute": in :mod:`tts.registry`, or by a package of its own through an
entry point of the group ``tts.engine``. Its module must be cheap to import; what is heavy is imported by its methods.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from tts.errors import UnknownName
from tts.models.card import Kind, ModelCard
from tts.protocols import Policy, RewardModel

COMMON = frozenset({"card", "device", "dtype", "share"})
"""The arguments of an engine's methods that every engine has; all others are named by the user."""


class Engine(ABC):
    """Base class of engines.

    Attributes:
        name: as users type it.
        local: whether its models take memory of this machine.
        reserves: whether it reserves a part of a GPU's memory when a model is loaded, given as ``share``.
        takes_any: whether it takes further arguments than those of its methods, and checks them itself.
        cpu_cache: bytes that it sets aside on a CPU for keys and values.
        replays: whether it answers from a recording, so that no time passes in a search.
        whole_vocabulary: whether its policies know the log-probability of every token of the vocabulary.
    """

    name: ClassVar[str]
    local: ClassVar[bool] = True
    reserves: ClassVar[bool] = False
    takes_any: ClassVar[bool] = False
    cpu_cache: ClassVar[int] = 0
    replays: ClassVar[bool] = False
    whole_vocabulary: ClassVar[bool] = False

    @abstractmethod
    def load_policy(self, card: ModelCard, *args: Any, **arguments: Any) -> Policy:
        """Load a policy.

        Args:
            card: the model.
            arguments: ``device``, ``dtype``, ``share`` where it reserves memory, and those that the user gave.

        Raises:
            MissingExtra: when the engine is not installed.
            MissingWeights: when the model's files are not here or are damaged.
            ModelError: when it cannot serve as a policy.
        """

    @abstractmethod
    def load_reward(self, card: ModelCard, *args: Any, **arguments: Any) -> RewardModel:
        """Load a reward model. Arguments and errors are those of :meth:`load_policy`, without ``warn``."""

    def suits(self, card: ModelCard) -> bool:
        """Return whether ``auto`` may choose this engine for a model: it takes the first of the registry that suits."""
        return False

    def arguments(self, kind: Kind) -> frozenset[str]:
        """Return the names of the arguments that users may give for a model of this kind."""
        method = self.load_policy if kind == "policy" else self.load_reward
        parameters = inspect.signature(method).parameters.values()
        return frozenset(p.name for p in parameters if p.kind is not p.VAR_KEYWORD) - COMMON

    def check(self, kind: Kind, options: Mapping[str, Any]) -> None:
        """Refuse an argument that this engine does not have. Raises UnknownName."""
        known = self.arguments(kind)
        for name in options:
            if not self.takes_any and name not in known | COMMON:
                raise UnknownName(f"argument of the {self.name} engine", name, known | {"device", "dtype"})

    def shared(self, kind: Kind, options: Mapping[str, Any], other: Engine) -> dict[str, Any]:
        """Return those of the arguments given for two models that are for this one, where the other is on ``other``.

        Left out is what only the other engine takes, so that one model can be behind an address and one here.
        """
        mine, theirs = self.arguments(kind), other.arguments("prm" if kind == "policy" else "policy")

        def kept(name: str) -> bool:
            if name in mine or "." in name:
                return True
            return name not in theirs and (self.takes_any or not other.takes_any)

        return {name: value for name, value in options.items() if kept(name)}
