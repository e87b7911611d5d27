"""The options that several commands share, each said once: what a model, a plan and an engine can be told.

:func:`solver` gives them to a command.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

import typer

PARAMETERS = ("beam_width", "temperature", "top_p", "max_steps", "step_tokens", "solution_tokens", "lookahead")
"""The options that are parameters of strategies."""


class Aggregations(StrEnum):
    last = "last"
    min = "min"
    prod = "prod"
    mean = "mean"


Engine = Annotated[
    str, typer.Option(help="vllm, transformers or remote; auto: vllm where it is installed, for all but lab-*.")
]
Device = Annotated[str | None, typer.Option(help="Such as cpu or cuda:1; by default a GPU when there is one.")]
Dtype = Annotated[str | None, typer.Option(help="Such as float32; by default what suits the device.")]


def _shared(
    policy: Annotated[
        str,
        typer.Option(help="Model that writes solutions: a short name, a hub id, a folder, or http://HOST/v1#MODEL."),
    ] = "lab-1m",
    prm: Annotated[
        str, typer.Option(help="Reward model, or a JSON file that describes one; 'auto' is the one recommended.")
    ] = "auto",
    profile: Annotated[
        str | None,
        typer.Option(help="Measured curves for auto, a file of `tts calibrate`; by default those that ship, if any."),
    ] = None,
    max_tokens: Annotated[int | None, typer.Option(help="Most tokens the policy may sample for one problem.")] = None,
    max_flops: Annotated[
        float | None, typer.Option(help="Most FLOPs for one problem, both models counted, such as 3e17.")
    ] = None,
    total_flops: Annotated[
        float | None, typer.Option(help="FLOPs for all problems together, which auto divides where they bring most.")
    ] = None,
    max_seconds: Annotated[float | None, typer.Option(help="Most seconds for one problem.")] = None,
    vote: Annotated[str | None, typer.Option(help="majority, best or weighted; by default the strategy's own.")] = None,
    aggregate: Annotated[
        Aggregations | None, typer.Option(help="How the scores of a solution's steps become one.", show_default="last")
    ] = None,
    extract: Annotated[
        str, typer.Option(help="How answers are found: boxed; or last-number, also in a solution without a box.")
    ] = "boxed",
    beam_width: Annotated[int | None, typer.Option(help="Continuations of each kept prefix (M).")] = None,
    temperature: Annotated[float | None, typer.Option(help="Sampling temperature; 0 is greedy.")] = None,
    top_p: Annotated[float | None, typer.Option(help="Nucleus mass.")] = None,
    max_steps: Annotated[int | None, typer.Option(help="Most steps of a solution.")] = None,
    step_tokens: Annotated[int | None, typer.Option(help="Most tokens of one step.")] = None,
    solution_tokens: Annotated[
        int | None, typer.Option(help="Most tokens of one solution that is sampled in one go.")
    ] = None,
    lookahead: Annotated[int | None, typer.Option(help="Steps that beam search looks ahead before it ranks.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the sampling.")] = 0,
    engine: Engine = "auto",
    device: Device = None,
    prm_device: Annotated[
        str | None, typer.Option(help="The reward model's device, when it is another; such as cuda:1.")
    ] = None,
    dtype: Dtype = None,
    gpu_memory: Annotated[float, typer.Option(help="Part of a GPU's memory for both models together (vLLM).")] = 0.9,
    engine_arg: Annotated[
        list[str] | None,
        typer.Option(
            help="An argument of the engine, name=value, as often as needed; policy.name=value for one model.",
            metavar="NAME=VALUE",
        ),
    ] = None,
) -> None:
    """The options of a solver, in the order in which help shows them."""


def solver(*without: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of a solver, but those named here.

    They stand where the command has an argument ``solver``, and reach it as that: arguments of
    :class:`tts.api.Solver` by name, without strategy and budget.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command, eval_str=True).parameters
        shared = [each for each in inspect.signature(_shared, eval_str=True).parameters.values()
                  if each.name not in without]  # fmt: skip
        taken = [each for one in own.values() for each in (shared if one.name == "solver" else [one])]

        @functools.wraps(command)
        def run(**typed: Any) -> None:
            mine = {name: typed.pop(name) for name in own if name != "solver"}
            command(**mine, solver=_settings(typed))

        parameters = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in taken]
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {each.name: each.annotation for each in taken}
        return run

    return decorate


def _settings(typed: dict[str, Any]) -> dict[str, Any]:
    """Arguments of ``Solver`` from what was typed; a parameter of a strategy only where something was."""
    from tts.engines.load import parse_argument

    found = {name: value for name, value in typed.items() if name not in PARAMETERS or value is not None}
    found["prm"] = None if found["prm"].lower() == "none" else found["prm"]
    found["engine_args"] = dict(map(parse_argument, found.pop("engine_arg") or []))
    if (aggregate := found.get("aggregate")) is not None:
        found["aggregate"] = aggregate.value
    return found
