"""Word problems with worked solutions, drawn from the grammar: a seed decides everything.

    Mia has 17 marbles. She wins 25 more, then triples what she has, and gives 9 away. How many are left?

    Add 25: 17+25=42.

    Triple it: 42*3=126.

    Take away 9: 126-9=117.

    The answer is \\boxed{117}.

A problem has 1 to 12 steps; every value on the way is an integer from 0 to 999. Its *program* is the computation
without the story (`17+25`, `#0*3`, `#1-9`, where `#i` is the result of step i). A hash of the program decides the
split, so no computation, and therefore no text, is in two splits.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.word_problems import grammar
from benchmarks.word_problems.arithmetic import evaluate, lead
from benchmarks.word_problems.grammar import FRACTIONS, Story
from benchmarks.word_problems.realize import Narrator, render_chain, render_story
from tts.files.jsonl import rows

DATA = Path(__file__).parent / "data"
LEVELS = {1: (1, 2), 2: (3, 4), 3: (5, 6), 4: (7, 9), 5: (10, 12)}
LARGEST = 999
FILES = {"lab-500": ("test", 500, 20260101), "lab-validation": ("validation", 500, 20260202)}
# The bytes of the two frozen sets; a test draws them again and compares.
SHA256 = {
    "lab-500": "a316390acec4608caff1f5d4e37f143949179909a7ec19cd326ff79a7b4e5a51",
    "lab-validation": "a0cfe79f6e951d377ae948f70adc99585e0a8de3e3bff91dea35d430c9a67c0e",
}


@dataclass(frozen=True, slots=True)
class LabProblem:
    """A problem: text, answer (digits), level 1-5, number of steps, worked solution, program and split."""

    id: str
    problem: str
    answer: str
    level: int
    steps: int
    solution: str
    program: tuple[str, ...]
    split: str


@dataclass(slots=True)
class Draft:
    """A computation under construction; `events` are the parts of the story, in order."""

    value: int
    ref: str
    program: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    values: list[int] = field(default_factory=list)
    events: list[tuple[str, dict[str, int]]] = field(default_factory=list)

    def step(self, words: str, a: tuple[str, int], op: str, b: tuple[str, int]) -> tuple[str, int]:
        """Write one step down and return its result as (reference, value)."""
        result = evaluate(a[1], op, b[1])
        self.program.append(f"{a[0]}{op}{b[0]}")
        self.lines.append(f"{words}: {a[1]}{op}{b[1]}={result}.")
        self.values.append(result)
        return f"#{len(self.program) - 1}", result

    def move(self, words: str, op: str, b: tuple[str, int]) -> None:
        """Apply one step to the running value."""
        self.ref, self.value = self.step(words, (self.ref, self.value), op, b)


def _literal(n: int) -> tuple[str, int]:
    return str(n), n


def _number(rng: random.Random, low: int, high: int) -> int:
    """Draw a number from `low` to `high`, small ones more often."""
    cap = rng.choices((12, 40, 99, 400), (3, 4, 4, 1))[0]
    return rng.randint(low, max(low, min(high, cap)))


def _product(rng: random.Random, draft: Draft, room: int) -> tuple[tuple[str, int], dict[str, int]]:
    a = rng.randint(2, max(2, min(10, room // 2)))
    b = rng.randint(2, max(2, min(room // a, rng.choice((9, 12, 25, 60)))))
    return draft.step(f"Multiply {a} by {b}", _literal(a), "*", _literal(b)), {"a": a, "b": b}


def _factor(rng: random.Random, phrases: tuple[str, ...], choices: list[int]) -> int | None:
    """Draw a factor that the story has a phrase for; 2 and 3 more often."""
    free = [p for p in phrases if p[1:2] != ":"]
    bound = {int(p[0]) for p in phrases if p[1:2] == ":"}
    if free and all("{frac}" in p for p in free):
        choices = [k for k in choices if k in FRACTIONS]
    elif not free:
        choices = [k for k in choices if k in bound]
    return rng.choices(choices, [4 if k == 2 else 2 if k == 3 else 1 for k in choices])[0] if choices else None


def _extend(rng: random.Random, draft: Draft, phrases: dict[str, tuple[str, ...]], room: int, bound: int) -> bool:
    """Add one operation of at most `room` steps; False if the one drawn does not fit the running value."""
    weights = {"add": 30, "sub": 30, "mul": 16, "div": 16, "times+": 11, "times-": 11, "part-": 9}
    kinds = [k for k in weights if phrases.get(k) and (room >= 2 or k in ("add", "sub", "mul", "div"))]
    if not kinds:
        return False
    kind, value = rng.choices(kinds, [weights[k] for k in kinds])[0], draft.value
    if kind in ("add", "sub"):
        top = bound - value if kind == "add" else value - 1
        if top < 2:
            return False
        n = _number(rng, 2, top)
        op = "+" if kind == "add" else "-"
        draft.move(lead(op, n), op, _literal(n))
        draft.events.append((kind, {"n": n}))
    elif kind in ("mul", "div", "part-"):
        fits = [k for k in range(2, 11) if (value * k <= bound if kind == "mul" else value % k == 0 and value > k)]
        if kind == "part-":
            fits = [k for k in fits if k > 2]
        factor = _factor(rng, phrases[kind], fits)
        if factor is None or (kind == "mul" and value < 2):
            return False
        if kind == "part-":
            part = draft.step(FRACTIONS[factor].capitalize(), (draft.ref, value), "/", _literal(factor))
            draft.move(f"Take away {part[1]}", "-", part)
        else:
            op = "*" if kind == "mul" else "/"
            draft.move(lead(op, factor), op, _literal(factor))
        draft.events.append((kind, {"k": factor}))
    else:
        top = bound - value if kind == "times+" else value - 1
        if top < 4:
            return False
        product, numbers = _product(rng, draft, top)
        op = "+" if kind == "times+" else "-"
        draft.move(lead(op, product[1]), op, product)
        draft.events.append((kind, numbers))
    return True


def _open(rng: random.Random, story: Story, room: int) -> Draft:
    """Draw the first value: given, a product, or a sum of two given ones."""
    kinds = [k for k in ("start", "product", "sum") if story.phrases[k] and (k == "start" or room >= 1)]
    kind = rng.choices(kinds, [{"start": 8, "product": 2, "sum": 1}[k] for k in kinds])[0]
    if kind == "start":
        n = rng.randint(60, 900) if story.name == "reading" else _number(rng, 3, story.bound)
        draft = Draft(n, str(n))
        draft.events.append((kind, {"n": n}))
    elif kind == "product":
        draft = Draft(0, "")
        (draft.ref, draft.value), numbers = _product(rng, draft, 400)
        draft.events.append((kind, numbers))
    else:
        n, m = _number(rng, 2, 400), _number(rng, 2, 400)
        draft = Draft(n, str(n))
        draft.move(f"Add {m}", "+", _literal(m))
        draft.events.append((kind, {"n": n, "m": m}))
    return draft


def _close(rng: random.Random, draft: Draft, kind: str) -> bool:
    """Add the end of the story: another person, equal shares, or change from a note."""
    value = draft.value
    if kind == "two":
        which = rng.randrange(len(grammar.TWO_PEOPLE))
        op = {"add": "+", "sub": "-", "mul": "*"}[grammar.TWO_PEOPLE[which][0]]
        n = rng.randint(2, 5) if op == "*" else _number(rng, 2, 200)
        other = evaluate(value, op, n)
        if other < 1 or value + other > LARGEST:
            return False
        first = (draft.ref, value)
        second = draft.step(f"The other has {lead(op, n).lower()}", first, op, _literal(n))
        draft.ref, draft.value = draft.step("Together", first, "+", second)
        draft.events.append((kind, {"which": which, "n": n, "k": n}))
    elif kind in ("one", "change"):
        low = 2 if kind == "one" else value + 1
        notes = [n for n in (10, 20, 50, 100, 200, 500) if n > value] or [LARGEST]
        n = _number(rng, low, 300) if kind == "one" else rng.choice([notes[0], rng.randint(low, min(999, value + 99))])
        if kind == "one" and value + n > LARGEST:
            return False
        if kind == "one":
            draft.move(f"Add {n}", "+", _literal(n))
        else:
            draft.ref, draft.value = draft.step(f"From {n}", _literal(n), "-", (draft.ref, value))
        draft.events.append((kind, {"n": n}))
    else:
        fits = [k for k in range(2, 11) if value % k == 0 and value > k]
        if not fits:
            return False
        k = rng.choice(fits)
        draft.move(lead("/", k), "/", _literal(k))
        draft.events.append((kind, {"k": k}))
    return True


def _closer(rng: random.Random, story: Story) -> tuple[str, int]:
    """Draw the kind of ending, and the steps it takes."""
    if story.name == "shop" and rng.random() < 0.5:
        return "change", 1
    if story.subject == "person" and story.nouns and story.phrases["ask"] is grammar._ASK and rng.random() < 0.22:
        return rng.choice((("two", 2), ("two", 2), ("one", 1), ("each", 1)))
    return "", 0


def _draw(rng: random.Random, steps: int) -> tuple[Draft, str] | None:
    """Try to draw a problem of exactly `steps` steps: its computation and its text, or None."""
    if steps <= 6 and rng.random() < 0.12:
        return _draw_chain(rng, steps)
    story = rng.choice(grammar.STORIES)
    closer, cost = _closer(rng, story)
    if steps > story.limit or cost > steps:
        return None
    draft = _open(rng, story, steps - cost)
    for _ in range(60):
        room = steps - cost - len(draft.program)
        if room <= 0:
            break
        _extend(rng, draft, story.phrases, room, LARGEST)
    if len(draft.program) != steps - cost or (closer and not _close(rng, draft, closer)):
        return None
    return draft, render_story(Narrator.cast(rng, story), draft.events)


def _draw_chain(rng: random.Random, steps: int) -> tuple[Draft, str] | None:
    ages = rng.random() < 0.5
    phrases = grammar.AGES if ages else grammar.CHAIN
    start = _number(rng, 3, 99)
    draft = Draft(start, str(start), events=[("start", {"n": start})])
    for _ in range(60):
        if len(draft.program) == steps:
            return draft, render_chain(rng, phrases, draft.events)
        _extend(rng, draft, phrases, 1, 110 if ages else LARGEST)
    return None


def level_of(steps: int) -> int:
    """Return the level, 1 to 5, of a problem of so many steps."""
    return next(level for level, (_, high) in LEVELS.items() if steps <= high)


def split_of(program: tuple[str, ...]) -> str:
    """Return "test", "validation" or "train": a hash of the computation decides."""
    part = int.from_bytes(hashlib.sha256("|".join(program).encode()).digest()[:4], "big") % 100
    return "test" if part < 3 else "validation" if part < 8 else "train"


def draw(rng: random.Random, steps: int, split: str, name: str = "") -> LabProblem:
    """Draw a problem of exactly `steps` (1 to 12) steps whose computation belongs to `split`."""
    while True:
        drawn = _draw(rng, steps)
        if drawn is None or split_of(tuple(drawn[0].program)) != split:
            continue
        draft, text = drawn
        lines = [*draft.lines, f"The answer is \\boxed{{{draft.value}}}."]
        return LabProblem(
            name,
            text,
            str(draft.value),
            level_of(steps),
            steps,
            "\n\n".join(lines),
            tuple(draft.program),
            split,
        )


def stream(seed: int, levels: tuple[float, ...] = (1, 1, 1, 1, 1), split: str = "train") -> Iterator[LabProblem]:
    """Yield problems without end; `levels` are the weights of levels 1 to 5. The seed determines them."""
    rng, index = random.Random(seed), 0
    while True:
        level = rng.choices(range(1, 6), levels)[0]
        yield draw(rng, rng.randint(*LEVELS[level]), split, f"lab-{split}-{seed}-{index}")
        index += 1


def frozen(name: str) -> list[LabProblem]:
    """Draw `lab-500` or `lab-validation` again: 100 problems of each level, no computation twice."""
    split, count, seed = FILES[name]
    rng, seen, problems = random.Random(seed), set(), list[LabProblem]()
    for level, (low, high) in LEVELS.items():
        for i in range(count // 5):
            while (p := draw(rng, low + i % (high - low + 1), split, f"{name}-{len(problems):03d}")).program in seen:
                pass
            assert p.level == level
            seen.add(p.program)
            problems.append(p)
    return problems


def to_jsonl(problems: list[LabProblem]) -> bytes:
    """Encode problems as JSON Lines."""
    return "".join(json.dumps(asdict(p)) + "\n" for p in problems).encode()


def load(name: str) -> list[LabProblem]:
    """Read a frozen set (`lab-500`, `lab-validation`) from the package's data folder."""
    return [LabProblem(**{**row, "program": tuple(row["program"])}) for _, row in rows(DATA / f"{name}.jsonl")]


