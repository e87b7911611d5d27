"""Data files set nothing that they should not set, and all of their content is checked."""

from __future__ import annotations

import asyncio
import copy
import inspect
import json
import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from benchmarks.bench.folder import RunFolder
from benchmarks.recordings.reading import read as read_recordings
from tests.selection.profiles import toy_profile
from tests.toy import ToyPolicy, ToyReward
from tts import Solver, Trace
from tts.budget import Budget
from tts.errors import BadInput, TTSError
from tts.models import descriptions
from tts.records.outcomes import outcome_of, row_of
from tts.registry import names
from tts.selection.profile_file import load, save
from tts.types import Problem

ARGUMENTS = [name for name in inspect.signature(Solver).parameters if name != "parameters"]
STRANGE: dict[str, Any] = {
    "policy": "http://127.0.0.1:9/v1#m", "prm": "http://127.0.0.1:9/v1#m", "engine": "remote", "device": "cuda:9",
    "engine_args": {"api_key_env": "MY_OTHER_SECRET"}, "strategy": "dvts", "seed": 5, "budget": 3, "vote": "best",
}  # fmt: skip
PROBLEM = Problem("how far")


@pytest.fixture(scope="module")
def trace() -> list[dict[str, Any]]:
    return asyncio.run(Solver(ToyPolicy(), ToyReward(), "beam-search", Budget(4)).solve(PROBLEM)).trace.events


def saved(events: list[dict[str, Any]], path: Path) -> str:
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    return str(path)


@pytest.mark.parametrize("name", [*ARGUMENTS, "parameters", "surprise"])
def test_a_trace_sets_no_argument_of_a_solver_by_a_parameter(
    name: str, trace: list[dict[str, Any]], tmp_path: Path
) -> None:
    events = copy.deepcopy(trace)
    if name == "aggregate":  # a parameter of the strategy's own
        pytest.skip("beam search declares it")
    events[0]["plan"]["parameters"][name] = STRANGE.get(name, 1)
    with pytest.raises(BadInput, match=rf"the trace cannot be replayed: it sets '{name}', which is not a parameter"):
        Solver.replay(saved(events, tmp_path / "trace.jsonl"))


@pytest.mark.parametrize("part", ["plan", "budget"])
@pytest.mark.parametrize("name", ["engine_args", "engine", "device", "prm_device", "surprise"])
def test_a_trace_with_an_unknown_field_in_its_plan_or_budget_is_refused_by_name(
    part: str, name: str, trace: list[dict[str, Any]], tmp_path: Path
) -> None:
    events = copy.deepcopy(trace)
    events[0][part][name] = STRANGE.get(name, 1)
    with pytest.raises(BadInput, match=name):
        Solver.replay(saved(events, tmp_path / "trace.jsonl"))


def test_a_replay_has_the_recorded_models_whatever_the_plan_names(trace: list[dict[str, Any]], tmp_path: Path) -> None:
    events = copy.deepcopy(trace)
    events[0]["plan"] |= {"policy": STRANGE["policy"], "prm": STRANGE["prm"]}
    solver = Solver.replay(saved(events, tmp_path / "trace.jsonl"))
    policy, reward = solver.load()
    assert reward is not None
    assert (policy.name, reward.name) == ("toy", "toy-prm")
    other = ToyReward("another")
    assert Solver.replay(saved(events, tmp_path / "trace.jsonl"), prm=other).load()[1] is other


@pytest.mark.parametrize("value", [None, True, "0.5", [0.5], {}, -1])
@pytest.mark.parametrize("name", ["temperature", "top_p", "beam_width", "max_steps", "step_tokens", "aggregate"])
def test_a_parameter_of_another_kind_is_one_sentence(
    name: str, value: object, trace: list[dict[str, Any]], tmp_path: Path
) -> None:
    events = copy.deepcopy(trace)
    events[0]["plan"]["parameters"][name] = value
    with pytest.raises(TTSError, match=r"\.$"):
        Solver.replay(saved(events, tmp_path / "trace.jsonl"))


