"""Acceptance bars of the built-in models on lab-500: `python -m benchmarks.lab bars`.

Samples and searches are kept in a work folder and resumed; the figures are computed from its files.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from benchmarks.stats.intervals import Interval, difference, mean, pass_at_k
from benchmarks.word_problems.generate import DATA
from tts import Solver
from tts.answers.equivalence import equivalent
from tts.batch import Batch
from tts.files.jsonl import rows as rows_of
from tts.registry import resolve
from tts.types import Candidate, Finish

LEVELS = (1, 2, 3, 4, 5)
HARD = (4, 5)


@dataclass(frozen=True, slots=True)
class Run:
    """One search over all problems: the name of its file, and the settings of the Solver."""

    name: str
    settings: dict[str, Any]


RUNS = (
    Run("samples-1m-64", {"policy": "lab-1m", "strategy": "best-of-n", "budget": 64}),
    Run("beam-1m-16", {"policy": "lab-1m", "strategy": "beam-search", "budget": 16}),
    Run("dvts-1m-16", {"policy": "lab-1m", "strategy": "dvts", "budget": 16}),
    # Best-of-n: better than DVTS with this policy on lab-validation (74.6 % against 71.6 %).
    Run("best-200k-64", {"policy": "lab-200k", "strategy": "best-of-n", "budget": 64}),
    Run("greedy-4m", {"policy": "lab-4m", "strategy": "majority", "budget": 1, "temperature": 0.0}),
    Run("greedy-1m", {"policy": "lab-1m", "strategy": "majority", "budget": 1, "temperature": 0.0}),
    Run("greedy-200k", {"policy": "lab-200k", "strategy": "majority", "budget": 1, "temperature": 0.0}),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One problem of one run: level, candidates, which are right, whether the run's answer is right, cost."""

    level: int
    candidates: tuple[Candidate, ...]
    right: tuple[bool, ...]
    solved: bool
    flops: int

    def voted(self, vote: str, first: int, count: int) -> float:
        """Return 1.0 if the vote of ``count`` candidates from index ``first`` elects a right answer."""
        voters = self.candidates[first : first + count]
        best = resolve("vote", vote)(voters).best
        return float(best is not None and self.right[first + voters.index(best)])


@dataclass(frozen=True, slots=True)
class Bar:
    """A line of the table: the requirement, what was measured, whether it holds."""

    what: str
    measured: str
    holds: bool


def sample(work: Path, source: Path, only: str | None = None) -> None:
    """Run what is missing. Raises BadInput if the work folder has runs with other settings."""
    work.mkdir(parents=True, exist_ok=True)
    for run in RUNS:
        if only and run.name != only:
            continue
        with (
            Batch(Solver(**run.settings), source, work / f"{run.name}.jsonl") as batch,
            tqdm(total=batch.total, initial=batch.resumed, desc=run.name, unit="problem") as bar,
        ):
            for _ in batch.run():
                bar.update()


def load(work: Path, source: Path) -> dict[str, list[Outcome]]:
    """Read the outcomes of every run, in the order of the problems."""
    problems = [row for _, row in rows_of(source)]
    found = {}
    for run in RUNS:
        rows = {row["id"]: row for _, row in rows_of(work / f"{run.name}.jsonl")}
        found[run.name] = [_outcome(problem, rows[problem["id"]]) for problem in problems]
    return found


def _outcome(problem: dict[str, Any], row: dict[str, Any]) -> Outcome:
    gold = str(problem["answer"])
    candidates = tuple(
        Candidate(c["key"], tuple(c["steps"]), Finish(c["finish"]), c["answer"], tuple(c["scores"]), c["score"])
        for c in row["candidates"]
    )
    right = tuple(c.answer is not None and equivalent(gold, c.answer) for c in candidates)
    solved = row["answer"] is not None and equivalent(gold, row["answer"])
    return Outcome(problem["level"], candidates, right, solved, row["usage"]["flops"])


