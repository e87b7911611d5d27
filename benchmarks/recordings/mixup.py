"""Detection of recordings whose candidates belong to other problems.

Some published recordings were written by a bug that assigned solutions to the wrong problems. Every figure from such
a file is meaningless, and nothing in it looks wrong. Two tests detect it without a model:

* **Words.** A solution repeats the numbers and rare words of its problem. Each solution is compared with all problems
  of the file (cosine of inverse-document-frequency weights). If most are clearly nearer to another problem than to
  their own, and these are right no more often than at random, the file is mixed up. In a file of thousands of short
  problems some other problem is always near, but the solutions are right.
* **Answers**, without texts: they should be right more often than under a random permutation of the golds.
"""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from benchmarks.recordings.grading import voter
from tts.answers.normalize import canonical
from tts.records.outcomes import Outcome
from tts.types import Candidate

FEWEST = 5  # problems needed for either test
NEARER = 1.25  # ratio of similarities from which another problem counts as nearer
MOST = 0.5  # strayed share of a mixed-up file: sound recordings had up to 0.19, others 0.85 and more
_PERMUTATIONS = 99
_WORD = re.compile(r"\d+(?:\.\d+)?|[a-z]{3,}")


@dataclass(frozen=True, slots=True)
class Fit:
    """How many solutions were compared, and the outcomes with those that are nearer to another problem."""

    compared: int
    astray: tuple[Outcome, ...] = ()

    @property
    def strayed(self) -> int:
        return sum(len(outcome.candidates) for outcome in self.astray)

    @property
    def share(self) -> float:
        return self.strayed / self.compared if self.compared else 0.0


def warning(outcomes: Sequence[Outcome]) -> str | None:
    """Return a sentence if the candidates do not seem to belong to their problems, else None."""
    fit = fit_of(outcomes)
    if fit.share > MOST and answers_fit_at_random(fit.astray):
        return (
            f"the solutions do not belong to their problems: of {fit.compared} compared, {fit.strayed} match "
            "another problem of the file; its rows are probably interleaved, and accuracies from it are meaningless."
        )
    if not fit.compared and answers_fit_at_random(outcomes):
        return (
            "the answers are right no more often than if they were permuted among the problems: the rows "
            "are mixed up, or the model solves none of them."
        )
    return None


def fit_of(outcomes: Sequence[Outcome]) -> Fit:
    """Compare the recorded texts of each problem with the words of every problem of the file."""
    problems = [frozenset(_WORD.findall(outcome.problem.lower())) for outcome in outcomes]
    distinct = len({outcome.problem for outcome in outcomes})
    if distinct < FEWEST:
        return Fit(0)
    spread = Counter(word for words in problems for word in words)
    weight = {word: math.log(len(problems) / count) ** 2 for word, count in spread.items()}
    where: dict[str, list[int]] = {}
    for index, words in enumerate(problems):
        for word in words:
            where.setdefault(word, []).append(index)
    norms = [math.sqrt(sum(weight[word] for word in words)) for words in problems]
    compared, astray = 0, list[Outcome]()
    for index, outcome in enumerate(outcomes):
        away = list[Candidate]()
        for candidate in (c for c in outcome.candidates if c.steps):
            near = _nearness(candidate.text, weight, where, norms)
            own = near.get(index, 0.0)
            best = max((value for k, value in near.items() if outcomes[k].problem != outcome.problem), default=0.0)
            if max(own, best) > 0:
                compared += 1
                away += [candidate] * (best > NEARER * own)
        if away:
            astray.append(replace(outcome, candidates=tuple(away)))
    return Fit(compared, tuple(astray))


def _nearness(
    text: str, weight: dict[str, float], where: dict[str, list[int]], norms: Sequence[float]
) -> dict[int, float]:
    near: dict[int, float] = {}
    for word in set(_WORD.findall(text.lower())) & weight.keys():
        for index in where[word]:
            near[index] = near.get(index, 0.0) + weight[word]
    return {index: value / norms[index] for index, value in near.items() if norms[index]}


def answers_fit_at_random(outcomes: Sequence[Outcome]) -> bool:
    """Test whether answers match their own gold no more often than under a permutation of the golds.

    A permutation test at one per cent; answers are compared by spelling.
    """
    if len({outcome.problem or outcome.id for outcome in outcomes}) < FEWEST:
        return False
    golds = [canonical(outcome.gold) for outcome in outcomes]
    answers = [Counter(canonical(c.answer or "") for c in outcome.candidates if voter(c)) for outcome in outcomes]
    own = _matches(answers, golds)
    draw = random.Random(0)
    return any(_matches(answers, draw.sample(golds, len(golds))) >= own for _ in range(_PERMUTATIONS))


def _matches(answers: Sequence[Counter[str]], golds: Sequence[str]) -> int:
    return sum(counts[gold] for counts, gold in zip(answers, golds, strict=True))
