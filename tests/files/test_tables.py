"""Files of rows in any format."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tts.batch import read_problems
from tts.errors import BadInput
from tts.files.tables import entries, is_table

ROWS = [{"problem": "1 + 1?", "answer": "2"}, {"problem": 'Two\nlines, "quoted"', "answer": "x"}]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS)
CSV = 'problem,answer,id\n1 + 1?,2,\n"Two\nlines, ""quoted""",x,\n'


def write(path: Path, text: str) -> Path:
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("a.jsonl", LINES, "line 2"),
        ("a.jsonl.gz", LINES, "line 2"),
        ("a.json", LINES, "line 2"),
        ("a.json", "\ufeff" + json.dumps(ROWS, indent=1), "row 2"),
        ("a.json.gz", json.dumps(ROWS), "row 2"),
        ("a.jsonl", json.dumps(ROWS), "row 2"),
        ("a.json", json.dumps({"canary": "x", "examples": ROWS}, indent=1), "row 2"),
        ("a.csv", CSV, "row 2"),
        ("a.csv", "\ufeff" + CSV, "row 2"),
        ("a.csv", CSV.replace(",", ";").replace("lines;", "lines,"), "row 2"),
        ("a.tsv", CSV.replace(",", "\t").replace("lines\t", "lines,"), "row 2"),
    ],
)
def test_every_format_holds_the_same_rows(tmp_path: Path, name: str, text: str, place: str) -> None:
    path = write(tmp_path / name, text)
    found = list(entries(path, "the file"))
    assert [entry.row() for entry in found] == ROWS
    assert found[1].place == place


def test_one_object_over_several_lines_is_one_row(tmp_path: Path) -> None:
    found = list(entries(write(tmp_path / "a.json", json.dumps(ROWS[0], indent=1)), "the file"))
    assert [(entry.row(), entry.place) for entry in found] == [(ROWS[0], "row 1")]


def test_parquet_holds_them_too(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.Table.from_pylist(ROWS), tmp_path / "a.parquet")
    assert [entry.row() for entry in entries(tmp_path / "a.parquet", "the file")] == ROWS


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.json", "a.csv", "a.tsv", "a.parquet"])
def test_names_of_tables_end_in_their_format(name: str) -> None:
    assert is_table(Path(name))
    assert not is_table(Path(name + "x"))


@pytest.mark.parametrize("name", ["problems.txt", "problems", "a.csv.gz", "a.gz", ".jsonl"])
def test_other_names_are_no_tables(name: str, tmp_path: Path) -> None:
    assert not is_table(Path(name))
    with pytest.raises(BadInput, match=r"none of \.jsonl"):
        entries(tmp_path / name, "the file")


@pytest.mark.parametrize("name", ["a.jsonl", "a.json.gz", "a.csv", "a.parquet"])
def test_a_missing_file_is_one_sentence(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="the file cannot be read"):
        list(entries(tmp_path / name, "the file"))


def test_a_list_that_ends_too_early_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="the file is not JSON"):
        list(entries(write(tmp_path / "a.json", json.dumps(ROWS)[:-1]), "the file"))


def test_problems_are_read_from_csv_and_the_row_without_one_is_named(tmp_path: Path) -> None:
    problems, bad = read_problems(write(tmp_path / "a.csv", "id,question\nx,1 + 1?\ny,\n"))
    assert [(problem.text, problem.id) for problem in problems] == [("1 + 1?", "x")]
    assert [str(row) for row in bad] == ["row 2: it has no text under `problem` or `question`, only id."]


def test_a_table_without_problems_says_what_a_row_needs(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"holds no problem .*: give each row a text under `problem`"):
        read_problems(write(tmp_path / "a.csv", "text\nhello\n"))


def test_csv_in_another_encoding_says_which_to_save_it_in(tmp_path: Path) -> None:
    for encoding, said in (("utf-16", "is UTF-16 text: save it as UTF-8"), ("latin-1", "is not UTF-8 text")):
        (tmp_path / "a.csv").write_text("problem\nWho is at the café?\n", encoding=encoding)
        with pytest.raises(BadInput, match=said):
            read_problems(tmp_path / "a.csv")


def test_a_list_of_texts_is_a_list_of_problems(tmp_path: Path) -> None:
    problems, bad = read_problems(write(tmp_path / "a.json", '["1 + 1?", "2 + 2?", 3, " "]'))
    assert [problem.text for problem in problems] == ["1 + 1?", "2 + 2?"]
    assert [str(row) for row in bad] == ["row 3: it is not a JSON object.", "row 4: it is empty."]


def test_a_file_that_is_no_text_holds_no_problem(tmp_path: Path) -> None:
    (tmp_path / "book.xlsx").write_bytes(b"PK\x03\x04")
    with pytest.raises(BadInput, match="line 1: it holds control characters, so it is no text"):
        read_problems(tmp_path / "book.xlsx")
