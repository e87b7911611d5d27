"""Fingerprints of models: other files or another description change them, another name does not."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.prm_eval.scoring import identity
from benchmarks.provenance import fingerprint, without_secrets
from tests.markdown import ROOT

LAB_PRM = ROOT / "tts/models/builtin/lab-prm"


def test_weights_are_told_apart_by_what_is_in_them(tmp_path: Path) -> None:
    assert fingerprint("lab-1m", "policy") == fingerprint("LAB-1M", "policy") != fingerprint("lab-4m", "policy")
    assert fingerprint("http://localhost:1/v1#lab-1m", "policy") == ""
    assert fingerprint("llama-3.2-3b", "policy") == ""


def test_addresses_are_recorded_without_passwords() -> None:
    assert without_secrets("tts bench --policy http://me:word@host:8000/v1#m") == (
        "tts bench --policy http://host:8000/v1#m"
    )


def test_the_hash_is_over_the_names_and_hashes_of_the_files() -> None:
    files = sorted(file for file in LAB_PRM.iterdir() if file.suffix in (".safetensors", ".json", ".jinja"))
    lines = [f"{file.name} {hashlib.sha256(file.read_bytes()).hexdigest()}\n" for file in files]
    assert fingerprint("lab-prm", "prm") == hashlib.sha256("".join(lines).encode()).hexdigest()
    assert fingerprint(str(LAB_PRM), "prm") == fingerprint("lab-prm", "prm")


def test_weights_trained_anew_in_the_same_folder_are_another_model(tmp_path: Path) -> None:
    from safetensors.torch import save_file
    from torch import ones

    config = {"architectures": ["Qwen2ForProcessRewardModel"], "num_hidden_layers": 1}
    (tmp_path / "config.json").write_text(json.dumps(config))
    seen = []
    for value in (1.0, 1.0, 2.0):
        save_file({"w": value * ones(100_000)}, tmp_path / "model.safetensors")
        seen.append(identity(str(tmp_path), None))
    assert seen[0] == seen[1]
    assert seen[0]["prm sha256"] != seen[2]["prm sha256"]


def described(file: Path, model: str, **form: Any) -> str:
    file.write_text(json.dumps({"model": model, **form}))
    return fingerprint(str(file), "prm")


@pytest.mark.parametrize("model", [str(LAB_PRM), "some/one", "http://localhost:1#some"])
def test_a_description_is_a_part_of_the_model(tmp_path: Path, model: str) -> None:
    file = tmp_path / "mine.json"
    form: dict[str, Any] = {"family": "two-token", "mark": "\n\n", "good": "+", "bad": "-"}
    plain = described(file, model, **form)
    assert len(plain) == 64
    assert described(tmp_path / "same.json", model, **form) == plain
    others: list[dict[str, Any]] = [form | {"good": "yes"}, form | {"context": 77}, {"family": "math-shepherd"}]
    assert len({plain, *(described(file, model, **other) for other in others)}) == 4


def test_a_description_of_what_the_files_tell_anyway_changes_nothing(tmp_path: Path) -> None:
    assert described(tmp_path / "mine.json", str(LAB_PRM), family="qwen") == fingerprint("lab-prm", "prm")
