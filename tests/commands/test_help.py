"""Help pages and shell completion."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from typer import rich_utils

import cli
from tests.command_line import Tts
from tests.markdown import ROOT


@pytest.fixture(autouse=True)
def _narrow_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rich_utils, "FORCE_TERMINAL", None)  # a build server may set it


def panels(page: str) -> list[str]:
    return [line.split()[1] for line in page.splitlines() if line.startswith("╭─")]


def test_the_root_page_groups_the_commands(tts: Tts) -> None:
    assert panels(tts("--help").out) == ["Options", "Solve", "Measure", "Look"]


@pytest.mark.parametrize("command", [[], ["pool"]])
def test_a_command_that_lacks_another_prints_its_help_and_no_remark(tts: Tts, command: list[str]) -> None:
    done = tts(*command)
    assert (done.code, done.err) == (2, "")
    assert "Usage: tts" in done.out


def test_the_options_of_solve_are_grouped_in_one_order(tts: Tts) -> None:
    expected = [
        "Arguments",
        "Options",
        "Data",
        "Models",
        "Search",
        "Budget",
        "Tools",
        "Answers",
        "Engine",
        "Cluster",
        "Output",
    ]
    assert panels(tts("solve", "--help").out) == expected


@pytest.mark.parametrize("command", [command.name for command in cli.app.registered_commands])
def test_a_help_page_fits_80_columns_and_is_plain_in_a_pipe(tts: Tts, command: str) -> None:
    page = tts(command, "--help").out
    assert max(map(len, page.splitlines())) <= 80
    assert "\x1b" not in page
    assert "…" not in page  # nothing is cut


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_no_color_is_honoured_on_a_terminal(no_color: str, coloured: bool) -> None:
    done = subprocess.run(
        [sys.executable, "cli.py", "--help"],
        cwd=ROOT,
        env={**os.environ, "FORCE_COLOR": "1", "NO_COLOR": no_color, "TERM": "xterm"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ("\x1b[1;36m" in done.stdout) == coloured  # bold cyan


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("tts so", ["solve"]),
        ("tts solve --strategy bea", ["beam-search"]),
        ("tts solve --vote w", ["weighted"]),
        ("tts solve --policy lab-20", ["lab-200k"]),
        ("tts solve --prm lab", ["lab-prm"]),
        ("tts bench --strategy all,dv", ["all,dvts"]),
        ("tts bench math", ["math500"]),
        ("tts models lab-4", ["lab-4m"]),
        ("tts strategies dv", ["dvts"]),
    ],
)
def test_the_shell_completes_names(tts: Tts, monkeypatch: pytest.MonkeyPatch, typed: str, offered: list[str]) -> None:
    monkeypatch.setenv("_TTS_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", typed)
    monkeypatch.setenv("COMP_CWORD", str(typed.count(" ")))
    assert tts().out.split() == offered
