"""Programs in texts: finding the one that a solution holds, and what a problem says about it."""

from __future__ import annotations

import ast
import re
import textwrap
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

_FENCE = re.compile(r"```[ \t]*(?P<language>[\w+#.-]*)[^\n]*\n(?P<code>.*?)(?:```|\Z)", re.DOTALL)
_PYTHON = ("", "python", "python3", "py")
_LONGEST = 100_000  # characters of a program


@dataclass(frozen=True, slots=True)
class Task:
    """What a problem says about the program it asks for.

    Attributes:
        stub: the beginning of a program that is to be completed; empty without one.
        entry: the function to define; empty for a program that reads standard input.
        calls: expressions that call it, with the result that the problem states, as Python writes both; an empty
            result is one that could not be read.
    """

    stub: str = ""
    entry: str = ""
    calls: tuple[tuple[str, str], ...] = ()


def program_in(text: str, stub: str = "") -> str | None:
    """Return the program of a solution: its last fenced block, the text itself if it is Python, or the stub completed.

    The stub's imports come before it. None for prose.
    """
    fenced = [match["code"] for match in _FENCE.finditer(text) if match["language"].lower() in _PYTHON]
    preamble = "".join(f"{line}\n" for line in stub.splitlines() if re.match(r"(?:from|import)\s", line))
    for code in [*reversed(fenced), *([] if fenced else [text])]:
        if len(code) > _LONGEST:
            continue
        if stub and code.startswith((" ", "\t")) and _parsed(f"{stub}\n{code}") is not None:
            return f"{stub}\n{code.rstrip()}\n"
        if (whole := _parsed(code)) is not None and _is_program(whole, bare=not fenced):
            return preamble + textwrap.dedent(code).strip() + "\n"
        body = textwrap.indent(textwrap.dedent(code), "    ").rstrip()
        if stub and fenced and _parsed(f"{stub}\n{body}") is not None:
            return f"{stub}\n{body}\n"
    return _longest_start(text, stub) if stub and not fenced else None


def _longest_start(text: str, stub: str) -> str | None:
    """Return the stub with the indented lines at the start of a text: a model may talk on after the function."""
    lines = text.splitlines()
    ends = next((k for k, line in enumerate(lines) if line.strip() and not line.startswith((" ", "\t"))), len(lines))
    body = "\n".join(lines[:ends]).rstrip()
    return f"{stub}\n{body}\n" if body.strip() and _parsed(f"{stub}\n{body}") is not None else None


def _parsed(code: str) -> ast.Module | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            code = textwrap.dedent(code)
            compile(code, "program.py", "exec", dont_inherit=True)
            return ast.parse(code)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def _is_program(tree: ast.Module, bare: bool) -> bool:
    """Return whether this does something. A text without a fence must show it: ``42`` and ``yes`` are Python too."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
    if any(isinstance(node, kinds) for node in tree.body):
        return True
    calls = any(isinstance(node, ast.Call) for node in ast.walk(tree))
    return bool(tree.body) and (calls or not bare)


# ------------------------------------------------------------------------------------------------ what a problem says

_DEF = re.compile(r"^(?:async )?def (?P<name>\w+)\(", re.MULTILINE)
_NAMED = re.compile(r"(?:function|called|named)\s+(?:called\s+|named\s+)?`?(?P<name>[A-Za-z_]\w*)`?\s*\(")
_DOCTEST = re.compile(r"^\s*>>> (?P<call>.+)\n(?P<result>(?!\s*>>>)[^\n]+)", re.MULTILINE)
_ASSERT = re.compile(r"^\s*assert (?P<test>.+)$", re.MULTILINE)
_STATED = re.compile(r"(?P<call>\b\w+\(.*?\))\s*(?:==|=>|➞|->|→|=|returns|should return)\s*(?P<result>[^\n]+)")


def task_of(text: str) -> Task:
    """Read what a problem says: its stub, the name of its function, and the calls whose results it states."""
    stub = _stub(text)
    named = _DEF.findall(stub) or [match["name"] for match in _NAMED.finditer(text)]
    calls: dict[str, str] = {}
    for call, result in _examples(text, named[-1] if named else ""):
        calls[call] = calls.get(call) or result
    entry = named[-1] if named else next((ast.unparse(_call(call).func) for call in calls), "")  # type: ignore[union-attr]
    return Task(stub, entry, tuple((call, result) for call, result in calls.items() if _name(call) == entry))


def _stub(text: str) -> str:
    """Return the unfinished program in a problem: from its imports to the end of the last function's docstring."""
    fenced = [match["code"] for match in _FENCE.finditer(text) if _DEF.search(match["code"])]
    code = fenced[-1] if fenced else text
    found = list(_DEF.finditer(code))
    if not found:
        return ""
    lines = code.splitlines()
    first = next(
        (k for k, line in enumerate(lines) if re.match(r"(?:from \w|import \w|(?:async )?def \w|class \w|@)", line)), 0
    )
    for last in range(len(lines), first, -1):
        stub = "\n".join(lines[first:last]).rstrip()
        if _parsed(f"{stub}\n    pass") is not None:
            return stub
    return ""


def _examples(text: str, entry: str) -> Iterator[tuple[str, str]]:
    for match in _DOCTEST.finditer(text):
        yield from _example(match["call"], match["result"].strip(), entry)
    for match in _ASSERT.finditer(text):
        yield from _compared(match["test"], entry)
    for match in _STATED.finditer(text):
        yield from _example(match["call"], match["result"].strip(), entry)


def _example(call: str, result: str, entry: str) -> Iterator[tuple[str, str]]:
    node = _call(call)
    if node is None or (entry and _name(call) != entry):
        return
    for value in (result, result.rstrip(" .,;"), result.split("#")[0].strip(), result.split(" ")[0].rstrip(".,;")):
        try:
            yield ast.unparse(node), repr(ast.literal_eval(value))
            return
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
    yield ast.unparse(node), ""


def _compared(test: str, entry: str) -> Iterator[tuple[str, str]]:
    try:
        node = ast.parse(test.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError):
        return
    if isinstance(node, ast.Tuple) and node.elts:  # an assertion with a message
        node = node.elts[0]
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], (ast.Eq, ast.Is)):
        yield from _example(ast.unparse(node.left), ast.unparse(node.comparators[0]), entry)


def _call(text: str) -> ast.Call | None:
    """Parse a call of a plain function with literal arguments; None for anything else."""
    try:
        node = ast.parse(text.strip(), mode="eval").body
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            return None
        for value in (*node.args, *(keyword.value for keyword in node.keywords)):
            ast.literal_eval(value)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return None
    return node


def _name(call: str) -> str:
    return call.partition("(")[0].strip()
