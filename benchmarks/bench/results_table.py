"""The table of a run: accuracy and cost of every strategy at every width. Rows are read once and not kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.bench.jobs import Line
from benchmarks.stats.candidates import OWN, Candidates
from benchmarks.stats.costs import Cost, part, whole
from benchmarks.stats.intervals import Interval, wilson
from benchmarks.stats.subsets import accuracy_at, pass_at
from tts.commands.console import table
from tts.records.outcomes import usage_of
from tts.registry import resolve
from tts.search.variant import base


@dataclass(slots=True)
class Figures:
    """Sums over the problems of one line; a failed problem counts as wrong."""

    problems: int = 0
    failed: int = 0
    right: float = 0.0
    passed: float = 0.0
    tokens: float = 0.0
    prm_tokens: float = 0.0
    flops: float = 0.0
    paper_flops: float = 0.0

    @property
    def accuracy(self) -> Interval | None:
        return wilson(self.right, self.problems) if self.problems else None


@dataclass(slots=True)
class Tally:
    """The figures of each line. ``add`` takes rows in any order."""

    lines: Sequence[Line]
    figures: dict[tuple[str, int], Figures] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.figures = {(line.strategy, line.n): Figures() for line in self.lines}

    def add(self, row: Mapping[str, Any]) -> None:
        for line in self.lines:
            if line.job.name == row["job"]:
                _add(self.figures[line.strategy, line.n], line, row)

    def of(self, line: Line) -> Figures:
        return self.figures[line.strategy, line.n]

    def rows(self, total: int) -> list[dict[str, Any]]:
        """Return the table as JSON types, one object per line. Costs are means over the problems that did not fail."""
        return [_row(line, self.of(line), total) for line in self.lines]


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one line on one problem: whether the answer and any candidate are right, and the cost.

    Of a line that is estimated from the samples of a wider one, both are probabilities and the cost is a mean.
    """

    right: float
    passed: float
    cost: Cost


def result_of(line: Line, row: Mapping[str, Any]) -> Result:
    """Return the result of a line by a row of its job that did not fail."""
    candidates, usage = row["candidates"], usage_of(row["usage"])
    needs = line.run or resolve("strategy", base(line.strategy)).needs_reward  # another may have had the samples scored
    right = [bool(c["correct"]) for c in candidates]
    if line.run or not candidates:
        return Result(float(line.run and bool(row["correct"])), float(any(right)), whole(usage, prm=needs))
    samples = Candidates.of(
        [c["class"] for c in candidates], {OWN: [c["score"] for c in candidates]}, right,
        [c["tokens"] for c in candidates], [c["steps"] for c in candidates],
    )  # fmt: skip
    n = min(line.n, len(samples))
    voted = accuracy_at(samples, n, line.vote, OWN if needs else None)
    cost = part(usage, n, len(samples), samples.sharing, prm=needs)
    return Result(voted, pass_at(samples, n), cost)


def _add(figures: Figures, line: Line, row: Mapping[str, Any]) -> None:
    figures.problems += 1
    if row.get("error") is not None:
        figures.failed += 1
        return
    found = result_of(line, row)
    figures.right += found.right
    figures.passed += found.passed
    figures.tokens += found.cost.policy_tokens
    figures.prm_tokens += found.cost.prm_tokens
    figures.flops += found.cost.flops
    figures.paper_flops += found.cost.paper_flops


def _counted(flops: float, tokens: float, done: int) -> float | None:
    """Return the mean FLOPs; None where tokens cost none, so that they were not counted."""
    return None if tokens and not flops else flops / done


def _row(line: Line, figures: Figures, total: int) -> dict[str, Any]:
    accuracy, done = figures.accuracy, max(figures.problems - figures.failed, 1)
    return {
        "strategy": line.strategy,
        "n": line.n,
        "vote": line.vote,
        "how": line.how,
        "accuracy": accuracy.value if accuracy else None,
        "low": accuracy.low if accuracy else None,
        "high": accuracy.high if accuracy else None,
        "pass_at_n": figures.passed / figures.problems if figures.problems else None,
        "tokens": figures.tokens / done,
        "prm_tokens": figures.prm_tokens / done,
        "flops": _counted(figures.flops, figures.tokens, done),
        "paper_flops": _counted(figures.paper_flops, figures.tokens, done),
        "problems": figures.problems,
        "of": total,
        "failed": figures.failed,
    }


def printed(rows: Sequence[Mapping[str, Any]]) -> str:
    """Format the table for a terminal, followed by the source of the estimates."""
    complete = all(row["problems"] == row["of"] and not row["failed"] for row in rows)
    lines = [
        {
            "strategy": row["strategy"],
            "N": row["n"],
            "vote": row["vote"],
            "right %": "-" if row["accuracy"] is None else _percent(row),
            "pass@N": "-" if row["pass_at_n"] is None else f"{100 * row['pass_at_n']:.1f}",
            "tokens": round(row["tokens"]),
            "FLOPs": "not counted" if row["flops"] is None else f"{row['flops']:.3g}",
            "how": "run" if row["how"] == "run" else "estimated",
            **({} if complete else {"problems": _problems(row)}),
        }
        for row in rows
    ]
    sources = dict.fromkeys(row["how"] for row in rows if row["how"] != "run")
    note = f"\n\nEstimated without bias {', '.join(sources)} (docs/BENCHMARKS.md)." if sources else ""
    return table(lines) + note


def _problems(row: Mapping[str, Any]) -> str:
    return f"{row['problems']} of {row['of']}" + (f", {row['failed']} failed" if row["failed"] else "")


def _percent(row: Mapping[str, Any]) -> str:
    value, low, high = (100 * row[name] for name in ("accuracy", "low", "high"))
    return f"{value:.1f} [{low:.1f}, {high:.1f}]"
