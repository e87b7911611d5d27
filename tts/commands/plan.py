"""``tts plan``: the plan that the strategy auto would choose for a problem, without running it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tts.commands import options
from tts.commands.console import check_printable, entries, note, problem_text, say, say_json, table
from tts.commands.route import row_of
from tts.errors import BadInput
from tts.models.policies import DEFAULT_POLICY
from tts.records.words import count, likely

if TYPE_CHECKING:
    from tts.routing.choice import Expected
    from tts.routing.decision import Decision
    from tts.types import Scoped, Solution


@options.solver("total_flops", *options.OF_TOOLS)
def plan(
    problem: Annotated[
        str | None, typer.Argument(help="Problem to solve. Default: read standard input, or ask for it.")
    ] = None,
    budget: Annotated[
        int, typer.Option("--budget", "-n", help="Limit of samples N.", rich_help_panel=options.BUDGET)
    ] = 16,
    *,
    solver: dict[str, Any],
    pool: Annotated[
        Path | None,
        typer.Option(
            help="Decide over this pool, a file of `tts pool fit`: model and search. No model runs.",
            rich_help_panel=options.MODELS,
        ),
    ] = None,
    objective: options.Objective = None,
    max_cost: Annotated[
        float | None, typer.Option(help="With --pool: limit of dollars.", rich_help_panel=options.BUDGET)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.", rich_help_panel=options.OUTPUT)] = False,
) -> None:
    """Print the plan that auto would choose for a problem.

    Draws the first samples as `tts solve` would. Prints the chosen plan, the alternatives and the reason. With --pool
    it prints the model and the search that the pool would choose within the budget, and nothing is sampled.

    Example: tts plan --budget 64 "What is the sum of the first 100 primes?"
    """
    import asyncio

    from tts.aio import heard
    from tts.solver import Solver

    if pool is not None:
        _over_pool(pool, problem, budget, objective, max_cost, solver, as_json)
        return
    if objective is not None or max_cost is not None:
        raise BadInput("--objective and --max-cost go with --pool.")

    looking = Solver(strategy="auto", budget=budget, look=True, **solver)
    check_printable()
    solution = asyncio.run(heard(looking.solve(problem_text(problem))))
    *_, decision = solution.trace.of("plan")
    if as_json:
        row = {"problem": solution.problem.text, **decision, **_measured(solution)}
        say_json({name: value for name, value in row.items() if name != "event"})
        return
    for warning in solution.warnings:
        note(warning)
    say(printed(decision, solution))


def _over_pool(
    pool: Path,
    problem: str | None,
    budget: int,
    objective: str | None,
    max_cost: float | None,
    solver: dict[str, Any],
    as_json: bool,
) -> None:
    """Print the pool's decision; what the pool decides itself may not be typed."""
    from tts.routing.choice import Objective
    from tts.routing.pool import Pool

    for name, default in (("policy", DEFAULT_POLICY), ("prm", "auto")):
        if solver[name] != default:
            raise BadInput(f"a pool names its models and searches itself: leave --{name} out.")
    wanted, made = Objective.parse(objective), Pool.load(pool)
    check_printable()
    text = problem_text(problem)
    ceilings = {name: solver[name] for name in ("max_flops", "max_seconds")}
    decision, known = made.choose(text, budget, objective=wanted, max_cost=max_cost, **ceilings), made.fitted_on(text)
    if as_json:
        say_json({"problem": text, "fitted_on": known, **decision.row()})
        return
    if known:
        note("the pool was fitted on this problem: what it expects here is too good.")
    say(decided(decision))


def decided(decision: Decision) -> str:
    """Format a pool's decision: the arm, a table of all arms, and the reason."""
    arm = decision.arm
    search = f"{arm.strategy}, N = {arm.n}" + (f", {arm.prm}" if arm.prm else "")
    refused = [("beyond the budget", "-")] if decision.refused else []

    def row(each: Expected) -> dict[str, Any]:
        return {"": ">" if each is decision.chosen else "", **row_of(each, decision.ceilings.unit)}

    rows = [row(each) | dict(refused) for each in decision.arms]
    rows += [row(each) | {"beyond the budget": why} for each, why in decision.refused]
    head, tail = [("Model", arm.policy), ("Search", search)], [("Choice", f"{decision.reason}.")]
    return "\n\n".join([entries(head), table(rows), entries(tail)])


def printed(decision: Mapping[str, Any], solution: Solution) -> str:
    """Format a decision: what the first samples showed, a table of the plans, and the choice with its reason."""
    from tts.selection.explain import without_rates

    found = [("Look", _look(decision, solution))]
    if (scope := solution.scope) is not None and (known := _scope(scope, bool(decision["samples"]))):
        found.append(("Scope", known))
        decision = {**decision, "reason": without_rates(decision["reason"])}
    if scope is not None and scope.outside:
        decision = {**decision, "difficulty": None, "belief": None}
    if decision.get("difficulty"):
        found.append(("Difficulty", f"pass@1 about {_interval(*decision['difficulty'])} % (90 % interval)"))
    elif "agreement" in decision:
        found.append(("Difficulty", f"{decision['agreement']:.0%} of the pairs of samples agree; uncalibrated"))
    if decision.get("belief") is not None:
        found.append(("Belief", f"{likely(decision['belief'])} that the vote of these samples is right"))
    rows = [_row(option, scope is not None and scope.outside) for option in decision["options"]]
    choice = [("Choice", f"{decision['reason']}.")]
    return "\n\n".join([entries(found), *([table(rows)] if rows else []), entries(choice)])


def _look(decision: Mapping[str, Any], solution: Solution) -> str:
    if not decision["samples"]:
        return "none: the plan depends on the budget alone"
    scored = "scored " if decision.get("scored") else ""
    flops = f"{solution.usage.flops:.3g} FLOPs" if solution.usage.policy_counted else "FLOPs not counted"
    samples = count(decision["samples"], f"{scored}sample")
    return f"{samples}, {solution.usage.policy_tokens:,} tokens, {flops}"


def _scope(scope: Scoped, sampled: bool) -> str:
    """Describe a fitted scope; empty where a profile's rate is all that is known."""
    if scope.before is None or scope.inside is None:
        return ""
    what = "outside, so the profile's rates do not apply" if scope.outside else "inside"
    text = f"{what}; {likely(scope.before)} in scope by the text alone"
    if not sampled:
        return text
    right = "" if scope.right is None else f"; {likely(scope.right)} that the vote of these samples is right"
    return f"{text}, {likely(scope.inside)} with the samples{right}"


def _row(option: Mapping[str, Any], outside: bool) -> dict[str, Any]:
    mark = ">" if option["chosen"] else ""
    if "when" in option:
        return {"": mark, "a problem that is": option["when"], "goes to": option["plan"]}
    return {
        "": mark,
        "plan": option["plan"],
        "N": option["n"],
        "vote": option["vote"],
        "right %": "-" if outside else _interval(option["right"], option["low"], option["high"]),
        "FLOPs": f"{option['flops']:.3g}",
    }


def _interval(mean: float, low: float, high: float) -> str:
    return f"{100 * mean:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def _measured(solution: Solution) -> dict[str, Any]:
    from tts.records.solution_json import as_row

    row = as_row(solution)
    return {name: row[name] for name in ("usage", "scope", "warnings") if name in row}
