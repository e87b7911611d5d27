"""One row of any data set as a problem with its right answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tts.answers.extract import extract
from tts.types import Problem


@dataclass(frozen=True, slots=True)
class Item:
    """A problem, its right answer as the data set writes it, its level (0 for none) and its subject."""

    problem: Problem
    gold: str
    level: int = 0
    subject: str = ""


class NoItem(Exception):
    """A row that is no problem; the text goes on from "row 3 of FILE"."""


def item_of(row: Mapping[str, Any], spare: str) -> Item:
    """The item of a row under any of the names that the known data sets use; ``spare`` is its id if it has none."""
    text = next((row[key] for key in ("problem", "question") if isinstance(row.get(key), str)), "")
    if not text.strip():
        raise NoItem("has no text under `problem` or `question`")
    gold = _gold(row)
    if not gold:
        raise NoItem("has no `answer`")
    name = next((row[key] for key in ("unique_id", "id", "idx") if row.get(key) not in (None, "")), spare)
    subject = next((row[key] for key in ("subject", "type", "subfield") if isinstance(row.get(key), str)), "")
    return Item(Problem(text.strip(), str(name)), gold, _level(row.get("level")), subject)


def _gold(row: Mapping[str, Any]) -> str:
    answer = row.get("answer", row.get("final_answer"))
    if answer is None and isinstance(row.get("solution"), str):
        return extract(row["solution"]) or ""  # Minerva keeps it in the solution's box
    if isinstance(answer, (list, tuple)):
        return ", ".join(str(part).strip().strip("$") for part in answer)  # OlympiadBench has a list
    if isinstance(answer, float) and answer.is_integer():
        answer = int(answer)  # AMC's are floating point
    text = "" if answer is None else str(answer)
    return text.rpartition("####")[2].strip()  # GSM8K's follows the solution


def _level(value: object) -> int:
    found = re.search(r"\d+", str(value)) if isinstance(value, (int, float, str)) else None
    return int(found[0]) if found else 0
