"""JSON Lines files: complete rows are kept, partial rows removed, other files left alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.files.test_json_text import TEXTS
from tests.markdown import ROOT
from tts.errors import BadInput
from tts.files.jsonl import Rows, lines, row_at, rows


def opened(path: Path, **options: bool) -> tuple[Rows, list[Any]]:
    seen: list[Any] = []

    def take(number: int, row: Any) -> None:
        if not isinstance(row, dict) or "x" not in row:
            raise BadInput(f"line {number} is not mine.")
        seen.append(row)

    return Rows(path, take, **options), seen


def test_rows_are_read_back_and_added_to(tmp_path: Path) -> None:
    made, _ = opened(tmp_path / "a.jsonl")
    made.add({"x": "é"})
    made.close()
    made, seen = opened(tmp_path / "a.jsonl")
    made.add({"x": 2})
    made.close()
    assert seen == [{"x": "é"}]
    assert (tmp_path / "a.jsonl").read_bytes() == '{"x": "é"}\n{"x": 2}\n'.encode()
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(TEXTS, min_size=1))
def test_rows_of_any_text_are_read_back(tmp_path: Path, texts: list[str]) -> None:
    path = tmp_path / "any.jsonl"
    path.unlink(missing_ok=True)
    made, _ = opened(path)
    for text in texts:
        made.add({"x": text, text: 1})
    made.close()
    again, seen = opened(path)
    again.close()
    expected = [{"x": text, text: 1} for text in texts]
    assert seen == [row for _, row in rows(path)] == expected
    assert [row_at(path, line.at) for line in lines(path)] == expected


def test_a_torn_end_behind_a_row_of_ours_is_cut_away_wherever_it_tore(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    whole = b'{"x": 1}\n{"x": 22}\n'
    for end in range(9, len(whole) + 1):
        path.write_bytes(whole[:end])
        made, seen = opened(path)
        made.add({"x": 3})
        made.close()
        complete = 2 if end >= len(whole) - 1 else 1  # the last row may lack nothing but its end
        assert seen == [{"x": 1}, {"x": 22}][:complete]
        assert [row for _, row in rows(path)] == [*seen, {"x": 3}]


@pytest.mark.parametrize(
    "text", [b"my only line", b'{"x": 1', b'{"y": 1}', b"[1]", b'{"y": 1}\n', b"one\ntorn", b"\0" * 9]
)
def test_a_file_that_does_not_begin_with_a_row_of_ours_is_refused_and_stays_as_it_was(
    tmp_path: Path, text: bytes
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(text)
    with pytest.raises(BadInput, match="line 1 is not mine"):
        opened(path)
    assert path.read_bytes() == text


def test_a_torn_first_row_is_cut_where_the_file_can_only_be_ours(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"x": 1')
    made, seen = opened(path, ours=True)
    made.add({"x": 2})
    made.close()
    assert (seen, path.read_bytes()) == ([], b'{"x": 2}\n')


def test_a_second_writer_is_refused_while_the_first_one_lives(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    made, _ = opened(path)
    with pytest.raises(BadInput, match="is being written by this process: wait for its end, or name another file"):
        opened(path)
    code = "import sys; from pathlib import Path; from tts.files.jsonl import Rows; Rows(Path(sys.argv[1]), print)"
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert f"is being written by process {os.getpid()}" in done.stderr
    made.close()
    opened(path)[0].close()


def test_a_folder_and_a_place_that_is_not_there_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="it is a folder"):
        opened(tmp_path)
    with pytest.raises(BadInput, match="there is no folder"):
        opened(tmp_path / "nowhere" / "a.jsonl")


def test_a_full_device_is_one_sentence() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    made, _ = opened(Path("/dev/full"))
    with pytest.raises(BadInput, match="No space left"):
        made.add({"x": 1})
    made.close()


def test_a_pipe_takes_rows_as_they_come_and_without_a_reader_is_refused(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(BadInput, match="cannot be written"):
        opened(pipe)
    descriptor = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    made, seen = opened(pipe)
    made.add({"x": 1})
    made.close()
    assert (seen, os.read(descriptor, 100)) == ([], b'{"x": 1}\n')
    os.close(descriptor)


def test_rows_in_a_file_that_was_deleted_are_no_silent_loss(tmp_path: Path) -> None:
    made, _ = opened(tmp_path / "a.jsonl")
    (tmp_path / "a.jsonl").unlink()
    with pytest.raises(BadInput, match="was deleted while it was being written"):
        made.add({"x": 1})
    made.close()


def test_only_the_end_of_a_line_ends_a_row(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    texts = ["\u2028", "\u2029", "\x85", "\x1c\x1d\x1e", "\x0b\x0c"]
    path.write_text("".join(json.dumps({"x": text}, ensure_ascii=False) + "\r\n" for text in texts), "utf-8")
    assert [row["x"] for _, row in rows(path)] == texts


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"x": 1}\n[2]\n', "line 2 of .* is not a JSON object"),
        (b'{"x": 1}\n{"x"\n', "line 2 of .* is not JSON"),
        (b'{"x": 1}\n' + b"[" * 100_000 + b"\n", "line 2 of .* is not JSON"),
        (b'{"x": "\xe9"}\n', "line 1 of .* is not UTF-8 text"),
        ('{"x": 1}\n'.encode("utf-16"), "is UTF-16 text"),
        (b'{"x": 1', "line 1 of .* is not JSON"),
    ],
)
def test_a_line_of_something_else_is_named(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(data)
    with pytest.raises(BadInput, match=message):
        list(rows(path))


def test_a_torn_last_row_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"x": 1}\n\n{"x": 2}\n{"x"')
    assert [(line.number, row) for line, row in rows(path)] == [(1, {"x": 1}), (3, {"x": 2})]


def test_a_damaged_archive_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(b"no archive")
    with pytest.raises(BadInput, match="cannot be read"):
        list(rows(path))


def test_rows_of_many_threads_stay_whole(tmp_path: Path) -> None:
    made, _ = opened(tmp_path / "a.jsonl")
    threads = [threading.Thread(target=made.add, args=({"x": "y" * 10_000},)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made.close()
    assert len(list(rows(tmp_path / "a.jsonl"))) == 20
