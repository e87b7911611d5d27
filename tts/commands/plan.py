"""``tts plan``: what auto would do with a problem and why, after the first look and without the rest."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tts.commands import options
from tts.commands.console import count, entries, table

if TYPE_CHECKING:
    from tts.types import Solution


@options.solver("total_flops")
def plan(
    problem: Annotated[
        str | None, typer.Argument(help="The problem; without it, read from the pipe or asked for.")
    ] = None,
    budget: Annotated[int, typer.Option("--budget", "-n", help="N, the most samples.")] = 16,
    *,
    solver: dict[str, Any],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Look at a problem as `tts solve` would, and say how it would go on, what else there was, and why.

    Example: tts plan --budget 64 "What is the sum of the first 100 primes?"
    """
    import asyncio

    from tts.api import Solver

    looking = Solver(strategy="auto", budget=budget, look=True, **solver)
    if problem is None:
        problem = typer.prompt("Problem", prompt_suffix=": ") if sys.stdin.isatty() else sys.stdin.read()
    solution = asyncio.run(looking.solve(problem.strip()))
    *_, decision = solution.trace.of("plan")
    if as_json:
        row = {"problem": solution.problem.text, **decision, "usage": _spent(solution)}
        typer.echo(json.dumps({name: value for name, value in row.items() if name != "event"}, ensure_ascii=False))
        return
    for warning in solution.warnings:
        typer.echo(f"tts: {warning}", err=True)
    typer.echo(printed(decision, solution))


def printed(decision: Mapping[str, Any], solution: Solution) -> str:
    """A decision for people: what the look said, the table of the ways on, and the choice with its reason."""
    said = [("Look", _look(decision, solution))]
    if decision.get("difficulty"):
        said.append(("Difficulty", f"pass@1 about {_interval(*decision['difficulty'])} %, nine times in ten"))
    elif "agreement" in decision:
        said.append(("Difficulty", f"{decision['agreement']:.0%} of the pairs of samples agree; uncalibrated"))
    if decision.get("belief") is not None:
        said.append(("Belief", f"{decision['belief']:.0%} that the vote of these samples is right"))
    rows = [_row(option) for option in decision["options"]]
    choice = [("Choice", f"{decision['reason']}.")]
    return "\n\n".join([entries(said), *([table(rows)] if rows else []), entries(choice)])


def _look(decision: Mapping[str, Any], solution: Solution) -> str:
    if not decision["samples"]:
        return "none: what to do follows from the budget alone"
    scored = "scored " if decision.get("scored") else ""
    samples = count(decision["samples"], f"{scored}sample")
    return f"{samples}, {solution.usage.policy_tokens:,} tokens, {solution.usage.flops:.3g} FLOPs"


def _row(option: Mapping[str, Any]) -> dict[str, Any]:
    mark = ">" if option["chosen"] else ""
    if "when" in option:
        return {"": mark, "a problem that is": option["when"], "goes to": option["plan"]}
    return {
        "": mark,
        "plan": option["plan"],
        "N": option["n"],
        "vote": option["vote"],
        "right %": _interval(option["right"], option["low"], option["high"]),
        "FLOPs": f"{option['flops']:.3g}",
    }


def _interval(mean: float, low: float, high: float) -> str:
    return f"{100 * mean:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def _spent(solution: Solution) -> dict[str, Any]:
    from tts.records.solution_json import as_row

    usage: dict[str, Any] = as_row(solution)["usage"]
    return usage