def test_another_strategy_gets_the_parameters_that_both_declare(trace: list[dict[str, Any]], tmp_path: Path) -> None:
    events = copy.deepcopy(trace)
    events[0]["plan"]["parameters"] |= {"temperature": 0.5, "beam_width": 2}
    solver = Solver.replay(saved(events, tmp_path / "trace.jsonl"), strategy="best-of-n")
    assert solver.plan.parameters["temperature"] == 0.5
    assert "beam_width" not in solver.plan.parameters


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda events: events[1].update(steps=[{"text": 5, "tokens": [1]}]), "'text' of"),
        (lambda events: events[1].update(steps=[{"text": "x", "tokens": [-1]}]), "token ids"),
        (lambda events: events[1].update(steps=[{"text": "x", "tokens": [1.5]}]), "token ids"),
        (lambda events: events[1].update(key="a/b"), "is no key of a node"),
        (lambda events: events[1].update(finish="maybe"), "must be one of step, stop, length"),
        (lambda events: events[1].pop("parent"), "has no 'parent'"),
        (lambda events: events[0]["policy"].update(context="long"), "'context'"),
        (lambda events: events[0]["policy"]["shape"].update(surprise=1), "surprise"),
        (lambda events: events[0]["prompt"].update(tokens="none"), "token ids"),
        (lambda events: events[0]["budget"].update(n="many"), "'n' of its budget"),
        (lambda events: events[0]["budget"].update(n=0), "1 or more"),
        (lambda events: events[0].pop("plan"), "has no 'plan'"),
        (lambda events: events[0]["plan"].update(strategy="../x"), "no strategy named"),
        (lambda events: events[0]["plan"].update(extract=5), "'extract' of its plan"),
    ],
)
def test_a_damaged_trace_is_one_sentence(
    change: Callable[[list[dict[str, Any]]], object], message: str, trace: list[dict[str, Any]], tmp_path: Path
) -> None:
    events = copy.deepcopy(trace)
    change(events)
    with pytest.raises(TTSError, match=rf"(?s){re.escape(message)}.*\.$"):
        asyncio.run(Solver.replay(saved(events, tmp_path / "trace.jsonl")).solve(PROBLEM))


def test_a_trace_whose_nodes_lie_below_themselves_is_refused(trace: list[dict[str, Any]], tmp_path: Path) -> None:
    events = copy.deepcopy(trace)
    samples = [event for event in events if event["event"] == "sample"]
    samples[0]["parent"] = samples[-1]["key"]
    samples[-1]["parent"] = samples[0]["key"]
    with pytest.raises(BadInput, match="lies below itself"):
        Trace.load(saved(events, tmp_path / "trace.jsonl"))


def test_a_trace_of_any_text_is_read_back(trace: list[dict[str, Any]], tmp_path: Path) -> None:
    events = copy.deepcopy(trace)
    events[0]["problem"]["text"] = "a\u2028b\u2029c\x85d\x1ce \ud83d \x1b[31m"
    Trace(events).save(tmp_path / "trace.jsonl")
    assert Trace.load(tmp_path / "trace.jsonl").events[0]["problem"]["text"] == events[0]["problem"]["text"]


# ------------------------------------------------------------------------------------------------------------ profiles


