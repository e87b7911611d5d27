"""``tts replay``: parsing and printing. Heavy imports happen inside the functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tts.commands import completion, options
from tts.commands.console import interactive, note, say, say_json
from tts.errors import BadInput
from tts.files.standard_streams import ERRORS

if TYPE_CHECKING:
    from benchmarks.replay.replay import Choice, Line
    from tts.records.outcomes import Outcome


def replay(
    file: Annotated[
        Path,
        typer.Argument(
            help="Run folder, its outcomes.jsonl, a file of `tts solve --out`, or a file of search-and-learn."
        ),
    ],
    data: Annotated[
        Path | None,
        typer.Option(help="Problems with their answers, if the recording has none.", rich_help_panel=options.DATA),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(
            "--budget",
            "-n",
            help="Values of N with commas.",
            show_default="1,2,4 ... all",
            rich_help_panel=options.BUDGET,
        ),
    ] = None,
    subsets: Annotated[
        bool,
        typer.Option(
            "--subsets",
            help="Average over subsets of N candidates. Default: the first N as recorded.",
            rich_help_panel=options.BUDGET,
        ),
    ] = False,
    vote: Annotated[
        str,
        typer.Option(
            help="Votes with commas.",
            autocompletion=completion.registered("vote"),
            rich_help_panel=options.ANSWERS,
        ),
    ] = "majority,best,weighted,lineage",
    aggregate: Annotated[
        str,
        typer.Option(
            help="How step scores become the score of a solution, with commas.", rich_help_panel=options.ANSWERS
        ),
    ] = "last,min,prod,mean",
    adaptive: Annotated[
        bool,
        typer.Option(
            "--adaptive",
            help="Also replay adaptive consistency: samples until the majority is settled.",
            rich_help_panel=options.ANSWERS,
        ),
    ] = False,
    against: Annotated[
        str | None,
        typer.Option(
            help="Also print the paired difference to this choice, such as majority or weighted-last.",
            rich_help_panel=options.ANSWERS,
        ),
    ] = None,
    prm: Annotated[
        str | None,
        typer.Option(
            help="Score the recorded solutions with this reward model, judge:POLICY or function first.",
            autocompletion=completion.models("prm"),
            rich_help_panel=options.MODELS,
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
            "--out",
            "-o",
            help="With --prm: file for the scores. The same command resumes it.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON array.", rich_help_panel=options.OUTPUT)
    ] = False,
) -> None:
    """Compare votes, aggregations and smaller N on recorded candidates.

    No policy runs. With --prm another reward model scores the recorded solutions first.

    Example: tts replay runs/llama3b --vote majority,weighted --aggregate last,prod --budget 1,4,16
    """
    from benchmarks.recordings.mixup import warning
    from benchmarks.recordings.plans import plan_words
    from benchmarks.recordings.reading import read
    from benchmarks.replay.replay import choices, sizes

    wanted = choices(names(vote), names(aggregate))
    base = _base(against)
    asked = _numbers(budget)
    if prm is None and (out or prm_parameter):
        raise BadInput("--out and --prm-parameter are for the scores of another reward model: name it with --prm.")
    outcomes = read(file, data, whole=prm is not None)
    if prm is not None:
        loading = {"engine": engine, "device": device, "dtype": dtype, "engine_arg": engine_arg}
        if asked and not subsets:  # the first N as recorded: scores of further ones would not be used
            outcomes = [replace(outcome, **_first(outcome, max(asked))) for outcome in outcomes]
        outcomes = _rescored(outcomes, prm, file, out, prm_parameter, allow_code, loading)
    printed: list[dict[str, Any]] = []
    by_plan: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_plan.setdefault(plan_words(outcome), []).append(outcome)
    sizes([outcome for outcomes in by_plan.values() for outcome in outcomes], asked)  # refuses what no plan has
    for at, outcomes in enumerate(by_plan.values()):
        if at and not as_json:
            say()
        sentence = warning(outcomes)
        if sentence:
            note(f"{file}: {sentence}")
        printed += _one_plan(outcomes, wanted, base, asked, subsets, adaptive, as_json, several=len(by_plan) > 1)
    if as_json:
        say_json(printed)


def _first(outcome: Outcome, n: int) -> dict[str, Any]:
    """Return the first n candidates and their verdicts, as fields of an outcome."""
    return {name: getattr(outcome, name)[:n] for name in ("candidates", "right", "classes")}


def _rescored(
    outcomes: Sequence[Outcome], prm: str, file: Path, out: Path | None, parameters: list[str] | None,
    allow_code: bool, loading: dict[str, Any],
) -> list[Outcome]:  # fmt: skip
    """Return the outcomes with the scores of another reward model, with a progress bar on a terminal."""
    from benchmarks.prm_eval.command import Bar
    from benchmarks.replay.rescoring import rescored_by
    from tts.commands.progress import resumable
    from tts.engines.load import parse_argument

    arguments = dict(map(parse_argument, loading.pop("engine_arg") or []))
    with Bar(out) as bar, resumable(bar.kept, goes_on=out is not None):
        return rescored_by(
            prm, outcomes, out, name=str(file), allow_code=allow_code, arguments=arguments,
            prm_parameters=options.prm_parameters(parameters), progress=bar.start, **loading,
        )  # fmt: skip


def names(text: str) -> list[str]:
    """Split names at commas. Raises BadInput for an empty list."""
    found = [name.strip() for name in text.split(",") if name.strip()]
    if not found:
        raise BadInput("the list is empty: name at least one vote and one aggregation.")
    return found


def _numbers(text: str | None) -> list[int] | None:
    if text is None:
        return None
    try:
        return [int(name) for name in names(text)]
    except ValueError as error:
        raise BadInput(f"--budget takes whole numbers with commas, such as 1,4,16, not {text!r}.") from error


def _base(text: str | None) -> Choice | None:
    from benchmarks.replay.replay import choices

    if text is None:
        return None
    vote, _, how = text.partition("-")
    return choices([vote], [how or "last"])[0]


def _one_plan(
    outcomes: Sequence[Outcome],
    wanted: Sequence[Choice],
    base: Choice | None,
    asked: Sequence[int] | None,
    subsets: bool,
    adaptive: bool,
    as_json: bool,
    several: bool,
) -> list[dict[str, Any]]:
    """Compute the table of one plan and return its rows. Prints it unless ``as_json``."""
    from benchmarks.recordings.grading import grade
    from benchmarks.recordings.plans import plan_words
    from benchmarks.replay.replay import lines, scored, single, sizes, versus

    most = max((len(outcome.candidates) for outcome in outcomes), default=0)
    if asked and min(asked) > most > 0:
        note(f"{plan_words(outcomes[0])} has at most {most} candidates per problem and is left out.")
        return []
    ns = sizes(outcomes, None if asked is None else [n for n in asked if n <= most])
    if not scored(outcomes):
        kept = [choice for choice in wanted if choice.aggregate is None]
        if not kept or (base and base.aggregate):
            raise BadInput("the recorded candidates have no step scores: only --vote majority can be replayed.")
        if len(kept) < len(wanted):
            note("the recorded candidates have no step scores: only the majority vote is replayed.")
        wanted = kept
    wanted = single(outcomes, wanted)
    graded = grade(outcomes, _bar(len(outcomes)))
    table = lines(graded, wanted, ns, subsets)
    rows = [_row(line) | ({"plan": line.plan} if several else {}) for line in table]
    if base is not None:
        for row, line in zip(rows, table, strict=True):
            gain = versus(graded, line.choice, base, line.n, subsets)
            row |= {"difference": gain.value, "difference_low": gain.low, "difference_high": gain.high}
    if not as_json:
        _print(graded, table, rows, ns, subsets, base)
    if adaptive:
        rows += _adaptive(graded, ns, subsets, as_json)
    return rows


def _adaptive(outcomes: Sequence[Outcome], ns: Sequence[int], subsets: bool, as_json: bool) -> list[dict[str, Any]]:
    """Replay adaptive consistency at each N and return its rows. Prints them unless ``as_json``."""
    from benchmarks.recordings.plans import independent
    from benchmarks.replay.adaptive import adaptive
    from tts.selection.published_rule import PROBE

    if not all(map(independent, outcomes)):
        note("adaptive consistency is not replayed: the candidates are not independent samples.")
        return []
    found = [adaptive(outcomes, n, subsets) for n in ns if n > PROBE or n == ns[-1]]  # fewer never stop early
    if not as_json:
        say("\nAdaptive consistency, samples until the majority is settled:")
        for each in found:
            say(
                f"N up to {each.n}: {each.accuracy.percent()} right, {each.samples.value:.1f} samples a problem, "
                f"{each.against.points()} against the majority of {each.n}"
            )
    return [
        {
            "vote": "adaptive-consistency", "aggregate": None, "n": each.n, "accuracy": each.accuracy.value,
            "low": each.accuracy.low, "high": each.accuracy.high, "problems": len(outcomes),
            "samples": each.samples.value,
        }
        for each in found
    ]  # fmt: skip


def _row(line: Line) -> dict[str, Any]:
    accuracy = line.accuracy
    return {
        "vote": line.choice.vote,
        "aggregate": line.choice.aggregate,
        "n": line.n,
        "accuracy": accuracy.value,
        "low": accuracy.low,
        "high": accuracy.high,
        "problems": line.problems,
    }


def _print(
    outcomes: Sequence[Outcome],
    table: Sequence[Line],
    rows: Sequence[dict[str, Any]],
    ns: Sequence[int],
    subsets: bool,
    base: Choice | None,
) -> None:
    from benchmarks.recordings.plans import independent, plan_words
    from benchmarks.replay.replay import some_right
    from benchmarks.stats.intervals import Interval
    from tts.commands.console import table as columns
    from tts.records.words import count

    most = ns[-1]
    laid: list[dict[str, Any]] = []
    for choice, group in groupby(zip(table, rows, strict=True), key=lambda pair: pair[0].choice):
        pairs = list(group)
        last, row = pairs[-1]
        entry: dict[str, Any] = {"vote": choice.vote, "aggregate": choice.aggregate or "-"}
        entry |= {f"N={line.n}": f"{100 * line.accuracy.value:.1f}" for line, _ in pairs}
        entry[f"95 % interval at {most}"] = f"[{100 * last.accuracy.low:.1f}, {100 * last.accuracy.high:.1f}]"
        if base is not None:
            gain = Interval(row["difference"], row["difference_low"], row["difference_high"])
            entry[f"against {base} at {most}"] = gain.points()
        laid.append(entry)
    if words := plan_words(outcomes[0]):
        say(words)
    say(columns(laid))
    counts = {len(outcome.candidates) for outcome in outcomes}
    many = f"{min(counts)}" if len(counts) == 1 else f"{min(counts)} to {max(counts)}"
    how = "mean over subsets of N" if subsets else "the first N as recorded"
    if not independent(outcomes[0]):
        how = f"{how}, which is no search of that width" if ns[0] < max(counts) else "all that the search ended with"
    one, some = some_right(outcomes, 1), some_right(outcomes, most)
    say(f"\n{count(len(outcomes), 'problem')}, {many} candidates each; accuracy in %, N being {how}.")
    say(f"A candidate is right in {one.percent()}, any of {most} in {some.percent()} (unbiased over subsets).")
    short = sum(len(outcome.candidates) < most for outcome in outcomes)
    if short:
        have = "has" if short == 1 else "have"
        note(f"{count(short, 'problem')} {have} fewer than {most} candidates; all they have took part.")


def _bar(total: int) -> Any:
    from tqdm import tqdm

    bar = tqdm(total=total, desc="grading", unit="problem", file=ERRORS, disable=not interactive(), leave=False)
    return bar.update
