"""A solution as JSON that another process reads back whole: the row, all votes and, if wanted, the trace."""

from __future__ import annotations

from typing import Any

from tts.files.json_text import dump, parse
from tts.records.outcomes import candidate_of, usage_of
from tts.records.solution_json import as_row, flat
from tts.trace import Trace
from tts.types import Plan, Problem, Scoped, Solution, Standing


def packed(solution: Solution, traced: bool) -> str:
    """Write a solution, with its trace if ``traced``. The problem's text stays behind: the reader has it."""
    row = as_row(solution) | {"votes": list(map(flat, solution.votes))}
    del row["problem"]
    return dump(row | ({"trace": solution.trace.events} if traced else {}), compact=True)


def unpacked(text: str, problem: Problem) -> Solution:
    """Read the solution of this problem. Raises BadInput for a text that is not JSON."""
    row: dict[str, Any] = parse(text, "a worker's answer")
    candidates = tuple(map(candidate_of, row["candidates"]))
    return Solution(
        problem,
        row["answer"],
        row["confidence"],
        candidates,
        Plan(**row["plan"]),
        usage_of(row["usage"]),
        row["stopped"],
        Trace(row.get("trace")),
        best=next((each for each in candidates if each.key == row["best"]), None),
        votes=tuple(Standing(**standing) for standing in row["votes"]),
        warnings=tuple(row.get("warnings", ())),
        error=row.get("error"),
        scope=_scope(row.get("scope")),
    )


def _scope(row: dict[str, Any] | None) -> Scoped | None:
    return None if row is None else Scoped(**{**row, "reasons": tuple(row["reasons"])})
