"""Readers of recorded outcomes, for four file formats.

    ours             a run folder or its ``outcomes.jsonl`` (:mod:`tts.records.outcomes`); a file of
                     ``tts solve --out``, with ``--data`` for the right answers
    search-and-learn one object per problem: ``problem, answer, completions, scores`` (scores of each step)
    pool             one object per problem: ``unique_id, answer, samples``; a sample is ``text`` or ``answer`` with
                     ``step_scores``, and ``correct`` and ``cluster`` if graded
    Qwen2.5-Math     one object per problem: ``question, answer, code`` (texts), ``pred_score`` (one per solution)

Files that end in ``.gz`` are decompressed. Most text is dropped: 500 problems by 256 candidates fit into memory.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.recordings.plans import UNKNOWN
from tts.answers.extract import extract
from tts.errors import BadInput
from tts.files.jsonl import rows
from tts.files.shape import short
from tts.files.tables import entries
from tts.records.outcomes import Outcome, file_of, outcome_of
from tts.types import Candidate, Finish

Row = Mapping[str, Any]
Form = Callable[[Row, int, bool], Outcome]
"""Reads a row, with its number, and with all steps or few."""

TEXTS = 4
"""Candidates per problem that keep the beginning of their text as one step, for :mod:`benchmarks.recordings.mixup`."""

LENGTH = 4000
"""Characters kept of such a text."""


@dataclass(frozen=True, slots=True)
class Gold:
    """The right answer, level and subject of a problem."""

    answer: str
    level: int = 0
    subject: str = ""


def read(path: Path, data: Path | None = None, whole: bool = False) -> list[Outcome]:
    """Read all outcomes of a file or run folder. They may be ungraded, and most candidates have no steps.

    Args:
        path: see the module's docstring.
        data: file of problems with ``answer`` (optionally ``id`` or ``unique_id``, ``level``, ``subject``), for
            recordings without right answers.
        whole: keep all steps of every candidate; a text without steps is divided at blank lines.

    Raises:
        BadInput: a file cannot be read, is empty, has another format (the message names the line), or lacks right
            answers.
    """
    golds = read_golds(data) if data is not None else {}
    source = file_of(path)
    outcomes: list[Outcome] = []
    form: Form | None = None
    for line, row in rows(source):
        number = line.number
        try:
            form = form or form_of(row)
            outcome = form(row, number, whole)
        except (KeyError, TypeError, ValueError, AttributeError, BadInput) as error:
            reason = f"there is no {error}" if isinstance(error, KeyError) else str(error).rstrip(".")
            raise BadInput(f"line {number} of {source} cannot be used: {reason}.") from error
        gold = golds.get(outcome.id) or golds.get(outcome.problem)
        if gold is not None:
            right = outcome.right if outcome.gold == gold.answer else ()
            outcome = replace(
                outcome, gold=gold.answer, right=right,
                level=gold.level or outcome.level, subject=gold.subject or outcome.subject,
            )  # fmt: skip
        if not outcome.gold:
            where = f"{data} does not hold it" if data else "name the file of the problems with --data"
            raise BadInput(f"line {number} of {source} has no right answer of {outcome.id!r}: {where}.")
        outcomes.append(outcome)
    if not outcomes:
        raise BadInput(f"{source} has no problems.")
    return outcomes


def read_golds(path: Path) -> dict[str, Gold]:
    """Read the right answers of a file of rows, by id and by text. Raises BadInput for a row without one."""
    golds: dict[str, Gold] = {}
    what = f"the data {path}"
    for entry in entries(path, what):
        row = entry.row(f"{entry.place} of {what}")
        problem, answer = row.get("problem", row.get("question")), row.get("answer")
        if not isinstance(problem, str) or not isinstance(answer, str | int | float):
            raise BadInput(f"{entry.place} of {what} has no `problem` (or `question`) with an `answer`.")
        gold = Gold(str(answer), level_of(row), str(row.get("subject", "")))
        for name in (row.get("id"), row.get("unique_id"), problem):
            if name is not None:
                golds[str(name)] = gold
    if not golds:
        raise BadInput(f"{path} has no problems.")
    return golds


def form_of(row: Row) -> Form:
    """Return the reader for rows like this one. Raises BadInput for an unknown format."""
    if "candidates" in row and "plan" in row:
        return _outcome if "gold" in row else _answer
    for name, form in (("completions", _search_and_learn), ("samples", _pool), ("code", _qwen)):
        if name in row:
            return form
    raise BadInput(
        "it has no candidates (known are runs of `tts bench`, and rows with `completions` and `scores` as "
        f"search-and-learn writes them; this one has {', '.join(list(row)[:8]) or 'nothing'})"
    )


def _outcome(row: Row, number: int, whole: bool) -> Outcome:
    outcome = outcome_of(row)
    if whole:
        return outcome
    return replace(outcome, candidates=tuple(_light(k, c, c.text) for k, c in enumerate(outcome.candidates)))


def _answer(row: Row, number: int, whole: bool) -> Outcome:
    candidates = [{**candidate, "correct": False} for candidate in row["candidates"]]
    outcome = _outcome({**row, "gold": "", "correct": False, "candidates": candidates}, number, whole)
    return replace(outcome, right=())


def _search_and_learn(row: Row, number: int, whole: bool) -> Outcome:
    texts = row["completions"]
    return _foreign(row, number, row["problem"], texts, row.get("scores", [[]] * len(texts)), whole)


def _qwen(row: Row, number: int, whole: bool) -> Outcome:
    texts = row["code"]
    return _foreign(row, number, row["question"], texts, row.get("pred_score", [[]] * len(texts)), whole)


def _foreign(row: Row, number: int, problem: str, texts: Any, scores: Any, whole: bool) -> Outcome:
    if not (isinstance(texts, list) and isinstance(scores, list) and all(isinstance(t, str) for t in texts)):
        raise BadInput("its texts or scores are not a list")
    if len(texts) != len(scores):
        raise BadInput(f"it has {len(texts)} texts and {len(scores)} lists of scores")
    candidates = [
        _with_text(k, candidate_of(k, extract(text), s), text, whole)
        for k, (text, s) in enumerate(zip(texts, scores, strict=True))
    ]
    return Outcome(
        str(row.get("unique_id", row.get("id", row.get("idx", number)))), str(problem), _gold(row), UNKNOWN,
        tuple(candidates), level=level_of(row), subject=str(row.get("subject", "")),
    )  # fmt: skip


def _pool(row: Row, number: int, whole: bool) -> Outcome:
    samples = row["samples"]
    answers = [_text(s["answer"]) if "answer" in s else extract(_text(s["text"]) or "") for s in samples]
    candidates = [
        _with_text(k, candidate_of(k, a, s.get("step_scores", [])), str(s["text"]) if "text" in s else None, whole)
        for k, (a, s) in enumerate(zip(answers, samples, strict=True))
    ]
    graded = all("correct" in s and "cluster" in s for s in samples)
    return Outcome(
        str(row.get("unique_id", number)), str(row.get("problem", "")), _gold(row), UNKNOWN, tuple(candidates),
        right=tuple(bool(s["correct"]) for s in samples) if graded else (),
        classes=tuple(_class(s["cluster"]) for s in samples) if graded else (),
        level=level_of(row), subject=str(row.get("subject", "")),
    )  # fmt: skip


def _text(value: Any) -> str | None:
    """Take a text, a number as text, or null. Raises BadInput for anything else."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadInput(f"the answer or text of a sample is no text but {short(value)}")
    return str(value)


