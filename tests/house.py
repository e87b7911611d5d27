"""Figures of the code base: rooms and imports between them, probes, documentation, sizes, commit subjects.

    python -m tests.house                     the files of this checkout
    python -m tests.house --against 0e5d283   and those of another commit for comparison

A room of a package is a module or package directly in it. An import between rooms counts once for each pair of rooms,
wherever it is written: at the top, in a function, or under TYPE_CHECKING. A circle is a set of rooms that import each
other, directly or not; the floors are the longest chain of imports, where a circle is one link.
"""

from __future__ import annotations

import argparse
import ast
import io
import json
import re
import statistics
import subprocess
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from tests.markdown import ROOT

PACKAGES = ("tts", "tts.engines", "benchmarks")
CODE = ("tts/", "prm/", "strategies/", "benchmarks/", "cli.py")
PROBED = ("tts", "prm", "strategies")  # where abilities are declared and never looked for
SUBJECT = 72
LONGEST = 5

# Verbs that open docstrings here; a form with -s counts too.
VERBS = set(
    """accept account add aggregate append apply arrange ask assemble assign await begin break bring build calculate
    call catch charge check choose clear close collect combine compare complete compute configure connect consume
    convert copy count create cut deal decide declare decode define deliver describe divide do download draw drop empty
    encode end ensure escape estimate evaluate expand explain extract fail feed fetch fill find finish fit flatten
    follow forget fork format gather generate get give grade group grow guess hand handle hash hold ignore import
    inflect insert install interpret join keep kill label lay learn leave let limit list load look lower make map mark
    match measure merge move name normalize note number open order overwrite pair parse pass pick place plan play post
    predict prepare print produce pull put raise read receive record reduce refuse register release remove render repeat
    replace report request rescore reserve reset resolve restore return rewrite run sample save say scale score search
    select send serve set settle share show shut simulate solve sort spawn spend split start state stop store strip sum
    take test train translate try turn undo unpack update use validate verify vote wait walk warn weigh wrap write
    yield""".split()
)
# These are nouns as well: verbs unless the next word shows a noun, as in "Name of a model".
NOUNS = set(
    """account answer charge count cut draw end estimate group hash label limit list map mark match measure name note
    number order pair pass place plan play record report request run sample scale score search set share show split
    start state stop store sum test train try turn use vote""".split()
)
AFTER_NOUNS = set("of that which who is are was were and or per has have had by in at under behind with".split())

Files = Mapping[str, str]
Modules = Mapping[str, ast.Module]
Function = ast.FunctionDef | ast.AsyncFunctionDef


def committed(revision: str) -> Files:
    """Read the Python and Markdown files of a commit."""
    archive = subprocess.run(["git", "archive", "--format=tar", revision], cwd=ROOT, capture_output=True, check=True)
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
        members = [member for member in tar if member.isfile() and member.name.endswith((".py", ".md"))]
        return {member.name: tar.extractfile(member).read().decode() for member in members}  # type: ignore[union-attr]


def checkout() -> Files:
    """Read those of this checkout, whether committed or not."""
    names = git("ls-files", "--cached", "--others", "--exclude-standard", "*.py", "*.md").splitlines()
    return {name: (ROOT / name).read_text(encoding="utf-8") for name in names if (ROOT / name).exists()}


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=True, text=True).stdout


# -- rooms ------------------------------------------------------------------------------------------------------------


def modules(files: Files) -> Modules:
    """Parse the modules that are not tests, by their dotted names."""
    code = {name: text for name, text in files.items() if name.endswith(".py") and name.startswith(CODE)}
    return {name[:-3].replace("/", ".").removesuffix(".__init__"): ast.parse(text) for name, text in code.items()}


