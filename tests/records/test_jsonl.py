"""A file that only grows: what is whole stays, what is torn goes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tts.errors import BadInput
from tts.records.jsonl import Rows


def opened(path: Path) -> tuple[Rows, list[bytes]]:
    seen: list[bytes] = []
    return Rows(path, lambda number, line: seen.append(line)), seen


def test_rows_are_read_back_and_added_to(tmp_path: Path) -> None:
    rows, seen = opened(tmp_path / "a.jsonl")
    rows.add({"x": "é"})
    rows.close()
    rows, seen = opened(tmp_path / "a.jsonl")
    rows.add({"x": 2})
    rows.close()
    assert [json.loads(line) for line in seen] == [{"x": "é"}]
    assert (tmp_path / "a.jsonl").read_bytes() == '{"x": "é"}\n{"x": 2}\n'.encode()


def test_a_torn_end_is_cut_away_wherever_it_tore(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    whole = b'{"x": 1}\n{"x": 22}\n'
    for end in range(len(whole) + 1):
        path.write_bytes(whole[:end])
        rows, seen = opened(path)
        rows.add({"x": 3})
        rows.close()
        assert len(seen) == whole[:end].count(b"\n")
        assert path.read_bytes() == b"".join(seen) + b'{"x": 3}\n'


def test_a_file_that_is_refused_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"one\ntorn")

    def refuse(number: int, line: bytes) -> None:
        raise BadInput(f"line {number} is not mine.")

    with pytest.raises(BadInput, match="line 1 is not mine"):
        Rows(path, refuse)
    assert path.read_bytes() == b"one\ntorn"


def test_half_a_surrogate_pair_is_kept(tmp_path: Path) -> None:
    rows, _ = opened(tmp_path / "a.jsonl")
    rows.add({"text": "a\ud800"})
    rows.close()
    assert json.loads((tmp_path / "a.jsonl").read_bytes()) == {"text": "a\ud800"}


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be written"):
        opened(tmp_path / "nowhere" / "a.jsonl")
