"""Runs ``tts`` in this process."""

from __future__ import annotations

import io
import sys
from typing import NamedTuple

import pytest

import cli

MIA = "Mia has 17 marbles. She wins 25 more, then triples what she has, and gives 9 away. How many are left?"  # 117


class Done(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """What went wrong: one line, or the test fails."""
        [line] = self.err.splitlines()
        assert line.startswith("tts: ")
        assert "Traceback" not in line
        return line.removeprefix("tts: ")


class Tts:
    """Runs the command line in this process, so that models are loaded once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.monkeypatch, self.capsys = monkeypatch, capsys

    def __call__(self, *arguments: str, stdin: str = "") -> Done:
        self.monkeypatch.setattr(sys, "argv", ["tts", *arguments])
        self.monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        with pytest.raises(SystemExit) as stop:
            cli.main()
        out, err = self.capsys.readouterr()
        assert isinstance(stop.value.code, int)
        return Done(stop.value.code, out, err)
