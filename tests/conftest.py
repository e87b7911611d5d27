"""Setup of all tests: one thread per process, no network for model hubs, quiet tokenizers."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import LoadFileScheduling

    from tests.command_line import Tts
    from tts.protocols import Policy, RewardModel

# Child processes (the command line, examples, packaging) inherit these. Whoever sets one of them knows better.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if os.environ.get("PYTEST_XDIST_WORKER"):
        from tests.workers import slowest_first

        slowest_first(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    from tests.workers import Files

    return Files(config, log)


@pytest.fixture
def tts(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Tts:
    """The command line in this process, printing to 80 columns."""
    from tests.command_line import Tts

    monkeypatch.setenv("COLUMNS", "80")
    return Tts(monkeypatch, capsys)


@pytest.fixture(scope="session")
def _caches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    return (tmp_path_factory.getbasetemp() / f"cache-{number}" for number in itertools.count())


@pytest.fixture(autouse=True)
def _own_cache(_caches: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has a cache folder of its own: none finds what another one, or the user, left there."""
    monkeypatch.setenv("TTS_CACHE", str(next(_caches)))


@pytest.fixture
def fresh_models(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No model is loaded yet; what the test loads is closed after it."""
    from tts.engines import load

    monkeypatch.setattr(load, "_loaded", {})
    yield
    load.close_all()


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Policy, RewardModel]]:
    """A policy and a reward model with random weights on the transformers engine, loaded once."""
    from tests.tiny import make_policy, make_prm
    from tts.engines.load import close_all, load_policy, load_reward

    folder = tmp_path_factory.mktemp("tiny")
    policy = make_policy(folder / "policy", context=84)  # short texts keep the suite short
    reward = make_prm(folder / "prm")
    yield (
        load_policy(str(policy), engine="transformers", device="cpu", dtype="float32"),
        load_reward(str(reward), engine="transformers", device="cpu", dtype="float32"),
    )
    close_all()


@pytest.fixture(scope="session")
def vllm_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Folders of a tiny policy and reward model that vLLM can run; every engine is closed at the end."""
    pytest.importorskip("vllm", reason="vLLM is not installed", exc_type=ImportError)
    from tests.tiny import make_policy, make_prm
    from tts.engines.load import close_all

    folder = tmp_path_factory.mktemp("tiny-vllm")
    shape: dict[str, Any] = {"width": 64, "heads": 2, "kv_heads": 1}  # heads of 32: the CPU's smallest
    yield str(make_policy(folder / "policy", context=84, **shape)), str(make_prm(folder / "prm", **shape))
    close_all()


@pytest.fixture(scope="module")
def vllm_models(vllm_folders: tuple[str, str]) -> tuple[Policy, RewardModel | None]:
    """The same kind of models on vLLM. They start once, in some seconds, and again only after a test closed them."""
    from tts.engines.load import Loading, load_both

    return load_both(*vllm_folders, Loading(engine="vllm", arguments={"policy.replicas": 1}))
