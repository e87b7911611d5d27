"""``tts route``: the model of a pool that a problem goes to, with the predictions; no model runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tts.commands import options
from tts.commands.console import entries, note, problem_text, say, say_json, table

if TYPE_CHECKING:
    from tts.routing.choice import Expected

PoolFile = Annotated[
    Path, typer.Option("--pool", help="Pool, a file of `tts pool fit`.", rich_help_panel=options.MODELS)
]


def route(
    problem: Annotated[
        str | None, typer.Argument(help="Problem to route. Default: read standard input, or ask for it.")
    ] = None,
    *,
    pool: PoolFile,
    objective: Annotated[
        str | None,
        typer.Option(help="What counts, such as quality=1,cost=0.3.", rich_help_panel=options.SEARCH),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.", rich_help_panel=options.OUTPUT)] = False,
) -> None:
    """Print which model of a pool a problem goes to, the predictions for all models, and the reason. No model runs.

    Example: tts route --pool pool.json "What is the sum of the first 100 primes?"
    """
    import asyncio

    from tts.routing.choice import Objective
    from tts.routing.pool import Pool

    wanted, made = Objective.parse(objective), Pool.load(pool)
    problem = problem_text(problem)
    ranked = asyncio.run(made.route(problem, wanted))
    known = made.fitted_on(problem)
    if as_json:
        row = {"problem": problem, "model": ranked[0].arm, "fitted_on": known, "models": [arm.row() for arm in ranked]}
        say_json(row)
        return
    if known:
        note("the pool was fitted on this problem: what it expects here is too good.")
    say(printed(ranked, made.unit, made.best_overall(wanted) if wanted.caution else ""))


def printed(ranked: list[Expected], unit: str, overall: str = "") -> str:
    """Format the choice, the table of all models, and the reason. ``overall`` is as in a Decision."""
    from tts.routing.decision import caution, percent

    first = ranked[0]
    reason = f"{first.arm} is worth most by the objective: {percent(first)} right expected"
    if len(ranked) > 1:
        reason += f", next {ranked[1].arm} with {percent(ranked[1])}"
        if ranked[1].high > first.low:
            reason += "; the intervals overlap, so the choice between these two is uncertain"
    reason += caution(first.arm, overall)
    rows = table([row_of(arm, unit) for arm in ranked])
    return "\n\n".join([entries([("Model", first.arm)]), rows, entries([("Why", f"{reason}.")])])


def row_of(arm: Expected, unit: str) -> dict[str, Any]:
    """Return what is expected of an arm as a row of a table; ``unit`` is that of costs, empty if unknown."""
    from tts.routing.decision import amount, percent

    return {
        "model": arm.arm,
        "right %": percent(arm),
        unit or "cost": amount(arm.cost, arm.cost_low, arm.cost_high),
        "seconds": amount(arm.latency, arm.latency_low, arm.latency_high),
        "worth": f"{arm.worth:.3f}",
    }
