"""``python -m benchmarks.study.early_rejection FILE...``: speculative rejection, replayed on recorded step scores.

The samples of a problem grow side by side, as in ``strategies/reject_early.py``: after every ``chunk`` steps the open
prefixes are ranked by their aggregated scores, and the worse share ``alpha`` stops. A second rule stops a prefix whose
last step scores below a fixed bar. No model runs: a sample that stops just loses its recorded rest.

The cost is counted in steps. Accuracy is that of the weighted vote of the samples left. It is compared with the vote of
all samples, and with the vote of fewer whole samples for as many steps, which is what a user could do instead. Both
differences are paired, with a bootstrap over problems. The last row of each table estimates what a user gains: the rule
that saves most without losing accuracy on half of the problems, played on the other half.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.recordings.grading import grade
from benchmarks.recordings.reading import read
from benchmarks.stats.candidates import OWN, Candidates
from benchmarks.stats.intervals import difference
from benchmarks.stats.subsets import accuracy_between, elected
from strategies.reject_early import survivors as kept
from tts.answers.aggregate import aggregate
from tts.commands.console import table
from tts.errors import BadInput, TTSError
from tts.records.outcomes import Outcome

CHUNKS, ALPHAS, BARS = (1, 2, 4), (0.25, 0.5, 0.75), (0.05, 0.1, 0.2)


@dataclass(frozen=True, slots=True)
class Rule:
    """When a sample stops early: by rank among the open ones, or by a bar for its last score."""

    chunk: int = 1
    alpha: float = 0.0
    bar: float = 0.0
    by: str = "last"

    def __str__(self) -> str:
        when = f"every {self.chunk} steps" if self.chunk > 1 else "every step"
        how = f"a score below {self.bar:g}" if self.bar else f"the worse {100 * self.alpha:g} % by {self.by}"
        return f"{when}, {how}"


RULES = (
    *(Rule(chunk, alpha=alpha) for chunk in CHUNKS for alpha in ALPHAS),
    *(Rule(2, alpha=alpha, by="min") for alpha in ALPHAS),
    *(Rule(bar=bar) for bar in BARS),
)


def survivors(scores: Sequence[Sequence[float]], rule: Rule) -> tuple[NDArray[np.bool_], int]:
    """Return which samples [m] finish under the rule, and how many steps were sampled in all.

    ``scores`` has the step scores of each sample, one or more.
    """
    grown = grown_steps(scores, rule)
    return grown == np.array([len(steps) for steps in scores]), int(grown.sum())


def grown_steps(scores: Sequence[Sequence[float]], rule: Rule) -> NDArray[np.int64]:
    """Return the number of steps that each sample has when it ends or is stopped [m]."""
    lengths = np.array([len(steps) for steps in scores])
    left, grown, at = np.ones(len(scores), dtype=bool), np.zeros(len(scores), dtype=np.int64), 0
    while (running := left & (lengths > at)).any():
        at += rule.chunk
        grown[running] = np.minimum(lengths[running], at)
        running &= lengths > at
        for k in _rejected({int(k): scores[k][:at] for k in np.flatnonzero(running)}, rule):
            left[k] = False
    return grown


def _rejected(prefixes: dict[int, Sequence[float]], rule: Rule) -> list[int]:
    if rule.bar:
        return [k for k, prefix in prefixes.items() if prefix[-1] < rule.bar]
    ranked = sorted(prefixes, key=lambda k: aggregate(prefixes[k], rule.by), reverse=True)
    return ranked[kept(len(ranked), rule.alpha) :]


@dataclass(frozen=True, slots=True, eq=False)
class Replayed:
    """The results of a rule: for each problem whether its vote is right [P], and the share of steps sampled [P]."""

    right: NDArray[np.float64]
    sampled: NDArray[np.float64]

    @property
    def saved(self) -> float:
        """Return how many times fewer steps were sampled, over all problems alike."""
        return float(1 / self.sampled.mean())


def replayed(outcomes: Sequence[Outcome], rule: Rule) -> Replayed:
    """Replay one rule on graded outcomes whose candidates have step scores."""
    right, sampled = [], []
    for outcome in outcomes:
        scores = [candidate.scores for candidate in outcome.candidates]
        left, steps = survivors(scores, rule)
        classes = np.where(left, np.array(outcome.classes), -1)
        ends = np.array([steps[-1] for steps in scores])
        winner = int(elected(classes[None, :], ends[None, :], "weighted")[0])
        right.append(winner >= 0 and outcome.right[winner])
        sampled.append(steps / sum(map(len, scores)))
    return Replayed(np.array(right, dtype=float), np.array(sampled))


def fewer_samples(outcomes: Sequence[Outcome], share: float) -> NDArray[np.float64]:
    """Estimate how often the weighted vote of this share of each problem's samples is right [P].

    Between two whole numbers of samples the estimate is interpolated.
    """
    return np.array([_vote_of(outcome, share * len(outcome.candidates)) for outcome in outcomes])


def _vote_of(outcome: Outcome, n: float) -> float:
    scores = {OWN: [candidate.scores[-1] for candidate in outcome.candidates]}
    samples = Candidates.of(outcome.classes, scores, outcome.right, [1] * len(outcome.candidates))
    return accuracy_between(samples, n, "weighted", OWN)


def compared(outcomes: Sequence[Outcome], rules: Sequence[Rule] = RULES) -> Iterator[dict[str, Any]]:
    """Yield a row for each rule, and one for the rule chosen on other problems."""
    whole = replayed(outcomes, Rule())
    found = {rule: replayed(outcomes, rule) for rule in rules}
    for rule, each in found.items():
        yield _row(str(rule), outcomes, whole, each)
    right, sampled = whole.right.copy(), whole.sampled.copy()
    for half in (0, 1):
        learn, play = np.arange(len(right)) % 2 != half, np.arange(len(right)) % 2 == half
        lossless = [e for e in found.values() if e.right[learn].mean() >= whole.right[learn].mean()]
        if lossless:
            best = min(lossless, key=lambda e: float(e.sampled[learn].mean()))
            right[play], sampled[play] = best.right[play], best.sampled[play]
    yield _row("chosen on the other half", outcomes, whole, Replayed(right, sampled))


def _row(rule: str, outcomes: Sequence[Outcome], whole: Replayed, each: Replayed) -> dict[str, Any]:
    fewer = fewer_samples(outcomes, float(each.sampled.mean()))
    return {
        "stop": rule,
        "steps saved": f"{each.saved:.2f} times",
        "right": f"{100 * each.right.mean():.1f}",
        "over all samples": difference(each.right.tolist(), whole.right.tolist()).points(),
        "over fewer samples": difference(each.right.tolist(), fewer.tolist()).points(),
    }


def stepwise(file: Path) -> list[Outcome]:
    """Read and grade a recording. Raises BadInput if its candidates have no step scores, or are single ones."""
    outcomes = grade(read(file))
    if any(len(outcome.candidates) < 2 for outcome in outcomes):
        raise BadInput(f"{file} has problems with fewer than 2 samples: use recordings with more samples.")
    if not all(candidate.scores for outcome in outcomes for candidate in outcome.candidates):
        raise BadInput(f"{file} has samples without scores: use recordings with a score for each step.")
    if all(len(candidate.scores) == 1 for outcome in outcomes for candidate in outcome.candidates):
        raise BadInput(f"{file} has one score for each solution: early rejection needs one for each step.")
    return outcomes


def main(argv: list[str] | None = None) -> int:
    """Print the table of every file. Returns 2 for a file that cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.study.early_rejection", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, help="recordings as `tts replay` reads them")
    args = parser.parse_args(argv)
    try:
        for file in args.files:
            outcomes = stepwise(file)
            most = max(len(outcome.candidates) for outcome in outcomes)
            whole = 100 * float(replayed(outcomes, Rule()).right.mean())
            print(f"{file.name}: {len(outcomes)} problems, {most} samples each, {whole:.1f} % right without a stop\n")
            print(table(list(compared(outcomes))), end="\n\n")
    except TTSError as error:
        print(f"tts: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
