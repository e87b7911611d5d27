"""Engines in the registry: built-in ones, a user's own, and the arguments of each."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.toy import ToyPolicy, ToyReward
from tts import registry
from tts.engines import load
from tts.engines.engine import Engine
from tts.engines.load import Loading, load_both, load_policy
from tts.errors import BadInput, ModelError, UnknownName
from tts.models.card import ModelCard
from tts.registry import resolve


class ToyEngine(Engine):
    """An engine as another package would add it."""

    name = "toys"
    local = False

    def load_policy(
        self, card: ModelCard, *, device: str | None = None, dtype: str | None = None, depth: int = 3
    ) -> ToyPolicy:
        return ToyPolicy(depth=depth, name=card.name)

    def load_reward(self, card: ModelCard, *, device: str | None = None, dtype: str | None = None) -> ToyReward:
        return ToyReward()


TOYS = ToyEngine()
NO_ENGINE = object()


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(registry.TABLE["engine"], "toys", "tests.engines.test_engine:TOYS")
    monkeypatch.setitem(registry.TABLE["engine"], "none", "tests.engines.test_engine:NO_ENGINE")
    monkeypatch.setattr(registry, "_targets", registry._targets.__wrapped__)
    monkeypatch.setattr(load, "_loaded", {})
    yield
    load.close_all()


def test_an_engine_of_ones_own_needs_no_more_than_its_name_in_the_registry() -> None:
    policy = load_policy("lab-1m", engine="toys", arguments={"depth": 5})
    assert isinstance(policy, ToyPolicy)
    assert (policy.depth, policy.name) == (5, "lab-1m")
    assert load_policy("lab-1m", engine="TOYS", arguments={"depth": 5}) is policy


def test_an_argument_that_an_engine_does_not_have_is_named_with_the_nearest_one() -> None:
    with pytest.raises(UnknownName, match="no argument of the toys engine named 'dept': did you mean 'depth'"):
        load_policy("lab-1m", engine="toys", arguments={"dept": 5})


def test_an_unknown_engine_is_refused_before_anything_is_loaded() -> None:
    with pytest.raises(UnknownName, match="no engine named 'transformer': did you mean 'transformers'"):
        Loading(engine="transformer")


def test_what_is_no_engine_is_refused() -> None:
    with pytest.raises(BadInput, match=r"the engine 'none' does not inherit tts\.engines\.engine\.Engine"):
        load_policy("lab-1m", engine="none")


def test_both_models_of_one_engine_get_all_arguments() -> None:
    with pytest.raises(UnknownName, match="'depth'"):
        load_both("lab-1m", "lab-prm", Loading(engine="toys", arguments={"depth": 5}))
    policy, _ = load_both("lab-1m", "lab-prm", Loading(engine="toys", arguments={"policy.depth": 5}))
    assert isinstance(policy, ToyPolicy)


@pytest.mark.parametrize(
    ("mine", "kind", "other", "kept"),
    [
        ("remote", "policy", "vllm", {"timeout", "seeds", "prm.x"}),
        ("vllm", "prm", "remote", {"max_rows", "max_model_len", "unheard_of", "prm.x"}),
        ("vllm", "policy", "remote", {"seeds", "max_rows", "max_model_len", "unheard_of", "prm.x"}),
        ("remote", "prm", "vllm", {"timeout", "prm.x"}),
        ("transformers", "policy", "remote", {"seeds", "max_rows", "unheard_of", "max_model_len", "prm.x"}),
        ("remote", "prm", "transformers", {"timeout", "unheard_of", "max_model_len", "seeds", "prm.x"}),
    ],
)
def test_two_engines_share_the_arguments_out_by_who_takes_them(
    mine: str, kind: Any, other: str, kept: set[str]
) -> None:
    """What neither knows goes to both, so that one of them refuses it; vLLM takes any."""
    given = dict.fromkeys(["timeout", "seeds", "max_rows", "max_model_len", "unheard_of", "prm.x"], 1)
    found = resolve("engine", mine).shared(kind, given, resolve("engine", other))
    assert set(found) == kept


def test_missing_weights_are_found_before_an_engine_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def imported(*_: object) -> None:
        raise AssertionError("an engine was imported")

    sizes = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    (tmp_path / "config.json").write_text(
        json.dumps({"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 8, **sizes})
    )
    monkeypatch.setattr(load, "_engine_for", imported)
    with pytest.raises(ModelError, match=r"holds no \.safetensors file"):
        load_policy(str(tmp_path))


def test_a_load_that_an_interrupt_left_is_found_by_the_next_call(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go, loads = threading.Event(), threading.Event(), []

    def slow(card: ModelCard, **_: Any) -> ToyPolicy:
        loads.append(card.name)
        begun.set()
        assert go.wait(60)
        return ToyPolicy(name=card.name)

    monkeypatch.setattr(TOYS, "load_policy", slow)
    waiting = threading.get_ident()

    def press() -> None:
        begun.wait(60)
        signal.pthread_kill(waiting, signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        threading.Thread(target=press).start()
        with pytest.raises(KeyboardInterrupt):
            load_policy("lab-1m", engine="toys")
    finally:
        signal.signal(signal.SIGINT, before)
    go.set()
    assert load_policy("lab-1m", engine="toys").name == "lab-1m"
    assert loads == ["lab-1m"]
