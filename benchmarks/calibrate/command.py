"""``tts calibrate``: parsing and printing. Nothing heavy is loaded before something is to be done."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tts.commands import options
from tts.errors import BadInput

if TYPE_CHECKING:
    from benchmarks.calibrate.build import Calibration
    from benchmarks.recordings.pool import Pool


@options.solver("policy", "profile", "max_tokens", "max_flops", "total_flops", "max_seconds", "vote", "aggregate")
def calibrate(
    data: Annotated[
        Path | None, typer.Option(help="Problems to calibrate on, no test set: .jsonl or .parquet; or lab-validation.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The profile.")] = Path("profile.json"),
    from_: Annotated[
        list[Path] | None,
        typer.Option(
            "--from", help="Fit this run of `tts bench`, or these recorded candidates; no model runs. Again for more."
        ),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(help="Folder of the grid; the same command goes on there.", show_default="beside the profile"),
    ] = None,
    strategy: Annotated[str, typer.Option(help="Searches beside the samples: all, none or names.")] = "all",
    budget: Annotated[
        str, typer.Option("--budget", "-n", help="Widths of the searches; of samples the largest is drawn.")
    ] = "4,16,64",
    limit: Annotated[int | None, typer.Option(help="Only the first so many problems.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be run and what it costs.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Do again what ended in an error.")] = False,
    concurrency: Annotated[int, typer.Option(help="Most problems in flight.")] = 32,
    policy: Annotated[
        str | None, typer.Option(help="Model that writes solutions.", show_default="lab-1m, or that of --from")
    ] = None,
    *,
    solver: dict[str, Any],
) -> None:
    """Measure what each plan costs and reaches, for a policy and a reward model, and write it as a profile.

    Example: tts calibrate --policy lab-1m --data lab-validation --limit 100 --out lab.json
    """
    if out.suffix != ".json":
        raise BadInput(f"a profile is a .json file, not {out}: name one with --out.")
    runs = list(from_ or [])
    if not runs:
        if data is None:
            raise BadInput("name the problems to calibrate on with --data, or runs that are there with --from.")
        from benchmarks.bench.command import execute, foretell, settings_of
        from benchmarks.calibrate import grid
        from benchmarks.calibrate.build import refuse_few

        folder = run or out.with_name(f"{out.stem}-run")
        chosen = grid.data_of(data).choose(limit)
        refuse_few(len(chosen.items))
        solver["policy"] = policy or "lab-1m"
        strategies, lines = grid.plan(solver, strategy, budget)
        typer.echo(f"tts: {chosen.words}.", err=True)
        if dry_run:
            foretell(chosen, lines, folder, solver["policy"], as_json)
            return
        settings = settings_of(chosen, strategies, budget, solver, lines)
        execute(chosen, lines, folder, settings, retry_failed, concurrency)
        runs = [folder]
    elif dry_run:
        raise BadInput("--from runs nothing, so there is nothing to foretell: leave --dry-run out.")
    _fit(runs, data if from_ else None, out, policy or "", solver["prm"], solver["seed"], as_json)


def _fit(
    runs: list[Path], data: Path | None, out: Path, policy: str, prm: str | None, seed: int, as_json: bool
) -> None:
    from benchmarks.calibrate.build import calibrate
    from benchmarks.calibrate.grid import refuse_tests
    from benchmarks.calibrate.summary import as_row, printed
    from benchmarks.recordings.gather import read
    from tts.commands.console import check_writable
    from tts.selection.profile_file import save

    check_writable(out)
    pool: Pool = read(runs, data)
    refuse_tests(pool.dataset, pool.sha256)
    typer.echo(f"tts: fitting to {len(pool.entries)} problems of {pool.dataset or 'the recordings'}.", err=True)
    reward = "" if prm is None else None if prm == "auto" else prm
    about = {"command": shlex.join(["tts", *sys.argv[1:]])}
    found: Calibration = calibrate(pool, policy=policy, prm=reward, seed=seed, about=about)
    save(found.profile, out)
    for note in found.notes:
        typer.echo(f"tts: {note}.", err=True)
    typer.echo(json.dumps(as_row(found, out)) if as_json else printed(found, out))
