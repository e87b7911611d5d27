"""``tts pool fit``: fits a pool, on recorded outcomes or on those of models that it runs first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tts.commands import completion, options
from tts.commands.console import note, say
from tts.commands.pool import (
    Embedder,
    Outcomes,
    Price,
    arms_of,
    arms_words,
    check_embedder,
    embedding,
    encoder_training_of,
    read_all,
    router_of,
)  # fmt: skip
from tts.errors import BadInput
from tts.records.words import count

if TYPE_CHECKING:
    from benchmarks.bench.jobs import Line
    from benchmarks.datasets.dataset import DataSet
    from tts.routing.arms import Arm
    from tts.routing.encoder_training import EncoderTraining
    from tts.routing.outcomes import ArmOutcomes, Entry


@options.solver("policy", "profile", "total_flops", "parameter", *options.OF_TOOLS)
def fit(
    out: Annotated[Path, typer.Option("--out", "-o", help="Pool file to write.", rich_help_panel=options.OUTPUT)],
    outcomes: Outcomes = None,
    models: Annotated[
        str | None,
        typer.Option(
            help="Run these models first, with commas: POLICY, or one search of it as POLICY@STRATEGY/N+PRM.",
            metavar="A,B,...",
            rich_help_panel=options.MODELS,
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            help="With --models: problems to run them on, a .jsonl or .parquet file or the name of a data set, such as "
            "lab-validation.",
            rich_help_panel=options.DATA,
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(help="With --models: LIMIT problems only, spread evenly.", rich_help_panel=options.DATA),
    ] = None,
    strategy: Annotated[
        str,
        typer.Option(
            help="With --models: search strategies with commas; each with each N is one arm of the pool.",
            autocompletion=completion.registered("strategy"),
            rich_help_panel=options.SEARCH,
        ),
    ] = "majority",
    budget: Annotated[
        str,
        typer.Option(
            "--budget",
            "-n",
            help="With --models: values of N with commas, such as 1,4,16.",
            rich_help_panel=options.BUDGET,
        ),
    ] = "8",
    runs: Annotated[
        Path | None,
        typer.Option(
            help="With --models: folder of their outcomes. The same command resumes it.",
            show_default="next to the pool",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    concurrency: Annotated[
        int, typer.Option(help="With --models: problems at the same time.", rich_help_panel=options.DATA)
    ] = 32,
    embedder: Embedder = "tfidf",
    train_encoder: Annotated[
        Path | None,
        typer.Option(
            help="Train the --embedder with RouterDC's losses first, into this folder, which the pool then names.",
            metavar="FOLDER",
            rich_help_panel=options.MODELS,
        ),
    ] = None,
    encoder_parameter: Annotated[
        list[str] | None,
        typer.Option(
            help="With --train-encoder: its setting, such as layers=2, steps=500; may be repeated.",
            metavar="NAME=VALUE",
            rich_help_panel=options.MODELS,
        ),
    ] = None,
    router: Annotated[
        str,
        typer.Option(
            help="clusters, knn, logistic, contrastive, or mean, which averages the first three.",
            autocompletion=completion.registered("router"),
            rich_help_panel=options.SEARCH,
        ),
    ] = "clusters",
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            help="Setting of the router, such as k=32; may be repeated.",
            metavar="NAME=VALUE",
            rich_help_panel=options.SEARCH,
        ),
    ] = None,
    price: Price = None,
    *,
    solver: dict[str, Any],
    cluster: dict[str, Any],
) -> None:
    """Fit a pool on the outcomes of at least two models: recorded ones, or of models that run first.

    Use problems that are not used for testing. The same command resumes what was stopped, even by kill -9.

    Example: tts pool fit --models qwen2.5-7b,llama-3.1-8b --data train.jsonl --out pool.json
    """
    import asyncio

    from tts.files.text import check_writable
    from tts.routing.pool import Pool

    if bool(outcomes) == (models is not None):
        raise BadInput("give either --outcomes, which are recorded, or --models to run.")
    if models is None and (data is not None or limit is not None or runs is not None):
        raise BadInput("--data, --limit and --runs go with --models: recorded outcomes have their problems.")
    if models is None and any(value is not None for value in cluster.values()):
        raise BadInput("--ray goes with --models: recorded outcomes need no cluster.")
    check_writable(out)
    check_embedder(embedder)
    training = encoder_training_of(train_encoder, encoder_parameter, embedder)
    options.executor(cluster).close()  # report what is missing before anything is planned
    chosen = router_of(router, parameter, out)
    arms: list[Arm] = []
    if models is None:
        read = read_all(outcomes)
    else:
        folder = runs or out.with_suffix(".runs")
        read, arms = run_models(
            _names(models), _data(data, limit), folder, strategy, budget, concurrency, solver, cluster
        )
    priced = arms_of(read, price, arms)
    if train_encoder is not None:
        embedder = _trained_encoder(embedder, read, train_encoder, training)
    with embedding(embedder, f"the pool is not in {out} yet") as made:
        pool = asyncio.run(Pool.fit(read, embedder=made, router=chosen, arms=priced))
    pool.save(out)
    say(f"{out}: {arms_words(pool.arms)}, fitted on {count(len(read), 'problem')}.")


def _trained_encoder(embedder: str, outcomes: ArmOutcomes, out: Path, how: EncoderTraining | None) -> str:
    from tts.commands.progress import resumable
    from tts.routing.encoder_training import train_encoder

    with resumable(lambda: f"the encoder's training is kept beside {out}"):
        return str(train_encoder(embedder, outcomes, out, how, progress=True))


@dataclass(frozen=True, slots=True)
class Member:
    """A model to run: the search that its name asks for, and its run folder."""

    arm: Arm
    exact: bool
    folder: Path


def run_models(
    names: Sequence[str],
    data: DataSet,
    folder: Path,
    strategy: str,
    budget: str,
    concurrency: int,
    solver: dict[str, Any],
    cluster: dict[str, Any] | None = None,
) -> tuple[ArmOutcomes, list[Arm]]:
    """Run models on problems, one run folder of ``tts bench`` each, and return their outcomes and arms.

    Every line of a run is an arm: a strategy at a width. ``cluster`` are the options of a cluster, whose workers hold
    one model after the other. Raises BadInput if rows failed.
    """
    from tts.routing.outcomes import ArmOutcomes

    members = [_member(name, folder) for name in names]
    planned = [_planned(member, data, strategy, budget, solver) for member in members]  # checks all before any runs
    note(f"{data.words}; {count(len(members), 'model')}, outcomes in {folder}.")
    entries: list[Entry] = []
    arms: list[Arm] = []
    for number, (member, (lines, settings)) in enumerate(zip(members, planned, strict=True), 1):
        note(f"model {number} of {len(members)}: {member.arm.name}.")
        _run(member, data, lines, settings, concurrency, cluster)
        mine = {line: _arm(member, line) for line in lines}
        arms += mine.values()
        entries += _entries(member.folder, mine, data.name)
    return ArmOutcomes.gathered(entries), arms


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if len(set(names)) < 2 or len(set(names)) < len(names):
        raise BadInput("--models names at least two different models, with commas: a pool chooses between them.")
    return names


def _data(text: str | None, limit: int | None) -> DataSet:
    from benchmarks.datasets.dataset import load, read

    if text is None:
        raise BadInput("name the problems to run the models on with --data, such as --data train.jsonl.")
    found = read(Path(text)) if Path(text).suffix else load(text)
    return found.spread(limit)


def _member(name: str, folder: Path) -> Member:
    from tts.models.find import find
    from tts.routing.arms import Arm

    arm = Arm.named(name)
    find(arm.policy, "policy")
    return Member(arm, "@" in name, folder / re.sub(r"[^\w.@+-]+", "_", name))


def _planned(
    member: Member, data: DataSet, strategy: str, budget: str, solver: dict[str, Any]
) -> tuple[list[Line], dict[str, Any]]:
    """Plan the lines of a model and the settings of its run folder."""
    from benchmarks.bench.command import settings_of
    from benchmarks.bench.jobs import budgets_of, plan_run, strategies_of
    from tts.search.variant import base
    from tts.solver import Solver

    arm = member.arm
    if member.exact:
        strategy, budget = arm.strategy, str(arm.n or max(budgets_of(budget)))
    mine = {**solver, "policy": arm.policy, "prm": arm.prm or solver["prm"]}
    mine.setdefault("extract", data.extract)
    if mine["kind"] == "auto":
        mine["kind"] = data.kind
    strategies = strategies_of(strategy, mine["prm"] is not None)
    if variants := [name for name in strategies if base(name) != name]:
        raise BadInput(f"{variants[0]}: the arms of a pool have no parameters of their own: set them by options.")
    lines = plan_run(Solver, strategies, budgets_of(budget), mine)
    return lines, settings_of(data, strategies, budget, {"profile": None, "total_flops": None, **mine}, lines)


def _run(
    member: Member,
    data: DataSet,
    lines: list[Line],
    settings: dict[str, Any],
    concurrency: int,
    cluster: dict[str, Any] | None,
) -> None:
    from benchmarks.bench.command import execute
    from benchmarks.bench.jobs import jobs_of

    run = execute(data, lines, member.folder, settings, True, concurrency, cluster)
    for job in jobs_of(lines):
        job.solver.unload()
    if run.folder.failed:
        total = len(run.jobs) * len(data.items)
        raise BadInput(
            f"{run.folder.failed} of {total} rows of {member.arm.name} failed ({member.folder} has the reasons), so no "
            "pool was fitted: the same command tries them again."
        )


def _arm(member: Member, line: Line) -> Arm:
    """Return the arm of a line, with its policy as the user named it."""
    from tts.registry import resolve
    from tts.routing.arms import Arm

    plan = replace(line.job.plan, strategy=line.strategy, n=line.n)
    if not (line.run or resolve("strategy", line.strategy).needs_reward):
        plan = replace(plan, prm="")  # the samples of another strategy were scored, this one does not read the scores
    planned = Arm.planned(plan)
    return replace(planned, policy=member.arm.policy, prm=member.arm.prm or planned.prm)


def _entries(folder: Path, arms: dict[Line, Arm], dataset: str) -> Iterator[Entry]:
    """Yield the outcomes of all lines of a run; a narrower width is estimated from a wider one's samples.

    Its latency is that of the wider one, which drew its samples at the same time.
    """
    from benchmarks.bench.results_table import result_of
    from tts.files.jsonl import rows
    from tts.records.outcomes import OUTCOMES, usage_of
    from tts.routing.arms import FLOPS
    from tts.routing.outcomes import Entry

    for _, row in rows(folder / OUTCOMES):
        for line, arm in arms.items():
            if line.job.name == row["job"]:
                found = result_of(line, row)
                seconds = usage_of(row["usage"]).seconds
                cost = float(found.cost.flops) or float("nan")
                yield Entry(row["problem"], arm.name, found.right, cost, seconds, dataset, row["id"], FLOPS)
