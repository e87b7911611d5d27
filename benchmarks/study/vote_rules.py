"""``python -m benchmarks.study.vote_rules FILE...``: which aggregation and vote are right most often, over recordings.

A vote rule is a vote and the way in which step scores become one score. Each rule votes over all samples of each
problem, or over subsets of ``--budget`` of them, and is compared with the default (weighted, last). The last rule
weighs each sample by the probability that it is right, fitted to the other half of the problems. Recordings may share
problems, so the pooled intervals are bootstraps over problems: a drawn problem brings its votes in all recordings. A
recording counts by its problems.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.stats.candidates import Candidates
from benchmarks.stats.intervals import Interval, accuracy, cluster_weights, percentile
from benchmarks.stats.subsets import accuracy_at
from benchmarks.stats.vote_rules import DEFAULT, VOTE_RULES, VoteRule, held_out
from benchmarks.study.early_rejection import stepwise
from tts.answers.aggregate import AGGREGATES, aggregate
from tts.commands.console import table
from tts.errors import TTSError
from tts.records.outcomes import Outcome

DRAWS = 4000


def votes(problems: Sequence[Candidates], rule: VoteRule, n: int | None = None) -> NDArray[np.float64]:
    """Return how often the vote of ``n`` samples of each problem is right [P]: its mean over subsets; None for all."""
    sizes = [len(samples) if n is None else min(n, len(samples)) for samples in problems]
    pairs = zip(problems, sizes, strict=True)
    return np.array([accuracy_at(each, size, rule.vote, rule.aggregate) for each, size in pairs], dtype=float)


def graded(outcome: Outcome) -> Candidates:
    """Return what votes and fits read of the samples of a problem."""
    found = outcome.candidates
    scores = {how: [aggregate(c.scores, how) for c in found] for how in AGGREGATES}
    return Candidates.of(outcome.classes, scores, outcome.right, [c.tokens for c in found])


def gain(ours: NDArray[np.float64], theirs: NDArray[np.float64], problems: Sequence[str]) -> Interval:
    """Return the mean difference with its bootstrap over ``problems``, whose names may repeat."""
    weights = cluster_weights(problems, DRAWS, 0)
    found = percentile(weights @ (ours - theirs) / weights.sum(axis=1))
    assert found is not None
    return found


def rows(recordings: Sequence[Sequence[Outcome]], n: int | None = None) -> Iterator[dict[str, Any]]:
    """Yield a row for each rule: how often it is right over all recordings, and its gain over the default."""
    outcomes = [outcome for recording in recordings for outcome in recording]
    problems = [outcome.problem or outcome.id for outcome in outcomes]
    samples = [graded(outcome) for outcome in outcomes]
    played = {rule: votes(samples, rule, n) for rule in VOTE_RULES}
    default = played[DEFAULT]
    fitted = held_out(samples, lambda rule: votes(samples, rule, n), problems)
    for rule, right in [*played.items(), (VoteRule("weighted", "fitted"), fitted)]:
        yield {
            "vote": rule.vote,
            "aggregate": rule.aggregate if rule.vote != "majority" else "-",
            "right": f"{100 * accuracy(right.tolist()).value:.1f}",
            "over the default": "-" if rule == DEFAULT else gain(right, default, problems).points(),
        }


def _size(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"a number of samples is a whole number, 1 or more, not {text!r}")
    return int(text)


def main(argv: list[str] | None = None) -> int:
    """Print the table of each file and of all together. Returns 2 for a file that cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.study.vote_rules", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, help="recordings as `tts replay` reads them")
    parser.add_argument("-n", "--budget", type=_size, help="vote over subsets of so many samples")
    args = parser.parse_args(argv)
    try:
        recordings = [stepwise(file) for file in args.files]
    except TTSError as error:
        print(f"tts: {error}", file=sys.stderr)
        return 2
    for file, recording in zip(args.files, recordings, strict=True):
        most = max(len(outcome.candidates) for outcome in recording)
        print(f"{file.name}: {len(recording)} problems, up to {most} samples each\n")
        print(table(list(rows([recording], args.budget))), end="\n\n")
    if len(recordings) > 1:
        print(f"All {len(recordings)} recordings: {sum(map(len, recordings))} votes\n")
        print(table(list(rows(recordings, args.budget))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
