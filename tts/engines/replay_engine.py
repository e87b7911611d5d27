"""The engine ``replay``: models by name that answer from recorded traces, ``--engine-arg traces=FOLDER``."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import ClassVar

from tts.engines.engine import Engine
from tts.engines.replay import ReplayPolicy, ReplayReward, load_replay
from tts.errors import BadInput, ModelError
from tts.models.card import ModelCard
from tts.trace import Trace


class ReplayEngine(Engine):
    """Answers from the traces of a folder, as ``tts solve --file ... --trace FOLDER`` writes them, or from one file."""

    name: ClassVar[str] = "replay"
    local: ClassVar[bool] = False
    replays: ClassVar[bool] = True
    whole_vocabulary: ClassVar[bool] = True

    def load_policy(
        self, card: ModelCard, *, traces: str = "", device: str | None, dtype: str | None, warn: object = None
    ) -> ReplayPolicy:
        policy, _ = _models(traces)
        if policy.name != card.name:
            raise ModelError(f"the traces {traces} are of the policy {policy.name}, not of {card.name}: name that one.")
        return policy

    def load_reward(self, card: ModelCard, *, traces: str = "", device: str | None, dtype: str | None) -> ReplayReward:
        _, reward = _models(traces)
        if reward is None or reward.name != card.name:
            kind = f"of the reward model {reward.name}" if reward else "without a reward model"
            raise ModelError(f"the traces {traces} are {kind}, not of {card.name}: use the models of the recording.")
        return reward


@cache
def _models(traces: str) -> tuple[ReplayPolicy, ReplayReward | None]:
    """Return both models of a folder of traces. Raises BadInput where there is none."""
    place = Path(traces)
    files = sorted(place.glob("*.jsonl")) if place.is_dir() else [place] if traces and place.is_file() else []
    if not files:
        raise BadInput(f"there is no trace in {traces or 'no folder'}: give --engine-arg traces=FOLDER of --trace.")
    read = [Trace.load(file) for file in files]
    return load_replay({str(next(trace.of("start"))["problem"]["id"]): trace for trace in read})


ENGINE = ReplayEngine()
