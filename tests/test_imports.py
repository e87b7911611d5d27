"""Importing is cheap: nothing heavy is loaded before a problem is solved."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import tts

HEAVY = [
    "huggingface_hub",
    "safetensors",
    "torch",
    "transformers",
    "vllm",
    "sympy",
    "numpy",
    "mpmath",
    "jinja2",
    "matplotlib",
    "tts.api",
    "tts.solver",  # and with it the search, the answers and the engines
]

PUBLIC = [
    "Budget",
    "Candidate",
    "Plan",
    "Pool",
    "Problem",
    "Solution",
    "Solver",
    "TTSError",
    "Trace",
    "Usage",
    "solve",
    "solve_async",
    "solve_many",
    "tool",
]

HELP = """
import cli
sys.argv = ["tts", *{arguments!r}]
try:
    cli.main()
except SystemExit as stop:
    assert not stop.code, stop.code
"""


def loaded_by(code: str, cwd: Path) -> set[str]:
    """The heavy modules that a fresh interpreter holds after running ``code`` outside the checkout."""
    report = f"print(); print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    script = f"import json, sys\n{code}\n{report}"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=cwd, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "name", ["tts", "cli", "prm", "strategies", "benchmarks", "benchmarks.prm_eval", "tts.types", "tts.errors"]
)
def test_importing_a_root_loads_nothing_heavy(name: str, tmp_path: Path) -> None:
    assert loaded_by(f"import {name}", tmp_path) == set()


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["solve", "--help"], ["bench", "--help"], ["report", "--help"], ["prm-eval", "--help"], ["--version"]],
    ids=" ".join,
)
def test_asking_for_help_loads_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    assert loaded_by(HELP.format(arguments=arguments), tmp_path) == set()


@pytest.mark.parametrize("name", tts.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    thing = getattr(tts, name)
    assert thing.__doc__


def test_the_public_surface_is_what_it_was() -> None:
    assert tts.__all__ == PUBLIC
    assert set(PUBLIC) <= set(dir(tts))


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("--device", "cuda:99", "device 'cuda:99' was asked for, but this"),
        ("--engine-arg", "max_row=1", "there is no argument of the transformers engine named 'max_row': did you mean"),
    ],
)
def test_a_missing_gpu_and_an_unknown_argument_are_refused_before_pytorch_is_loaded(
    option: str, value: str, sentence: str, tmp_path: Path
) -> None:
    code = f"""
import contextlib, io, cli
sys.argv = ["tts", "solve", "1 + 1", "--policy", "lab-1m", {option!r}, {value!r}]
with contextlib.redirect_stderr(io.StringIO()) as said:
    try:
        cli.main()
    except SystemExit as stop:
        assert stop.code == 2, stop.code
assert {sentence!r} in said.getvalue(), said.getvalue()
"""
    assert not loaded_by(code, tmp_path) & {"torch", "transformers", "vllm"}
