"""What a library prints goes to a log, and what is meant for the user does not."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from tqdm import tqdm

from tts.commands.console import note, say
from tts.files.standard_streams import ERRORS, diverted, errors, output


def test_what_a_library_prints_goes_to_the_log_and_our_own_words_to_the_user(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "log"
    with diverted(log):
        print("a library's own output")
        os.write(2, b"a process's error\n")
        say("an answer")
        note("a remark")
        with tqdm(total=4, initial=1, file=ERRORS, desc="bar") as bar:
            bar.update()
    os.write(2, b"behind it\n")
    say("another answer")
    assert capfd.readouterr().out == "an answer\nanother answer\n"
    assert "a process's error" in log.read_text()
    assert "a remark" not in log.read_text()


def test_standard_error_of_the_system_is_the_users_while_it_is_diverted(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"
    with open(2, "w", closefd=False) as number_2:
        monkeypatch.setattr(sys, "stderr", number_2)
        assert errors() is number_2
        with diverted(log):
            print("out of place")
            print("and this", file=sys.stderr)
            note("a remark")
            print("a bar", file=ERRORS, flush=True)
        note("behind it")
        assert errors() is number_2
    assert output() is sys.stdout
    assert capfd.readouterr().err == "tts: a remark\na bar\ntts: behind it\n"
    assert log.read_text() == "out of place\nand this\n"


def test_an_error_that_ends_the_program_meanwhile_is_the_users(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    usual = sys.excepthook
    with diverted(tmp_path / "log"):
        sys.excepthook(ValueError, ValueError("no more"), None)
    assert sys.excepthook is usual
    assert capfd.readouterr().err == "ValueError: no more\n"


def test_a_closed_standard_error_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert ERRORS.write("lost") == 0
    assert not ERRORS.isatty()
    with pytest.raises(OSError, match="closed"):
        ERRORS.fileno()
