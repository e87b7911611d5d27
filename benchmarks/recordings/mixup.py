"""Whether the candidates of a file belong to its problems at all.

Published recordings exist in which a bug dealt the solutions out to the wrong problems; every figure from such a file
is meaningless, and nothing in it looks wrong. Two signs, neither of which needs a model:

* **The words.** A solution speaks of its problem: it repeats its numbers and rare words. Each solution is compared with
  all problems of the file (cosine of inverse-document-frequency weights); where most lie clearly nearer to another
  problem than to their own, the file is mixed up. This does not depend on how good the model is.
* **The answers**, where there is no text: they should be right more often than if they were dealt out at random among
  the problems.
"""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.recordings.records import Record, voter
from tts.answers.normalize import canonical

FEWEST = 5  # problems below which neither sign says anything
NEARER = 1.25  # how much nearer another problem must be to count
MOST = 0.5  # strayed share of a mixed-up file: recordings known to be sound had up to 0.19, others 0.85 and more
_DEALS = 99
_WORD = re.compile(r"\d+(?:\.\d+)?|[a-z]{3,}")


@dataclass(frozen=True, slots=True)
class Fit:
    """How solutions and problems of a file fit: how many were compared, how many lie nearer to another problem."""

    compared: int
    strayed: int

    @property
    def share(self) -> float:
        return self.strayed / self.compared if self.compared else 0.0


def warning(records: Sequence[Record]) -> str | None:
    """One sentence where the candidates do not seem to belong to their problems; None where all seems well."""
    fit = fit_of(records)
    if fit.share > MOST:
        return (
            f"the solutions do not belong to their problems: of {fit.compared} compared, {fit.strayed} speak of "
            "another problem of the file; its rows are probably interleaved, and accuracies from it mean nothing."
        )
    if not fit.compared and dealt_out(records):
        return (
            "the answers are right no more often than if they were dealt out at random among the problems: the rows "
            "are mixed up, or the model solves none of them."
        )
    return None


def fit_of(records: Sequence[Record]) -> Fit:
    """Compare the kept texts of each problem with the words of every problem of the file."""
    problems = [frozenset(_WORD.findall(record.problem.lower())) for record in records]
    distinct = len({record.problem for record in records})
    if distinct < FEWEST:
        return Fit(0, 0)
    spread = Counter(word for words in problems for word in words)
    weight = {word: math.log(len(problems) / count) ** 2 for word, count in spread.items()}
    where: dict[str, list[int]] = {}
    for index, words in enumerate(problems):
        for word in words:
            where.setdefault(word, []).append(index)
    norms = [math.sqrt(sum(weight[word] for word in words)) for words in problems]
    compared = strayed = 0
    for index, record in enumerate(records):
        for text in record.excerpts:
            near = _nearness(text, weight, where, norms)
            own = near.get(index, 0.0)
            best = max((value for k, value in near.items() if records[k].problem != record.problem), default=0.0)
            if max(own, best) > 0:
                compared += 1
                strayed += best > NEARER * own
    return Fit(compared, strayed)


def _nearness(
    text: str, weight: dict[str, float], where: dict[str, list[int]], norms: Sequence[float]
) -> dict[int, float]:
    near: dict[int, float] = {}
    for word in set(_WORD.findall(text.lower())) & weight.keys():
        for index in where[word]:
            near[index] = near.get(index, 0.0) + weight[word]
    return {index: value / norms[index] for index, value in near.items() if norms[index]}


def dealt_out(records: Sequence[Record]) -> bool:
    """Whether answers match their own problem's gold no more often than under some random dealing of the golds.

    A permutation test at one per cent, by spelling alone.
    """
    if len({record.problem or record.id for record in records}) < FEWEST:
        return False
    golds = [canonical(record.gold or "") for record in records]
    answers = [Counter(canonical(c.answer or "") for c in record.candidates if voter(c)) for record in records]
    own = _matches(answers, golds)
    draw = random.Random(0)
    return any(_matches(answers, draw.sample(golds, len(golds))) >= own for _ in range(_DEALS))


def _matches(answers: Sequence[Counter[str]], golds: Sequence[str]) -> int:
    return sum(counts[gold] for counts, gold in zip(answers, golds, strict=True))
