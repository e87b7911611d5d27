"""``tts prm-eval``: parsing and printing. Heavy imports happen inside the functions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from tts.commands import completion, options
from tts.commands.console import interactive, note, say, say_json
from tts.files.standard_streams import ERRORS


def prm_eval(
    prm: Annotated[
        str,
        typer.Option(
            help="Reward model: a short name, a hub id, a folder, or http://HOST#MODEL.",
            autocompletion=completion.models("prm"),
            rich_help_panel=options.MODELS,
        ),
    ],
    data: Annotated[
        str,
        typer.Option(
            help="processbench, lab (built in), or a .json or .jsonl file of labelled solutions.",
            rich_help_panel=options.DATA,
        ),
    ] = "processbench",
    subset: Annotated[
        list[str] | None,
        typer.Option(help="Use this subset only, such as gsm8k; may be repeated.", rich_help_panel=options.DATA),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(help="Use the first LIMIT solutions of each subset only.", rich_help_panel=options.DATA),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="A step with a lower score counts as wrong. Default: the best on gsm8k, 0.5 without gsm8k.",
            show_default=False,
            rich_help_panel=options.ANSWERS,
        ),
    ] = None,
    prm_parameter: options.PrmParameter = None,
    allow_code: options.AllowCode = False,
    engine: options.Engine = "auto",
    device: options.Device = None,
    dtype: options.Dtype = None,
    engine_arg: options.EngineArg = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="File for the scores. The same command resumes it.", rich_help_panel=options.OUTPUT
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object.", rich_help_panel=options.OUTPUT)
    ] = False,
) -> None:
    """Measure a reward model on labelled solutions.

    Does it find the first wrong step, and can search gain from its scores?

    Example: tts prm-eval --prm Qwen/Qwen2.5-Math-PRM-7B --data processbench
    """
    from benchmarks.prm_eval.evaluation import evaluate
    from benchmarks.prm_eval.sources import load
    from tts.commands.progress import resumable
    from tts.engines.load import parse_argument
    from tts.records.words import count

    found = load(data, subset or (), limit)
    for row in found.bad:
        note(f"{data}, {row}")
    if found.ignored:
        note(f"{data} has fields that are not looked at: {', '.join(found.ignored)}.")
    with Bar(out) as bar, resumable(bar.kept, goes_on=out is not None):
        report = evaluate(
            prm,
            found,
            threshold=threshold,
            out=out,
            progress=bar.start,
            allow_code=allow_code,
            prm_parameters=options.prm_parameters(prm_parameter),
            engine=engine,
            device=device,
            dtype=dtype,
            arguments=dict(map(parse_argument, engine_arg or [])),
        )
    if as_json:
        say_json(report.as_dict())
    else:
        say(report.text())
    if found.bad:
        note(f"{count(len(found.bad), 'row')} of {data} could not be used.")
        raise typer.Exit(2)


class Bar:
    """A progress bar, drawn on a terminal once the work begins."""

    def __init__(self, out: Path | None) -> None:
        from tqdm import tqdm

        self._out, self._make = out, tqdm
        self._total = self._done = 0

    def kept(self) -> str:
        """Say what is kept if the work ends here."""
        scored = f"{self._done} of {self._total} solutions are scored"
        return f"{scored} in {self._out}" if self._out else f"{scored}; with --out they are kept"

    def __enter__(self) -> Bar:
        self._bar = self._make(disable=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def start(self, total: int, known: int) -> Callable[[int], object]:
        if known:
            note(f"{known} of {total} solutions are scored in {self._out} already.")
        self._bar = self._make(total=total, initial=known, unit="solution", file=ERRORS, disable=not interactive())
        self._total, self._done = total, known
        return self._scored

    def _scored(self, number: int) -> None:
        self._done += number
        self._bar.update(number)
