"""Tiny checkpoints, made once per session, and engines on them with small caches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests import tiny
from tests.engines.fake_server import FakeServer
from tts.engines.remote.engine import ENGINE as REMOTE
from tts.engines.remote.policy import RemotePolicy
from tts.engines.transformers.engine import ENGINE
from tts.engines.transformers.policy import TransformersPolicy
from tts.engines.transformers.reward import TransformersReward
from tts.models.find import find


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the keys for servers that this machine may hold."""
    for name in ("TTS_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def policy_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make_policy(tmp_path_factory.mktemp("policy"))


@pytest.fixture(scope="session")
def prm_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make_prm(tmp_path_factory.mktemp("prm"))


@pytest.fixture
def policies(policy_folder: Path) -> Iterator[Callable[..., TransformersPolicy]]:
    """Makes policies on the tiny checkpoint; keywords are the engine's, or the card's."""
    made = []

    def make(*, context: int = 0, **options: Any) -> TransformersPolicy:
        card = find(str(policy_folder), "policy")
        made.append(ENGINE.load_policy(replace(card, context=context or card.context), device="cpu", **options))
        return made[-1]

    yield make
    for policy in made:
        policy.close()


@pytest.fixture
def policy(policies: Callable[..., TransformersPolicy]) -> TransformersPolicy:
    return policies()


@pytest.fixture
def rewards(prm_folder: Path) -> Iterator[Callable[..., TransformersReward]]:
    """Makes reward models on the tiny checkpoint."""
    made = []

    def make(**options: Any) -> TransformersReward:
        reward = ENGINE.load_reward(find(str(prm_folder), "prm"), device="cpu", **options)
        assert isinstance(reward, TransformersReward)
        made.append(reward)
        return reward

    yield make
    for reward in made:
        reward.close()


@pytest.fixture
def reward(rewards: Callable[..., TransformersReward]) -> TransformersReward:
    return rewards()


@pytest.fixture
def connect() -> Iterator[Callable[..., RemotePolicy]]:
    """Connects to policies, with short waits."""
    made = []

    def make(fake: FakeServer | str, **options: Any) -> RemotePolicy:
        address = fake if isinstance(fake, str) else fake.url
        made.append(REMOTE.load_policy(find(address, "policy"), **{"backoff": 0.01, **options}))
        return made[-1]

    yield make
    for policy in made:
        policy.close()


@pytest.fixture
def fakes(policy: TransformersPolicy) -> Iterator[Callable[..., FakeServer]]:
    """Starts servers on the tiny policy."""
    made = []

    def make(variant: Any = "vllm", **options: Any) -> FakeServer:
        made.append(FakeServer(variant, policy, **options).__enter__())
        return made[-1]

    yield make
    for fake in made:
        fake.die()


@pytest.fixture
def fake(fakes: Callable[..., FakeServer]) -> FakeServer:
    return fakes()
