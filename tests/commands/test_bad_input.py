"""Errors about models on the command line: one sentence that says what to do, and exit code 2."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from huggingface_hub import constants

from tests import tiny
from tests.command_line import MIA, Tts
from tests.engines.test_memory import grown
from tts.engines import memory


@pytest.fixture
def tts(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, fresh_models: None) -> Tts:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return Tts(monkeypatch, capsys)


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make_policy(tmp_path_factory.mktemp("bad") / "a-policy")


@pytest.fixture(scope="module")
def prm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make_prm(tmp_path_factory.mktemp("bad") / "a-prm")


def refused(tts: Tts, *arguments: str) -> str:
    """The sentence; nothing else may have been printed."""
    done = tts("solve", "--engine", "transformers", "--device", "cpu", "-n", "2", *arguments, MIA)
    assert (done.code, done.out) == (2, "")
    assert done.sentence.endswith(".")
    return done.sentence


def changed(folder: Path, copy: Path, **config: object) -> Path:
    shutil.copytree(folder, copy)
    file = copy / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | config))
    return copy


def test_an_unknown_aggregation_given_as_a_parameter(tts: Tts) -> None:
    assert "there is no aggregation named 'median'" in refused(tts, "--parameter", "aggregate=median")
    assert "did you mean 'last'?" in refused(tts, "--aggregate", "logistic:lsat=2")
    assert "last must be a number, not 'much'" in refused(tts, "--aggregate", "logistic:last=much")


def test_a_causal_model_given_as_a_reward_model(tts: Tts, policy: Path) -> None:
    sentence = refused(tts, "--prm", str(policy))
    assert "a-policy is a causal language model by its config.json, so a policy and not a reward model" in sentence
    assert "describe its form in a file" in sentence


def test_a_reward_model_given_as_a_policy(tts: Tts, prm: Path) -> None:
    assert "a-prm is a reward model, not a policy: name a policy here" in refused(tts, "--policy", str(prm))


def test_a_tokenizer_without_the_step_token(tts: Tts, prm: Path, tmp_path: Path) -> None:
    other = changed(prm, tmp_path / "other")
    for file in other.glob("*token*.json"):
        file.write_text(file.read_text().replace("<extra_0>", "<other_0>"))
    assert "no token <extra_0>" in refused(tts, "--prm", str(other))


def test_an_architecture_that_is_no_language_model(tts: Tts, policy: Path, tmp_path: Path) -> None:
    bert = changed(policy, tmp_path / "bert", architectures=["BertForMaskedLM"])
    message = refused(tts, "--policy", str(bert), "--prm", "lab-prm")
    assert "names BertForMaskedLM as its architecture: causal language models" in message
    none = changed(policy, tmp_path / "none", architectures=None)
    assert "names nothing as its architecture" in refused(tts, "--policy", str(none), "--prm", "lab-prm")


def test_a_type_that_transformers_does_not_know(tts: Tts, policy: Path, tmp_path: Path) -> None:
    other = changed(policy, tmp_path / "other", architectures=["NewForCausalLM"], model_type="new")
    message = refused(tts, "--policy", str(other), "--prm", "lab-prm")
    assert "is of type 'new', which transformers" in message
    assert "update transformers" in message


def test_a_checkpoint_of_pickles(tts: Tts, policy: Path, tmp_path: Path) -> None:
    other = changed(policy, tmp_path / "other")
    (other / "model.safetensors").rename(other / "pytorch_model.bin")
    assert "pytorch_model.bin but no .safetensors file" in refused(tts, "--policy", str(other), "--prm", "lab-prm")


def test_more_than_there_is_memory_for(tts: Tts, policy: Path, tmp_path: Path) -> None:
    there = memory.cpu_free()
    if there is None:
        pytest.skip("this system does not tell what memory is free")
    other = changed(policy, tmp_path / "other")
    try:
        grown(other, rows=there // 2000)
    except OSError:
        pytest.skip("this file system has no sparse files of that size")
    message = refused(tts, "--policy", str(other), "--prm", "lab-prm")
    assert message.startswith("other and lab-prm need about ")
    assert "GB free: choose a smaller model or --dtype bfloat16; TTS_MEMORY_CHECK=off" in message
