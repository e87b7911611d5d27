"""Votes: from candidates to one answer.

Only finished candidates with a parsable answer vote. Equivalent answers (:mod:`tts.answers.equivalence`) vote together.
Ties go to the class with the highest single score, then to the one seen first. The answer is spelled as the class's
best-scored candidate has it. A score that is not a finite number counts as missing.

Majority is self-consistency (arXiv 2203.11171); best and weighted are best-of-N and weighted best-of-N
(arXiv 2408.03314).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from tts.answers.equivalence import equivalent, group
from tts.answers.normalize import canonical, parsable
from tts.registry import resolve
from tts.types import Candidate, Standing


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a vote: the answer as its best candidate spells it, its share (0..1), that candidate."""

    answer: str | None
    confidence: float
    best: Candidate | None


class Vote(Protocol):
    """A rule that elects one answer. Candidates that are unfinished or have no answer do not vote."""

    def __call__(self, candidates: Sequence[Candidate]) -> Verdict: ...


Grouping = Callable[[Sequence[str]], list[int]]
"""Returns the class index of each answer, in order of first appearance."""


def majority(candidates: Sequence[Candidate], *, group: Grouping = group) -> Verdict:
    """Elect the most common answer. Confidence: its share of the voters. Scores only break ties."""
    return _elect(candidates, group, _equal)


def weighted(candidates: Sequence[Candidate], *, group: Grouping = group) -> Verdict:
    """Elect the answer with the largest sum of scores. Confidence: its share of the sum over all answers.

    Without any scores each voter weighs 1, which is :func:`majority`; if only some have one, the others weigh nothing.
    If all weights are 0, voters are counted. If one is negative (rewards need not be probabilities), confidence is the
    share of the voters by number.
    """
    return _elect(candidates, group, _weights)


def lineage(candidates: Sequence[Candidate], *, group: Grouping = group) -> Verdict:
    """Elect as :func:`weighted`, but candidates that share their first step divide one vote among them.

    A search copies or branches what it has begun. Its candidates then agree because they share steps, which is no
    evidence that they are right. Independent samples share none: for them it is :func:`weighted`.
    """
    return _elect(candidates, group, _divided)


def borda(candidates: Sequence[Candidate], *, group: Grouping = group) -> Verdict:
    """The answer whose candidates' ranks weigh most, (voters - rank + 1) ** 0.5 each (arXiv 2502.18581).

    Ranks do not depend on the scale of the scores, so it works on any score. Candidates without a score rank last.
    """
    return _elect(candidates, group, _ranks)


def best(candidates: Sequence[Candidate], *, group: Grouping = group) -> Verdict:
    """Elect the answer of the candidate with the highest score; ties go to the first; a missing score ranks last.

    Confidence: the share of the voters, by number, with the same answer. Scores do not enter it: the winner's score
        does not measure how much the others agree.
    """
    voters = _voters(candidates)
    if not voters:
        return _NOBODY
    winner = max(voters, key=_score)
    classes = group([answer for _, answer in voters])
    mine = classes[voters.index(winner)]
    return Verdict(winner[1], classes.count(mine) / len(classes), winner[0])


def tournament(candidates: Sequence[Candidate], *, group: Grouping = group) -> Verdict:
    """Elect as :func:`best`; the scores are rates of wins in comparisons by a judge (:mod:`tts.search.tournament`)."""
    return best(candidates, group=group)


def classes(answers: Sequence[str | None]) -> list[int]:
    """Return the class of each answer, in order of first appearance; -1 for one that cannot vote."""
    spoken = [answer for answer in answers if answer is not None and parsable(answer)]
    index = dict(zip(spoken, group(spoken), strict=True))
    return [-1 if answer is None else index.get(answer, -1) for answer in answers]


def spelling_decides(answers: Sequence[str | None]) -> bool:
    """Return whether spelling alone determines the classes of these answers, so that :func:`classes` is fast."""
    return len({canonical(answer) for answer in answers if answer is not None and parsable(answer)}) <= 1


Classes = Callable[[Sequence[str | None]], list[int]]
"""Returns the class of each answer, -1 for one that cannot vote."""


def elect(
    vote: str, candidates: Sequence[Candidate], kind: Classes | None = None
) -> tuple[Verdict, tuple[Standing, ...]]:
    """Run the vote of that name; return its verdict and the standings, the elected answer first.

    ``kind`` classifies answers that are no mathematics. The rule then votes on the numbers of their classes.
    """
    if kind is not None:
        return _by_class(vote, candidates, kind)
    rule: Vote = resolve("vote", vote)
    verdict, found = rule(candidates), standings(candidates, vote)
    if verdict.best is None:
        return verdict, found
    first = [standing for standing in found if equivalent(standing.answer, verdict.answer or "")][:1]
    return verdict, (*first, *(standing for standing in found if standing not in first))


