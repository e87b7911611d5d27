"""The engine for models behind an address."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from tts.engines.engine import Engine
from tts.engines.remote.address import Patience
from tts.models.card import Kind, ModelCard
from tts.protocols import RewardModel

if TYPE_CHECKING:
    from tts.engines.remote.policy import RemotePolicy


class RemoteEngine(Engine):
    """Connects to models that run elsewhere.

    ``device`` and ``dtype`` are accepted and ignored, so that one model may be remote and the other not. Arguments,
    besides the fields of :class:`tts.engines.remote.address.Patience`: ``tokenizer``, a folder or hub id of the model's
    tokenizer on this machine, if the model's name does not tell; ``seeds``, whether requests carry a seed.
    """

    name = "remote"
    local = False

    def suits(self, card: ModelCard) -> bool:
        return bool(card.url)

    def arguments(self, kind: Kind) -> frozenset[str]:
        return super().arguments(kind) | {field.name for field in fields(Patience)}

    def load_policy(
        self, card: ModelCard, *, device: str | None = None, dtype: str | None = None,
        tokenizer: str = "", seeds: bool = True, **patience: Any,
    ) -> RemotePolicy:  # fmt: skip
        """Connect to a policy.

        Raises:
            EngineError: when nothing answers at the address.
            ModelError: when the server does not serve the model or does not accept the API key.
            BadInput: for an address or option that makes no sense.
        """
        from tts.engines.remote.connect import connect_policy

        return connect_policy(card, Patience.of(patience), tokenizer=tokenizer, seeds=seeds)

    def load_reward(
        self, card: ModelCard, *, device: str | None = None, dtype: str | None = None, tokenizer: str = "",
        **patience: Any,
    ) -> RewardModel:  # fmt: skip
        """Connect to a reward model, whose tokenizer must be on this machine. Errors are those of `load_policy`."""
        from tts.engines.remote.connect import connect_reward

        return connect_reward(card, Patience.of(patience), tokenizer=tokenizer)


ENGINE = RemoteEngine()
