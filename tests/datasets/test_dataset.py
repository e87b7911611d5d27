"""Data sets: content, refused files, and the description of parts."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from benchmarks.datasets.dataset import load, read
from benchmarks.datasets.known import KNOWN
from tests.bench.shared import BENCHMARKS, needs_benchmarks
from tests.markdown import ROOT
from tts.errors import BadInput, MissingExtra, UnknownName


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@needs_benchmarks
@pytest.mark.parametrize(
    ("name", "gold"),
    [
        ("math500", r"\left( 3, \frac{\pi}{2} \right)"),
        ("aime24", "204"),
        ("aime25", "70"),
        ("amc23", "27"),
        ("gsm8k", "18"),
        ("minerva", "1.6"),
        ("olympiadbench", "2"),
    ],
)
def test_every_known_data_set_is_read_from_a_folder_that_stands_in_for_the_hub(
    name: str, gold: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TTS_DATA", str(BENCHMARKS))
    data = load(name)
    assert len(data.items) == KNOWN[name].count
    assert data.items[0].gold == gold
    assert data.sha256 == KNOWN[name].sha256
    assert all(item.gold and item.problem.text for item in data.items)


@needs_benchmarks
def test_math500_has_its_levels_and_is_the_file_of_the_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TTS_DATA", str(BENCHMARKS))
    data = load("math500")
    assert [sum(item.level == level for item in data.items) for level in range(1, 6)] == [43, 90, 105, 128, 134]
    import hashlib

    assert hashlib.sha256((BENCHMARKS / "math500.jsonl").read_bytes()).hexdigest() == KNOWN["math500"].hub.sha256


@needs_benchmarks
def test_a_row_less_and_a_changed_answer_are_found_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lines = (BENCHMARKS / "aime25.jsonl").read_text().splitlines(keepends=True)
    monkeypatch.setenv("TTS_DATA", str(tmp_path))
    (tmp_path / "aime25.jsonl").write_text("".join(lines[1:]))
    with pytest.raises(BadInput, match=r"aime25 has 30 problems, but .* has 29"):
        load("aime25")
    (tmp_path / "aime25.jsonl").write_text("".join(lines).replace('"70"', '"71"', 1))
    with pytest.raises(BadInput, match="are not those of aime25: their SHA-256 is"):
        load("aime25")


@pytest.mark.parametrize("name", ["lab-500", "lab-everyday"])
def test_the_built_in_sets_need_nothing(name: str) -> None:
    data = load(name)
    assert len(data.items) == 500
    assert data.words == f"{name}, all 500 problems"


def test_what_is_missing_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="did you mean 'math500'"):
        load("math-500")
    monkeypatch.setenv("TTS_DATA", str(tmp_path))
    with pytest.raises(BadInput, match=r"has no gsm8k: call the file gsm8k\.jsonl or gsm8k\.parquet or gsm8k_test"):
        load("gsm8k")
    monkeypatch.setenv("TTS_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(BadInput, match="which is not a folder"):
        load("gsm8k")


def test_a_part_says_that_it_is_one() -> None:
    data = load("lab-500")
    part = data.choose(limit=3, levels=(2, 4))
    assert [item.level for item in part.items] == [2, 2, 2]
    assert part.words == "lab-500, a PART of it: 3 of 500 problems (first 3, levels [2, 4])"
    assert part.sha256 == data.sha256
    named = data.choose(ids=("lab-500-007", "lab-500-001"))
    assert [item.problem.id for item in named.items] == ["lab-500-001", "lab-500-007"]
    assert data.choose(limit=900).part == {}  # all of them are no part


def test_an_even_spread_has_problems_of_every_level() -> None:
    data = load("lab-500")
    part = data.spread(5)
    assert [item.level for item in part.items] == [1, 2, 3, 4, 5]
    assert part.words == "lab-500, a PART of it: 5 of 500 problems (spread 5)"
    assert len({item.problem.id for item in data.spread(400).items}) == 400
    assert data.spread(None) == data.spread(900) == data
    with pytest.raises(BadInput, match="--limit must be 1 or more"):
        data.spread(0)


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"limit": 0}, "--limit must be 1 or more"),
        ({"levels": (9,)}, r"has no level 9: its levels are \[1, 2, 3, 4, 5\]"),
        ({"ids": ("x",)}, "no problem with the id 'x'"),
        ({"levels": (5,), "ids": ("lab-500-000",)}, "no problem of lab-500 has both"),
    ],
)
def test_an_empty_part_is_refused(chosen: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        load("lab-500").choose(**chosen)


def test_rows_of_many_forms_become_problems(tmp_path: Path) -> None:
    file = write(
        tmp_path / "mine.jsonl",
        {"problem": "a", "answer": "025", "level": "Level 3", "type": "Algebra"},
        {"question": "b", "answer": "She has 2.\n#### 1,234", "unique_id": "test/1.json"},
        {"question": "c", "answer": 27.0, "id": 5},
        {"question": "d", "final_answer": ["$1$", "2"]},
        {"question": "e", "solution": r"so \boxed{7}", "idx": 0},
    )
    data = read(file)
    assert [item.gold for item in data.items] == ["025", "1,234", "27", "1, 2", "7"]
    assert [item.problem.id for item in data.items] == ["mine-000", "test/1.json", "5", "mine-003", "0"]
    assert (data.items[0].level, data.items[0].subject) == (3, "Algebra")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no problems"),
        ('{"problem": "a"}\n', "row 1 of .* has no `answer`"),
        ('{"answer": "1"}\n', "row 1 of .* has no text under `problem` or `question`"),
        ('{"problem": "a", "answer": "1", "id": 1}\n{"problem": "b", "answer": "1", "id": 1}\n', "rows 1 and 2"),
        ('{"problem": "a", "answer": "1"}\n\nwhat\n', "line 3 of .* is not JSON"),
        ("[]\n", "has no problems"),
        ("[1]\n", "row 1 of .* is not a JSON object"),
        ('{"problem": "a", "answer": "1"}\n[]\n', "line 2 of .* is not a JSON object"),
    ],
)
def test_a_file_that_is_no_data_set_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_text(text)
    with pytest.raises(BadInput, match=message):
        read(file)


def test_files_of_other_kinds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"none of \.jsonl, \.jsonl\.gz, \.json, \.csv, \.tsv and \.parquet"):
        read(tmp_path / "mine.xlsx")
    for name in ("none.jsonl", "none.parquet"):
        with pytest.raises(BadInput, match="cannot be read"):
            read(tmp_path / name)


def test_parquet_is_read(tmp_path: Path) -> None:
    from pyarrow import Table, parquet

    parquet.write_table(Table.from_pylist([{"question": "a", "answer": "1"}]), tmp_path / "mine.parquet")
    assert read(tmp_path / "mine.parquet").items[0].gold == "1"


def test_a_damaged_parquet_file_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "mine.parquet").write_bytes(b"PAR1")
    with pytest.raises(BadInput, match=r"mine\.parquet cannot be read as Parquet"):
        read(tmp_path / "mine.parquet")


def test_without_pyarrow_a_sentence_names_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"pip install 'tts-search\[parquet\]'"):
        read(tmp_path / "mine.parquet")


class Served(BaseHTTPRequestHandler):
    """As much of the hub as its client asks of it for one file."""

    content = b""

    def do_HEAD(self) -> None:
        self._head()

    def do_GET(self) -> None:
        self._head()
        self.wfile.write(self.content)

    def _head(self) -> None:
        if "/resolve/" not in self.path:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("X-Repo-Commit", self.path.split("/resolve/")[1].split("/")[0])
        self.send_header("ETag", '"0123456789abcdef0123456789abcdef01234567"')
        self.send_header("Content-Length", str(len(self.content)))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Served)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def from_hub(address: str, home: Path, offline: bool = False) -> str:
    code = "from benchmarks.datasets.dataset import load; d = load('math500'); print(len(d.items), d.source)"
    env = {"HF_ENDPOINT": address, "HF_HOME": str(home), "HF_HUB_OFFLINE": str(int(offline)), "HF_HUB_DISABLE_XET": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    return done.stdout if done.returncode == 0 else done.stderr


@needs_benchmarks
def test_the_hubs_own_client_fetches_the_pinned_file(hub: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Served, "content", (BENCHMARKS / "math500.jsonl").read_bytes())
    message = from_hub(hub, tmp_path)
    assert message == "500 HuggingFaceH4/MATH-500@6e4ed1a2a79af7d8630a6b768ec859cb5af4d3be/test.jsonl\n"


def test_another_file_under_the_pinned_name_is_refused(
    hub: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Served, "content", b'{"problem": "a", "answer": "1"}\n')
    message = from_hub(hub, tmp_path).splitlines()[-1]
    assert "is not the pinned file of math500: its SHA-256 is" in message


def test_a_hub_out_of_reach_is_one_sentence(tmp_path: Path) -> None:
    message = from_hub("http://127.0.0.1:9", tmp_path, offline=True).splitlines()[-1]
    assert "math500 could not be fetched from HuggingFaceH4/MATH-500 on the hub" in message
    assert message.endswith("name a folder that holds it with TTS_DATA, or a file with --data.")


def test_a_host_that_nobody_knows_is_not_tried_again_and_again(tmp_path: Path) -> None:
    message = from_hub("http://hub.invalid", tmp_path)
    assert "Retrying" not in message
    assert "math500 could not be fetched from HuggingFaceH4/MATH-500 on the hub" in message.splitlines()[-1]
