"""``tts solve``: answer a problem, or a file of problems."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tts.budget import INTERRUPTED
from tts.commands import completion, options
from tts.commands.console import check_printable, interactive, note, problem_text
from tts.commands.own_tools import equip
from tts.commands.solution_text import print_solution
from tts.errors import BadInput
from tts.files.standard_streams import ERRORS
from tts.files.text import check_writable
from tts.models.policies import DEFAULT_ORCHESTRATOR, DEFAULT_POLICY
from tts.records.words import count

if TYPE_CHECKING:
    from tts import Solver
    from tts.executor import Executor


@options.solver()
def solve(
    problem: Annotated[
        str | None, typer.Argument(help="Problem to solve. Default: read standard input, or ask for it.")
    ] = None,
    strategy: Annotated[
        str | None,
        typer.Option(
            help="Search strategy, by itself or as NAME:PARAMETER=VALUE; `tts strategies` lists them.",
            show_default="auto",
            autocompletion=completion.registered("strategy"),
            rich_help_panel=options.SEARCH,
        ),
    ] = None,
    budget: Annotated[
        int, typer.Option("--budget", "-n", help="Number of samples N.", rich_help_panel=options.BUDGET)
    ] = 16,
    *,
    solver: dict[str, Any],
    cluster: dict[str, Any],
    pool: Annotated[
        Path | None,
        typer.Option(
            help="Route each problem to a model of this pool, a file of `tts pool fit`.", rich_help_panel=options.MODELS
        ),
    ] = None,
    objective: options.Objective = None,
    top: options.Top = 1,
    max_cost: Annotated[
        float | None,
        typer.Option(
            help="Limit of dollars per problem, by the prices of --price or of the pool.",
            rich_help_panel=options.BUDGET,
        ),
    ] = None,
    price: Annotated[
        str | None,
        typer.Option(help="Dollars per million tokens of the policy: INPUT,OUTPUT.", rich_help_panel=options.MODELS),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file",
            "-f",
            help="Problems, one per line; rows with `problem` in .jsonl, .json, .csv, .tsv, .parquet.",
            rich_help_panel=options.DATA,
        ),
    ] = None,
    schema: Annotated[
        Path | None,
        typer.Option(
            help="A JSON schema that the answer has to fit; a row of --file may bring its own.",
            rich_help_panel=options.ANSWERS,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="With --file: write answers to this file. The same command resumes it.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    concurrency: Annotated[
        int,
        typer.Option(help="With --file: most problems at a time in one process.", rich_help_panel=options.DATA),
    ] = 32,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per problem.", rich_help_panel=options.OUTPUT)
    ] = False,
    show_steps: Annotated[
        bool,
        typer.Option(
            "--show-steps",
            help="Print the steps of the best solution with their scores.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = False,
    trace: Annotated[
        Path | None,
        typer.Option(
            help="Write the search tree to this file; with --file: one file per problem, in this folder.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
) -> None:
    """Solve a problem, or a file of problems.

    Example: tts solve --policy llama-3.2-3b --budget 256 "What is the sum of the first 100 primes?"
    """
    from tts.solver import Solver
    from tts.tools.structured import read_schema

    if file is None and out is not None:
        raise BadInput("--out goes with --file: a single answer is printed (--json > FILE keeps it).")
    if file is not None and problem is not None:
        raise BadInput("give either a problem or --file, not both.")
    if file is None and any(value is not None for value in cluster.values()):
        raise BadInput("--ray goes with --file: a cluster solves many problems at a time.")
    wanted = read_schema(schema) if schema else ""
    if strategy == "orchestrate" and pool is None and solver["policy"] == DEFAULT_ORCHESTRATOR:
        equip(solver)
    if pool is not None:
        made = _pooled(pool, budget, objective, top, max_cost, {**solver, "strategy": strategy, "prices": price})
    elif objective is not None or top != 1:
        raise BadInput("--objective and --top go with --pool.")
    else:
        made = Solver(strategy=strategy, budget=budget, max_cost=max_cost, prices=price, **solver)
    if file is not None:
        with options.executor(cluster) as executor:
            _solve_file(made, file, wanted, out, trace, concurrency, executor, as_json, show_steps)
    else:
        solve_one(made, problem, trace, as_json, show_steps, wanted)


def _pooled(
    pool: Path, budget: int, objective: str | None, top: int, max_cost: float | None, settings: dict[str, Any]
) -> Solver:
    """The solver over a pool; what the pool decides itself may not be typed."""
    from tts.pool_solver import PoolSolver
    from tts.routing.choice import Objective

    for name, default in (("policy", DEFAULT_POLICY), ("prm", "auto")):
        if settings.pop(name) != default:
            raise BadInput(f"a pool names its models and searches itself: leave --{name} out.")
    wanted = Objective.parse(objective)
    return PoolSolver(pool, budget, objective=wanted, top=top, max_cost=max_cost, **settings)


def solve_one(
    solver: Solver, problem: str | None, trace: Path | None, as_json: bool, show_steps: bool, schema: str = ""
) -> None:
    import asyncio

    from tts.aio import heard
    from tts.commands.progress import elapsed, stoppable, told
    from tts.trace import Sampled
    from tts.types import Problem

    check_printable()
    if trace is not None:
        check_writable(trace, f"the trace {trace}")
    question = Problem(problem_text(problem), schema=schema)
    sampled, begun = Sampled(), time.monotonic()
    with told(lambda: f"{sampled}, {elapsed(begun)}"), stoppable() as stop:
        solution = asyncio.run(heard(solver.solve(question, stop, sampled)))
    try:
        print_solution(solution, as_json, show_steps)
    finally:  # after the answer, and also where that cannot be written: neither costs the other
        if trace is not None:
            solution.trace.save(trace)
    if solution.stopped == INTERRUPTED:
        raise typer.Exit(130)


def _solve_file(
    solver: Solver,
    file: Path,
    schema: str,
    out: Path | None,
    trace: Path | None,
    concurrency: int,
    executor: Executor,
    as_json: bool,
    show_steps: bool,
) -> None:
    from tqdm import tqdm

    from tts.batch import Batch
    from tts.commands.progress import elapsed, resumable, watched

    if out is None:
        check_printable()
    begun = time.monotonic()
    with Batch(solver, file, out, trace, concurrency, executor, schema) as batch:
        for line in batch.bad:
            note(f"{file}, {line}")
        if batch.resumed:
            note(f"{batch.resumed} of {batch.total} are already in {out}.")

        def so_far() -> str:
            return f"{batch.answered} of {batch.total} problems, {executor.status or batch.sampled}, {elapsed(begun)}"

        def kept() -> str:
            where = f"{batch.answered} of {batch.total} answers are in {out}"
            return where if out else f"{batch.answered} of {batch.total} were printed; with --out they are kept"

        bar = tqdm(total=batch.total, initial=batch.resumed, unit="problem", file=ERRORS, disable=not interactive())
        with (
            resumable(kept, goes_on=out is not None),
            bar,
            watched(so_far, lambda _: bar.set_postfix_str(executor.status or str(batch.sampled))),
        ):
            for solution in batch.run():
                bar.update()
                if out is None:
                    bar.clear()
                    print_solution(solution, as_json, show_steps, with_problem=True)
        failed = len(batch.bad) + batch.failed
        done = f"done, {batch.unanswered} without an answer" if batch.unanswered else "answered"
        note(f"{batch.answered} of {batch.total} problems {done}, {failed} failed.")
    if batch.untraced:
        note(f"{count(len(batch.untraced), 'trace')} could not be written: {batch.untraced[0]}")
    if failed or batch.untraced:
        raise typer.Exit(2)
