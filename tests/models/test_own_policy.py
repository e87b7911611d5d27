"""Policies that a user describes: their own prompt, separator and sampling on weights that are here or served."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from benchmarks.provenance import fingerprint
from tests import tiny
from tests.command_line import MIA, Tts
from tests.sentences import sentence
from tts import Solver
from tts.engines.load import load_policy
from tts.errors import BadInput, UnknownName
from tts.models.card import ModelCard
from tts.models.descriptions import CONVENTIONS, describe_policy
from tts.models.find import find
from tts.models.lookup import CARDS
from tts.types import Problem

LAB: dict[str, Any] = {"model": "lab-1m"}


@pytest.fixture(autouse=True)
def _alone(fresh_models: None) -> Iterator[None]:
    known = dict(CARDS)
    yield
    CARDS.clear()
    CARDS.update(known)


def written(file: Path, **found: Any) -> str:
    file.write_text(json.dumps(found))
    return str(file)


def test_what_a_description_does_not_name_is_as_the_model_has_it(tmp_path: Path) -> None:
    found = find(written(tmp_path / "mine.json", model="llama-3.2-3b", system="Be brief.", separator="\n"), "policy")
    plain = CARDS["llama-3.2-3b"]
    assert (found.name, found.system, found.separator) == ("mine", "Be brief.", "\n")
    differing = [f.name for f in fields(ModelCard) if getattr(found, f.name) != getattr(plain, f.name)]
    assert differing == ["name", "system", "separator"]


def test_a_folder_beside_the_description_and_a_server_are_found(tmp_path: Path) -> None:
    tiny.make_policy(tmp_path / "weights")
    card = find(written(tmp_path / "mine.json", model="weights", temperature=0.3, prm="lab-prm"))
    assert (card.kind, Path(card.folder), card.temperature) == ("policy", (tmp_path / "weights").resolve(), 0.3)
    assert (card.prm, card.prm_reason) == ("lab-prm", "its description names it")
    card = find(written(tmp_path / "served.json", model="http://host:8000/v1#some", suffix="Think."), "policy")
    assert (card.url, card.name, card.suffix) == ("http://host:8000/v1", "some", "Think.")


def test_the_prompt_and_the_steps_are_those_of_the_description(tmp_path: Path, policy_folder: str) -> None:
    described = written(tmp_path / "mine.json", model=policy_folder, system="Count.", suffix="Now.", separator="4")
    mine, plain = (load_policy(name, engine="transformers", device="cpu") for name in (described, policy_folder))
    assert mine is not plain, "two conventions of the same weights are two policies"
    assert "Count." in mine.prompt(Problem("add 3")).text
    assert "Now." in mine.prompt(Problem("add 3")).text
    assert "Count." not in plain.prompt(Problem("add 3")).text


@pytest.fixture(scope="module")
def policy_folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny.make_policy(tmp_path_factory.mktemp("policy")))


def test_a_built_in_model_can_be_asked_in_another_way_and_is_solved_with(tmp_path: Path, tts: Tts) -> None:
    name = written(tmp_path / "mine.json", **LAB, separator=".\n\n", max_tokens=200)
    row = json.loads(tts("solve", "--policy", name, "--strategy", "best-of-n", "-n", "4", "--json", MIA).out)
    assert row["answer"] == "117"
    assert row["plan"]["policy"] == "mine"
    assert row["plan"]["parameters"]["solution_tokens"] == 200
    shown = tts("models", name).out
    assert "mine: a policy" in shown
    assert r"end with '.\n\n'" in shown


def test_a_policy_can_be_described_in_python_too() -> None:
    describe_policy("mine", "lab-1m", temperature=0.5)
    assert Solver("mine", None, "majority", 4).plan.parameters["temperature"] == 0.5


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({}, 'write "model" into it'),
        ({"model": 7}, 'write "model" into it'),
        ({"model": "wrong.json"}, "name a folder, a hub id or an address"),
        ({"model": "lab-1n"}, "did you mean 'lab-1m'"),
        (LAB | {"sistem": "x"}, "did you mean 'system'"),
        (LAB | {"system": 7}, "'system' must be a text, not 7"),
        (LAB | {"temperature": "hot"}, "'temperature' must be a number"),
        (LAB | {"separator": ""}, "'separator' and 'prm' may not be empty"),
        (LAB | {"max_tokens": 0}, "a number of tokens must be 1 or more"),
        (LAB | {"context": 513}, "'context' may be at most 512, as in lab-1m, not 513"),
    ],
)
def test_a_wrong_description_is_one_sentence(found: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises((BadInput, UnknownName)) as error:
        find(written(tmp_path / "wrong.json", **found), "policy")
    assert message in sentence(error)


def test_the_description_is_a_part_of_the_model_in_the_records_of_a_run(tmp_path: Path, policy_folder: str) -> None:
    def of(**found: Any) -> str:
        return fingerprint(written(tmp_path / "mine.json", model=policy_folder, **found), "policy")

    plain = fingerprint(policy_folder, "policy")
    assert of() == of(temperature=0.1) == plain, "the sampling is in the records by itself"
    assert len({plain, of(system="Count."), of(separator="\n"), of(context=77)}) == 4


def test_the_docs_name_every_convention() -> None:
    page = (Path(__file__).parents[2] / "docs" / "MODELS.md").read_text(encoding="utf-8")
    [section] = page.split("### A policy of your own")[1:]
    for name in CONVENTIONS:
        assert f"`{name}`" in section.partition("\n## ")[0], name
