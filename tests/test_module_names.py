"""Strings that name a module: each resolves, and ``tts`` names the other roots in its registry alone."""

from __future__ import annotations

import ast
import pkgutil
import re
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec

import pytest

from tests.markdown import ROOT

OTHERS = ("prm", "strategies", "benchmarks")
ROOTS = ("tts", *OTHERS)
NAME = re.compile(rf"(?<![\w./])(?:(?:{'|'.join(ROOTS)})(?:\.[A-Za-z_]\w*)+(?::\w+)?|(?:{'|'.join(ROOTS)}|cli):\w+)")
NOT_MODULES = {
    "prm.NAME": "an argument for the reward model's engine",
    "prm.tokenizer": "an argument for the reward model's engine",
    "prm.py": "a file of a user",
    "tts.strategy": "a group of entry points",
    "tts.engine": "a group of entry points",
    "tts.parameters": "a field of a request to the server",
}


def strings(text: str) -> Iterator[tuple[str, bool]]:
    """Yield every string of a module, and whether it is a docstring."""
    tree = ast.parse(text)
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value, id(node) in alone


def named(text: str, docstrings: bool = True) -> list[str]:
    """List the names of modules in the strings of a module."""
    texts = [string for string, alone in strings(text) if docstrings or not alone]
    return sorted({name for string in texts for name in NAME.findall(string)} - NOT_MODULES.keys())


PATHS = [*(path for root in ROOTS for path in sorted((ROOT / root).rglob("*.py"))), ROOT / "cli.py"]
SOURCES = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in PATHS}


def resolves(name: str) -> bool:
    """Look for what ``package.module``, ``package.module.attribute`` or ``package.module:attribute`` names."""
    with suppress(ModuleNotFoundError):
        if ":" not in name and find_spec(name):
            return True  # a module: it is not imported, for it may need an optional package
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True


@pytest.mark.parametrize("file", [file for file, text in SOURCES.items() if named(text)])
def test_every_module_that_a_string_names_exists(file: str) -> None:
    assert [name for name in named(SOURCES[file]) if not resolves(name)] == []


def test_every_module_that_pyproject_names_exists() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    found = {name for quoted in re.findall('"([^"\n]*)"', text) for name in NAME.findall(quoted)}
    assert {"cli:main", "tts.models", "benchmarks.lab"} <= found
    assert [name for name in sorted(found) if not resolves(name)] == []


def test_tts_names_the_other_roots_in_its_registry_alone() -> None:
    code = {file: named(text, docstrings=False) for file, text in SOURCES.items() if file.startswith("tts/")}
    naming = {file for file, names in code.items() if any(name.startswith(OTHERS) for name in names)}
    assert naming == {"tts/registry.py"}


def test_a_name_that_leads_nowhere_does_not_resolve() -> None:
    assert resolves("tts.types:Problem")
    assert resolves("tts.types.Problem.id")
    assert not any(map(resolves, ("tts.typos", "tts.types:Typo", "tts.types.Typo", "nowhere.at_all")))


def test_the_floors_of_all_roots_hold_every_room_of_tts() -> None:
    """Those within tts are exhaustive; these also order the other roots."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = {contract["name"]: contract for contract in settings["tool"]["importlinter"]["contracts"]}
    of_all, of_tts = (
        [re.split(r" [|:] ", layer) for layer in contracts[name]["layers"]]
        for name in ("Each floor stands on the floors below it", "No import runs up within tts")
    )
    assert of_all[0] == ["benchmarks"]
    within = [{room.removeprefix("tts.") for room in layer} - {*OTHERS} for layer in of_all[1:]]
    assert within == [set(layer) for layer in of_tts]
    assert all(contract.get("exhaustive") for contract in contracts.values() if "containers" in contract)
