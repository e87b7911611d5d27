"""Profiles on disk: what is written is read, and damage is refused with its place."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.selection.profiles import repeating, toy_profile
from tts.errors import BadInput
from tts.selection import profile_file
from tts.selection.estimator import Estimator
from tts.selection.features import FEATURES, SCORE_FEATURES, Evidence
from tts.selection.profile_file import load, named, save

Change = Callable[[dict[str, Any]], object]


def test_a_profile_survives_its_file(tmp_path: Path) -> None:
    profile = toy_profile(problems=frozenset({"0123456789ab"}), about={"command": "tts calibrate"})
    save(profile, tmp_path / "toy.json")
    again = load(tmp_path / "toy.json")
    assert vars(again) == {**vars(profile), "about": {"command": "tts calibrate"}}


def test_a_profile_with_repeated_searches_survives_its_file_and_is_refused_by_older_programs(tmp_path: Path) -> None:
    profile = repeating("toy", "toy-prm")
    save(profile, tmp_path / "toy.json")
    assert load(tmp_path / "toy.json").stages == profile.stages
    assert json.loads((tmp_path / "toy.json").read_text())["version"] == 3
    save(toy_profile(), tmp_path / "plain.json")
    assert json.loads((tmp_path / "plain.json").read_text())["version"] == 2


def test_a_profile_with_estimates_survives_its_file_and_is_refused_by_older_programs(tmp_path: Path) -> None:
    first, one, two, four = toy_profile().stages
    [beam] = two.endings
    two = replace(two, endings=(replace(beam, estimate=Estimator(-0.5, {"agreement": 1.25})),))
    save(toy_profile(stages=(first, one, two, four)), tmp_path / "toy.json")
    assert load(tmp_path / "toy.json").stages == (first, one, two, four)
    row = json.loads((tmp_path / "toy.json").read_text())
    assert row["version"] == 4
    row["stages"][2]["finishes"][0]["estimate"]["weights"] = {"luck": 1.0}
    (tmp_path / "toy.json").write_text(json.dumps(row))
    with pytest.raises(BadInput, match="weighs 'luck', which is not a feature of its samples"):
        load(tmp_path / "toy.json")


@pytest.mark.parametrize(
    ("stage", "searches", "sentence"),
    [
        (2, {"runs": 2}, "its stages must start with n = 0, each one once"),
        (1, {"runs": 2}, "leads to 2 searches: a move is one search, or samples"),
        (2, {"n": 3}, "leads to other searches than those of the stage"),
        (1, {"strategy": "dvts"}, "leads to other searches than those of the stage"),
        (2, {"runs": -1}, "'runs' of stage 2 must be a whole number"),
        (2, {"strategy": ""}, "'strategy' of stage 2 must be a text"),
        (2, {"width": 2}, "the searches of stage 2 does not have exactly"),
    ],
)
def test_damaged_searches_are_refused(tmp_path: Path, stage: int, searches: dict[str, Any], sentence: str) -> None:
    save(repeating("toy", "toy-prm"), tmp_path / "toy.json")
    row = json.loads((tmp_path / "toy.json").read_text())
    place = row["stages"][stage] if "searches" in row["stages"][stage] else row["stages"][stage]["advances"][0]
    place["searches"] |= searches
    (tmp_path / "toy.json").write_text(json.dumps(row))
    with pytest.raises(BadInput, match=sentence):
        load(tmp_path / "toy.json")


def test_a_profile_that_is_read_again_is_the_same_one_until_its_file_changes(tmp_path: Path) -> None:
    path = tmp_path / "toy.json"
    save(toy_profile(), path)
    first = named(str(path))
    assert named(str(path)) is first
    save(toy_profile(dataset="by another hand"), path)
    assert named(str(path)).dataset == "by another hand"


def test_what_ships_is_found_by_the_names_of_the_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile_file, "SHIPPED", tmp_path)
    save(toy_profile(), tmp_path / "toy+toy-prm.json")
    assert profile_file.find("toy", "toy-prm") == "toy+toy-prm"
    assert named("toy+toy-prm").policy == "toy"
    assert profile_file.find("toy") == profile_file.find("../toy+toy-prm") == ""


@pytest.mark.parametrize("file", sorted(profile_file.SHIPPED.glob("*.json")), ids=lambda file: file.stem)
def test_every_profile_that_ships_can_be_read(file: Path) -> None:
    profile = named(file.stem)
    assert profile_file.find(profile.policy, profile.prm) == file.stem


def change(*path: str | int, to: Any) -> Change:
    def apply(row: dict[str, Any]) -> None:
        place: Any = row
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = to

    return apply


DAMAGES: dict[str, tuple[Change, str]] = {
    "another version": (change("version", to=99), "has version 99, this program reads versions 2 to 4: update it"),
    "an old version": (change("version", to=1), "has version 1, this program reads versions 2 to 4: calibrate anew"),
    "another file": (change("format", to="recipe"), "is not a profile: `tts calibrate` makes one"),
    "no policy": (lambda row: row.pop("policy"), "'policy' of the profile must be a text"),
    "no stages": (change("stages", to=[]), "its stages must start with n = 0"),
    "no beginning": (lambda row: row["stages"].pop(0), "its stages must start with n = 0"),
    "no first sample": (lambda row: row["stages"][0]["advances"].pop(0), "its first stage has no move to a"),
    "a stage twice": (lambda row: row["stages"].append(row["stages"][-1]), "each one once"),
    "a stage that is none": (change("stages", 1, to=7), "the stage of stage 1 does not have exactly"),
    "a field too many": (change("stages", 1, "rights", to=1), "the stage of stage 1 does not have exactly"),
    "too few shares": (change("stages", 2, "share", to=[1.0]), "are not 2 shares of 1"),
    "shares of more than 1": (change("stages", 2, "share", to=[0.7, 0.7]), "are not 2 shares of 1"),
    "chances of less than 1": (
        change("stages", 2, "advances", 0, "chance", 0, to=[0.5, 0.1]),
        r"the chances of stage 2 \(n = 2\) are not 2 shares of 1",
    ),
    "chances of too few bins": (
        change("stages", 2, "advances", 0, "chance", to=[[0.5, 0.5]]),
        "chances for a wrong number of bins",
    ),
    "a move back": (change("stages", 3, "advances", to=[{"n": 2, "scored": False, "flops": [1, 1], "chance": []}]),
                    "leads to n = 2, which is not a later stage"),
    "a move to nowhere": (change("stages", 1, "advances", 0, "n", to=3), "leads to n = 3, which is not a later stage"),
    "a rate above 1": (change("stages", 2, "right", "high", to=[0.5, 1.5]), "rates that are not 0 <= low <= mean"),
    "a rate too few": (change("stages", 2, "right", "mean", to=[0.5]), "does not have rates for 2 bins"),
    "no number": (change("stages", 2, "edges", to=["high"]), "'edges' of stage 2 must be a number, not 'high'"),
    "not a finite one": (change("stages", 2, "edges", to=[float("nan")]), "is not JSON: NaN is no number"),
    "edges that fall": (
        lambda row: row["stages"][3].update(edges=[0.6, 0.5], share=[0.5, 0.5, 0.0]),
        "the edges of stage 3",
    ),
    "negative costs": (change("stages", 1, "advances", 0, "flops", to=[-1]), "costs that are not 1 numbers of FLOPs"),
    "a strange feature": (change("stages", 1, "belief", "weights", to={"gold": 1}), "weighs 'gold', which is not"),
    "scores before scoring": (change("stages", 1, "belief", "weights", to={"mean": 1}), "weighs 'mean', which is not"),
    "no belief": (change("stages", 1, "belief", to=None), "lacks its belief"),
    "a strange aggregate": (change("stages", 1, "aggregate", to="median"), "aggregates by 'median'"),
    "a strange fitted one": (change("stages", 1, "aggregate", to="logistic:last=x"), "which is not an aggregation"),
    "a temperature below zero": (change("temperature", to=-1), "is out of range"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_profile_is_refused_with_its_place(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "toy.json"
    save(toy_profile(), path)
    row = json.loads(path.read_text())
    apply, sentence = DAMAGES[damage]
    apply(row)
    path.write_text(json.dumps(row))
    with pytest.raises(BadInput, match=sentence):
        load(path)


@pytest.mark.parametrize("text", ["", "no json", "[]", "null", '{"format": 1}', "\x00"])
def test_a_file_that_is_no_profile_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "toy.json"
    path.write_text(text)
    with pytest.raises(BadInput, match=r"is not (a profile|JSON)"):
        load(path)


def test_a_profile_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        named(str(tmp_path / "none.json"))
    with pytest.raises(BadInput, match="cannot be written"):
        save(toy_profile(), tmp_path / "no" / "such.json")


def test_the_features_are_those_that_a_profile_may_weigh() -> None:
    plain = Evidence([0, 0, 1, -1], None, [10, 12, 9, 30], 7).features()
    scored = Evidence([0, 0, 1, -1], [0.9, 0.8, 0.2, 0.1], [10, 12, 9, 30], 7).features()
    assert tuple(plain) == FEATURES
    assert tuple(scored) == (*FEATURES, *SCORE_FEATURES)
