"""Accuracy of recorded candidates under another vote, another aggregation or a smaller N.

N samples are the first N recorded (one draw, as a run of that size), or the mean over subsets of N
(:mod:`benchmarks.stats.subsets`).

Majority ignores scores, and ties go to the answer seen first: it is what one has without a reward model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from benchmarks.recordings.plans import independent, plan_words
from benchmarks.stats.candidates import Candidates
from benchmarks.stats.intervals import Interval, difference, mean, pass_at_k, wilson
from benchmarks.stats.subsets import VOTES, accuracy_at
from tts import registry
from tts.answers.aggregate import aggregate, check_aggregation
from tts.errors import BadInput
from tts.records.outcomes import Outcome
from tts.types import Candidate

MAJORITY = "majority"


@dataclass(frozen=True, slots=True)
class Choice:
    """A vote and an aggregation of step scores; ``aggregate`` is None for majority, which uses no scores."""

    vote: str
    aggregate: str | None

    def __str__(self) -> str:
        return self.vote if self.aggregate is None else f"{self.vote}-{self.aggregate}"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the table: accuracy (0..1, with its 95 % interval) of a vote of N candidates over the problems."""

    choice: Choice
    n: int
    accuracy: Interval
    problems: int
    plan: str = ""


def choices(votes: Sequence[str], aggregates: Sequence[str]) -> list[Choice]:
    """Return every combination once. Raises UnknownName for an unknown vote or aggregation."""
    found: list[Choice] = []
    for how in aggregates:
        check_aggregation(how)
    for vote in votes:
        registry.resolve("vote", vote)
        name = vote.lower().replace("_", "-")
        found += [Choice(name, None)] if name == MAJORITY else [Choice(name, how) for how in aggregates]
    return list(dict.fromkeys(found))


def sizes(outcomes: Sequence[Outcome], asked: Sequence[int] | None) -> list[int]:
    """Return the values of N to compute: those asked for, or the powers of two and the recorded number.

    For a search the default is its recorded number only. Raises BadInput if ``asked`` exceeds the candidates of every
    problem.
    """
    most = max((len(outcome.candidates) for outcome in outcomes), default=0)
    if most == 0:
        raise BadInput("no problem of the file has candidates: name another file.")
    if asked is None and not all(map(independent, outcomes)):
        return [most]
    if asked is None:
        powers = [2**k for k in range(math.floor(math.log2(most)) + 1)]
        return [*powers, most] if powers[-1] < most else powers
    for n in asked:
        if n < 1:
            raise BadInput(f"a budget is a whole number, 1 or more, not {n}.")
        if n > most:
            raise BadInput(f"a budget of {n} is more than the {most} candidates recorded for a problem: ask for less.")
    return sorted(set(asked))


def scored(outcomes: Sequence[Outcome]) -> bool:
    """Return whether the candidates have step scores."""
    return any(candidate.scores for outcome in outcomes for candidate in outcome.candidates)


def single(outcomes: Sequence[Outcome], wanted: Sequence[Choice]) -> list[Choice]:
    """Return the choices without equal ones.

    Of one score a solution every aggregation is the same, and where no solutions share their first step, ``lineage`` is
    ``weighted``.
    """
    shared = (len({c.lineage for c in outcome.candidates}) < len(outcome.candidates) for outcome in outcomes)
    if not any(shared):
        wanted = list(dict.fromkeys(replace(c, vote="weighted") if c.vote == "lineage" else c for c in wanted))
    if any(len(candidate.scores) > 1 for outcome in outcomes for candidate in outcome.candidates):
        return list(wanted)
    return list({choice.vote: choice for choice in reversed(wanted)}.values())[::-1]


def hits(outcomes: Sequence[Outcome], choice: Choice, n: int, subsets: bool = False, seed: int = 0) -> list[float]:
    """Return for each graded outcome whether the vote is right (1.0 or 0.0), or with ``subsets`` how often it is."""
    return _hits(outcomes, _samples(outcomes, choice), choice, n, subsets, seed)