def _by_class(vote: str, candidates: Sequence[Candidate], kind: Classes) -> tuple[Verdict, tuple[Standing, ...]]:
    """Elect the number of a class; put the answer of its best candidate in the number's place."""
    numbers = kind([candidate.answer if candidate.finished else None for candidate in candidates])
    numbered = [replace(c, answer=None if k < 0 else str(k)) for c, k in zip(candidates, numbers, strict=True)]
    verdict, found = elect(vote, numbered)
    if verdict.best is None:
        return verdict, found
    voters = [(c, str(k)) for c, k in zip(candidates, numbers, strict=True) if k >= 0]
    spelled = {
        number: max((voter for voter in voters if voter[1] == number), key=_score)[0].answer for _, number in voters
    }
    best = next(c for c in candidates if c.key == verdict.best.key)
    votes = tuple(replace(standing, answer=spelled[standing.answer] or "") for standing in found)
    return Verdict(best.answer, verdict.confidence, best), votes


def standings(candidates: Sequence[Candidate], vote: str = "majority") -> tuple[Standing, ...]:
    """Return the result of every answer, the largest share first: by the weights of the vote if it has some."""
    voters = _voters(candidates)
    if not voters:
        return ()
    classes, weights = group([answer for _, answer in voters]), _WEIGHTS.get(vote, _equal)(voters)
    if not any(weights) or min(weights) < 0:
        weights = _equal(voters)
    found = []
    for label in range(max(classes) + 1):
        mine = [k for k, index in enumerate(classes) if index == label]
        scores = [score for k in mine if (score := _finite(voters[k][0])) is not None]
        mean = math.fsum(scores) / len(scores) if scores else None
        share = math.fsum(weights[k] for k in mine) / math.fsum(weights)
        found.append(Standing(max((voters[k] for k in mine), key=_score)[1], share, len(mine), mean))
    return tuple(sorted(found, key=lambda standing: -standing.share))


VOTES: dict[str, Vote] = {"majority": majority, "best": best, "weighted": weighted, "lineage": lineage, "borda": borda}

_NOBODY = Verdict(None, 0.0, None)
_Voter = tuple[Candidate, str]


def _voters(candidates: Sequence[Candidate]) -> list[_Voter]:
    return [
        (candidate, candidate.answer)
        for candidate in candidates
        if candidate.finished and candidate.answer is not None and parsable(candidate.answer)
    ]


def _score(voter: _Voter) -> float:
    score = _finite(voter[0])
    return -math.inf if score is None else score


def _finite(candidate: Candidate) -> float | None:
    """Return the score of a candidate; None if it is missing or not finite."""
    score = candidate.score
    return score if isinstance(score, (int, float)) and math.isfinite(score) else None


def _weights(voters: Sequence[_Voter]) -> list[float]:
    scores = [_finite(candidate) for candidate, _ in voters]
    if all(score is None for score in scores):
        return [1.0] * len(voters)
    largest = max(abs(score or 0.0) for score in scores)
    unit = largest if largest > 1e300 else 1.0  # the sum of the weights must be finite
    return [(score or 0.0) / unit for score in scores]


def _equal(voters: Sequence[_Voter]) -> list[float]:
    return [1.0] * len(voters)


def _ranks(voters: Sequence[_Voter]) -> list[float]:
    """The weight of each voter by the rank of its score; equal scores share the best rank among them."""
    scores = [_score(voter) for voter in voters]
    return [math.sqrt(len(scores) - sum(other > score for other in scores)) for score in scores]


def _divided(voters: Sequence[_Voter]) -> list[float]:
    """The weights of a weighted vote, each divided by the number of voters of its lineage."""
    lineages = [candidate.lineage for candidate, _ in voters]
    sizes = Counter(lineages)
    return [weight / sizes[each] for weight, each in zip(_weights(voters), lineages, strict=True)]


_WEIGHTS: dict[str, Callable[[Sequence[_Voter]], list[float]]] = {
    "weighted": _weights, "lineage": _divided, "borda": _ranks
}  # fmt: skip


def _elect(
    candidates: Sequence[Candidate], group: Grouping, weigh: Callable[[Sequence[_Voter]], list[float]]
) -> Verdict:
    """Return the class of voters with the greatest weight, and its best member."""
    voters = _voters(candidates)
    if not voters:
        return _NOBODY
    classes = group([answer for _, answer in voters])
    weights = weigh(voters)
    if not any(weights):
        weights = [1.0] * len(voters)
    totals = [0.0] * (max(classes) + 1)
    leaders: list[_Voter | None] = [None] * len(totals)
    for index, weight, voter in zip(classes, weights, voters, strict=True):
        totals[index] += weight
        leader = leaders[index]
        if leader is None or _score(voter) > _score(leader):
            leaders[index] = voter
    # classes are numbered in order of appearance, and max keeps the first of equals
    total, leader = max(
        ((total, leader) for total, leader in zip(totals, leaders, strict=True) if leader is not None),
        key=lambda pair: (pair[0], _score(pair[1])),
    )
    if min(weights) < 0:  # negative rewards have no share of a sum: count the voters who agree
        mine = classes[voters.index(leader)]
        return Verdict(leader[1], classes.count(mine) / len(classes), leader[0])
    return Verdict(leader[1], total / sum(totals), leader[0])
