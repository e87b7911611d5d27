"""Batches from a file to a file: bad lines, resumption, kills."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.toy import ToyPolicy, ToyReward
from tts import Solver, Trace
from tts.batch import Batch, read_problems
from tts.budget import Budget
from tts.errors import BadInput, EngineError
from tts.protocols import Completion, Request


def solver(policy: ToyPolicy | None = None, **settings: Any) -> Solver:
    return Solver(policy or ToyPolicy(), ToyReward(), "best-of-n", Budget(4), **settings)


def problems(folder: Path, *lines: bytes | str, name: str = "problems.txt") -> Path:
    path = folder / name
    path.write_bytes(b"\n".join(line.encode() if isinstance(line, str) else line for line in lines) + b"\n")
    return path


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def run(out: Path | None, source: Path, policy: ToyPolicy | None = None, **settings: Any) -> Batch:
    with Batch(solver(policy, **settings), source, out) as batch:
        for _ in batch.run():
            pass
    return batch


def test_every_line_is_answered_once(tmp_path: Path) -> None:
    batch = run(tmp_path / "out.jsonl", problems(tmp_path, "one", "two", "", "three"))
    assert {row["problem"] for row in rows(tmp_path / "out.jsonl")} == {"one", "two", "three"}
    assert (batch.total, batch.answered, batch.failed) == (3, 3, 0)


def test_good_lines_are_solved_and_a_bad_one_is_named(tmp_path: Path) -> None:
    batch = run(tmp_path / "out.jsonl", problems(tmp_path, "one", b"\xff\xfe", "three"))
    assert [str(line) for line in batch.bad] == ["line 2: it is not UTF-8 text."]
    assert batch.answered == 2


def test_json_lines_may_bring_their_own_ids(tmp_path: Path) -> None:
    source = problems(
        tmp_path, '{"problem": "a", "id": "x"}', '{"question": "b"}', '{"text": "c"}', "[]", name="p.jsonl"
    )
    found, bad = read_problems(source)
    assert [problem.text for problem in found] == ["a", "b"]
    assert found[0].id == "x"
    assert [row.place for row in bad] == ["line 3", "line 4"]


def test_a_problem_that_stands_twice_is_answered_twice(tmp_path: Path) -> None:
    run(tmp_path / "out.jsonl", problems(tmp_path, "same", "same"))
    assert len({row["id"] for row in rows(tmp_path / "out.jsonl")}) == 2


@pytest.mark.parametrize(
    ("text", "message"), [(None, "No such file"), ("", "holds no problem"), ("\n \n", "holds no problem")]
)
def test_a_file_without_problems_is_refused(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "problems.txt"
    if text is not None:
        path.write_text(text)
    with pytest.raises(BadInput, match=message):
        read_problems(path)


def test_an_output_that_cannot_be_written_is_found_out_before_the_work(tmp_path: Path) -> None:
    policy = ToyPolicy()
    with pytest.raises(BadInput, match="cannot be written"):
        run(tmp_path / "nowhere" / "out.jsonl", problems(tmp_path, "one"), policy)
    assert policy.calls == []


def test_a_second_run_does_only_what_is_missing(tmp_path: Path) -> None:
    source, out = problems(tmp_path, "one", "two", "three"), tmp_path / "out.jsonl"
    with Batch(solver(), source, out) as first:
        next(stream := first.run())
        stream.close()
    assert len(rows(out)) == 1
    policy = ToyPolicy()
    second = run(out, source, policy)
    assert (second.resumed, second.answered) == (1, 3)
    assert {row["problem"] for row in rows(out)} == {"one", "two", "three"}
    assert len({request.problem.id for request in policy.calls}) == 2


def test_a_torn_last_line_is_healed(tmp_path: Path) -> None:
    source, out = problems(tmp_path, "one", "two"), tmp_path / "out.jsonl"
    run(out, source)
    whole = out.read_bytes()
    out.write_bytes(whole[: len(whole) - 40])
    again = run(out, source)
    assert (again.resumed, again.answered) == (1, 2)
    assert len(rows(out)) == 2


def test_other_settings_do_not_mix_into_one_file(tmp_path: Path) -> None:
    source, out = problems(tmp_path, "one"), tmp_path / "out.jsonl"
    run(out, source)
    before = out.read_bytes()
    with pytest.raises(BadInput, match="seed = 0, not 1"):
        run(out, source, seed=1)
    assert out.read_bytes() == before


def test_a_file_of_something_else_is_left_alone(tmp_path: Path) -> None:
    out = tmp_path / "notes.txt"
    out.write_text("my notes\n")
    with pytest.raises(BadInput, match="not an answer of ours"):
        run(out, problems(tmp_path, "one"))
    assert out.read_text() == "my notes\n"


def test_a_failed_problem_is_a_row_and_is_tried_again(tmp_path: Path) -> None:
    class Fails(ToyPolicy):
        async def generate(self, request: Request) -> Completion:
            if request.problem.text == "two":
                raise EngineError("out of memory.")
            return await super().generate(request)

    source, out = problems(tmp_path, "one", "two"), tmp_path / "out.jsonl"
    first = run(out, source, Fails())
    assert (first.answered, first.failed) == (1, 1)
    assert [row["error"] for row in rows(out) if "error" in row] == ["out of memory."]
    second = run(out, source)
    assert (second.resumed, second.answered, second.failed) == (1, 2, 0)


def test_a_bounded_number_of_problems_is_in_flight(tmp_path: Path) -> None:
    policy = ToyPolicy(delay=0.001)
    source = problems(tmp_path, *(f"problem {k}" for k in range(20)))
    with Batch(solver(policy), source, concurrency=3) as batch:
        assert len(list(batch.run())) == 20
    assert policy.peak <= 3 * 4


def test_each_problem_gets_a_trace_of_its_own(tmp_path: Path) -> None:
    with Batch(solver(), problems(tmp_path, "one", "two"), traces=tmp_path / "traces") as batch:
        solutions = list(batch.run())
    for solution in solutions:
        trace = Trace.load(tmp_path / "traces" / f"{solution.problem.id}.jsonl")
        assert trace.lines() == solution.trace.lines()


@pytest.mark.parametrize("name", ["out.csv", "out.parquet", "out.jsonl.gz"])
def test_answers_are_lines_of_json_and_no_other_format(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match=r"lines of JSON, not as \.(csv|parquet|gz): name a file such as out\.jsonl"):
        Batch(solver(), problems(tmp_path, "how far"), tmp_path / name)
    assert not (tmp_path / name).exists()


def test_json_lines_may_bring_a_schema_that_the_answer_has_to_fit(tmp_path: Path) -> None:
    source = problems(
        tmp_path, '{"problem": "a", "schema": {"type": "object"}}', '{"problem": "b", "schema": "x"}', name="p.jsonl"
    )
    found, bad = read_problems(source)
    assert [json.loads(problem.schema) for problem in found] == [{"type": "object"}]
    assert [str(line) for line in bad] == ["line 2: its `schema` is no JSON schema, which is an object."]
    batch = run(tmp_path / "out.jsonl", source)
    assert (batch.answered, rows(tmp_path / "out.jsonl")[0]["answer"]) == (1, None), "the toy writes no JSON"


def test_a_schema_for_a_whole_file_leaves_rows_their_own_and_is_a_setting_of_the_answers(tmp_path: Path) -> None:
    source = problems(tmp_path, '{"problem": "a", "schema": {"type": "array"}}', '{"problem": "b"}', name="p.jsonl")
    out = tmp_path / "out.jsonl"
    with Batch(solver(), source, out, schema='{"type": "object"}') as batch:
        assert {solution.problem.schema for solution in batch.run()} == {'{"type": "array"}', '{"type": "object"}'}
    with Batch(solver(), source, out, schema='{"type": "object"}') as batch:
        assert batch.resumed == 2
    with pytest.raises(BadInput, match="holds answers made with schema = "):
        Batch(solver(), source, out)
    with pytest.raises(BadInput, match="holds answers made with schema = "):
        Batch(solver(), source, out, schema='{"type": "string"}')
