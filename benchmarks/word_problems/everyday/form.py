"""Forms of everyday problems: the record, and how its numbers are drawn.

    Form("share.each", "k:2-10 q:2-20 n=k*q", ("n/k",),
         ("{X} shares {n} {nouns} equally among {k} friends. How many does each friend get?", ...))

`numbers` draws in order: `k:2-10` evenly from a range, `n~400` up to a limit with small ones more often, `n=k*q` by
arithmetic, and `n>k` is a condition. `steps` are the worked steps: operands are numbers of the form, literals, or `#i`,
the result of step i. `a**k` and `n//k` are computed like `a*k` and `n/k`, but worded as "Times 4" and "A quarter". The last result is
the answer; a form without steps answers with `answer`.

Wordings are templates. `(has|owns)` draws one of the alternatives, `[more]` is left out half of the time, `<gets>` is a list
of verbs of `words.py`. `{a}` is a number, `{X}`, `{Y}` and `{Z}` are people, `{nouns}`, `{noun}`, `{others}` and `{other}` are
two kinds of things, `{boxes}` and `{box}` a container, `{he}` and `{his}` belong to X. `rows` binds further words and numbers: one row is
drawn for each problem. The last wording of a form of three or more is never trained on: it is kept for `lab-everyday`.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from benchmarks.word_problems.arithmetic import evaluate

Row = dict[str, str | int]
_CAPS = (10, 20, 50, 100, 300, 1000, 10_000)


@dataclass(frozen=True, slots=True)
class Form:
    """One kind of everyday problem: how its numbers are drawn, how it is worded, and how it is worked out."""

    name: str
    numbers: str
    steps: tuple[str, ...]
    wordings: tuple[str, ...]
    rows: tuple[Row, ...] = ()
    nouns: str = "things"  # the list of `words.NOUNS` that its things are from
    answer: str = ""
    weight: float = 1.0

    @property
    def family(self) -> str:
        """Return the family, the part of the name before the dot."""
        return self.name.partition(".")[0]


def table(names: str, *lines: str) -> tuple[Row, ...]:
    """Build rows from lines of values separated by `|`; all-digit values become numbers."""
    keys = names.split()
    return tuple(
        {key: int(v) if v.isdigit() else v for key, v in zip(keys, map(str.strip, line.split("|")), strict=True)}
        for line in lines
    )


def skewed(rng: random.Random, largest: int) -> int:
    """Draw a number from 2 to `largest`: a limit first, then evenly below it."""
    caps = [cap for cap in _CAPS if cap < largest] + [largest]
    weights = [2.0 if cap <= 100 else 1.0 for cap in caps]
    return rng.randint(2, rng.choices(caps, weights)[0])


def draw_numbers(rng: random.Random, spec: str, row: Row) -> dict[str, int] | None:
    """Draw the numbers of a form, or return None if a condition fails; `row` gives bound ones."""
    values = {key: value for key, value in row.items() if isinstance(value, int)}
    for part in spec.split():
        name, mark, rest = re.fullmatch(r"(\w+)([:~=<>])(.+)", part).groups()  # type: ignore[union-attr]
        if mark == ":":
            low, high = (operand(x, values) for x in rest.split("-"))
            if high < low:
                return None
            values[name] = rng.randint(low, high)
        elif mark == "~":
            values[name] = skewed(rng, int(rest))
        elif mark == "=":
            values[name] = compute(rest, values)
            if values[name] < 0:
                return None
        elif not (values[name] > operand(rest, values) if mark == ">" else values[name] < operand(rest, values)):
            return None
    return values


def operand(text: str, values: dict[str, int]) -> int:
    """Return the value of a literal or a name."""
    return int(text) if text.isdigit() else values[text]


def compute(expression: str, values: dict[str, int]) -> int:
    """Compute `a*b`; -1 if it is not a natural number."""
    a, op, b = split_step(expression)
    return evaluate(operand(a, values), op[0], operand(b, values))


def split_step(step: str) -> tuple[str, str, str]:
    """Split a step such as `#0*c` into operand, operation (`+ - * / ** //`) and operand."""
    found = re.fullmatch(r"(#?\w+)(\*\*|//|[-+*/])(#?\w+)", step)
    if found is None:
        raise ValueError(f"not a step: {step!r}")
    return found[1], found[2], found[3]
