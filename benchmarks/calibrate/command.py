"""``tts calibrate``: parsing and printing. Heavy imports happen inside the functions."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tts.commands import completion, options
from tts.commands.console import note, say, say_json
from tts.errors import BadInput, TTSError
from tts.models.card import Kind
from tts.models.find import find
from tts.models.policies import DEFAULT_POLICY

if TYPE_CHECKING:
    from benchmarks.calibrate.build import Calibration
    from benchmarks.recordings.pool import Pool


@options.solver(
    "policy", "profile", "max_tokens", "max_flops", "total_flops", "max_seconds", "vote", "aggregate", *options.OF_TOOLS
)
def calibrate(
    data: Annotated[
        Path | None,
        typer.Option(
            help="Problems to calibrate on: a .jsonl or .parquet file, not a test set; or lab-calibration, "
            "lab-validation or lab-everyday-validation.",
            rich_help_panel=options.DATA,
        ),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Profile to write.", rich_help_panel=options.OUTPUT)] = Path(
        "profile.json"
    ),
    from_: Annotated[
        list[Path] | None,
        typer.Option(
            "--from",
            help="Fit recorded candidates, such as a run of `tts bench`; no model runs. May be repeated.",
            rich_help_panel=options.DATA,
        ),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the run. The same command resumes it.",
            show_default="next to the profile",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    strategy: Annotated[
        str | None,
        typer.Option(
            help="Searches to run in addition to samples: all, none, or names with commas, such as "
            "reject-early,dvts:granularity=2.",
            show_default="beam-search,dvts; none for a reward model that scores only whole solutions",
            autocompletion=completion.registered("strategy", "all", "none"),
            rich_help_panel=options.SEARCH,
        ),
    ] = None,
    budget: Annotated[
        str,
        typer.Option(
            "--budget",
            "-n",
            help="Values of N for the searches, with commas; the largest is the number of samples.",
            rich_help_panel=options.BUDGET,
        ),
    ] = "4,16,64",
    limit: Annotated[
        int | None, typer.Option(help="Use LIMIT problems only, spread evenly.", rich_help_panel=options.DATA)
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Print the jobs and their estimated cost; run nothing.", rich_help_panel=options.OUTPUT
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.", rich_help_panel=options.OUTPUT)] = False,
    retry_failed: Annotated[
        bool,
        typer.Option("--retry-failed", help="Run rows again that ended in an error.", rich_help_panel=options.OUTPUT),
    ] = False,
    concurrency: Annotated[
        int, typer.Option(help="Problems solved at the same time in one process.", rich_help_panel=options.DATA)
    ] = 32,
    policy: Annotated[
        str | None,
        typer.Option(
            help="Model that writes solutions.",
            show_default=f"{DEFAULT_POLICY}, or that of --from",
            autocompletion=completion.models("policy"),
            rich_help_panel=options.MODELS,
        ),
    ] = None,
    *,
    solver: dict[str, Any],
    cluster: dict[str, Any],
) -> None:
    """Measure accuracy and cost of each plan, and write them to a profile.

    Example: tts calibrate --policy lab-1m --data lab-validation --limit 100 --out lab.json
    """
    if out.suffix != ".json":
        raise BadInput(f"a profile is a .json file, not {out}: name one with --out.")
    runs = list(from_ or [])
    if not runs:
        if data is None:
            raise BadInput("name the problems to calibrate on with --data, or existing runs with --from.")
        from benchmarks.bench.command import execute, foretell, settings_of
        from benchmarks.calibrate import grid
        from benchmarks.calibrate.build import refuse_few

        folder = run or out.with_name(f"{out.stem}-run")
        chosen = grid.data_of(data).spread(limit)
        refuse_few(len(chosen.items))
        solver["policy"] = policy or DEFAULT_POLICY
        solver.setdefault("extract", chosen.extract)
        if solver["kind"] == "auto":
            solver["kind"] = chosen.kind
        strategies, lines = grid.plan(solver, strategy, budget)
        note(f"{chosen.words}.")
        if dry_run:
            foretell(chosen, lines, folder, solver["policy"], as_json)
            return
        settings = settings_of(chosen, strategies, budget, solver, lines)
        execute(chosen, lines, folder, settings, retry_failed, concurrency, cluster)
        runs = [folder]
    elif dry_run or cluster["ray"] is not None:
        raise BadInput(f"--from runs no model: leave --{'dry-run' if dry_run else 'ray'} out.")
    _fit(runs, data if from_ else None, out, policy or "", solver["prm"], solver["seed"], as_json)


def _recorded(name: str, kind: Kind) -> str:
    """Return the name under which runs record a model; the name as typed for one that is not known here."""
    made, _, judge = name.partition(":")
    if kind == "prm" and made == "judge":
        return f"judge:{_recorded(judge, 'policy')}"
    try:
        return find(name, kind).name
    except TTSError:
        return name


def _fit(
    runs: list[Path], data: Path | None, out: Path, policy: str, prm: str | None, seed: int, as_json: bool
) -> None:
    from benchmarks.calibrate.build import calibrate
    from benchmarks.calibrate.grid import refuse_tests
    from benchmarks.calibrate.summary import as_row, printed
    from benchmarks.recordings.gather import read
    from tts.files.text import check_writable
    from tts.selection.profile_file import save

    check_writable(out)
    pool: Pool = read(runs, data)
    refuse_tests(pool.dataset, pool.sha256)
    note(f"fitting to {len(pool.entries)} problems of {pool.dataset or 'the recordings'}.")
    reward = "" if prm is None else None if prm == "auto" else prm
    about = {"command": shlex.join(["tts", *sys.argv[1:]])}
    names = policy and _recorded(policy, "policy"), reward and _recorded(reward, "prm")
    found: Calibration = calibrate(pool, policy=names[0], prm=names[1], seed=seed, about=about)
    save(found.profile, out)
    for each in found.notes:
        note(f"{each}.")
    if as_json:
        say_json(as_row(found, out))
    else:
        say(printed(found, out))
