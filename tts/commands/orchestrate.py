"""``tts orchestrate``: answer a question with a policy that calls tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tts.commands import options
from tts.commands.own_tools import equip
from tts.commands.solve import solve_one
from tts.models.policies import DEFAULT_ORCHESTRATOR


@options.solver("profile", "total_flops", policy=DEFAULT_ORCHESTRATOR)
def orchestrate(
    problem: Annotated[
        str | None, typer.Argument(help="Question to answer. Default: read standard input, or ask for it.")
    ] = None,
    budget: Annotated[
        int,
        typer.Option("--budget", "-n", help="Number of trajectories N; they vote.", rich_help_panel=options.BUDGET),
    ] = 1,
    *,
    solver: dict[str, Any],
    max_cost: Annotated[
        float | None,
        typer.Option(help="Limit of dollars, policy and tools together.", rich_help_panel=options.BUDGET),
    ] = None,
    price: Annotated[
        str | None,
        typer.Option(help="Dollars per million tokens of the policy: INPUT,OUTPUT.", rich_help_panel=options.MODELS),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.", rich_help_panel=options.OUTPUT)] = False,
    show_steps: Annotated[
        bool,
        typer.Option("--show-steps", help="Print the turns and results.", rich_help_panel=options.OUTPUT),
    ] = False,
    trace: Annotated[
        Path | None, typer.Option(help="Write the search tree to this file.", rich_help_panel=options.OUTPUT)
    ] = None,
) -> None:
    """Answer a question with a policy that calls tools and other models.

    Short for `tts solve --strategy orchestrate`, which also takes files of problems.

    Without --policy the built-in orchestrator decides; without --tools it may call Python and the built-in models.

    Example: tts orchestrate --policy qwen3-8b --tools tools.toml --prefer cost=0.5 --max-cost 0.05 "..."
    """
    from tts.solver import Solver

    equip(solver)
    made = Solver(strategy="orchestrate", budget=budget, max_cost=max_cost, prices=price, **solver)
    solve_one(made, problem, trace, as_json, show_steps)
