"""Solutions as answers of OpenAI's form, with the search under ``tts``."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tts.files.json_text import dump
from tts.records.solution_json import as_row, flat
from tts.server.logprobs import Token, by_part
from tts.server.spending import spending
from tts.tools.next_turn import before_calls, fitting, schemas
from tts.types import Call, Candidate, Solution, Usage

Row = dict[str, Any]

_VOTES = 12  # answers whose votes are told

_ELSEWHERE = ("id", "problem", "usage", "candidates")
"""What a row has and an answer says in another way, or not at all."""


def winner(solution: Solution) -> Candidate | None:
    """Return the solution whose text is the answer: the vote's best one, else the best finished one, else any."""
    if solution.best is not None:
        return solution.best
    finished = [candidate for candidate in solution.candidates if candidate.finished]
    among = finished or solution.candidates
    return max(among, key=lambda c: (-1.0 if c.score is None else c.score, len(c.text)), default=None)


@dataclass(frozen=True, slots=True)
class CalledTool:
    """A call of a client's tool, with the id under which its result comes back; the arguments as JSON text."""

    id: str
    name: str
    arguments: str

    @classmethod
    def of(cls, call: Call) -> CalledTool:
        return cls(f"call_{secrets.token_hex(12)}", call.tool, dump(call.arguments))


@dataclass(frozen=True, slots=True)
class Text:
    """The text of an answer, the parts in which a stream sends it, why it ends, and its tokens where they are known.

    ``tokens`` has the tokens of each part; None where their log-probabilities are unknown or not asked for. ``calls``
    are those of the client's tools, behind the text.
    """

    parts: tuple[str, ...]
    finish: str
    tokens: tuple[tuple[Token, ...], ...] | None = None
    calls: tuple[CalledTool, ...] = ()

    @property
    def whole(self) -> str:
        return "".join(self.parts)


def text_of(solution: Solution, stops: Sequence[str], most_calls: int | None = None) -> Text:
    """Return the winning solution's text, cut before the first of the ``stops`` in it, and its first calls of tools.

    Of a problem with a schema it is the JSON alone.
    """
    found = winner(solution)
    if found is None:
        return Text((), "length")
    whole = found.text
    if found.finished and (calls := fitting(whole, schemas(solution.problem.tools))):
        said = before_calls(whole)
        return Text((said,) * bool(said), "tool_calls", calls=tuple(map(CalledTool.of, calls[:most_calls])))
    if solution.problem.schema and found.answer is not None:
        return Text((found.answer,), "stop")
    at = min((place for stop in stops if (place := whole.find(stop)) >= 0), default=len(whole))
    parts, left = list[str](), at
    for step in found.steps:
        if left > 0 and step:
            parts.append(step[:left])
        left -= len(step)
    tokens = tuple(by_part(found.logprobs, parts)) if found.logprobs else None
    return Text(tuple(parts), "stop" if found.finished or at < len(whole) else "length", tokens)


def usage_of(solutions: Sequence[Solution]) -> Row:
    """Return the usage of a whole answer, exact, by OpenAI's meaning.

    The prompt counts once for all its choices. Completion tokens are all that the policy sampled; those that are not
    in the text of the answer are reasoning tokens.
    """
    prompts: dict[str, int] = {}
    for solution in solutions:
        prompts[solution.problem.id] = max(prompts.get(solution.problem.id, 0), solution.usage.prompt_tokens)
    read, sampled = sum(prompts.values()), sum(solution.usage.policy_tokens for solution in solutions)
    shown = sum(best.tokens for solution in solutions if (best := winner(solution)) is not None)
    return {
        "prompt_tokens": read, "completion_tokens": sampled, "total_tokens": read + sampled,
        "completion_tokens_details": {"reasoning_tokens": max(sampled - shown, 0)},
    }  # fmt: skip


def by_model(solution: Solution) -> Row:
    """Return what the search cost, by model."""
    usage, models = solution.usage, spending(solution)
    return {
        "models": {name: spent.row() for name, spent in models.items()},
        "flops": usage.flops, "paper_flops": usage.paper_flops, "seconds": usage.seconds, "cost": usage.cost,
    }  # fmt: skip


def search_row(solution: Solution, trace: str | None, candidates: bool = False) -> Row:
    """Return what ``tts`` says of a search: all that a solution's row says, its usage by model, the trace's id."""
    row = whole_row(solution)
    kept = {name: value for name, value in row.items() if name not in _ELSEWHERE}
    kept |= {"plan": _shown(row["plan"]), "usage": by_model(solution), "trace": trace}
    return kept | ({"candidates": row["candidates"]} if candidates else {})


def whole_row(solution: Solution) -> Row:
    """Return a solution's row with the votes of more answers than a file keeps."""
    return as_row(solution) | {"votes": list(map(flat, solution.votes[:_VOTES]))}


def _shown(plan: Row) -> Row:
    """Name a profile without the folder in which the operator keeps it."""
    parameters = plan["parameters"]
    if profile := parameters.get("profile"):
        parameters = {**parameters, "profile": Path(profile).name}
    return {**plan, "parameters": parameters}


def total(solutions: Sequence[Solution]) -> Usage:
    return sum((solution.usage for solution in solutions), Usage())


def searches_row(rows: Sequence[Row]) -> Row:
    """Return the object ``tts`` of an answer: the search, or one a choice."""
    return rows[0] if len(rows) == 1 else {"choices": list(rows)}