def _class(value: Any) -> int:
    if value is None:
        return -1
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadInput(f"the `cluster` of a sample is no whole number but {short(value)}")
    return value


def candidate_of(position: int, answer: str | None, scores: Any) -> Candidate:
    """Return the candidate of a foreign recording. Raises BadInput for scores that are not numbers.

    It counts as finished: recordings do not say whether it was cut off, and one that was has no box.
    """
    values = scores if isinstance(scores, list) else [scores]
    if not all(isinstance(v, int | float) and math.isfinite(v) for v in values):
        raise BadInput(f"the scores of its candidate {position + 1} are not numbers")
    return Candidate(str(position), (), Finish.STOP, answer, tuple(map(float, values)))


def level_of(row: Row) -> int:
    """Parse the level: 5 of ``5``, ``"5"`` and ``"Level 5"``; 0 if missing."""
    match = re.search(r"\d{1,9}", str(row.get("level", "")))
    return int(match[0]) if match else 0


def _gold(row: Row) -> str:
    answer = row.get("answer")
    return str(answer) if isinstance(answer, str | int | float) else ""


def _with_text(position: int, candidate: Candidate, text: str | None, whole: bool) -> Candidate:
    """Return the candidate with the steps of its text, or with its beginning alone."""
    if not whole:
        return _light(position, candidate, text)
    parts = [part for part in re.split(r"(?<=\n\n)(?!\n)", text or "") if part.strip()]
    return replace(candidate, steps=tuple(parts))


def _light(position: int, candidate: Candidate, text: str | None) -> Candidate:
    """Return the candidate with the beginning of its text as one step, or without steps."""
    return replace(candidate, steps=(text[:LENGTH],) if text is not None and position < TEXTS else ())
