"""Readers of recorded candidates, for four file formats.

    ours             a run folder or its ``outcomes.jsonl`` (:mod:`tts.records.outcomes`); a file of
                     ``tts solve --out``, with ``--data`` for the right answers
    search-and-learn one object per problem: ``problem, answer, completions, scores`` (scores of each step)
    pool             one object per problem: ``unique_id, answer, samples``; a sample is ``text`` or ``answer`` with
                     ``step_scores``, and ``correct`` and ``cluster`` if graded
    Qwen2.5-Math     one object per problem: ``question, answer, code`` (texts), ``pred_score`` (one per solution)

Files that end in ``.gz`` are decompressed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.recordings.records import EXCERPTS, Record
from benchmarks.stats.subsets import independent
from tts.answers.extract import extract
from tts.errors import BadInput
from tts.files.jsonl import rows
from tts.files.shape import short
from tts.records.outcomes import Outcome, file_of, outcome_of
from tts.types import Candidate, Finish, Plan

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Gold:
    """The right answer, level and subject of a problem."""

    answer: str
    level: int = 0
    subject: str = ""


def read(path: Path, data: Path | None = None) -> list[Record]:
    """Read all records of a file or run folder.

    Args:
        path: see the module's docstring.
        data: file of problems with ``answer`` (optionally ``id`` or ``unique_id``, ``level``, ``subject``), for
            recordings without right answers.

    Raises:
        BadInput: a file cannot be read, is empty, has another format (the message names the line), or lacks right
            answers.
    """
    golds = read_golds(data) if data is not None else {}
    source = file_of(path)
    records: list[Record] = []
    form: Callable[[Row, int], Record] | None = None
    for line, row in rows(source):
        number = line.number
        try:
            form = form or form_of(row)
            record = form(row, number)
        except (KeyError, TypeError, ValueError, AttributeError, BadInput) as error:
            reason = f"there is no {error}" if isinstance(error, KeyError) else str(error).rstrip(".")
            raise BadInput(f"line {number} of {source} cannot be used: {reason}.") from error
        gold = golds.get(record.id) or golds.get(record.problem)
        if gold is not None:
            right = record.right if record.gold == gold.answer else None
            record = replace(
                record, gold=gold.answer, right=right,
                level=gold.level or record.level, subject=gold.subject or record.subject,
            )  # fmt: skip
        if record.gold is None:
            where = f"{data} does not hold it" if data else "name the file of the problems with --data"
            raise BadInput(f"line {number} of {source} has no right answer of {record.id!r}: {where}.")
        records.append(record)
    if not records:
        raise BadInput(f"{source} has no problems.")
    return records


def read_golds(path: Path) -> dict[str, Gold]:
    """Read the right answers of a data set, by id and by text. Raises BadInput for a line without one."""
    golds: dict[str, Gold] = {}
    for line, row in rows(path):
        problem, answer = row.get("problem", row.get("question")), row.get("answer")
        if not isinstance(problem, str) or not isinstance(answer, str | int | float):
            raise BadInput(f"line {line.number} of {path} has no `problem` (or `question`) with an `answer`.")
        gold = Gold(str(answer), level_of(row), str(row.get("subject", "")))
        for name in (row.get("id"), row.get("unique_id"), problem):
            if name is not None:
                golds[str(name)] = gold
    if not golds:
        raise BadInput(f"{path} has no problems.")
    return golds


def form_of(row: Row) -> Callable[[Row, int], Record]:
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


def _outcome(row: Row, number: int) -> Record:
    outcome = outcome_of(row)
    return Record(
        outcome.id, outcome.problem, outcome.gold, _light(outcome.candidates), level_of(row), outcome.subject,
        right=outcome.right, classes=_classes(outcome), plan=plan_words(outcome.plan, outcome.job),
        excerpts=_excerpts([c.text for c in outcome.candidates]), independent=_independent(outcome),
    )  # fmt: skip


def _independent(outcome: Outcome) -> bool:
    return independent(outcome.job.rpartition("/")[0] or outcome.plan.strategy)


def _answer(row: Row, number: int) -> Record:
    candidates = [{**candidate, "correct": False} for candidate in row["candidates"]]
    return replace(
        _outcome({**row, "gold": "", "correct": False, "candidates": candidates}, number), gold=None, right=None
    )


def _search_and_learn(row: Row, number: int) -> Record:
    texts = row["completions"]
    return _foreign(row, number, row["problem"], texts, row.get("scores", [[]] * len(texts)))


def _qwen(row: Row, number: int) -> Record:
    texts = row["code"]
    return _foreign(row, number, row["question"], texts, row.get("pred_score", [[]] * len(texts)))


def _foreign(row: Row, number: int, problem: str, texts: Any, scores: Any) -> Record:
    if not (isinstance(texts, list) and isinstance(scores, list) and all(isinstance(t, str) for t in texts)):
        raise BadInput("its texts or scores are not a list")
    if len(texts) != len(scores):
        raise BadInput(f"it has {len(texts)} texts and {len(scores)} lists of scores")
    candidates = [candidate_of(k, extract(text), s) for k, (text, s) in enumerate(zip(texts, scores, strict=True))]
    return Record(
        str(row.get("unique_id", row.get("id", row.get("idx", number)))), str(problem), _gold(row), tuple(candidates),
        level_of(row), str(row.get("subject", "")), excerpts=_excerpts(texts),
    )  # fmt: skip


def _pool(row: Row, number: int) -> Record:
    samples = row["samples"]
    answers = [_text(s["answer"]) if "answer" in s else extract(_text(s["text"]) or "") for s in samples]
    candidates = [
        candidate_of(k, a, s.get("step_scores", [])) for k, (a, s) in enumerate(zip(answers, samples, strict=True))
    ]
    graded = all("correct" in s and "cluster" in s for s in samples)
    return Record(
        str(row.get("unique_id", number)), str(row.get("problem", "")), _gold(row), tuple(candidates), level_of(row),
        str(row.get("subject", "")),
        right=tuple(bool(s["correct"]) for s in samples) if graded else None,
        classes=tuple(_class(s["cluster"]) for s in samples) if graded else None,
        excerpts=_excerpts([str(s["text"]) for s in samples if "text" in s]),
    )  # fmt: skip


def _text(value: Any) -> str | None:
    """Take a text, a number as text, or null. Raises BadInput for anything else."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadInput(f"the answer or text of a sample is no text but {short(value)}")
    return str(value)


def _class(value: Any) -> int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
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


def plan_words(plan: Plan, job: str = "") -> str:
    """Describe a plan in one line that distinguishes the plans of a run. The plans that a job chose are one."""
    strategy, _, width = job.rpartition("/")
    if strategy and strategy != plan.strategy:
        return f"{strategy}, N = {width}, a plan for each problem"
    words = [
        plan.strategy,
        f"N = {plan.n}",
        plan.policy,
        plan.prm,
        f"seed {plan.seed}" * bool(plan.seed),
    ]
    return ", ".join(word for word in words if word)


def _gold(row: Row) -> str | None:
    answer = row.get("answer")
    return str(answer) if isinstance(answer, str | int | float) else None


def _classes(outcome: Outcome) -> tuple[int | None, ...] | None:
    """Return the classes that the row has, if any."""
    if len(outcome.classes) != len(outcome.candidates):
        return None
    return tuple(None if label < 0 else label for label in outcome.classes)


def _light(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    return tuple(replace(candidate, steps=()) for candidate in candidates)


def _excerpts(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(text[:4000] for text in texts[:EXCERPTS])