def profile(path: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    save(toy_profile(), path)
    row = json.loads(path.read_text())
    change(row)
    path.write_text(json.dumps(row))
    return path


def plan_with(path: Path) -> None:
    Solver(ToyPolicy(), ToyReward(), "auto", Budget(4), profile=path)


@pytest.mark.parametrize("name", [*ARGUMENTS, "surprise"])
def test_a_profile_sets_only_declared_parameters_of_its_searches(name: str, tmp_path: Path) -> None:
    if name == "aggregate":
        pytest.skip("beam search declares it")
    path = profile(
        tmp_path / "p.json", lambda row: row["stages"][0]["finishes"][0]["parameters"].update({name: STRANGE.get(name)})
    )
    with pytest.raises(TTSError, match=f"no parameter of beam-search named '{name}'"):
        plan_with(path)


@pytest.mark.parametrize("value", ["x", None, [], True])
def test_a_parameter_of_another_kind_in_a_profile_is_one_sentence(value: object, tmp_path: Path) -> None:
    path = profile(
        tmp_path / "p.json", lambda row: row["stages"][0]["finishes"][0]["parameters"].update(temperature=value)
    )
    with pytest.raises(BadInput, match="the parameter 'temperature' must be a number"):
        plan_with(path)


@pytest.mark.parametrize("where", ["stage", "finish", "advance"])
@pytest.mark.parametrize("name", ["engine_args", "surprise"])
def test_a_part_of_a_profile_with_an_unknown_field_is_refused(where: str, name: str, tmp_path: Path) -> None:
    def change(row: dict[str, Any]) -> None:
        stage = row["stages"][0]
        part = {"stage": stage, "finish": stage["finishes"][0], "advance": stage["advances"][0]}[where]
        part[name] = STRANGE.get(name, 1)

    with pytest.raises(BadInput, match="does not have exactly"):
        load(profile(tmp_path / "p.json", change))


# ------------------------------------------------------------------------------------- descriptions, rows and manifests


@pytest.mark.parametrize("family", names("prm family"))
@pytest.mark.parametrize("name", [*(name for name in ARGUMENTS if name != "policy"), "surprise"])
def test_a_description_sets_only_what_its_family_declares(family: str, name: str, tmp_path: Path) -> None:
    from tts.registry import resolve

    if name in {f.name for f in fields(resolve("prm family", family))}:
        pytest.skip("the family declares it")
    path = tmp_path / "prm.json"
    path.write_text(json.dumps({"model": "lab-prm", "family": family, name: STRANGE.get(name, 1)}))
    with pytest.raises(TTSError, match=f"'{name}'"):
        descriptions.read(path)


@pytest.mark.parametrize("name", [*(name for name in ARGUMENTS if name != "dataset"), "surprise"])
def test_a_row_with_unknown_fields_is_the_same_outcome(name: str) -> None:
    solution = asyncio.run(Solver(ToyPolicy(), ToyReward(), "dvts", Budget(4)).solve(PROBLEM))
    right = tuple(candidate.answer == "3" for candidate in solution.candidates)
    row = json.loads(json.dumps(row_of(solution, gold="3", correct=True, right=right)))
    assert outcome_of(row | {name: STRANGE.get(name, 1)}) == outcome_of(row)


@pytest.mark.parametrize("name", [*ARGUMENTS, "surprise"])
def test_a_recording_with_unknown_fields_is_the_same_record(name: str, tmp_path: Path) -> None:
    row = {"problem": "p", "answer": "1", "completions": ["\\boxed{1}"], "scores": [[0.5]]}
    (tmp_path / "a.jsonl").write_text(json.dumps(row) + "\n")
    (tmp_path / "b.jsonl").write_text(json.dumps(row | {name: STRANGE.get(name, 1)}) + "\n")
    assert read_recordings(tmp_path / "a.jsonl") == read_recordings(tmp_path / "b.jsonl")


@pytest.mark.parametrize("name", ["engine_args", "policy", "surprise"])
def test_a_manifest_decides_only_whether_a_run_may_go_on(name: str, tmp_path: Path) -> None:
    with RunFolder(tmp_path / "run", {"seed": 0}, {}) as run:
        run.add({"job": "j/1", "id": "a"})
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    manifest["settings"][name] = STRANGE.get(name, 1)
    (tmp_path / "run" / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BadInput, match=f"was made with {name}"):
        RunFolder(tmp_path / "run", {"seed": 0}, {})
