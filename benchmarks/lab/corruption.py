"""Wrong solutions without a model: worked solutions with planted errors, labelled like sampled ones.

They cost nothing, so the reward model sees many more wrong steps than a CPU could sample. An error is a wrong digit, a
misread number, another operation, an earlier value instead of the current one, or a missing or repeated step. Later
steps continue from the wrong value, as a model does.
"""

from __future__ import annotations

import random
import re

from benchmarks.lab.solutions import Solution
from benchmarks.word_problems.arithmetic import evaluate
from benchmarks.word_problems.everyday.draw import LARGEST
from benchmarks.word_problems.generate import LabProblem, check_steps

_EQUATION = re.compile(r"(.*): (\d+)([-+*/])(\d+)=(\d+)\.")
KINDS = (
    "result",
    "result",
    "result",
    "operand",
    "operand",
    "other number",
    "operation",
    "stale",
    "skip",
    "twice",
)


def _slip(n: int, rng: random.Random) -> int:
    """Return a number near `n`, as a careless reader or calculator would."""
    if rng.random() < 0.35:
        return max(0, n + rng.choice((-100, -10, -10, -2, -1, 1, 2, 10, 10, 100)))
    digits = list(str(n))
    if len(digits) > 1 and rng.random() < 0.15:
        i = rng.randrange(len(digits) - 1)
        digits[i], digits[i + 1] = digits[i + 1], digits[i]
    else:
        digits[rng.randrange(len(digits))] = str(rng.randrange(10))
    return int("".join(digits))


def corrupt(problem: LabProblem, rng: random.Random, rate: float = 0.12) -> Solution:
    """Return the problem's solution with an error in each step at `rate`; without errors it is the right solution."""
    numbers = [int(n) for n in re.findall(r"\d+", problem.problem)] or [2]
    values: dict[str, int] = {}  # actual value of each reference result
    lines = list[str]()
    for index, (line, step) in enumerate(zip(problem.solution.split("\n\n"), problem.program, strict=False)):
        found, names = _EQUATION.fullmatch(line), re.fullmatch(r"(#?\d+)([-+*/])(#?\d+)", step)
        assert found is not None
        assert names is not None
        lead, op = found[1], found[3]
        a, b = (values[x] if x[0] == "#" else int(x) for x in (names[1], names[3]))
        kind = rng.choice(KINDS) if rng.random() < rate else ""
        if kind == "skip" and index:
            values[f"#{index}"] = values[f"#{index - 1}"]
            continue
        if kind in ("operand", "other number"):
            old, b = b, _slip(b, rng) if kind == "operand" else rng.choice(numbers)
            lead = lead.replace(str(old), str(b))
        elif kind == "operation":
            lead, op = rng.choice((("Add", "+"), ("Take away", "-"), ("Times", "*"), ("Divide by", "/")))
            lead = f"{lead} {b}"
        elif kind == "stale" and index > 1:
            a = values[f"#{rng.randrange(index - 1)}"]
        elif "#" in step and str(found[4]) in lead:
            lead = lead.replace(found[4], str(b))
        result = evaluate(a, op, b)
        if result < 0:
            result = abs(a - b) if op == "-" else a // max(b, 1)
        if kind == "result":
            result = _slip(result, rng)
        lines.append(f"{lead}: {a}{op}{b}={min(result, LARGEST)}.")
        if kind == "twice" and op in "+-":
            a, result = result, max(0, result + b if op == "+" else result - b)
            lines.append(f"{lead}: {a}{op}{b}={result}.")
        values[f"#{index}"] = min(result, LARGEST)
    last = list(values.values())[-1] if values else 0
    if rng.random() < rate / 4:
        last = _slip(last, rng)
    lines.append(f"The answer is \\boxed{{{last}}}.")
    return Solution(problem.problem, tuple(lines), tuple(check_steps(problem, "\n\n".join(lines))))
