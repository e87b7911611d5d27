"""The documentation names only what exists: links, headings, files, modules, commands and options."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer.main

from cli import app
from tests.markdown import ROOT, blocks
from tts.registry import TABLE

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
FIGURES = sorted((ROOT / "docs").glob("*.svg"))
ROOMS = ("tts", "prm", "strategies", "benchmarks", "tests", "docs")

_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(?P<title>.+?) *$", re.MULTILINE)
_PATH = re.compile(rf"(?<![\w./-])(?:{'|'.join(ROOMS)})/[\w./-]*\w/?|(?<![\w./-])cli\.py\b")
_FILE = re.compile(r"`(?P<name>\w+\.py)`")
_COMMAND = re.compile(r"(?:^[ $]*|\| |`)tts (?P<words>[a-z][^`\n]*)", re.MULTILINE)
_MODULE = re.compile(r"python -m (?P<name>(?:tts|prm|strategies|benchmarks)[\w.]*\w)")


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    """The fragments of a page's headings, as GitHub makes them: lower case, no punctuation, hyphens for spaces."""
    prose = text(page)
    for block in blocks(prose):
        prose = prose.replace(block.code, "")
    return {re.sub(r"[^\w\- ]", "", match["title"].lower()).replace(" ", "-") for match in _HEADING.finditer(prose)}


def broken_links(page: Path) -> list[str]:
    targets = [match["target"] for match in _LINK.finditer(text(page)) if "://" not in match["target"]]
    return [target for target in targets if not _reaches(page, target)]


def _reaches(page: Path, target: str) -> bool:
    name, _, fragment = target.partition("#")
    file = (page.parent / name).resolve() if name else page
    return file.exists() and (not fragment or fragment in anchors(file))


def missing_files(words: str) -> list[str]:
    """The paths and the backquoted names of Python files that the project does not have."""
    paths = [match[0] for match in _PATH.finditer(words) if not (ROOT / match[0]).exists()]
    names = {file.name for room in ROOMS for file in (ROOT / room).rglob("*.py")} | {"cli.py"}
    return paths + [match["name"] for match in _FILE.finditer(words) if match["name"] not in names]


def missing_modules(words: str) -> list[str]:
    """The modules after ``python -m`` that cannot be run."""
    found = {match["name"]: ROOT.joinpath(*match["name"].split(".")) for match in _MODULE.finditer(words)}
    return [
        name
        for name, path in found.items()
        if not (path.with_suffix(".py").exists() or (path / "__main__.py").exists())
    ]


def unknown_options(words: str) -> list[str]:
    """The commands of ``tts`` that do not exist, and the options that a command does not have."""
    known: Any = typer.main.get_command(app)
    unknown = []
    for match in _COMMAND.finditer(words):
        name, *arguments = shlex.split(match["words"].replace("\\", ""), comments=True)
        if name not in known.commands:
            unknown.append(name)
            continue
        command = known.commands[name]
        command = command.commands.get(arguments[0], command) if hasattr(command, "commands") and arguments else command
        options = {option for parameter in command.params for option in parameter.opts}
        used = [argument.partition("=")[0] for argument in arguments if re.match(r"--?[a-z]", argument)]
        unknown += [f"{name} {option}" for option in used if option not in options]
    return unknown


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_of_a_page_reaches_a_file_and_a_heading(page: Path) -> None:
    assert broken_links(page) == []


@pytest.mark.parametrize("page", [*PAGES, *FIGURES], ids=lambda page: page.name)
def test_every_file_and_module_that_a_page_names_exists(page: Path) -> None:
    assert missing_files(text(page)) == []
    assert missing_modules(text(page)) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_and_option_that_a_page_shows_exists(page: Path) -> None:
    assert unknown_options(text(page)) == []


def test_the_readme_links_every_page_of_the_documentation() -> None:
    linked = {match["target"].partition("#")[0] for match in _LINK.finditer(text(ROOT / "README.md"))}
    assert {f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")} - linked == set()


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "docs" / "USAGE.md"], ids=lambda page: page.name)
def test_a_table_names_every_strategy(page: Path) -> None:
    rows = [line.split("|")[1] for line in text(page).splitlines() if line.startswith("| `")]
    assert {name for name in TABLE["strategy"] if not any(f"`{name}`" in row for row in rows)} == set()


def test_the_architecture_page_names_every_room() -> None:
    page = text(ROOT / "docs" / "ARCHITECTURE.md")
    rooms = [path.parent.name for root in ("tts", "benchmarks") for path in (ROOT / root).glob("*/__init__.py")]
    assert len(rooms) > 20
    assert [room for room in rooms if f"{room}/`" not in page] == []


def test_a_link_to_a_file_or_a_heading_that_is_missing_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# One `two`, three!\n[a](#one-two-three) [b](#four) [c](none.md) [d](page.md#one) [e](https://x.org/y)\n"
    )
    assert broken_links(page) == ["#four", "none.md", "page.md#one"]


def test_a_file_or_a_module_that_is_missing_is_found() -> None:
    words = "`tts/types.py`, tts/none.py, `strategies/`, `none.py`, docs/NONE.md and cli.py; python -m benchmarks.none"
    assert missing_files(words) == ["tts/none.py", "docs/NONE.md", "none.py"]
    assert missing_modules(words + ", python -m benchmarks.speed") == ["benchmarks.none"]


def test_a_command_or_an_option_that_is_missing_is_found() -> None:
    words = (
        "$ tts solve --none --budget 4 'a --b'\nRun `tts dig` or `tts plan -n 4`.\n    tts bench lab-500 --n=4  # --c\n"
    )
    assert unknown_options(words) == ["solve --none", "dig", "bench --n"]
