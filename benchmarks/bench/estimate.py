"""Estimates of what a run will cost: the worst case in tokens, and the time if earlier calls recorded a pace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.bench.jobs import Job, Line, jobs_of
from benchmarks.bench.progress import duration
from benchmarks.datasets.dataset import DataSet
from benchmarks.recordings.manifest import MANIFEST, read_manifest
from tts.commands.console import table
from tts.errors import BadInput
from tts.files.jsonl import rows
from tts.models.find import find
from tts.records.outcomes import OUTCOMES


@dataclass(frozen=True, slots=True)
class Forecast:
    """One job: problems left to run, token limit of one problem, the papers' FLOPs of all, expected seconds.

    ``seconds`` is None without a recorded pace. ``guessed`` is true if the pace is that of another width.
    """

    job: Job
    problems: int
    tokens: int
    paper_flops: float
    seconds: float | None
    guessed: bool


def most_tokens(job: Job) -> int:
    """Return the token limit of one problem under its plan: width times length, or the ceiling if lower."""
    parameters, ceiling = job.plan.parameters, job.solver.budget.max_tokens
    if "max_steps" in parameters:
        looks = 1 + parameters.get("lookahead", 0)
        worst = job.n * parameters["max_steps"] * parameters["step_tokens"] * looks
    else:
        worst = job.n * parameters.get("solution_tokens", 0)
    return int(worst if ceiling is None else min(worst, ceiling))


def forecast(data: DataSet, lines: Sequence[Line], out: Path | None, policy: str) -> list[Forecast]:
    """Estimate what is left to run, in the order of running; ``policy`` as the user named it."""
    size = find(policy, "policy").parameters
    done, pace = _so_far(out)
    found = []
    for job in jobs_of(lines):
        left = sum((job.name, item.problem.id) not in done for item in data.items)
        tokens = most_tokens(job)
        seconds, guessed = _seconds(job, pace)
        found.append(
            Forecast(
                job, left, tokens, 2.0 * size * tokens * left, None if seconds is None else seconds * left, guessed
            )
        )
    return found


def as_rows(forecasts: Sequence[Forecast]) -> list[dict[str, Any]]:
    """Convert the forecasts to JSON types."""
    return [
        {
            "job": each.job.name,
            "strategy": each.job.strategy,
            "n": each.job.n,
            "problems": each.problems,
            "most_tokens_a_problem": each.tokens,
            "most_paper_flops": each.paper_flops,
            "seconds": each.seconds,
            "seconds_from_another_width": each.guessed,
        }
        for each in forecasts
    ]


def printed(forecasts: Sequence[Forecast], lines: Sequence[Line]) -> str:
    """Format the forecasts as a table."""
    rows = [
        {
            "search": each.job.name,
            "problems": each.problems,
            "most tokens per problem": f"{each.tokens:,}",
            "most FLOPs (papers')": f"{each.paper_flops:.3g}",
            "time": "unknown"
            if each.seconds is None
            else f"about {duration(each.seconds)}" + (", guessed from another N" if each.guessed else ""),
        }
        for each in forecasts
    ]
    read = [f"{line.strategy}/{line.n} is read {line.how}" for line in lines if not line.run]
    known = [each.seconds for each in forecasts]
    total = sum(filter(None, known))
    end = f"about {duration(total)} in all" if None not in known else "time: unknown until some problems are done"
    return "\n".join([table(rows), "", *(f"{line}." for line in read), f"Worst cases; {end}."])


def _so_far(out: Path | None) -> tuple[set[tuple[str, str]], dict[str, float]]:
    """Return the finished rows of a run folder and the seconds per problem of each job."""
    if out is None or not (out / MANIFEST).is_file():
        return set(), {}

    done = set()
    if (out / OUTCOMES).is_file():
        for line, row in rows(out / OUTCOMES):
            try:
                done.add((row["job"], row["id"]))
            except (KeyError, TypeError) as error:
                raise BadInput(f"line {line.number} of {out / OUTCOMES} is no outcome of ours.") from error
    counts: dict[str, list[float]] = {}
    for call in read_manifest(out)["calls"]:
        for job, (problems, seconds) in call.get("pace", {}).items():
            both = counts.setdefault(job, [0.0, 0.0])
            both[0] += problems
            both[1] += seconds
    return done, {job: seconds / problems for job, (problems, seconds) in counts.items() if problems}


def _seconds(job: Job, pace: Mapping[str, float]) -> tuple[float | None, bool]:
    """Return seconds per problem, and whether they are scaled from another width."""
    if job.name in pace:
        return pace[job.name], False
    others = [name.rpartition("/") for name in pace if name.startswith(f"{job.strategy}/")]
    if not others:
        return None, False
    near = min(others, key=lambda parts: abs(int(parts[2]) - job.n))
    return pace["".join(near)] * job.n / int(near[2]), True
