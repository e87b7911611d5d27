"""``tts orchestrate``: answer a question with a policy that calls tools."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tts.commands import options
from tts.commands.console import note
from tts.commands.solve import solve_one
from tts.errors import BadInput, MissingSandbox
from tts.models.policies import DEFAULT_ORCHESTRATOR, ORCHESTRATOR_SCOPE

if TYPE_CHECKING:
    from tts.tools.tool import Tool

_VOTES = 4  # of a built-in model that is asked


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

    if not solver.get("tools"):
        if solver["policy"] != DEFAULT_ORCHESTRATOR:
            raise BadInput(
                "name what may be called with --tools: a file tools.toml, model:NAME, folder:PATH, mcp://FILE.py or "
                "python."
            )
        solver["tools"] = _own_tools()
        note(f"{DEFAULT_ORCHESTRATOR} may call {', '.join(t.name for t in solver['tools'])}; --tools names others.")
    if solver["policy"] == DEFAULT_ORCHESTRATOR:
        note(ORCHESTRATOR_SCOPE)
    made = Solver(strategy="orchestrate", budget=budget, max_cost=max_cost, prices=price, **solver)
    solve_one(made, problem, trace, as_json, show_steps)


def _own_tools() -> list[Tool]:
    """Return the tools that the built-in orchestrator was trained with, as far as they run here."""
    from tts.tools.model import ModelTool
    from tts.tools.python import PythonTool

    models = [ModelTool(name, budget=_VOTES) for name in ("lab-200k", "lab-4m")]
    try:
        return [PythonTool(), *models]
    except MissingSandbox as error:
        note(str(error))
        return [*models]