def lines(
    outcomes: Sequence[Outcome], wanted: Sequence[Choice], sizes: Sequence[int], subsets: bool = False
) -> list[Line]:
    """Compute accuracy for each choice and N. The interval is Wilson's, with ``subsets`` a bootstrap over problems."""
    if not outcomes:
        raise BadInput("there are no problems to replay: name another file.")
    table = []
    for choice in wanted:
        samples = _samples(outcomes, choice)
        for n in sizes:
            values = _hits(outcomes, samples, choice, n, subsets)
            accuracy = mean(values) if subsets else wilson(round(sum(values)), len(values))
            table.append(Line(choice, n, accuracy, len(values), plan_words(outcomes[0])))
    return table


def versus(outcomes: Sequence[Outcome], ours: Choice, theirs: Choice, n: int, subsets: bool = False) -> Interval:
    """Return how much more often ``ours`` is right than ``theirs``, paired over the problems."""
    return difference(hits(outcomes, ours, n, subsets), hits(outcomes, theirs, n, subsets))


def some_right(outcomes: Sequence[Outcome], k: int) -> Interval:
    """Estimate pass@k over the problems without bias; a problem with fewer than k candidates counts all it has."""
    values = []
    for outcome in outcomes:
        right = outcome.right
        values.append(pass_at_k(len(right), sum(right), min(k, len(right))) if right else 0.0)
    return mean(values)


def rescored(outcome: Outcome, how: str | None) -> tuple[Candidate, ...]:
    """Return the candidates with their step scores aggregated by ``how``; without scores if it is None."""
    return tuple(replace(candidate, score=_score(candidate, how)) for candidate in outcome.candidates)


def _score(candidate: Candidate, how: str | None) -> float | None:
    return aggregate(candidate.scores, how) if how is not None and candidate.scores else None


def _samples(outcomes: Sequence[Outcome], choice: Choice) -> list[Candidates]:
    """Convert the candidates to arrays, with the scores that the choice uses."""
    found = []
    for outcome in outcomes:
        how, tokens = choice.aggregate, [candidate.tokens for candidate in outcome.candidates]
        scores = {} if how is None else {how: [_score(candidate, how) for candidate in outcome.candidates]}
        lineages = [candidate.lineage for candidate in outcome.candidates]
        found.append(Candidates.of(outcome.classes, scores, outcome.right, tokens, lineages=lineages))
    return found


def _hits(
    outcomes: Sequence[Outcome], samples: Sequence[Candidates], choice: Choice, n: int, subsets: bool, seed: int = 0
) -> list[float]:
    if choice.vote not in VOTES:  # a vote of another package: call it
        if subsets:
            raise BadInput(f"--subsets works with the votes {', '.join(VOTES)}, not {choice.vote}.")
        return [_by_plugin(outcome, choice, n) for outcome in outcomes]
    if not subsets:  # the first n have one subset of size n
        samples = [each.cut(slice(n)) for each in samples]
    vote, how = choice.vote, choice.aggregate
    return [accuracy_at(each, min(n, len(each)), vote, how, seed) if len(each) else 0.0 for each in samples]


def _by_plugin(outcome: Outcome, choice: Choice, n: int) -> float:
    candidates = rescored(outcome, choice.aggregate)[:n]
    chosen = registry.resolve("vote", choice.vote)(candidates, group=_Lookup(outcome)).best
    return float(chosen is not None and outcome.right[_position(candidates, chosen)])


def _position(candidates: Sequence[Candidate], chosen: Candidate) -> int:
    return next(k for k, candidate in enumerate(candidates) if candidate is chosen)


class _Lookup:
    """The grouping of a graded outcome: its known classes, numbered in order of appearance, as votes expect them."""

    def __init__(self, outcome: Outcome) -> None:
        pairs = zip(outcome.candidates, outcome.classes, strict=True)
        self._classes = {c.answer: label for c, label in pairs if label >= 0}

    def __call__(self, answers: Sequence[str]) -> list[int]:
        seen: dict[int, int] = {}
        return [seen.setdefault(self._classes[answer], len(seen)) for answer in answers]
