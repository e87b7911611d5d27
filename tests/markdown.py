"""Reads the fenced blocks of a Markdown page, so that what a page shows can be run."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.command_line import Tts

ROOT = Path(__file__).resolve().parent.parent
SKIP = "no-run"

_FENCE = re.compile(r"^(?P<fence>`{3,})(?P<info>[^\n`]*)\n(?P<code>.*?)^(?P=fence)[ \t]*$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: the page's line it starts on, its language, the words after it, and what is inside."""

    line: int
    language: str
    notes: tuple[str, ...]
    code: str

    @property
    def commands(self) -> list[str]:
        """The ``tts`` commands of a shell block, and the ``echo`` and ``printf`` that feed them; output is left out."""
        lines = re.sub(r"\\\n\s*", "", self.code).splitlines()
        stripped = [line.strip().removeprefix("$ ") for line in lines]
        return [line for line in stripped if line.split(" ")[0] in ("tts", "echo", "printf")]


def blocks(text: str) -> Iterator[Block]:
    """Every fenced block of a page, in order."""
    for match in _FENCE.finditer(text):
        language, *notes = match["info"].split() or [""]
        yield Block(text.count("\n", 0, match.start()) + 1, language, tuple(notes), match["code"])


def examples(text: str) -> list[Block]:
    """The blocks that can be run: Python, and shell blocks with a ``tts`` command, unless marked ``no-run``."""
    return [
        block
        for block in blocks(text)
        if SKIP not in block.notes
        and (block.language == "python" or (block.language in ("console", "sh", "bash", "shell") and block.commands))
    ]


def run(block: Block, cwd: Path, tts: Tts | None = None) -> None:
    """Run one example as a reader would, in ``cwd``. Raises AssertionError with its output where it fails.

    With ``tts``, commands without a pipe or a redirection run in this process, where the models are loaded already.
    """
    if block.language == "python":
        script = cwd / f"example_{block.line}.py"
        script.write_text(block.code, encoding="utf-8")
        _call([sys.executable, str(script)], cwd)
    for command in block.commands if block.language != "python" else ():
        words = _words(command)
        if tts is None or any(set(word) <= set("|<>&;") for word in words):
            _call(["bash", "-o", "pipefail", "-c", command], cwd)
        else:
            with contextlib.chdir(cwd):
                done = tts(*words[1:])
            assert done.code == 0, f"{command!r} exits with {done.code}:\n{done.out}{done.err}"


def _words(command: str) -> list[str]:
    """Split a command as a shell does; pipes and redirections become words of their own."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars="|<>&;")
    lexer.whitespace_split = True
    lexer.commenters = ""
    return list(lexer)


def _call(arguments: list[str], cwd: Path) -> None:
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")])
    done = subprocess.run(
        arguments, cwd=cwd, env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, f"{arguments[-1]!r} exits with {done.returncode}:\n{done.stdout}{done.stderr}"
