"""Output is safe for terminals; closed, full or broken streams are one sentence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command_line import MIA, Tts
from tests.markdown import ROOT
from tts.commands.console import visible
from tts.trace import Trace

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202eevil\u2066\r\x08\x7f"


def typed(command: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line of shell in which ``tts`` is ours."""
    line = f'tts() {{ "{sys.executable}" -m cli "$@"; }}; {command}'
    return subprocess.run(
        ["bash", "-c", line], cwd=ROOT, capture_output=True, check=False, env={**os.environ, **environment}, timeout=300
    )


def sentence(done: subprocess.CompletedProcess[bytes]) -> str:
    """The only line of standard error."""
    [line] = done.stderr.decode().splitlines()
    assert line.startswith("tts: ")
    return line


def test_what_a_terminal_would_obey_is_shown() -> None:
    shown = visible(f"a\n\tb{HOSTILE}")
    assert shown.startswith("a\n\tb\\x1b]0;owned\\x07\\x1b[2J\\x9b31m\\u202eevil\\u2066\\r\\x08\\x7f")
    assert visible("π ≥ 3, 文, é, 😀") == "π ≥ 3, 文, é, 😀"


@pytest.mark.parametrize("options", [(), ("--show-steps",), ("--json",)])
def test_a_problem_and_its_answer_are_printed_harmlessly(tts: Tts, tmp_path: Path, options: tuple[str, ...]) -> None:
    file = tmp_path / "problems.jsonl"
    file.write_text(json.dumps({"problem": f"{MIA} {HOSTILE}"}) + "\n")
    done = tts("solve", "-n", "2", "--file", str(file), *options)
    assert not {"\x1b", "\x07", "\x9b", "\u202e", "\r", "\x08"} & set(done.out + done.err)
    assert "owned" in done.out


def test_an_error_that_quotes_text_is_harmless(tts: Tts) -> None:
    done = tts("solve", "--policy", HOSTILE, MIA)
    assert done.code == 2
    assert "\\x1b" in done.sentence
    assert "\x1b" not in done.err


# -------------------------------------------------------------------------------------------------- a shell's accidents


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "message"),
    [
        (f"tts solve -n 1 '{MIA}' >&-", "standard output is closed"),
        ("tts solve -n 1 <&-", "standard input is closed: give the problem as an argument"),
        (r"printf 'caf\xe9?' | tts solve -n 1", "the problem is not UTF-8 text"),
        (r"tts solve -n 1 $'caf\xe9?'", "the problem is not UTF-8 text"),
        ("printf 'two?' | iconv -t UTF-16 | tts solve -n 1", "is UTF-16 text"),
        ("tts models > /dev/full", "standard output cannot be written: No space left on device"),
        ("tts models --json >&-", "standard output is closed"),
        ("tts --help > /dev/full", "cannot be"),
    ],
)
def test_closed_full_and_mangled_streams_are_one_sentence(command: str, message: str) -> None:
    if "/dev/full" in command and not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    done = typed(command)
    assert message in sentence(done)
    assert done.returncode == 2


@pytest.mark.slow
@pytest.mark.parametrize("command", ["tts strategies", "tts models --json", "tts --help"])
def test_a_reader_that_has_seen_enough_ends_it_quietly(command: str) -> None:
    done = typed(f"{command} | true; exit ${{PIPESTATUS[0]}}")
    assert done.stderr == b""
    assert done.returncode in (0, 1)  # it may have written all before the reader left


@pytest.mark.slow
def test_an_answer_that_cannot_be_printed_is_one_sentence() -> None:
    done = typed(f"tts solve -n 1 '{MIA}' > /dev/full")
    assert "standard output cannot be written: No space left on device" in sentence(done)
    assert done.returncode == 2


@pytest.mark.slow
def test_remarks_that_cannot_be_printed_cost_no_answer() -> None:
    done = typed(f"tts solve -n 1 --json 'What is 1+1? Zanzibar quux {MIA}' 2> /dev/full")
    assert json.loads(done.stdout)["id"]
    assert done.returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("environment", [{"PYTHONIOENCODING": "latin-1"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}])
def test_an_output_that_takes_no_utf_8_gets_the_answer_with_escapes(environment: dict[str, str]) -> None:
    done = typed(f"tts solve -n 1 --json 'π 😀: {MIA}'", **environment)
    assert json.loads(done.stdout)["problem"].startswith("π 😀")
    assert done.returncode == 0
    done = typed(f"tts solve -n 1 --show-steps 'π 😀: {MIA}'", **environment)
    assert (done.returncode, b"Answer" in done.stdout) == (0, True)


@pytest.mark.slow
def test_an_answer_that_cannot_be_printed_costs_no_trace(tmp_path: Path) -> None:
    done = typed(f"tts solve -n 1 '{MIA}' --trace {tmp_path}/trace.jsonl > /dev/full")
    assert done.returncode == 2
    assert b"No space left" in done.stderr
    assert next(Trace.load(tmp_path / "trace.jsonl").of("end"))["answer"]


@pytest.mark.slow
def test_a_trace_that_cannot_be_written_costs_no_answer(tmp_path: Path) -> None:
    problems = tmp_path / "problems.jsonl"
    rows = [{"problem": MIA, "id": name} for name in ("../x", "/abs", "a\0b", "x" * 300, "test/a/1.json")]
    problems.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = typed(f"tts solve -n 1 --file {problems} --out {tmp_path}/out.jsonl --trace {tmp_path}/traces")
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "traces").iterdir())) == len(rows)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.jsonl", "problems.jsonl", "traces"]
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    for path in (tmp_path / "traces").iterdir():
        (blocked / path.name).mkdir()  # no file can be renamed to these
    done = typed(f"tts solve -n 1 --file {problems} --out {tmp_path}/other.jsonl --trace {blocked}")
    assert done.returncode == 2
    assert b"5 traces could not be written: the trace " in done.stderr
    assert len((tmp_path / "other.jsonl").read_text().splitlines()) == len(rows)
