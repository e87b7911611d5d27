"""Problems with right answers, to fit the scope and to test it. Public sets are read from a folder of the user."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.word_problems.everyday import frozen as everyday
from benchmarks.word_problems.everyday.draw import draw, only_reserved
from benchmarks.word_problems.generate import DATA, FILES, LabProblem
from tts.errors import BadInput
from tts.files.jsonl import lines, rows
from tts.types import Problem

LABORATORY = {**FILES, **everyday.FILES}
"""The frozen sets of the grammar, with the part of each."""

RESERVED, RESERVED_SEED = 150, 20260505
"""Problems in reserved wordings: a fifth of the everyday ones that a scope is fitted to."""

EVERYDAY = Path(__file__).with_name("everyday.txt")
"""Everyday problems typed by hand, a line each: answer, bar, problem. For fitting only."""


@dataclass(frozen=True, slots=True)
class Split:
    """A set of problems.

    Attributes:
        name: as the table calls it.
        known: whether they are from the grammar.
        problems: each with its right answer.
    """

    name: str
    known: bool
    problems: tuple[tuple[Problem, str], ...]


def fitting(folder: Path) -> Iterator[Split]:
    """Yield the splits that the scope is fitted to: validation sets, training sets, and the everyday problems.

    Raises BadInput where a public set is missing from the folder.
    """
    for name, (part, *_) in LABORATORY.items():
        if part == "validation":
            yield _json_lines(name, DATA / f"{name}.jsonl", known=True)
    yield paraphrases()
    yield _bars("everyday", EVERYDAY)
    yield _json_lines("gsm8k-train", folder / "benchmarks" / "gsm8k_train.jsonl", most=300)
    yield _json_lines("math-train", folder / "benchmarks" / "math_train_7474_answers.jsonl", most=150)


def paraphrases() -> Split:
    """Return everyday problems in the reserved wordings, which the scope's reference does not have.

    In a test split one wording in six is new; in these all are. Without them a scope would take every new wording
    for a problem that the policy does not know.
    """
    rng, found = random.Random(RESERVED_SEED), dict[str, LabProblem]()
    while len(found) < RESERVED:
        problem = draw(rng, "validation", only_reserved)
        found.setdefault(problem.problem, problem)
    return Split("lab-everyday-reserved", True, tuple(
        (Problem(problem.problem, f"reserved-{k:03d}"), problem.answer) for k, problem in enumerate(found.values())
    ))  # fmt: skip


def testing(folder: Path) -> Iterator[Split]:
    """Yield the test splits. Nothing is fitted to them or chosen by them. Raises BadInput as :func:`fitting`."""
    for name, (part, *_) in LABORATORY.items():
        if part == "test":
            yield _json_lines(name, DATA / f"{name}.jsonl", known=True)
    yield _bars("hand-typed", folder / "first_minute" / "dev.txt")
    yield _json_lines("aime24", folder / "benchmarks" / "aime24.jsonl")
    yield _json_lines("gsm8k", folder / "benchmarks" / "gsm8k_test.jsonl")
    yield _json_lines("math500", folder / "benchmarks" / "math500.jsonl")


def _json_lines(name: str, path: Path, known: bool = False, most: int = 0) -> Split:
    _require(path)
    found = [(str(row.get("problem", row.get("question"))), str(row["answer"])) for _, row in rows(path)]
    if most:
        random.Random(0).shuffle(found)
    return _split(name, known, found[: most or None])


def _bars(name: str, path: Path) -> Split:
    _require(path)
    pairs = [line.text().strip().partition("|") for line in lines(path, f"the file {path}")]
    return _split(name, False, [(text, answer) for answer, _, text in pairs])


def _split(name: str, known: bool, found: list[tuple[str, str]]) -> Split:
    problems = tuple((Problem(text, f"{name}-{k:04d}"), answer) for k, (text, answer) in enumerate(found))
    return Split(name, known, problems)


def _require(path: Path) -> None:
    if not path.is_file():
        raise BadInput(f"there is no file {path}: name the folder of the public data sets with --data.")
