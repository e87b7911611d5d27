"""Conversion of a row of any known data set to a problem with its right answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.datasets.shapes import plain
from tts.answers.extract import extract
from tts.answers.kinds.instructions import unchecked
from tts.batch import kind_in
from tts.errors import BadInput
from tts.files.text import is_utf8
from tts.types import Problem


@dataclass(frozen=True, slots=True)
class Item:
    """A problem with its right answer.

    Attributes:
        problem: the problem.
        gold: its right answer as the data set writes it.
        level: its level, 0 if unknown.
        subject: its subject, empty if unknown.
        unchecked: an instruction of it that has no check here (:mod:`tts.answers.kinds.instruction_checks`).
    """

    problem: Problem
    gold: str
    level: int = 0
    subject: str = ""
    unchecked: str = ""


_NUMBERS = ("", "math", "number")
"""Kinds whose right answers data sets write in many ways."""


class NoItem(Exception):
    """A row that is not a problem; the text continues "row 3 of FILE"."""


def item_of(row: Mapping[str, Any], spare: str) -> Item:
    """Convert a row under the field names of any known data set; ``spare`` is the id of a row without one."""
    try:
        row = plain(row)
        kind = kind_in(row)
    except (BadInput, KeyError, TypeError) as error:
        raise NoItem(f"is of a known shape and does not fit it: {str(error).rstrip('.')}") from error
    text = next((row[key] for key in ("problem", "question") if isinstance(row.get(key), str)), "")
    if not text.strip():
        raise NoItem(f"has no text under `problem` or `question`, only {', '.join(map(str, row)) or 'nothing'}")
    if not is_utf8(text):
        raise NoItem("holds half a surrogate pair, which is no UTF-8 text")
    gold = str(row["answer"]) if kind not in _NUMBERS and isinstance(row.get("answer"), str) else _gold(row)
    if not gold:
        raise NoItem("has no `answer`")
    name = next((row[key] for key in ("unique_id", "id", "idx") if row.get(key) not in (None, "")), spare)
    subject = next((row[key] for key in ("subject", "type", "subfield") if isinstance(row.get(key), str)), "")
    if not is_utf8(str(name) + gold + subject):
        raise NoItem("has an id, an answer or a subject with half a surrogate pair, which is no UTF-8 text")
    problem = Problem(text.strip(), str(name), kind=kind)
    return Item(problem, gold, _level(row.get("level")), subject, unchecked(gold) if kind == "instructions" else "")


def _gold(row: Mapping[str, Any]) -> str:
    answer = row.get("answer", row.get("final_answer"))
    if answer is None and isinstance(row.get("solution"), str):
        return extract(row["solution"]) or ""  # Minerva: in the box of the solution
    if isinstance(answer, (list, tuple)):
        return ", ".join(str(part).strip().strip("$") for part in answer)  # OlympiadBench: a list
    if isinstance(answer, float) and answer.is_integer():
        answer = int(answer)  # AMC: floating point
    text = "" if answer is None else str(answer)
    return text.rpartition("####")[2].strip()  # GSM8K: after the solution


def _level(value: object) -> int:
    found = re.search(r"\d{1,9}", str(value)) if isinstance(value, (int, float, str)) else None
    return int(found[0]) if found else 0
