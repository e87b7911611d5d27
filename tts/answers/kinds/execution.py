"""Running programs to compare and to test them, in the sandbox only."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tts import sandbox
from tts.errors import BadInput
from tts.files.json_text import dump, parse
from tts.sandbox import Limits, Outcome, Run

SECONDS = 3.0
"""Time limit of one run of a program."""

_CALL = '''
import sys
def _plain(value, depth=0):
    """Spell a value so that equal values are spelled alike."""
    if depth > 20: return "..."
    if isinstance(value, bool) or value is None or isinstance(value, (str, bytes)): return repr(value)
    if isinstance(value, float): return repr(int(value)) if value.is_integer() else format(value, ".9g")
    if isinstance(value, dict):
        items = (_plain(k, depth + 1) + ": " + _plain(v, depth + 1) for k, v in value.items())
        return "{" + ", ".join(sorted(items)) + "}"
    if isinstance(value, (set, frozenset)): return "{" + ", ".join(sorted(_plain(v, depth + 1) for v in value)) + "}"
    if isinstance(value, (list, tuple)):
        ends = "[]" if isinstance(value, list) else "()"
        return ends[0] + ", ".join(_plain(v, depth + 1) for v in value) + ends[1]
    if hasattr(value, "__next__"):
        import itertools
        return _plain(list(itertools.islice(value, 1000)), depth + 1)
    text = repr(value)
    return type(value).__name__ if " at 0x" in text else text
call = sys.stdin.read()
import solution
result = _plain(eval(call, vars(solution)))
sys.stdout.flush()
print("\\n@@result@@" + result)
'''

_TESTS = """
import ast, sys
tests = open("tests.py").read()
import solution
space = dict(vars(solution))
passed = total = 0
for node in ast.parse(tests).body:
    counts = isinstance(node, ast.Assert) or isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    total += counts
    try:
        exec(compile(ast.Module([node], []), "tests.py", "exec"), space)
        passed += counts
    except Exception as error:
        print(type(error).__name__, error, file=sys.stderr)
print("\\n@@" + sys.stdin.read() + "@@", passed, total)
"""


@dataclass(frozen=True, slots=True)
class Score:
    """How many tests a program passes."""

    passed: int
    total: int

    @property
    def share(self) -> float:
        """Return the share of the tests that it passes, 0 to 1."""
        return self.passed / self.total if self.total else 0.0


async def called(program: str, inputs: Sequence[str]) -> list[str]:
    """Return what a program gives for each call: ``= value``, or how it failed after ``!``."""
    runs = await sandbox.run_each(_CALL, inputs, files={"solution.py": program}, limits=Limits(seconds=SECONDS))
    return [_given(run, run.stdout.rpartition("\n@@result@@")[2]) for run in runs]


async def written(program: str, inputs: Sequence[str]) -> list[str]:
    """Return what a program writes for each standard input: ``= text``, or how it failed after ``!``."""
    runs = await sandbox.run_each(program, inputs, limits=Limits(seconds=SECONDS))
    return [_given(run, _trimmed(run.stdout)) for run in runs]


def _given(run: Run, result: str) -> str:
    if run.outcome is Outcome.OK:
        return f"= {result.rstrip()}"
    last = (run.stderr.strip().splitlines() or [""])[-1]
    return f"! {last.partition(':')[0] if run.outcome is Outcome.ERROR else run.outcome}"


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


async def tested(program: str, tests: str) -> Score:
    """Run a program's tests, see :func:`unit_tests`. A program that ends before its tests do passes none."""
    if tests.startswith("["):
        pairs = parse(tests)
        runs = await written(program, [pair["input"] for pair in pairs])
        return Score(
            sum(run == f"= {_trimmed(pair['output'])}" for run, pair in zip(runs, pairs, strict=True)), len(pairs)
        )
    token = secrets.token_hex(16)  # a program that ends itself, or writes a result, does not know it
    files = {"solution.py": program, "tests.py": tests}
    [run] = await sandbox.run_each(_TESTS, [token], files=files, limits=Limits(seconds=2 * SECONDS))
    _, found, counts = run.stdout.rpartition(f"\n@@{token}@@ ")
    if run.outcome is not Outcome.OK or not found:
        return Score(0, 1)
    passed, total = map(int, counts.split())
    return Score(passed, total)


def unit_tests(given: Any, entry: str = "") -> str:
    """Return the tests that a row holds as one text.

    Either Python: assertions, or a function ``check`` that is called with the function ``entry``; a list of such
    lines is one text too. Or pairs of standard input and output: a list of objects with ``input`` and ``output``.

    Raises BadInput for anything else.
    """
    if isinstance(given, str) and given.strip():
        if "def check(" in given and entry and f"\ncheck({entry})" not in given:
            return f"{given.rstrip()}\n\ncheck({entry})\n"
        return given
    if isinstance(given, list) and given and all(isinstance(each, str) for each in given):
        return "\n".join(given)
    if isinstance(given, list) and given and all(_is_pair(each) for each in given):
        return dump([{"input": each["input"], "output": each["output"]} for each in given])
    raise BadInput(
        "its `tests` are neither Python assertions nor a list of objects with `input` and `output`, both text."
    )


def _is_pair(given: Any) -> bool:
    return isinstance(given, dict) and isinstance(given.get("input"), str) and isinstance(given.get("output"), str)
