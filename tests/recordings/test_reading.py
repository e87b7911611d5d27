"""`tts replay` on small files: every form it reads, what it prints, and how it refuses."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from benchmarks.recordings.grading import grade
from benchmarks.recordings.plans import independent, plan_words
from benchmarks.recordings.reading import LENGTH, TEXTS, read
from cli import app
from tests.report.run import make
from tests.toy import ToyPolicy, ToyReward
from tts import Solver
from tts.budget import Budget
from tts.errors import BadInput, TTSError
from tts.records.outcomes import row_of
from tts.records.solution_json import as_row

RUNNER = CliRunner()


def replay(*arguments: object) -> tuple[str, str]:
    """What it prints and what it says; raises the TTSError that main() turns into a sentence and exit code 2."""
    done = RUNNER.invoke(app, ["replay", *map(str, arguments)])
    if done.exception is not None:
        raise done.exception
    return done.stdout, done.stderr


def search_and_learn(*rows: tuple[str, Sequence[str], Sequence[Sequence[float]]]) -> list[dict[str, Any]]:
    return [
        {
            "problem": f"Question {k}", "answer": gold, "unique_id": f"p{k}", "level": k + 1,
            "completions": [f"So it is $\\boxed{{{answer}}}$." for answer in answers], "scores": scores,
        }
        for k, (gold, answers, scores) in enumerate(rows)
    ]  # fmt: skip


# gold 7: last scores favour 8 singly (0.9), the sum favours 7 (0.6 + 0.5 + 0.2), the product the first 8 too
THREE = search_and_learn(
    ("7", ["7", "8", "7.0", "7"], [[0.6], [0.1, 0.9], [0.9, 0.5], [0.2]]),
    ("1/2", ["1", "0.5", "1", "2"], [[0.3], [0.9], [0.2], [0.1]]),
)


def write(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    text = "".join(json.dumps(row) + "\n" for row in rows)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


@pytest.mark.parametrize("name", ["run.jsonl", "run.jsonl.gz"])
def test_accuracy_of_votes_by_hand(name: str, tmp_path: Path) -> None:
    file = write(tmp_path / name, THREE)
    out, _ = replay(file, "--aggregate", "last,prod", "--budget", "1,2,4", "--json")
    found = {(row["vote"], row["aggregate"], row["n"]): row["accuracy"] for row in json.loads(out)}
    # N = 1: 7 is right, 1 is wrong. N = 2, majority: ties go to the first, so the same.
    assert [found["majority", None, n] for n in (1, 2, 4)] == [0.5, 0.5, 0.5]
    # best-last: N = 2 takes 8 (0.9) and 0.5 (0.9); so does N = 4.
    assert [found["best", "last", n] for n in (1, 2, 4)] == [0.5, 0.5, 0.5]
    # best-prod: 8 has 0.1 x 0.9 = 0.09 and 7 wins with 0.6.
    assert [found["best", "prod", n] for n in (1, 2, 4)] == [0.5, 1.0, 1.0]
    # weighted-last, N = 4: 7 has 0.6 + 0.5 + 0.2 against 0.9, and 0.5 has 0.9 against 0.3 + 0.2.
    assert [found["weighted", "last", n] for n in (1, 2, 4)] == [0.5, 0.5, 1.0]


def test_a_fitted_aggregation_is_replayed(tmp_path: Path) -> None:
    fitted = "logistic:bias=-40:prod=80"  # above 0.5 it is nearly 1, below nearly 0
    out, _ = replay(
        write(tmp_path / "run.jsonl", THREE), "--vote", "best", "--aggregate", f"last,{fitted}", "-n", 4, "--json"
    )
    # best by the last score takes 8 and 0.5; the product of 7 is the only one above one half.
    assert {row["aggregate"]: row["accuracy"] for row in json.loads(out)} == {"last": 0.5, fitted: 1.0}


def test_rows_are_what_the_help_promises(tmp_path: Path) -> None:
    out, _ = replay(
        write(tmp_path / "run.jsonl", THREE), "--vote", "weighted", "--aggregate", "last", "-n", 4, "--json"
    )
    [row] = json.loads(out)
    assert row.pop("low") == pytest.approx(0.342, abs=1e-3)  # Wilson, 2 of 2: 2 / (2 + z2) = 0.342
    assert row == {"vote": "weighted", "aggregate": "last", "n": 4, "accuracy": 1.0, "high": 1.0, "problems": 2}


def test_subsets_are_the_mean_over_all_of_them(tmp_path: Path) -> None:
    file = write(tmp_path / "run.jsonl", THREE)
    out, _ = replay(file, "--vote", "majority", "-n", "1", "--subsets", "--json")
    assert json.loads(out)[0]["accuracy"] == pytest.approx((3 / 4 + 1 / 4) / 2)


def test_the_table_says_how_it_was_computed(tmp_path: Path) -> None:
    out, _ = replay(write(tmp_path / "run.jsonl", THREE), "--against", "majority")
    assert re.search(r"^weighted +last +50\.0 +50\.0 +100\.0 +\[34\.2, 100\.0\] +\+50\.0 points", out, re.MULTILINE)
    assert "2 problems, 4 candidates each; accuracy in %, N being the first N as recorded." in out
    assert "A candidate is right in 50.0 %" in out
    assert "any of 4 in 100.0 %" in out


def our_rows() -> list[dict[str, Any]]:
    rows = []
    for n in (4, 8):
        for k in range(3):
            solution = asyncio.run(Solver(ToyPolicy(), ToyReward(), "best-of-n", Budget(n)).solve(f"How far is {k}?"))
            right = tuple(candidate.answer == "3" for candidate in solution.candidates)
            rows.append(row_of(solution, gold="3", correct=solution.answer == "3", right=right, level=k + 1))
    return rows


def test_a_run_folder_is_read_plan_by_plan(tmp_path: Path) -> None:
    write(tmp_path / "outcomes.jsonl", rows := our_rows())
    out, _ = replay(tmp_path, "--vote", "best", "--aggregate", "last", "--budget", "4", "--json")
    four, eight = json.loads(out)
    assert ("N = 4" in four["plan"], "N = 8" in eight["plan"]) == (True, True)
    assert four["accuracy"] == pytest.approx(sum(row["correct"] for row in rows[:3]) / 3)


def test_of_a_search_all_candidates_vote_and_of_samples_every_n(tmp_path: Path) -> None:
    run = make(tmp_path / "run", ("best-of-n", 8), ("beam-search", 4))
    rows = json.loads(replay(run, "--vote", "majority", "--json")[0])
    assert [(row["plan"].split(",")[0], row["n"]) for row in rows] == [
        ("best-of-n", 1), ("best-of-n", 2), ("best-of-n", 4), ("best-of-n", 8), ("beam-search", 4),
    ]  # fmt: skip
    rows = json.loads(replay(run, "--vote", "majority", "--budget", "2,8", "--json")[0])  # a plan gets what it has
    assert [row["n"] for row in rows] == [2, 8, 2]
    out, err = replay(run, "--vote", "majority", "--budget", "8")
    assert "beam-search" not in out
    assert "beam-search, N = 4, toy, toy-prm has at most 4 candidates per problem and is left out" in err
    with pytest.raises(BadInput, match="9 is more than the 8 candidates"):
        replay(run, "--budget", "1,9")


def test_answers_of_solve_are_graded_with_the_problems_file(tmp_path: Path) -> None:
    solution = asyncio.run(Solver(ToyPolicy(), ToyReward(), "best-of-n", Budget(4)).solve("How far?"))
    out = write(tmp_path / "out.jsonl", [as_row(solution)])
    with pytest.raises(BadInput, match=r"has no right answer .* --data"):
        read(out)
    data = write(tmp_path / "data.jsonl", [{"question": "How far?", "answer": 3, "level": "Level 2"}])
    [outcome] = read(out, data)
    assert (outcome.gold, outcome.level, outcome.graded) == ("3", 2, False)
    (tmp_path / "data.csv").write_text("question,answer,level\nHow far?,3,2\n")
    assert read(out, tmp_path / "data.csv") == [outcome]
    [outcome] = grade([outcome])
    assert outcome.graded
    assert outcome.right == tuple(c.answer == "3" for c in solution.candidates)
    rows = json.loads(replay(out, "--data", data, "--vote", "weighted", "--aggregate", "last", "--json")[0])
    assert rows[-1]["accuracy"] == float(solution.answer == "3")


def test_of_all_texts_only_the_beginnings_of_the_first_few_are_kept(tmp_path: Path) -> None:
    row = THREE[0] | {"completions": ["a" * (LENGTH + k) for k in range(TEXTS + 2)], "scores": [[0.5]] * (TEXTS + 2)}
    [outcome] = read(write(tmp_path / "run.jsonl", [row]))
    assert [len(c.text) for c in outcome.candidates] == [LENGTH] * TEXTS + [0, 0]
    ours = our_rows()[3] | {"job": "best-of-n/8"}
    [outcome] = read(write(tmp_path / "ours.jsonl", [ours]))
    assert [bool(c.steps) for c in outcome.candidates] == [True] * TEXTS + [False] * 4
    assert outcome.candidates[0].text == "".join(ours["candidates"][0]["steps"])


def test_independence_follows_from_the_strategy_of_the_plan_or_of_its_job(tmp_path: Path) -> None:
    drawn = our_rows()[0]
    searched = drawn | {"plan": drawn["plan"] | {"strategy": "beam-search"}}
    rows = [drawn, searched, drawn | {"job": "auto/4"}, drawn | {"job": "best-of-n/4"}]
    assert [independent(outcome) for outcome in read(write(tmp_path / "ours.jsonl", rows))] == [
        True, False, False, True,
    ]  # fmt: skip
    [foreign, _] = read(write(tmp_path / "run.jsonl", THREE))
    assert (independent(foreign), plan_words(foreign)) == (True, "")


def test_a_torn_last_line_is_passed_over(tmp_path: Path) -> None:
    file = write(tmp_path / "run.jsonl", THREE)
    file.write_text(file.read_text() + '{"problem": "Question 3", "comp')
    assert len(read(file)) == 2


def test_without_scores_only_majority_is_left(tmp_path: Path) -> None:
    rows = [{key: value for key, value in row.items() if key != "scores"} for row in THREE]
    file = write(tmp_path / "run.jsonl", rows)
    out, message = replay(file, "--json")
    assert {row["vote"] for row in json.loads(out)} == {"majority"}
    assert "no step scores" in message
    with pytest.raises(BadInput, match="no step scores: only --vote majority"):
        replay(file, "--vote", "best")


BAD: list[tuple[bytes, str]] = [
    (b"", "has no problems"),
    (b"\xff\xfe{}\n", "is UTF-16 text"),
    (b"\xff{}\n", "line 1 of .* is not UTF-8"),
    (b"no json\n", "line 1 of .* is not JSON"),
    (b"[1]\n", "line 1 of .* is not a JSON object"),
    (b'{"question": "?"}\n', "line 1 of .* it has no candidates .* this one has question"),
    (json.dumps(THREE[0]).encode() + b'\n{"problem": "?", "answer": "1"}\n', "line 2 of .*'completions'"),
    (b'{"problem": "?", "answer": "1", "completions": ["a"], "scores": []}\n', "1 texts and 0 lists of scores"),
    (b'{"problem": "?", "answer": "1", "completions": ["a"], "scores": [["b"]]}\n', "candidate 1 are not numbers"),
    (b'{"problem": "?", "answer": "1", "completions": ["a"], "scores": [[NaN]]}\n', "NaN is no number that JSON has"),
    (b'{"problem": "?", "completions": ["a"], "scores": [[1]]}\n', "has no right answer"),
    (b'{"problem": "?", "answer": "1", "completions": [], "scores": []}\n', "no problem of the file has candidates"),
    (b'{"plan": {}, "candidates": [], "gold": "1"}\n', "line 1 of .* cannot be used"),
]


@pytest.mark.parametrize(("content", "message"), BAD, ids=[message for _, message in BAD])
def test_a_file_of_something_else_is_refused_with_its_line(content: bytes, message: str, tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    file.write_bytes(content)
    with pytest.raises(TTSError, match=message):
        replay(file)


def test_a_damaged_archive_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "run.jsonl.gz").write_bytes(gzip.compress(b"x" * 1000)[:20])
    for name in ("run.jsonl.gz", "none.jsonl"):
        with pytest.raises(BadInput, match="cannot be read"):
            replay(tmp_path / name)
    with pytest.raises(BadInput, match=r"is no run folder: it has no outcomes\.jsonl"):
        replay(tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--vote", "majorty"], "did you mean 'majority'"),
        (["--aggregate", "average"], "no aggregation named 'average'"),
        (["--budget", "8"], "more than the 4 candidates"),
        (["--budget", "0"], "1 or more, not 0"),
        (["--budget", "few"], "whole numbers with commas"),
        (["--vote", ","], "the list is empty"),
        (["--against", "weighted-lst"], "did you mean 'last'"),
        (["--data", "none.jsonl"], "none.jsonl cannot be read"),
    ],
    ids=" ".join,
)
def test_options_that_make_no_sense_are_refused(options: list[str], message: str, tmp_path: Path) -> None:
    with pytest.raises(TTSError, match=message):
        replay(write(tmp_path / "run.jsonl", THREE), *options)
