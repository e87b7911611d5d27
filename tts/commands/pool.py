"""``tts pool``: show, extend and evaluate a pool of models; :mod:`benchmarks.bench.pool_fit` fits one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tts.commands import options
from tts.commands.console import entries, interactive, note, say, say_json, table
from tts.errors import BadInput
from tts.files.standard_streams import ERRORS
from tts.records.words import count

if TYPE_CHECKING:
    from tts.routing.arms import Arm
    from tts.routing.embedding import Embedder as AnyEmbedder
    from tts.routing.encoder_training import EncoderTraining
    from tts.routing.outcomes import ArmOutcomes

pool = typer.Typer(
    help="Fit, show, extend and evaluate a pool of models to route between.",
    no_args_is_help=True,
)

File = Annotated[Path, typer.Argument(help="Pool file.")]
Outcomes = Annotated[
    list[Path] | None,
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
        "Costs in": made.unit or "an unknown unit",
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

    read = read_all(outcomes)
    model = _arm_of(model, read)
    known = {arm.name: arm for arm in arms_of(read, price)}
    before = Pool.load(file)
    with embedding(before.embedder, f"{file} is as it was"):
        grown = asyncio.run(before.add(known.get(model) or Arm.named(model), read))
    grown.save(out or file)
    say(f"{out or file}: {arms_words(grown.arms)}, {model} is new.")


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

    made, read = Pool.load(file), read_all(outcomes)
    fitted = sum(map(made.fitted_on, read.texts))
    if fitted:
        warning = f"the pool was fitted on {fitted} of these {len(read)} problems: what follows is too good."
        note(warning)
    with embedding(made.embedder, "nothing was printed"):
        rows = asyncio.run(evaluated(made, read, Objective.parse(objective)))
    if as_json:
        say_json({"problems": len(read), "fitted_on": fitted, "rows": rows})
        return
    say(table([{**row, "right %": f"{100 * row['right %']:.1f}", "cost": _number(row["cost"])} for row in rows]))


@contextmanager
def embedding(embedder: str | AnyEmbedder, kept: str) -> Iterator[str | AnyEmbedder]:
    """Yield the embedder; show how many problems have a vector, and say on Ctrl-C what is kept.

    Args:
        embedder: an embedder, or its name.
        kept: the state of what the command writes, for the sentence of Ctrl-C.
    """
    from tqdm import tqdm

    from tts.commands.progress import resumable, watched
    from tts.routing.embedding import TFIDF, CachedEmbedder, load_embedder

    if isinstance(embedder, str) and embedder != TFIDF:
        embedder = CachedEmbedder(load_embedder(embedder))
    if not isinstance(embedder, CachedEmbedder):
        with resumable(lambda: kept):
            yield embedder
        return
    cached, bar = embedder, tqdm(desc="embedding", unit="problem", file=ERRORS, disable=not interactive(), leave=False)

    def words() -> str:
        return f"{cached.done} of {cached.total} problems are embedded" if cached.done < cached.total else ""

    def show(_: str) -> None:
        bar.total = cached.total
        bar.update(cached.done - bar.n)

    with resumable(lambda: f"{cached.done} of {cached.total} embeddings are cached, {kept}"), bar, watched(words, show):
        yield cached


def read_all(files: list[Path] | None) -> ArmOutcomes:
    """Read and join recorded outcomes."""
    from tts.routing.formats import read_outcomes
    from tts.routing.outcomes import ArmOutcomes

    if not files:
        raise BadInput("name recorded outcomes with --outcomes: a run folder of `tts bench`, or a file.")
    return ArmOutcomes.merged([read_outcomes(file) for file in files])


def router_of(name: str, parameters: list[str] | None, out: Path) -> Any:
    """Build the router with the typed settings; one that trains keeps its state next to the pool ``out``.

    Raises UnknownName for an unknown one.
    """
    from tts.registry import resolve

    kind = resolve("router", name)
    settings, known = _settings(kind, parameters, f"setting of the router {name}")
    if "checkpoints" in known:
        settings = {"checkpoints": out.with_suffix(".training"), "progress": True, **settings}
    return kind(**settings)


def encoder_training_of(folder: Path | None, parameters: list[str] | None, embedder: str) -> EncoderTraining | None:
    """Build the training of an encoder with the typed settings, if it is asked for; nothing is loaded."""
    if folder is None:
        if parameters:
            raise BadInput("--encoder-parameter goes with --train-encoder FOLDER.")
        return None
    from tts.routing.encoder_training import EncoderTraining, check

    check(embedder, folder)
    return EncoderTraining(**_settings(EncoderTraining, parameters, "setting of the training of an encoder")[0])


def _settings(kind: Any, parameters: list[str] | None, words: str) -> tuple[dict[str, Any], set[str]]:
    """Return the typed settings of a dataclass, and the names of all it has. Raises UnknownName for another."""
    from dataclasses import fields

    from tts.engines.load import parse_argument
    from tts.errors import UnknownName

    settings = dict(map(parse_argument, parameters or []))
    known = {field.name for field in fields(kind) if field.init} - {"state"}
    for setting in settings:
        if setting not in known:
            raise UnknownName(words, setting, known)
    return settings, known


def check_embedder(name: str) -> None:
    """Raise MissingWeights for an embedder whose files are not on this machine, before any model runs."""
    from tts.models.files import encoder_folder

    if name != "tfidf" and not name.lower().startswith(("http://", "https://")):
        encoder_folder(name)


def arms_words(arms: Sequence[Arm]) -> str:
    """Count arms in words, and models where some have several arms."""
    models = len({arm.policy for arm in arms})
    words = count(models, "model")
    return words if models == len(arms) else f"{count(len(arms), 'arm')} of {words}"


def _arm_of(model: str, read: ArmOutcomes) -> str:
    """Return the arm of a model in outcomes: the one of this name, or the only one of this policy.

    Raises UnknownName, or BadInput if the model has several arms there.
    """
    from tts.errors import UnknownName
    from tts.routing.arms import Arm

    if model in read.arms:
        return model
    mine = [name for name in read.arms if Arm.named(name).policy == model]
    if len(mine) > 1:
        raise BadInput(f"{model} has several arms in these outcomes, {', '.join(mine)}: name one of them.")
    if not mine:
        raise UnknownName("model in these outcomes", model, read.arms)
    return mine[0]


def arms_of(read: ArmOutcomes, prices: list[str] | None, arms: Sequence[Arm] = ()) -> list[Arm]:
    """Return the known arms and those with given prices."""
    from dataclasses import replace

    from tts.cost import Prices
    from tts.routing.arms import Arm

    made = {arm.name: arm for arm in arms}
    for text in prices or []:
        name, equals, price = text.rpartition("=")
        if not equals or name not in read.arms:
            raise BadInput(f"the price {text!r} is not MODEL=INPUT,OUTPUT with one of {', '.join(read.arms)}.")
        made[name] = replace(made.get(name) or Arm.named(name), prices=Prices.parse(price))
    return list(made.values())


def _arm_row(arm: Arm) -> dict[str, Any]:
    price = "-" if arm.prices is None else f"{arm.prices.input:g} / {arm.prices.output:g}"
    row = {"model": arm.name, "policy": arm.policy, "strategy": arm.strategy, "N": arm.n or "-"}
    return row | {"reward model": arm.prm or "-", "$ per million": price}


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
