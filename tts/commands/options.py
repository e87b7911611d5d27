"""Typer options shared by several commands: models, search, budget, answers and engine.

The decorator :func:`solver` adds them to a command. Help shows them in panels.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from tts.answers.aggregate import AGGREGATES
from tts.commands import completion
from tts.errors import BadInput
from tts.models.policies import DEFAULT_ORCHESTRATOR, DEFAULT_POLICY

if TYPE_CHECKING:
    from tts.cluster.placement import Placement
    from tts.executor import Executor

MODELS = "Models"
SEARCH = "Search"
BUDGET = "Budget"
ANSWERS = "Answers"
ENGINE = "Engine"
CLUSTER = "Cluster"
TOOLS = "Tools"
DATA = "Data"
SERVER = "Server"
OUTPUT = "Output"

_PANELS = (None, SERVER, DATA, MODELS, SEARCH, BUDGET, TOOLS, ANSWERS, ENGINE, CLUSTER, OUTPUT)

OF_TOOLS = ("tools", "prefer", "only", "deny")
"""The options that name tools; a command without a search that calls any leaves them out."""

PARAMETERS = (
    "beam_width",
    "granularity",
    "temperature",
    "top_p",
    "max_steps",
    "step_tokens",
    "solution_tokens",
    "lookahead",
)
"""The options that are parameters of strategies. ``--parameter`` names any other."""


Engine = Annotated[
    str,
    typer.Option(
        help="vllm, transformers or remote. auto: vllm if installed, transformers for the built-in models.",
        autocompletion=completion.registered("engine", "auto"),
        rich_help_panel=ENGINE,
    ),
]
Device = Annotated[
    str | None, typer.Option(help="Such as cpu or cuda:1. Default: the GPU if there is one.", rich_help_panel=ENGINE)
]
Dtype = Annotated[
    str | None, typer.Option(help="Such as float32. Default: what suits the device.", rich_help_panel=ENGINE)
]
EngineArg = Annotated[
    list[str] | None,
    typer.Option(
        help="Engine argument; may be repeated. policy.NAME=VALUE and prm.NAME=VALUE are for one model.",
        metavar="NAME=VALUE",
        rich_help_panel=ENGINE,
    ),
]


Objective = Annotated[
    str | None, typer.Option(help="With --pool: what counts, such as quality=1,cost=0.3.", rich_help_panel=SEARCH)
]
Top = Annotated[
    int, typer.Option(help="With --pool: models that share the samples and vote together.", rich_help_panel=SEARCH)
]
AllowCode = Annotated[
    bool, typer.Option("--allow-code", help="Allow --prm and --kind to run a Python function.", rich_help_panel=MODELS)
]
PrmParameter = Annotated[
    list[str] | None,
    typer.Option(
        help="Parameter of a judge (criterion=TEXT, which may be repeated, or repeats=2) or of a confidence (window).",
        metavar="NAME=VALUE",
        rich_help_panel=MODELS,
    ),
]


def prm_parameters(typed: list[str] | None) -> dict[str, Any]:
    """Parse parameters of a reward model; every ``criterion`` is one of the ``criteria``."""
    from tts.engines.load import parse_argument

    pairs = list(map(parse_argument, typed or []))
    found = {name: value for name, value in pairs if name != "criterion"}
    criteria = [str(value) for name, value in pairs if name == "criterion"]
    return found | ({"criteria": criteria} if criteria else {})


def _shared(
    policy: Annotated[
        str | None,
        typer.Option(
            help="Model that writes solutions: a short name, a hub id, a folder, http://HOST/v1#MODEL, or a JSON file "
            "that describes one.",
            show_default=f"{DEFAULT_POLICY}; with tools {DEFAULT_ORCHESTRATOR}",
            autocompletion=completion.models("policy"),
            rich_help_panel=MODELS,
        ),
    ] = None,
    prm: Annotated[
        str,
        typer.Option(
            help="Reward model, a JSON file that describes one, judge:POLICY, confidence:KIND, or MODULE:FUNCTION "
            "(with --allow-code). auto: the one recommended for the policy; or none.",
            autocompletion=completion.models("prm", "auto", "none"),
            rich_help_panel=MODELS,
        ),
    ] = "auto",
    allow_code: AllowCode = False,
    prm_parameter: PrmParameter = None,
    profile: Annotated[
        str | None,
        typer.Option(
            help="Profile for the strategy auto, written by `tts calibrate`. Default: the shipped one for these "
            "models, if any.",
            rich_help_panel=SEARCH,
        ),
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option(help="Limit of sampled tokens per problem.", rich_help_panel=BUDGET)
    ] = None,
    max_flops: Annotated[
        float | None,
        typer.Option(help="Limit of FLOPs per problem, policy and reward model, such as 3e17.", rich_help_panel=BUDGET),
    ] = None,
    total_flops: Annotated[
        float | None,
        typer.Option(help="FLOPs for all problems together; auto divides them.", rich_help_panel=BUDGET),
    ] = None,
    max_seconds: Annotated[
        float | None, typer.Option(help="Limit of seconds per problem.", rich_help_panel=BUDGET)
    ] = None,
    tools: Annotated[
        list[str] | None,
        typer.Option(
            help="What the strategy orchestrate may call; may be repeated: a file tools.toml, model:NAME, folder:PATH, "
            "mcp://FILE.py, an MCP server's address, or python.",
            rich_help_panel=TOOLS,
        ),
    ] = None,
    prefer: Annotated[
        str | None,
        typer.Option(help="What counts, such as cost=0.5,latency=0.2; the policy reads it.", rich_help_panel=TOOLS),
    ] = None,
    only: Annotated[
        str | None,
        typer.Option(
            help="Allow only these tools or kinds of tools (function, mcp, model, retrieval, python); local: those "
            "without a price on this machine.",
            rich_help_panel=TOOLS,
        ),
    ] = None,
    deny: Annotated[
        str | None, typer.Option(help="Forbid these tools or kinds of tools.", rich_help_panel=TOOLS)
    ] = None,
    vote: Annotated[
        str | None,
        typer.Option(
            help="majority, best, weighted, lineage (candidates of one first step share a vote), borda or tournament "
            "(by a judge). Default: what the strategy recommends.",
            autocompletion=completion.registered("vote"),
            rich_help_panel=ANSWERS,
        ),
    ] = None,
    aggregate: Annotated[
        str | None,
        typer.Option(
            help="How step scores become the score of a solution: last, min, prod, mean, or logistic:... as `tts "
            "prm-eval` and `tts calibrate` print it.",
            autocompletion=completion.among(*AGGREGATES),
            show_default="last",
            rich_help_panel=ANSWERS,
        ),
    ] = None,
    extract: Annotated[
        str | None,
        typer.Option(
            help="How to find the answer. auto: the last \\boxed{}, else a stated answer, else the last quantity; "
            "boxed; last-number: the last number if there is no box.",
            autocompletion=completion.registered("extraction"),
            show_default="auto; of a known data set its own",
            rich_help_panel=ANSWERS,
        ),
    ] = None,
    kind: Annotated[
        str,
        typer.Option(
            help="Kind of the answers: math, number, choice, one-of:WORD,WORD, text, instructions, code, tool "
            "(tool:id,time leaves fields out), or MODULE:FUNCTION (with --allow-code). auto: guessed from the problem.",
            autocompletion=completion.registered("answer kind"),
            show_default="auto; of a known data set its own",
            rich_help_panel=ANSWERS,
        ),
    ] = "auto",
    beam_width: Annotated[
        int | None, typer.Option(help="Continuations per kept prefix (M).", rich_help_panel=SEARCH)
    ] = None,
    temperature: Annotated[
        float | None, typer.Option(help="Sampling temperature; 0 is greedy.", rich_help_panel=SEARCH)
    ] = None,
    top_p: Annotated[float | None, typer.Option(help="Nucleus sampling mass.", rich_help_panel=SEARCH)] = None,
    max_steps: Annotated[int | None, typer.Option(help="Limit of steps per solution.", rich_help_panel=SEARCH)] = None,
    step_tokens: Annotated[int | None, typer.Option(help="Limit of tokens per step.", rich_help_panel=SEARCH)] = None,
    solution_tokens: Annotated[
        int | None,
        typer.Option(help="Limit of tokens per solution that is sampled in one request.", rich_help_panel=SEARCH),
    ] = None,
    lookahead: Annotated[
        int | None, typer.Option(help="Steps that beam search looks ahead before it ranks.", rich_help_panel=SEARCH)
    ] = None,
    granularity: Annotated[
        int | None,
        typer.Option(help="Steps between two scorings of beam search and DVTS.", rich_help_panel=SEARCH),
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            help="Any other parameter of the strategy (`tts strategies` lists them); may be repeated.",
            metavar="NAME=VALUE",
            rich_help_panel=SEARCH,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the sampling.", rich_help_panel=SEARCH)] = 0,
    engine: Engine = "auto",
    device: Device = None,
    prm_device: Annotated[
        str | None,
        typer.Option(help="Device of the reward model, such as cuda:1. Default: --device.", rich_help_panel=ENGINE),
    ] = None,
    dtype: Dtype = None,
    gpu_memory: Annotated[
        float,
        typer.Option(help="Fraction of GPU memory for both models together (vLLM).", rich_help_panel=ENGINE),
    ] = 0.9,
    engine_arg: EngineArg = None,
) -> None:
    """Declare the options of a solver; :func:`solver` reads them from this signature."""


def _cluster(
    ray: Annotated[
        str | None,
        typer.Option(
            help="Solve on a Ray cluster: auto (that of this machine), local (start one), HOST:PORT or ray://HOST:PORT.",
            metavar="ADDRESS",
            rich_help_panel=CLUSTER,
        ),
    ] = None,
    ray_workers: Annotated[
        int | None,
        typer.Option(
            help="Workers to ask for; each holds the models.", show_default="as many as fit", rich_help_panel=CLUSTER
        ),
    ] = None,
    ray_gpus: Annotated[
        float | None,
        typer.Option(
            help="GPUs of each worker; 0.5 puts two workers on one.", show_default="0", rich_help_panel=CLUSTER
        ),
    ] = None,
    ray_cpus: Annotated[
        float | None, typer.Option(help="CPUs of each worker.", show_default="1", rich_help_panel=CLUSTER)
    ] = None,
) -> None:
    """Declare the options of a cluster; :func:`executor` reads them."""


_GROUPS: dict[str, Callable[..., None]] = {"solver": _shared, "cluster": _cluster}


def executor(cluster: dict[str, Any]) -> Executor:
    """Return where to solve by these typed options. Raises BadInput for options that need --ray."""
    from tts.commands.console import note
    from tts.registry import resolve

    placed = placement(cluster)
    if placed is None:
        here: Executor = resolve("executor", "here")()
        return here
    there: Executor = resolve("executor", "ray")(placed, note)
    return there


def placement(cluster: dict[str, Any]) -> Placement | None:
    """Return the typed cluster, or None for this process. Raises BadInput for options that need --ray."""
    given = {name.removeprefix("ray_"): value for name, value in cluster.items() if value is not None}
    address = given.pop("ray", None)
    if address is None and given:
        raise BadInput(f"--ray-{next(iter(given))} goes with --ray, which names the cluster: --ray auto.")
    if address is None:
        return None
    from tts.cluster.placement import Placement

    return Placement(address, **given)


def solver(*without: str, **defaults: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add the options of a solver to a command, except those named in ``without``; ``defaults`` replace their own.

    The command receives them in its argument ``solver``: a dictionary of arguments of :class:`tts.solver.Solver`
    without strategy and budget. One that has an argument ``cluster`` gets the options of a cluster too, for
    :func:`executor`. Help orders all options of the command by panel.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command, eval_str=True).parameters
        groups = {name: _options(group, without, defaults) for name, group in _GROUPS.items() if name in own}
        taken = [each for each in own.values() if each.name not in groups]
        taken += [each for group in groups.values() for each in group]
        taken.sort(key=lambda each: _PANELS.index(_panel(each)))

        @functools.wraps(command)
        def run(**typed: Any) -> None:
            mine = {name: typed.pop(name) for name in own if name not in groups}
            parts = {name: {each.name: typed[each.name] for each in group} for name, group in groups.items()}
            if "policy" in parts["solver"] and parts["solver"]["policy"] is None:
                calls = parts["solver"].get("tools") or mine.get("strategy") == "orchestrate"
                orchestrates = calls and mine.get("pool") is None
                parts["solver"]["policy"] = DEFAULT_ORCHESTRATOR if orchestrates else DEFAULT_POLICY
            command(**mine, **parts | {"solver": _settings(parts["solver"])})

        parameters = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in taken]
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {each.name: each.annotation for each in taken}
        return run

    return decorate


def _options(
    group: Callable[..., None], without: tuple[str, ...], defaults: Mapping[str, Any]
) -> list[inspect.Parameter]:
    return [
        each.replace(default=defaults.get(each.name, each.default))
        for each in inspect.signature(group, eval_str=True).parameters.values()
        if each.name not in without
    ]


def _panel(parameter: inspect.Parameter) -> str | None:
    """Return the help panel that an option names in its annotation; None for arguments."""
    panel: str | None = get_args(parameter.annotation)[1].rich_help_panel
    return panel


def _settings(typed: dict[str, Any]) -> dict[str, Any]:
    """Convert typed options to arguments of ``Solver``. A strategy parameter that was not typed is left out."""
    from tts.engines.load import parse_argument

    found = {name: value for name, value in typed.items() if name not in PARAMETERS or value is not None}
    for name in OF_TOOLS:
        if found.get(name) is None:
            found.pop(name, None)
    if found["extract"] is None:
        del found["extract"]
    found["prm"] = None if found["prm"].lower() == "none" else found["prm"]
    found["prm_parameters"] = prm_parameters(found.pop("prm_parameter")) or None
    found["engine_args"] = dict(map(parse_argument, found.pop("engine_arg") or []))
    return found | dict(map(parse_argument, found.pop("parameter", None) or []))
