"""``tts bench``: parsing and printing. Heavy imports happen inside the functions."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmarks.datasets.known import BUILT_IN_SETS, KNOWN
from tts.commands import completion, options
from tts.commands.console import note, say, say_json
from tts.commands.progress import resumable
from tts.errors import BadInput
from tts.models.policies import DEFAULT_ORCHESTRATOR

if TYPE_CHECKING:
    from benchmarks.bench.jobs import Line
    from benchmarks.bench.runner import Bench
    from benchmarks.datasets.dataset import DataSet


@options.solver()
def bench(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA",
            help=f"Data set: {', '.join((*KNOWN, *BUILT_IN_SETS))}; or a file, as --data.",
            autocompletion=completion.among(*KNOWN, *BUILT_IN_SETS),
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            help="A .jsonl, .json, .csv, .tsv or .parquet file; each row has problem (or question) and answer.",
            rich_help_panel=options.DATA,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Folder of the run. The same command resumes it.", rich_help_panel=options.OUTPUT
        ),
    ] = None,
    strategy: Annotated[
        str,
        typer.Option(
            help="Search strategies with commas, such as all,auto; `tts strategies` lists them. A name may have "
            "parameters: dvts:granularity=2.",
            autocompletion=completion.registered("strategy", "all"),
            rich_help_panel=options.SEARCH,
        ),
    ] = "all",
    budget: Annotated[
        str,
        typer.Option(
            "--budget", "-n", help="Values of N with commas, such as 4,16,64.", rich_help_panel=options.BUDGET
        ),
    ] = "4,16,64",
    limit: Annotated[
        int | None, typer.Option(help="Use the first LIMIT problems only.", rich_help_panel=options.DATA)
    ] = None,
    levels: Annotated[
        str | None, typer.Option(help="Use problems of these levels only, such as 4,5.", rich_help_panel=options.DATA)
    ] = None,
    ids: Annotated[
        str | None,
        typer.Option(help="Use the problems with these ids only, with commas.", rich_help_panel=options.DATA),
    ] = None,
    retry_failed: Annotated[
        bool,
        typer.Option("--retry-failed", help="Run rows again that ended in an error.", rich_help_panel=options.OUTPUT),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Print the jobs and their estimated cost; run nothing.", rich_help_panel=options.OUTPUT
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.", rich_help_panel=options.OUTPUT)] = False,
    concurrency: Annotated[
        int, typer.Option(help="Problems solved at the same time in one process.", rich_help_panel=options.DATA)
    ] = 32,
    *,
    solver: dict[str, Any],
    cluster: dict[str, Any],
) -> None:
    """Run strategies over a data set.

    The same command resumes a run that was stopped, even by kill -9.

    Example: tts bench math500 --policy llama-3.2-3b --budget 4,16,64,256 --out runs/llama3b
    """
    from benchmarks.bench import jobs
    from benchmarks.datasets.dataset import load, read, require
    from tts.solver import Solver

    if (name is None) == (data is None):
        raise BadInput("give either the name of a data set, such as math500, or a file, such as mine.jsonl.")
    if name is not None and Path(name).suffix:
        data, name = Path(name), None
    elif name is not None:
        require(name)
    if out is None and not dry_run:
        raise BadInput("name a folder for the run with --out, such as --out runs/first.")
    chosen = (load(name) if name is not None else read(data or Path())).choose(limit, _levels(levels), _list(ids))
    strategies = jobs.strategies_of(strategy, solver["prm"] is not None)
    if solver["policy"] == DEFAULT_ORCHESTRATOR and not solver.get("tools"):
        raise BadInput(f"name what {DEFAULT_ORCHESTRATOR} may call with --tools.")
    if "auto" in strategies:
        solver["dataset"] = chosen.name  # the published rule depends on it
    solver.setdefault("extract", chosen.extract)
    if solver["kind"] == "auto":
        solver["kind"] = chosen.kind
    lines = jobs.plan_run(Solver, strategies, jobs.budgets_of(budget), solver)
    kinds = chosen.kinds or solver["kind"]
    note(f"{chosen.words}; answers of the kind {kinds} by the rule {solver['extract']!r}.")
    for sentence in jobs.overlaps(lines, chosen):
        note(sentence)
    if dry_run:
        foretell(chosen, lines, out, solver["policy"], as_json)
        return
    assert out is not None
    settings = settings_of(chosen, strategies, budget, solver, lines)
    _run(chosen, lines, out, settings, retry_failed, concurrency, cluster, as_json)


MATH = ("kind", "math")
"""A setting of all runs before there were other kinds of answers; they do not name it."""


def settings_of(
    data: DataSet, strategies: list[str], budget: str, solver: dict[str, Any], lines: list[Line]
) -> dict[str, Any]:
    """Collect the settings that decide the rows. They must be equal in every call on one folder."""
    from benchmarks.bench.jobs import budgets_of, jobs_of
    from benchmarks.provenance import fingerprint, without_secrets
    from tts.selection.profile_file import digest

    profiles = sorted({name for job in jobs_of(lines) if (name := job.plan.parameters.get("profile"))})
    planned = next((line.job.plan.prm for line in lines if line.job.plan.prm), "")
    prm = solver["prm"] if planned and solver["prm"] != "auto" else planned
    elsewhere = ("policy", "prm", "device", "prm_device", "gpu_memory")
    return {
        "data": data.name,
        "data source": data.source,
        "data sha256": data.sha256,
        "part": dict(data.part),
        "problems": len(data.items),
        "policy": without_secrets(solver["policy"]),
        "policy sha256": fingerprint(solver["policy"], "policy"),
        "prm": without_secrets(prm),
        "prm sha256": fingerprint(prm, "prm") if prm else "",
        "strategies": strategies,
        "budget": budgets_of(budget),
        **{name: value for name, value in solver.items() if name not in elsewhere and (name, value) != MATH},
        **({"profile sha256": [digest(name) for name in profiles]} if profiles else {}),
        "parameters": {job.name: dict(job.plan.parameters) for job in jobs_of(lines)},
    }


def _run(
    data: DataSet,
    lines: list[Line],
    out: Path,
    settings: dict[str, Any],
    retry: bool,
    concurrency: int,
    cluster: dict[str, Any],
    as_json: bool,
) -> None:
    from benchmarks.bench.results_table import printed

    run = execute(data, lines, out, settings, retry, concurrency, cluster)
    rows, failed, total = run.tally.rows(len(data.items)), run.folder.failed, len(run.jobs) * len(data.items)
    if as_json:
        say_json({"data": data.words, "part": dict(data.part), "lines": rows})
    else:
        say(f"{data.words}\n\n{printed(rows)}")
    if failed:
        note(f"{failed} of {total} rows failed and count as wrong; --retry-failed tries them again.")
        raise typer.Exit(2)


def execute(
    data: DataSet,
    lines: list[Line],
    out: Path,
    settings: dict[str, Any],
    retry: bool,
    concurrency: int,
    cluster: dict[str, Any] | None = None,
) -> Bench:
    """Run the missing rows of a run and return it, closed. ``cluster`` are the options of :func:`options.solver`."""
    from benchmarks.bench.runner import Bench
    from benchmarks.provenance import machine, without_secrets

    facts = {"command": without_secrets(shlex.join(["tts", *sys.argv[1:]])), "machine": machine()}
    with (
        options.executor(cluster or {}) as executor,
        Bench(
            data,
            lines,
            out,
            settings,
            facts | ({"cluster": executor.about} if executor.about else {}),
            retry=retry,
            concurrency=concurrency,
            executor=executor,
        ) as run,
    ):
        if run.resumed:
            note(f"{run.resumed} of {len(run.jobs) * len(data.items)} rows are already in {out}.")
        with resumable(lambda: f"{len(run.folder.done)} of {len(run.jobs) * len(data.items)} rows are in {out}"):
            run.run()
    return run


def foretell(data: DataSet, lines: list[Line], out: Path | None, policy: str, as_json: bool) -> None:
    """Print the jobs of a run and their estimated cost."""
    from benchmarks.bench import estimate

    found = estimate.forecast(data, lines, out, policy)
    if as_json:
        say_json({"data": data.words, "part": dict(data.part), "jobs": estimate.as_rows(found)})
    else:
        say(f"{data.words}\n\n{estimate.printed(found, lines)}")


def _levels(text: str | None) -> tuple[int, ...]:
    try:
        return tuple(map(int, _list(text)))
    except ValueError as error:
        raise BadInput(f"--levels is a list of numbers such as 4,5, not {text!r}.") from error


def _list(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())
