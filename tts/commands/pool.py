"""``tts pool``: fit, show, extend and evaluate a pool of models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tts.commands import completion, options
from tts.commands.console import count, entries, note, say, say_json, table
from tts.errors import BadInput

if TYPE_CHECKING:
    from tts.routing.arms import Arm
    from tts.routing.outcomes import ArmOutcomes

pool = typer.Typer(
    help="Fit, show, extend and evaluate a pool of models to route between.",
    no_args_is_help=True,
)

File = Annotated[Path, typer.Argument(help="Pool file.")]
Outcomes = Annotated[
    list[Path],
    typer.Option(
        help="Recorded outcomes: a run folder of `tts bench`, or a file of RouterDC, RouterBench, LLMRouter or "
        "LLMRouterBench; may be repeated.",
        rich_help_panel=options.DATA,
    ),
]
Embedder = Annotated[
    str,
    typer.Option(
        help="tfidf, a folder or hub id of sentence-transformers, or http://HOST/v1#MODEL.",
        rich_help_panel=options.MODELS,
    ),
]
Price = Annotated[
    list[str] | None,
    typer.Option(
        help="Dollars per million tokens of a hosted model; may be repeated.",
        metavar="MODEL=INPUT,OUTPUT",
        rich_help_panel=options.MODELS,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.", rich_help_panel=options.OUTPUT)]


@pool.command()
def fit(
    outcomes: Outcomes,
    out: Annotated[Path, typer.Option("--out", "-o", help="Pool file to write.", rich_help_panel=options.OUTPUT)],
    embedder: Embedder = "tfidf",
    router: Annotated[
        str,
        typer.Option(
            help="clusters, knn, logistic or contrastive.",
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
) -> None:
    """Fit a pool on recorded outcomes of at least two models; no model runs.

    Run the models first with `tts bench`, one run folder each, on problems that are not used for testing.

    Example: tts pool fit --outcomes runs/qwen --outcomes runs/llama --out pool.json
    """
    import asyncio

    from tts.files.text import check_writable
    from tts.routing.pool import Pool

    check_writable(out)
    read = _read(outcomes)
    made = asyncio.run(Pool.fit(read, embedder=embedder, router=_router(router, parameter), arms=_arms(read, price)))
    made.save(out)
    say(f"{out}: {count(len(made.arms), 'model')}, fitted on {count(len(read), 'problem')}.")


@pool.command()
def show(file: File, as_json: AsJson = False) -> None:
    """Print the models of a pool, its router and embedder."""
    from tts.routing.pool import Pool

    made = Pool.load(file)
    if as_json:
        about = {"router": made.router.kind, "settings": dict(made.router.settings()), "embedder": made.embedder.name}
        say_json({**about, "problems": len(made.problems), "arms": [arm.row() for arm in made.arms]})
        return
    settings = ", ".join(f"{name}={value}" for name, value in made.router.settings().items())
    lines = {
        "Router": f"{made.router.kind} ({settings})",
        "Embedder": f"{made.embedder.name}, {made.dimension} numbers",
        "Fitted on": count(len(made.problems), "problem"),
    }
    say(entries(list(lines.items())))
    say("\n" + table([_arm_row(arm) for arm in made.arms]))


@pool.command()
def add(
    file: File,
    model: Annotated[str, typer.Option(help="Name of the new model in the outcomes.", rich_help_panel=options.MODELS)],
    outcomes: Outcomes,
    price: Price = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Default: change the pool in place.", rich_help_panel=options.OUTPUT),
    ] = None,
) -> None:
    """Add a model to a pool from its own outcomes; the other models are not fitted again.

    Example: tts pool add pool.json --model mathstral-7b --outcomes runs/mathstral
    """
    import asyncio

    from tts.routing.arms import Arm
    from tts.routing.pool import Pool

    read = _read(outcomes)
    known = {arm.name: arm for arm in _arms(read, price)}
    grown = asyncio.run(Pool.load(file).add(known.get(model) or Arm.named(model), read))
    grown.save(out or file)
    say(f"{out or file}: {count(len(grown.arms), 'model')}, {model} is new.")


@pool.command(name="eval")
def evaluate(
    file: File,
    outcomes: Outcomes,
    objective: Annotated[
        str | None, typer.Option(help="What counts, such as quality=1,cost=0.3.", rich_help_panel=options.SEARCH)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare routing with each single model and with the oracle, on outcomes that the pool was not fitted on."""
    import asyncio

    from tts.routing.choice import Objective
    from tts.routing.evaluation import evaluated
    from tts.routing.pool import Pool

    made, read = Pool.load(file), _read(outcomes)
    fitted = sum(map(made.fitted_on, read.texts))
    if fitted:
        warning = f"the pool was fitted on {fitted} of these {len(read)} problems: what follows is too good."
        note(warning)
    rows = asyncio.run(evaluated(made, read, Objective.parse(objective)))
    if as_json:
        say_json({"problems": len(read), "fitted_on": fitted, "rows": rows})
        return
    say(table([{**row, "right %": f"{100 * row['right %']:.1f}", "cost": _number(row["cost"])} for row in rows]))


def _read(files: list[Path]) -> ArmOutcomes:
    from tts.routing.formats import read_outcomes
    from tts.routing.outcomes import ArmOutcomes

    return ArmOutcomes.merged([read_outcomes(file) for file in files])


def _router(name: str, parameters: list[str] | None) -> Any:
    """Build the router with the typed settings. Raises UnknownName for an unknown one."""
    from dataclasses import fields

    from tts.engines.load import parse_argument
    from tts.errors import UnknownName
    from tts.registry import resolve

    kind = resolve("router", name)
    settings = dict(map(parse_argument, parameters or []))
    known = {field.name for field in fields(kind) if field.init} - {"state"}
    for setting in settings:
        if setting not in known:
            raise UnknownName(f"setting of the router {name}", setting, known)
    return kind(**{"progress": True} if "progress" in known else {}, **settings)


def _arms(read: ArmOutcomes, prices: list[str] | None) -> list[Arm]:
    """Parse the arms with given prices."""
    from tts.cost import Prices
    from tts.routing.arms import Arm

    made = []
    for text in prices or []:
        name, equals, price = text.rpartition("=")
        if not equals or name not in read.arms:
            raise BadInput(f"the price {text!r} is not MODEL=INPUT,OUTPUT with one of {', '.join(read.arms)}.")
        made.append(Arm.named(name, Prices.parse(price)))
    return made


def _arm_row(arm: Arm) -> dict[str, Any]:
    price = "-" if arm.prices is None else f"{arm.prices.input:g} / {arm.prices.output:g}"
    row = {"model": arm.name, "policy": arm.policy, "strategy": arm.strategy, "N": arm.n or "-"}
    return row | {"reward model": arm.prm or "-", "$ per million": price}


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