_STEP = re.compile(r"[A-Za-z][A-Za-z0-9 ]*: (\d+)([-+*/])(\d+)=(\d+)\.")


def check_steps(problem: LabProblem, solution: str) -> list[bool]:
    """Label each paragraph of a solution: True iff it and all before it are right.

    A step is right if its arithmetic is right and it is a step of the reference that is still missing and whose inputs
    are known. Operands of + and * may be swapped, and independent steps may come in any order. The last paragraph must
    box the answer after all steps.
    """
    todo = [re.fullmatch(r"(#?\d+)([-+*/])(#?\d+)", step) for step in problem.program]
    results: list[int | None] = [None] * len(todo)
    labels, good = list[bool](), True
    for paragraph in solution.split("\n\n"):
        good = good and _right(paragraph, todo, results, problem.answer)
        labels.append(good)
    return labels


def _right(text: str, todo: list[re.Match[str] | None], results: list[int | None], answer: str) -> bool:
    if text == f"The answer is \\boxed{{{answer}}}.":
        return None not in results
    found = _STEP.fullmatch(text)
    if found is None:
        return False
    a, op, b, c = int(found[1]), found[2], int(found[3]), int(found[4])
    for i, want in enumerate(todo):
        if results[i] is not None or want is None or want[2] != op:
            continue
        left, right = (results[int(x[1:])] if x[0] == "#" else int(x) for x in (want[1], want[3]))
        if (a, b) == (left, right) or (op in "+*" and (b, a) == (left, right)):
            if evaluate(a, op, b) == c:
                results[i] = c
                return True
            return False
    return False