def bars(found: dict[str, list[Outcome]]) -> Iterator[Bar]:
    """Yield every bar with its figure; groups of 16 are the four disjoint quarters of the 64 samples, averaged."""
    samples, greedy = found["samples-1m-64"], found["greedy-4m"]
    single = [sum(o.right) / len(o.right) for o in samples]
    one = mean(single)
    yield Bar("lab-1m pass@1 between 35 % and 65 %", one.percent(), 0.35 <= one.value <= 0.65)
    many = mean([pass_at_k(len(o.right), sum(o.right), len(o.right)) for o in samples])
    yield Bar("lab-1m pass@64 at least 90 %", many.percent(), many.value >= 0.90)
    by_level = [mean([p for p, o in zip(single, samples, strict=True) if o.level == k]).value for k in LEVELS]
    falling = all(a > b for a, b in itertools.pairwise(by_level))
    yield Bar("pass@1 falls with the level", "  ".join(f"{100 * p:.1f}" for p in by_level), falling)
    majority, weighted = quarters(samples, "majority"), quarters(samples, "weighted")
    gain = difference(majority, single)
    yield Bar("majority@16 above pass@1", f"{mean(majority).percent()}, {gain.points()}", gain.low > 0)
    gain = difference(weighted, majority)
    yield Bar("PRM-weighted vote@16 above majority@16", f"{mean(weighted).percent()}, {gain.points()}", gain.low > 0)
    yield search_bar(found, samples)
    yield small_bar(found, greedy)


def search_bar(found: dict[str, list[Outcome]], samples: list[Outcome]) -> Bar:
    """Compare beam search or DVTS at 16 with the better vote of best-of-16, on the hardest levels."""
    hard = [k for k, o in enumerate(samples) if o.level in HARD]
    votes = {vote: quarters([samples[k] for k in hard], vote) for vote in ("weighted", "best")}
    vote = max(votes, key=lambda name: mean(votes[name]).value)
    best: tuple[str, Interval, Interval] | None = None
    for name in ("beam-1m-16", "dvts-1m-16"):
        ours = [float(found[name][k].solved) for k in hard]
        gain = difference(ours, votes[vote])
        if best is None or gain.value > best[2].value:
            best = (name, mean(ours), gain)
    assert best is not None
    text = f"{best[0]} {best[1].percent()}, best-of-16 ({vote}) {mean(votes[vote]).percent()}, {best[2].points()}"
    return Bar("beam search or DVTS@16 above best-of-16 on levels 4 and 5", text, best[2].value > 0)


def small_bar(found: dict[str, list[Outcome]], greedy: list[Outcome]) -> Bar:
    """Compare the smallest policy with search at 64 with one greedy answer of the largest."""
    base = [float(o.solved) for o in greedy]
    name = "best-200k-64"
    ours = [float(o.solved) for o in found[name]]
    gain = difference(ours, base)
    text = f"{name} {mean(ours).percent()}, lab-4m greedy {mean(base).percent()}, {gain.points()}"
    return Bar("lab-200k with search at 64 above lab-4m greedy", text, gain.value > 0)


def quarters(outcomes: list[Outcome], vote: str, size: int = 16) -> list[float]:
    """Return for each problem how often the vote of ``size`` samples is right, over disjoint groups."""
    return [float(np.mean([o.voted(vote, k, size) for k in range(0, len(o.right), size)])) for o in outcomes]


def table(found: dict[str, list[Outcome]]) -> Iterator[str]:
    """Yield lines with the accuracy of every run by level, and its mean cost."""
    yield f"{'run':<16}{'all':>24}" + "".join(f"{f'level {k}':>9}" for k in LEVELS) + f"{'FLOPs':>12}"
    for name, outcomes in found.items():
        solved = [float(o.solved) for o in outcomes]
        levels = [np.mean([o.solved for o in outcomes if o.level == k]) for k in LEVELS]
        flops = np.mean([o.flops for o in outcomes])
        yield f"{name:<16}{mean(solved).percent():>24}" + "".join(f"{100 * p:9.1f}" for p in levels) + f"{flops:12.3g}"


def report(work: Path, problems: str = "lab-500", say: Callable[[str], None] = print) -> bool:
    """Sample what is missing and print the tables. Returns True if every bar holds."""
    source = DATA / f"{problems}.jsonl"
    sample(work / problems, source)
    found = load(work / problems, source)
    for line in table(found):
        say(line)
    say("")
    held = True
    for bar in bars(found):
        held &= bar.holds
        say(f"{'holds ' if bar.holds else 'MISSED'}  {bar.what}: {bar.measured}")
    return held


__all__ = ["Bar", "Outcome", "Run", "bars", "load", "report", "sample", "table"]
