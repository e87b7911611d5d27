"""Kinds of answers from end to end: solve, batches, unit tests as a verifier, traces and replay."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from prm.tests import TestsReward
from tests.toy import SHAPE, step
from tts import Solver, sandbox, solve
from tts.batch import Batch, read_problems
from tts.commands.solution_text import print_solution
from tts.errors import BadInput, MissingSandbox
from tts.protocols import Completion, Policy, Request
from tts.records.solution_json import as_row
from tts.types import Finish, Problem, Step

OPTIONS = "Which city is the capital of France?\n\nA) London\nB) Paris\nC) Rome"
ADD = '''Complete this.

def add(a: int, b: int) -> int:
    """Add.
    >>> add(1, 2)
    3
    >>> add(2, 2)
    4
    """
'''
PROGRAMS = [f"```python\ndef add(a, b):\n    return {result}\n```" for result in ("3", "a + b", "b + a", "oops")]


class Says(Policy):
    """A policy that gives its texts in order of the samples' keys."""

    context, name, shape = 10_000, "says", SHAPE

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts
        self.read: list[Problem] = []

    def prompt(self, problem: Problem) -> Step:
        self.read.append(problem)
        return step(problem.text)

    async def generate(self, request: Request) -> Completion:
        place = int(request.key.rpartition("/")[2].split(".")[0])
        return Completion((step(self.texts[place % len(self.texts)], True),), Finish.STOP)


@pytest.fixture
def isolated() -> None:
    try:
        sandbox.check()
    except MissingSandbox as error:
        pytest.skip(str(error))


def test_letters_with_and_without_their_text_vote_together_and_the_guess_is_said() -> None:
    policy = Says(["The answer is A.", "\\boxed{B}", "\\boxed{\\text{Paris}}", "\\boxed{C}"])
    solution = solve(OPTIONS, policy=policy, prm=None, strategy="majority", budget=4)
    assert (solution.answer, solution.plan.kind) == ("B", "choice")
    assert [(standing.answer, standing.count) for standing in solution.votes] == [("B", 2), ("C", 1)]
    assert any("kind choice" in warning for warning in solution.warnings)
    assert policy.read[0].instruction.endswith("The answer is (X).")


def test_a_kind_that_was_asked_for_is_not_called_a_guess() -> None:
    solution = solve("Who?", policy=Says(["Neil Armstrong"]), prm=None, strategy="majority", budget=2, kind="text")
    assert solution.answer == "Neil Armstrong"
    assert not any("kind" in warning for warning in solution.warnings)
    assert as_row(solution)["plan"]["kind"] == "text"


def test_mathematics_is_written_as_before_there_were_kinds() -> None:
    solution = solve("1 + 1?", policy=Says(["\\boxed{2}"]), prm=None, strategy="majority", budget=2)
    assert "kind" not in as_row(solution)["plan"]
    assert "kind" not in json.dumps(solution.trace.events)


def test_programs_vote_by_what_they_do(isolated: None) -> None:
    solution = solve(ADD, policy=Says(PROGRAMS), prm=None, strategy="majority", budget=4, kind="code")
    assert solution.answer == "def add(a, b):\n    return a + b\n"
    assert [(standing.count, round(standing.share, 2)) for standing in solution.votes] == [(2, 0.67), (1, 0.33)]


def test_a_program_is_printed_with_its_lines_and_is_one_line_among_the_votes(
    isolated: None, capsys: pytest.CaptureFixture[str]
) -> None:
    solution = solve(ADD, policy=Says(PROGRAMS), prm=None, strategy="majority", budget=4, kind="code")
    print_solution(solution, as_json=False, show_steps=False)
    said = capsys.readouterr().out
    assert said.startswith("Answer\n    def add(a, b):\n        return a + b\nConfidence  67%")
    assert "Votes       def add(a, b): return a + b 67% (2 solutions); def add(a, b): return" in said


def test_unit_tests_score_programs_by_the_share_that_they_pass(isolated: None) -> None:
    solution = solve(ADD, policy=Says(PROGRAMS), prm="tests", strategy="best-of-n", budget=4, kind="code")
    # add(1, 2) == 3 and add(2, 2) == 4: the constant passes one of two
    assert sorted(c.score or 0.0 for c in solution.candidates) == [0.0, 0.5, 1.0, 1.0]
    assert solution.plan.prm == "tests"
    assert solution.answer == "def add(a, b):\n    return a + b\n"
    again = Solver.replay(solution.trace).variant()
    assert again.plan.kind == "code"


async def test_a_replay_elects_the_same_program(isolated: None) -> None:
    settings = {"prm": None, "strategy": "majority", "budget": 4, "kind": "code"}
    first = await Solver(Says(PROGRAMS), **settings).solve(ADD)  # type: ignore[arg-type]
    second = await Solver.replay(first.trace).solve(first.problem)
    assert (second.answer, second.votes) == (first.answer, first.votes)


def test_prose_where_code_was_asked_for_is_shown_with_the_reason(isolated: None) -> None:
    solution = solve(ADD, policy=Says(["I would rather not."]), prm=None, strategy="majority", budget=2, kind="code")
    assert solution.answer is None
    assert [candidate.text for candidate in solution.candidates] == ["I would rather not."] * 2


def test_prose_alone_ends_a_vote_on_the_loop_that_runs_programs(isolated: None) -> None:
    policy = Says(["I would rather not."])
    policy.background = True  # as engines are: the search runs on the loop that programs are awaited on
    solution = solve(ADD, policy=policy, prm=None, strategy="adaptive-consistency", budget=8, kind="code")
    assert (solution.answer, len(solution.candidates), solution.error) == (None, 8, None)


def test_tests_that_no_row_and_no_problem_has_are_asked_for_before_anything_is_sampled(isolated: None) -> None:
    with pytest.raises(BadInput, match="shows no tests"):
        solve("Write a Python function.", policy=Says(PROGRAMS), prm="tests", strategy="best-of-n", kind="code")


def test_rows_of_a_file_name_their_own_kind_and_tests(tmp_path: Path, isolated: None) -> None:
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    rows = [
        {"problem": "Write a function `add`.", "kind": "code", "tests": ["assert add(5, 5) == 10"]},
        {"problem": "Which?", "kind": "text"},
        {"problem": "Which?", "kind": "texts"},
        {"problem": "x", "tests": 3},
    ]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    problems, bad = read_problems(source)
    assert [problem.kind for problem in problems] == ["code", "text"]
    assert [line.place for line in bad] == ["line 3", "line 4"]
    solver = Solver(Says(PROGRAMS), "tests", "best-of-n", 4)
    with Batch(solver, source, out) as batch:
        solutions = list(batch.run())
    assert {solution.plan.kind for solution in solutions if solution.error is None} == {"code"}
    [failed] = [solution for solution in solutions if solution.error]
    assert "shows no tests" in (failed.error or "")


def test_the_verifier_is_refused_without_a_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> None:
        raise MissingSandbox("no sandbox: install bubblewrap")

    monkeypatch.setattr("tts.sandbox.check", none)
    with pytest.raises(MissingSandbox, match="bubblewrap"):
        TestsReward()
    with pytest.raises(MissingSandbox, match="bubblewrap"):
        Solver(Says(PROGRAMS), None, kind="code")
