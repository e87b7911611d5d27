"""Calls of tools in a search: reserved at their worst case, made side by side, charged as they were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tts.aio import together
from tts.budget import Hold
from tts.errors import OutOfTime
from tts.search.account import Account
from tts.tools.tool import Result
from tts.tools.toolbox import Place, Tools, cost_of
from tts.types import Call

BEYOND = "Error: this call may cost more than is left of the budget. Answer with what is known, or call a cheaper tool."


async def make(account: Account, tools: Tools, places: Sequence[Place], calls: Sequence[Call]) -> list[Result]:
    """Return the result of each call. One that the budget does not cover is not made and gives a message.

    A failing call, an unknown tool and wrong arguments are messages too. Raises OutOfTime when the deadline passes; the
    worst case of all calls is charged then, because the tools were at work.
    """
    holds = [account.reserve_call(tools.worst(place, call)) for place, call in zip(places, calls, strict=True)]
    jobs = [_one(tools, place, call, hold) for place, call, hold in zip(places, calls, holds, strict=True)]
    try:
        results = await account.in_time(together(jobs))
    except OutOfTime:
        _settle(account, [(hold, hold.amount.cost) for hold in holds if hold])
        raise
    except BaseException:
        _settle(account, [(hold, 0) for hold in holds if hold])
        raise
    _settle(account, [(hold, cost_of(result)) for hold, result in zip(holds, results, strict=True) if hold])
    return results


async def _one(tools: Tools, place: Place, call: Call, hold: Hold | None) -> Result:
    return Result(BEYOND, 0.0, failed=True) if hold is None else await tools.use(place, call)


def _settle(account: Account, costs: Sequence[tuple[Hold, int]]) -> None:
    for hold, cost in costs:
        account.called(hold, cost)


def as_events(calls: Sequence[Call], results: Sequence[Result], worst: Sequence[int]) -> list[dict[str, Any]]:
    """Convert calls with their results to JSON types for the trace; costs are billionths of a dollar."""
    return [
        {"tool": call.tool, "arguments": None if call.arguments is None else dict(call.arguments)}
        | ({"problem": call.problem} if call.problem else {})
        | {"text": result.text, "cost": cost_of(result), "worst": most, "seconds": round(result.seconds, 6)}
        | ({"failed": True} if result.failed else {})
        for call, result, most in zip(calls, results, worst, strict=True)
    ]  # fmt: skip
