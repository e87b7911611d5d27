"""The options that several commands share, each said once: what a model, a plan and an engine can be told.

Used as annotations of a command's arguments; :func:`settings` turns what was typed into arguments of
:class:`tts.api.Solver`.
"""

from __future__ import annotations

from collections.abc import Mapping
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


Policy = Annotated[
    str,
    typer.Option(help="Model that writes solutions: a short name, a hub id, a folder, or http://HOST/v1#MODEL."),
]
Prm = Annotated[
    str, typer.Option(help="Reward model, or a JSON file that describes one; 'auto' is the one recommended.")
]
MaxTokens = Annotated[int | None, typer.Option(help="Most tokens the policy may sample for one problem.")]
MaxFlops = Annotated[float | None, typer.Option(help="Most FLOPs for one problem, both models counted, such as 3e17.")]
TotalFlops = Annotated[
    float | None, typer.Option(help="FLOPs for all problems together, which auto divides where they bring most.")
]
Profile = Annotated[
    str | None,
    typer.Option(help="Measured curves for auto, a file of `tts calibrate`; by default those that ship, if any."),
]
MaxSeconds = Annotated[float | None, typer.Option(help="Most seconds for one problem.")]
Vote = Annotated[str | None, typer.Option(help="majority, best or weighted; by default the strategy's own.")]
Aggregate = Annotated[
    Aggregations | None, typer.Option(help="How the scores of a solution's steps become one.", show_default="last")
]
Extract = Annotated[
    str, typer.Option(help="How answers are found: boxed; or last-number, also in a solution without a box.")
]
BeamWidth = Annotated[int | None, typer.Option(help="Continuations of each kept prefix (M).")]
Temperature = Annotated[float | None, typer.Option(help="Sampling temperature; 0 is greedy.")]
TopP = Annotated[float | None, typer.Option(help="Nucleus mass.")]
MaxSteps = Annotated[int | None, typer.Option(help="Most steps of a solution.")]
StepTokens = Annotated[int | None, typer.Option(help="Most tokens of one step.")]
SolutionTokens = Annotated[int | None, typer.Option(help="Most tokens of one solution that is sampled in one go.")]
Lookahead = Annotated[int | None, typer.Option(help="Steps that beam search looks ahead before it ranks.")]
Seed = Annotated[int, typer.Option(help="Seed of the sampling.")]
Engine = Annotated[
    str, typer.Option(help="vllm, transformers or remote; auto: vllm where it is installed, for all but lab-*.")
]
Device = Annotated[str | None, typer.Option(help="Such as cpu or cuda:1; by default a GPU when there is one.")]
PrmDevice = Annotated[str | None, typer.Option(help="The reward model's device, when it is another; such as cuda:1.")]
Dtype = Annotated[str | None, typer.Option(help="Such as float32; by default what suits the device.")]
GpuMemory = Annotated[float, typer.Option(help="Part of a GPU's memory for both models together (vLLM).")]
EngineArg = Annotated[
    list[str] | None,
    typer.Option(
        help="An argument of the engine, name=value, as often as needed; policy.name=value for one model.",
        metavar="NAME=VALUE",
    ),
]

_PASSED = (
    "policy", "max_tokens", "max_flops", "max_seconds", "total_flops", "profile", "vote", "extract", "seed", "engine",
    "device", "prm_device", "dtype", "gpu_memory",
)  # fmt: skip


def settings(typed: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of ``Solver`` from a command's arguments by name (others are passed over); no strategy, no budget."""
    from tts.engines import parse_argument

    aggregate = typed["aggregate"]
    return {
        **{name: typed[name] for name in _PASSED if name in typed},
        "prm": None if typed["prm"].lower() == "none" else typed["prm"],
        "aggregate": aggregate.value if aggregate else None,
        "engine_args": dict(map(parse_argument, typed["engine_arg"] or [])),
        **{name: typed[name] for name in PARAMETERS if typed[name] is not None},
    }
