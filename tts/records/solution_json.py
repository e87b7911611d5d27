"""A solution as JSON types, as ``--json`` prints and ``--out`` writes it: one object per problem."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from tts.types import Candidate, Plan, Solution, Usage


def flat(record: Any) -> dict[str, Any]:
    """Return the fields of a dataclass as they are; ``asdict``, which copies them deeply, takes ten times as long."""
    kind = type(record)
    if kind not in _names:
        _names[kind] = tuple(field.name for field in fields(record))
    return {name: getattr(record, name) for name in _names[kind]}


_names: dict[type, tuple[str, ...]] = {}


def as_row(solution: Solution) -> dict[str, Any]:
    """Convert the solution without its trace: ``id, problem, answer, confidence, plan, usage, candidates ...``."""
    row: dict[str, Any] = {
        "id": solution.problem.id,
        "problem": solution.problem.text,
        "answer": solution.answer,
        "confidence": solution.confidence,
        "plan": plan_dict(solution.plan),
        "usage": usage_row(solution.usage),
        "stopped": solution.stopped,
        "best": solution.best.key if solution.best else None,
        "votes": list(map(flat, solution.votes[:3])),
        "candidates": [candidate_row(candidate) for candidate in solution.candidates],
    }
    if solution.scope is not None:
        row["scope"] = flat(solution.scope) | {"reasons": list(solution.scope.reasons)}
    if solution.warnings:
        row["warnings"] = list(solution.warnings)
    if solution.error is not None:
        row["error"] = solution.error
    return row


def usage_row(usage: Usage) -> dict[str, Any]:
    """Convert the cost; FLOPs that were not counted are None."""
    row = flat(usage) | {"flops": usage.flops}
    if not usage.policy_counted:
        row |= {"policy_flops": None, "paper_flops": None, "flops": None}
    if not usage.prm_counted:
        row |= {"prm_flops": None, "flops": None}
    return row


def candidate_row(candidate: Candidate) -> dict[str, Any]:
    return {
        "key": candidate.key,
        "answer": candidate.answer,
        "score": candidate.score,
        "scores": list(candidate.scores),
        "finish": str(candidate.finish),
        "tokens": candidate.tokens,
        "steps": list(candidate.steps),
    } | ({"found": candidate.found} if candidate.found else {})


def plan_dict(plan: Plan) -> dict[str, Any]:
    """Convert the plan to JSON types."""
    row = flat(plan) | {"parameters": dict(plan.parameters)}
    if plan.kind == "math":  # as all plans before there were others
        del row["kind"]
    return row


def upgraded(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a recorded plan to the current format: N was once a parameter of the strategy."""
    parameters = dict(plan.get("parameters", {}))
    n = parameters.pop("n", None)
    for name in _DROPPED:
        parameters.pop(name, None)
    return {**plan, "parameters": parameters} | ({"n": n} if n is not None else {})


_DROPPED = ("price", "whole")
"""Parameters of ``auto`` that a search now knows by itself."""
