"""A function of the user's own, by name, as the kind of answers."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.bench.grading import graded
from benchmarks.datasets.items import Item
from tests.answers.test_kinds_in_solve import Says
from tests.command_line import Tts
from tts import Solver, solve_many
from tts.answers.kinds import function
from tts.errors import BadInput, EngineError
from tts.types import Problem

RULES = """
from tts.answers.kinds.words import Words

def initial(a, b):
    return a[0] == b[0]

def fails(a, b):
    return a.no_such_method()

def wordy(a, b):
    return "no"

def slow(a, b):
    import time
    time.sleep(5)

def one(a):
    return True

class Initial(Words):
    name = "initial"
    def same(self, a, b):
        return a[0] == b[0]

number = 3
"""
ANSWERS = [f"The answer is {word}." for word in ("Paris", "Praha", "Rome", "Paris")]


@pytest.fixture
def rules(tmp_path: Path) -> str:
    (tmp_path / "rules.py").write_text(RULES)
    return str(tmp_path / "rules.py")


@pytest.mark.parametrize("name", ["initial", "Initial"])
def test_a_function_or_a_class_by_name_compares_answers(rules: str, name: str) -> None:
    kind = f"{rules}:{name}"
    solver = Solver(Says(ANSWERS), None, "majority", 4, kind=kind, allow_code=True)
    solution = asyncio.run(solver.solve("Which city?"))
    assert (solution.plan.kind, solution.answer, solution.confidence) == (kind, "Paris", 0.75)
    assert solver.variant(kind=kind, seed=2).kind == solver.kind
    row = graded(solution, Item(Problem("Which city?"), "Pisa"), "mine", "majority/4", solver.kind.make)
    assert (row["correct"], [each["class"] for each in row["candidates"]]) == (True, [0, 0, 1, 0])
    replaying = Solver.replay(solution.trace, kind=kind, allow_code=True)
    assert asyncio.run(replaying.solve("Which city?")).votes == solution.votes
    with pytest.raises(BadInput, match="allow it with --allow-code"):
        Solver.replay(solution.trace)
    with pytest.raises(BadInput, match="allow it with --allow-code"):
        solver.variant(kind="os:system")


def test_a_name_is_sent_to_other_machines_and_an_object_is_not(rules: str) -> None:
    named = Solver("lab-200k", None, "majority", 4, kind=f"{rules}:initial", allow_code=True)
    assert named.recipe()["kind"] == f"{rules}:initial"
    with pytest.raises(BadInput, match="the kind is a Python object"):
        Solver("lab-200k", None, "majority", 4, kind=lambda a, b: a == b).recipe()


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("{}:initials", "has no function 'initials': write --kind MODULE:FUNCTION"),
        ("{}:number", "has no function 'number'"),
        ("{}:one", r"one cannot compare answers: define it as \(a, b\) -> bool"),
        ("nowhere.py:same", "there is no file nowhere.py: write --kind FILE.py:FUNCTION"),
        ("no_such_module_of_mine:same", "no_such_module_of_mine cannot be imported"),
    ],
)
def test_what_is_no_function_is_one_sentence_before_anything_is_loaded(rules: str, kind: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        Solver("no/such-model", kind=kind.format(rules), allow_code=True)


@pytest.mark.parametrize("command", [["solve", "How far?"], ["bench", "lab-500", "--out", "run"]])
def test_the_command_line_asks_for_leave_to_run_it(tts: Tts, rules: str, command: list[str]) -> None:
    code, out, err = tts(*command, "--policy", "lab-200k", "--kind", f"{rules}:initial")
    assert (code, out) == (2, "")
    assert err.splitlines()[-1].endswith(
        f"{rules}:initial is Python code that would be run here: allow it with --allow-code (allow_code=True)."
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("fails", "the function that compares answers failed: AttributeError: 'str' object has no attribute"),
        ("wordy", "the function that compares answers returned 'no', where True or False were expected"),
        ("slow", "the function that compares answers took more than 0.05 s for two answers"),
    ],
)
def test_a_function_that_fails_fails_its_problem_and_no_other(
    rules: str, name: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(function, "SECONDS", 0.05)
    settings: dict[str, Any] = {
        "policy": Says(ANSWERS),
        "prm": None,
        "strategy": "majority",
        "budget": 4,
        "allow_code": True,
    }
    other = Problem("Where?", kind="text")
    failed, solved = solve_many(["Which city?", other], kind=f"{rules}:{name}", **settings)
    assert said in str(failed.error)
    assert (solved.error, solved.answer) == (None, "Paris")


def test_a_comparison_that_fails_while_grading_is_the_error_of_its_row() -> None:
    def fails(a: str, b: str) -> bool:
        raise RuntimeError("no")

    solver = Solver(Says(ANSWERS[:1]), None, "majority", 4, kind=fails)
    solution = asyncio.run(solver.solve("Which city?"))  # all spelled the same: nothing to compare
    row = graded(solution, Item(Problem("Which city?"), "Pisa"), "mine", "majority/4", solver.kind.make)
    assert row["correct"] is False
    assert row["candidates"] == []
    assert row["error"] == "the function that compares answers failed: RuntimeError: no."
    with pytest.raises(EngineError):
        solver.kind.make("fails", replace(solution.problem), lambda text: None).same("a", "b")
