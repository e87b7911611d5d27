"""``tts serve``: an OpenAI-compatible server in front of every strategy, and a page."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tts.commands import completion, options
from tts.commands.console import note
from tts.commands.progress import elapsed, told
from tts.errors import BadInput, MissingExtra
from tts.models.policies import DEFAULT_POLICY

if TYPE_CHECKING:
    from tts.cluster.placement import Placement
    from tts.server.catalogue import Catalogue

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@options.solver("policy", "total_flops", "seed", *options.OF_TOOLS)
def serve(
    policy: Annotated[
        list[str] | None,
        typer.Option(
            help="Model that writes solutions, as in `tts solve`; may be repeated.",
            show_default=DEFAULT_POLICY,
            autocompletion=completion.models("policy"),
            rich_help_panel=options.MODELS,
        ),
    ] = None,
    budget: Annotated[
        int,
        typer.Option(
            "--budget", "-n", help="Number of samples N, if a request names none.", rich_help_panel=options.BUDGET
        ),
    ] = 16,
    *,
    solver: dict[str, Any],
    cluster: dict[str, Any],
    pool: Annotated[
        Path | None,
        typer.Option(
            help="Serve a pool, a file of `tts pool fit`: auto routes each problem to a model of it.",
            rich_help_panel=options.MODELS,
        ),
    ] = None,
    objective: options.Objective = None,
    top: options.Top = 1,
    host: Annotated[str, typer.Option(help="Address to listen on.", rich_help_panel=options.SERVER)] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.", rich_help_panel=options.SERVER)] = 8080,
    api_key: Annotated[
        str | None,
        typer.Option(
            help="Key that clients must send.", envvar="TTS_SERVE_KEY", show_envvar=True, rich_help_panel=options.SERVER
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            help="Further name by which clients call the server, without a key; may be repeated.",
            rich_help_panel=options.SERVER,
        ),
    ] = None,
    max_budget: Annotated[int, typer.Option(help="Limit of N of a request.", rich_help_panel=options.SERVER)] = 256,
    max_queue: Annotated[int, typer.Option(help="Limit of requests at a time.", rich_help_panel=options.SERVER)] = 256,
    max_body: Annotated[int, typer.Option(help="Limit of bytes of a request.", rich_help_panel=options.SERVER)] = 1
    << 20,
    max_messages: Annotated[
        int, typer.Option(help="Limit of messages of a request.", rich_help_panel=options.SERVER)
    ] = 256,
    keep_traces: Annotated[
        int, typer.Option(help="Number of searches that are kept for their links.", rich_help_panel=options.SERVER)
    ] = 256,
    deadline: Annotated[
        float,
        typer.Option(help="Seconds that requests have to end after SIGTERM or Ctrl-C.", rich_help_panel=options.SERVER),
    ] = 30.0,
    log_texts: Annotated[
        bool, typer.Option("--log-texts", help="Log problems and answers too.", rich_help_panel=options.SERVER)
    ] = False,
) -> None:
    """Serve every strategy to OpenAI clients, and a page.

    Example: tts serve --policy llama-3.2-3b --api-key SECRET --host 0.0.0.0
    """
    if not deadline >= 0:
        raise BadInput(f"the deadline must be a number of seconds, 0 or more, not {deadline}.")
    if max_budget < budget:
        raise BadInput(f"--budget {budget} is more than --max-budget {max_budget}: raise that, or lower the budget.")
    try:
        from tts.server.app import app_of
        from tts.server.run import listen
        from tts.server.run import serve as run
        from tts.server.service import Service
        from tts.server.settings import Settings
    except ImportError as error:
        raise MissingExtra(
            f"the server needs {error.name}, which is not installed: pip install 'tts-search[serve]'."
        ) from error
    key = api_key or ""
    settings = Settings(
        key=key, hosts=_hosts(host, key, allow_host or []), max_budget=max_budget, max_queue=max_queue,
        max_body=max_body, max_messages=max_messages, keep_traces=keep_traces, log_texts=log_texts,
    )  # fmt: skip
    ending = ExitStack()
    placed = options.placement(cluster)
    if placed is not None and pool is not None:
        raise BadInput("--ray serves one policy, not a pool: leave --pool out, or --ray.")
    if pool is not None:
        build = _pooled(pool, policy, budget, objective, top, solver)
    elif objective is not None or top != 1:
        raise BadInput("--objective and --top go with --pool.")
    elif placed is not None:
        build = _replicated(placed, policy or [DEFAULT_POLICY], budget, solver, ending)
    else:
        build = _single(policy or [DEFAULT_POLICY], budget, solver)
    begun = time.monotonic()
    with ending, listen(host, port) as listening:
        with told(lambda: f"loading the models, {elapsed(begun)}"):
            catalogue, notes = build()
        for sentence in notes:
            note(sentence)
        if not key and host not in _LOOPBACK:
            note("anybody who reaches this address can use the server: give it an --api-key.")
        name, bound = listening.getsockname()[:2]
        shown = f"[{name}]" if ":" in name else name
        note(f"serving {', '.join(row['id'] for row in catalogue.rows())} on http://{shown}:{bound}/v1")
        service = Service(catalogue, settings)
        run(app_of(service), service.house, listening, deadline)
    note("the server has ended.")


Build = Callable[[], "tuple[Catalogue, list[str]]"]
"""Loads what is served; returns a sentence for each strategy that is not."""


def _single(policies: list[str], budget: int, solver: dict[str, Any]) -> Build:
    """Check the settings of the policies, and return what loads them."""
    from tts.server.catalogue import load
    from tts.solver import Solver

    parameters = _parameters(solver)
    bases = [Solver(name, budget=budget, **solver) for name in policies]
    return lambda: load(bases, parameters)


def _replicated(
    placed: Placement, policies: list[str], budget: int, solver: dict[str, Any], ending: ExitStack
) -> Build:
    """Check the settings of replicas on a cluster, and return what starts them; ``ending`` ends them."""
    from tts.cluster.connection import require_ray
    from tts.cluster.replicas import Replicas, ReplicaSolver
    from tts.server.catalogue import load

    if len(policies) > 1:
        raise BadInput("--ray serves one policy: name one --policy.")
    ray, parameters = require_ray(), _parameters(solver)
    replicas = Replicas(placed, policies[0], note, ray)
    base = ReplicaSolver(replicas, policies[0], budget=budget, **solver)
    ending.callback(replicas.close)
    return lambda: load([base], parameters, replicas.check)


def _pooled(
    pool: Path, policies: list[str] | None, budget: int, objective: str | None, top: int, solver: dict[str, Any]
) -> Build:
    """Check the settings of a pool, and return what builds its catalogue."""
    from tts.pool_solver import PoolSolver
    from tts.routing.choice import Objective
    from tts.server.pooled import pooled

    if policies or solver.pop("prm") != "auto":
        raise BadInput(f"a pool names its models and searches itself: leave --{'policy' if policies else 'prm'} out.")
    made = PoolSolver(pool, budget, objective=Objective.parse(objective), top=top, **solver)
    return lambda: (pooled(made), [])


def _hosts(host: str, key: str, further: list[str]) -> frozenset[str]:
    """Return the names to which the server answers; none are checked where a key keeps strangers out."""
    if key or (host not in _LOOPBACK and not further):
        return frozenset()
    return frozenset([*_LOOPBACK, host, *further])


def _parameters(solver: dict[str, Any]) -> dict[str, Any]:
    """Take the parameters of strategies out of the settings of a solver."""
    import inspect

    from tts.solver import Solver

    known = inspect.signature(Solver).parameters
    return {name: solver.pop(name) for name in list(solver) if name not in known}
