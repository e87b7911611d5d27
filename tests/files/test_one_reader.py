"""One reader and writer of JSON and of JSON Lines: no other module parses files itself."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.markdown import ROOT

ROOMS = ("tts", "prm", "strategies", "benchmarks")

ALLOWED = {
    "tts/files/json_text.py": "the reader and writer",
    "tts/engines/load.py": "a key of a cache, no file",
    "tts/models/text_encoder.py": "the state of a tokenizer in memory",
    "tts/answers/kinds/tool_call.py": "the spelling of calls with sorted names, and JSON within prose",
    "tts/routing/training.py": "metadata of our own weights",
    "benchmarks/datasets/dataset.py": "published hashes depend on these bytes",
    "benchmarks/answers_eval.py": "a pipe between our own processes",
    "benchmarks/provenance.py": "a digest",
    "benchmarks/word_problems/generate.py": "published hashes depend on these bytes",
}
CHECKOUT_ONLY = ("benchmarks/lab/", "benchmarks/speed/", "benchmarks/study/")  # our own files, not in the wheel
NAMES = {"loads", "load", "dumps", "dump"}


def test_only_the_one_reader_and_writer_uses_the_json_module() -> None:
    found = {
        str(file.relative_to(ROOT))
        for room in ROOMS
        for file in (ROOT / room).rglob("*.py")
        if _uses_json(file) and not str(file.relative_to(ROOT)).startswith(CHECKOUT_ONLY)
    }
    assert found <= set(ALLOWED), f"{sorted(found - set(ALLOWED))}: read and write with tts/files/json_text.py"


def _uses_json(file: Path) -> bool:
    return any(
        isinstance(node, ast.Attribute) and node.attr in NAMES
        and isinstance(node.value, ast.Name) and node.value.id == "json"
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    )  # fmt: skip


def test_only_kernel_tables_and_logs_are_split_into_lines_by_python() -> None:
    """``str.splitlines`` splits at U+2028 and nine other characters, which JSON may hold as they are."""
    found = {
        str(file.relative_to(ROOT))
        for room in ROOMS
        for file in (ROOT / room).rglob("*.py")
        if re.search(r"read_(text|bytes)\([^)]*\)\.splitlines", file.read_text(encoding="utf-8"))
    }
    assert found == {"benchmarks/provenance.py", "tts/engines/vllm/process_env.py", "tts/sandbox/cgroup.py"}


def test_only_the_console_prints_so_that_no_text_reaches_a_terminal_unseen() -> None:
    found = {
        str(file.relative_to(ROOT))
        for room in ROOMS
        for file in (ROOT / room).rglob("*.py")
        if "typer.echo(" in file.read_text(encoding="utf-8")
    }
    assert found == {"tts/commands/console.py"}
