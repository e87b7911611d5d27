"""``python -m benchmarks.study.recorded FILE...``: the selector's logic on recorded samples of real models.

No model runs and costs are unknown, so a sample costs one and its score nothing. The tables compare accuracy over the
mean number of samples, adaptive against fixed. Every problem is played with a profile fitted to others (five folds).
Searches cannot be replayed, so the selector only decides when to draw more.

A last table evaluates early stopping without a profile: samples are drawn until their votes are settled.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.recordings.grading import grade
from benchmarks.recordings.pool import Entry, Pool, SampleSet
from benchmarks.recordings.reading import read
from benchmarks.simulate.simulator import ORDERS
from benchmarks.stats.candidates import Candidates
from benchmarks.stats.intervals import Interval
from benchmarks.stats.regression import sigmoid
from benchmarks.study import early_stopping
from benchmarks.study.compare import DRAWS
from benchmarks.study.policy_study import PolicyStudy, across
from tts.answers.aggregate import AGGREGATES, aggregate
from tts.commands.console import table
from tts.errors import BadInput, TTSError
from tts.records.outcomes import Outcome


def pool_of(outcomes: Sequence[Outcome]) -> Pool:
    """Convert graded outcomes to a pool in which a sample costs one, prompts and scores nothing."""
    scored = all(candidate.scores for outcome in outcomes for candidate in outcome.candidates)
    bounded = all(0 <= score <= 1 for outcome in outcomes for c in outcome.candidates for score in c.scores)
    squeezed = outcomes if bounded else [_squeezed(outcome) for outcome in outcomes]
    return Pool(tuple(_entry(outcome, scored) for outcome in squeezed), "recorded", "recorded" if scored else "", {})


def _squeezed(outcome: Outcome) -> Outcome:
    """Map unbounded rewards to scores in 0..1, as the engines return them."""
    squeeze = (replace(c, scores=tuple(sigmoid(np.array(c.scores)).tolist())) for c in outcome.candidates)
    return replace(outcome, candidates=tuple(squeeze))


def _entry(outcome: Outcome, scored: bool) -> Entry:
    m = len(outcome.candidates)
    scores = {
        how: np.array([aggregate(c.scores, how) if scored else np.nan for c in outcome.candidates], dtype=float)
        for how in AGGREGATES
    }
    tokens = np.array([max(1, c.tokens) for c in outcome.candidates], dtype=np.int64)
    found = Candidates(np.array(outcome.classes, dtype=np.int64), scores, np.array(outcome.right, dtype=bool), tokens)
    prompt = max(1, len(outcome.problem))
    steps = np.zeros((m, 0), dtype=np.int32)
    return Entry(outcome.id, outcome.level, prompt, 0.0, 0.0, SampleSet(found, np.ones(m), steps, np.zeros(0)))


def rows(name: str, study: PolicyStudy) -> list[dict[str, Any]]:
    """Return the selector at every budget, in samples, with its gains over fixed strategies."""
    found = []
    for row in study.rows:
        by = {gap.strategy: gap.gain for gap in row.gaps}
        found.append(
            {
                "recording": name,
                "mean samples": f"{row.flops:.1f}",
                "right": row.accuracy.percent(),
                **{f"over {strategy}": _points(by.get(strategy)) for strategy in study.compared.fixed},
            }
        )
    return [row for k, row in enumerate(found) if k == 0 or row != found[k - 1]]


def gains(name: str, study: PolicyStudy) -> list[dict[str, Any]]:
    """Return how many times more samples a fixed strategy takes than the selector at the same accuracy."""
    return [
        {
            "recording": name,
            "strategy": strategy,
            "N": n,
            "accuracy": f"{100 * right:.1f}",
            "samples saved": _times(ratio),
        }
        for strategy in study.compared.fixed
        for n, right, ratio in study.compared.gains(strategy)
        if n >= 4
    ]


def _points(gain: Interval | None) -> str:
    return "-" if gain is None else gain.points()


def _times(ratio: Interval | None) -> str:
    return "not reached" if ratio is None else f"{ratio.value:.1f} times [{ratio.low:.1f}, {ratio.high:.1f}]"


def main(argv: list[str] | None = None) -> int:
    """Print the tables of every file. Returns 2 for a file that cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.study.recorded", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, help="recordings as `tts replay` reads them")
    parser.add_argument("--orders", type=int, default=ORDERS, help="of each problem's samples (default: %(default)s)")
    args = parser.parse_args(argv)
    try:
        for file in args.files:
            print(f"{file.name}: grading", file=sys.stderr)
            pool = pool_of(grade(read(file)))
            if pool.width < 2:
                raise BadInput(f"{file} has problems with fewer than 2 samples: use recordings with more samples.")
            study = across(pool, args.orders, DRAWS)
            print(f"{file.name}: {len(pool.entries)} problems, {pool.width} samples each\n")
            print(table(rows(file.name.partition(".")[0], study)), end="\n\n")
            print(table(gains(file.name.partition(".")[0], study)), end="\n\n")
            print(table(list(early_stopping.compared(file.name.partition(".")[0], pool, args.orders))), end="\n\n")
    except TTSError as error:
        print(f"tts: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