def imported(tree: ast.Module, known: Modules) -> Iterator[str]:
    """Yield what a module imports; names of our own modules are yielded as such."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            full = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in known else node.module for name in full)


def rooms(package: str, known: Modules) -> dict[str, set[str]]:
    """Map each room of a package to the rooms that it imports."""
    prefix = f"{package}."

    def room(module: str) -> str:
        return module.removeprefix(prefix).partition(".")[0] if module.startswith(prefix) else ""

    found: dict[str, set[str]] = {room(module): set() for module in known if room(module)}
    for module, tree in known.items():
        if here := room(module):
            found[here] |= {there for name in imported(tree, known) if (there := room(name)) and there != here}
    return found


def circles(imports: Mapping[str, set[str]]) -> dict[str, frozenset[str]]:
    """Map each room to the rooms in a circle with it, itself included."""
    reached: dict[str, set[str]] = {}
    for start in imports:
        reached[start], open_ = set(), [start]
        while open_:
            new = imports[open_.pop()] - reached[start]
            reached[start] |= new
            open_ += new
    return {a: frozenset({a} | {b for b in reached[a] if a in reached[b]}) for a in imports}


def floors(imports: Mapping[str, set[str]], circle: Mapping[str, frozenset[str]]) -> int:
    """Count the links of the longest chain of imports."""

    @cache
    def height(rooms: frozenset[str]) -> int:
        below = {circle[there] for here in rooms for there in imports[here]} - {rooms}
        return 1 + max(map(height, below), default=0)

    return max(map(height, circle.values()), default=0)


# -- functions and their documentation --------------------------------------------------------------------------------


def functions(known: Modules) -> list[Function]:
    found = (node for tree in known.values() for node in ast.walk(tree))
    return [node for node in found if isinstance(node, Function)]


def probes(known: Modules) -> int:
    """Count ``getattr`` and ``hasattr`` with a literal name."""
    calls = (node for name, tree in known.items() if name.partition(".")[0] in PROBED for node in ast.walk(tree))
    return sum(
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in ("getattr", "hasattr")
        and len(call.args) > 1
        and isinstance(call.args[1], ast.Constant)
        for call in calls
    )


def opens_with_a_verb(docstring: str) -> bool:
    """Whether the first word is a verb, in its base form or with -s."""
    first, *rest = docstring.split()
    word = first.lower().strip(",.;:")
    bases = {word, word.removesuffix("s"), word.removesuffix("es"), re.sub("ies$", "y", word)} & VERBS
    following = rest[0].lower().strip(",.;:") if rest else ""
    return bool(bases) and not (bases <= NOUNS and following in AFTER_NOUNS)


def share(of: Iterable[bool]) -> float:
    """Give the percentage that is true."""
    found = list(of)
    return round(100 * sum(found) / max(1, len(found)), 1)


# -- all of it --------------------------------------------------------------------------------------------------------


def figures(files: Files) -> dict[str, Any]:
    """Collect every figure of a tree, in the order of the table."""
    known = modules(files)
    found: dict[str, Any] = {}
    for package in PACKAGES:
        imports = rooms(package, known)
        circle = circles(imports)
        found[f"{package}: rooms"] = len(imports)
        found[f"{package}: imports between rooms"] = sum(map(len, imports.values()))
        found[f"{package}: circles"] = sorted("-".join(sorted(c)) for c in set(circle.values()) if len(c) > 1)
        found[f"{package}: floors"] = floors(imports, circle)
    found["getattr, hasattr with a literal name"] = probes(known)
    all_ = functions(known)
    lengths = sorted((node.end_lineno or node.lineno) - node.lineno + 1 for node in all_)
    docstrings = [text for node in all_ if (text := ast.get_docstring(node))]
    public = [node for node in all_ if not node.name.startswith("_")]
    found["public functions with a docstring, %"] = share(ast.get_docstring(node) is not None for node in public)
    found["docstrings of functions that open with a verb, %"] = share(map(opens_with_a_verb, docstrings))
    found["function length, median"] = statistics.median(lengths)
    found["function length, 90th percentile"] = lengths[int(0.9 * len(lengths))]
    sizes = {name: text.count("\n") for name, text in files.items() if name.endswith(".py") and name.startswith(CODE)}
    longest = sorted(sizes, key=sizes.__getitem__)[: -LONGEST - 1 : -1]
    found["longest files, lines"] = [f"{name} {sizes[name]}" for name in longest]
    found["README, words"] = len(files["README.md"].split())
    return found


def subjects(since: str | None, until: str) -> str:
    """Say how many commit subjects are too long, of all or of those after a commit."""
    lines = git("log", "--no-merges", "--format=%s", f"{since}..{until}" if since else until).splitlines()
    return f"{sum(len(line) > SUBJECT for line in lines)} of {len(lines)}"


def table(columns: Mapping[str, Mapping[str, Any]]) -> str:
    """Lay the columns out as plain text, a line for each element of a list."""
    rows = [["", *columns]]
    for name in next(iter(columns.values())):
        cells = [value if isinstance(value := column[name], list) else [value] for column in columns.values()]
        lines = [[str(cell[k]) if k < len(cell) else "" for cell in cells] for k in range(max(1, *map(len, cells)))]
        rows += [["" if k else name, *line] for k, line in enumerate(lines)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.house", description="Print figures of the code base.")
    parser.add_argument("--against", metavar="REV", help="another commit to compare with")
    parser.add_argument("--since", metavar="REV", help="count commit subjects after this one; else after --against")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    columns = {given.against: figures(committed(given.against))} if given.against else {}
    columns["now"] = figures(checkout())
    long = f"commit subjects over {SUBJECT} characters"
    for name, column in columns.items():
        now = name == "now"
        column[long] = subjects(given.since or given.against if now else None, "HEAD" if now else name)
    print(json.dumps(columns, indent=2) if given.json else table(columns))


if __name__ == "__main__":
    main()
