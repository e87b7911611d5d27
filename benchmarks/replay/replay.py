"""Accuracy of recorded candidates under another vote, another aggregation or a smaller N.

N samples are the first N recorded (one draw, as a run of that size), or the mean over subsets of N
(:mod:`benchmarks.stats.subsets`).

Majority ignores scores, and ties go to the answer seen first: it is what one has without a reward model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.recordings.records import Record
from benchmarks.stats.intervals import Interval, difference, mean, pass_at_k, wilson
from benchmarks.stats.subsets import Samples, accuracy_at
from tts import registry
from tts.answers.aggregate import AGGREGATES
from tts.errors import BadInput, UnknownName
from tts.types import Candidate

MAJORITY = "majority"
VOTES = (MAJORITY, "best", "weighted")


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
        if how not in AGGREGATES:
            raise UnknownName("aggregation", how, AGGREGATES)
    for vote in votes:
        registry.resolve("vote", vote)
        name = vote.lower().replace("_", "-")
        found += [Choice(name, None)] if name == MAJORITY else [Choice(name, how) for how in aggregates]
    return list(dict.fromkeys(found))


def scored(records: Sequence[Record]) -> bool:
    """Return whether the candidates have step scores."""
    return any(candidate.scores for record in records for candidate in record.candidates)


def hits(records: Sequence[Record], choice: Choice, n: int, subsets: bool = False, seed: int = 0) -> list[float]:
    """Return for each graded record whether the vote is right (1.0 or 0.0), or with ``subsets`` how often it is."""
    return _hits(records, _samples(records, choice), choice, n, subsets, seed)


def lines(
    records: Sequence[Record], wanted: Sequence[Choice], sizes: Sequence[int], subsets: bool = False
) -> list[Line]:
    """Compute accuracy for each choice and N. The interval is Wilson's, with ``subsets`` a bootstrap over problems."""
    if not records:
        raise BadInput("there are no problems to replay: name another file.")
    table = []
    for choice in wanted:
        samples = _samples(records, choice)
        for n in sizes:
            values = _hits(records, samples, choice, n, subsets)
            accuracy = mean(values) if subsets else wilson(round(sum(values)), len(values))
            table.append(Line(choice, n, accuracy, len(values), records[0].plan))
    return table


def versus(records: Sequence[Record], ours: Choice, theirs: Choice, n: int, subsets: bool = False) -> Interval:
    """Return how much more often ``ours`` is right than ``theirs``, paired over the problems."""
    return difference(hits(records, ours, n, subsets), hits(records, theirs, n, subsets))


def some_right(records: Sequence[Record], k: int) -> Interval:
    """Estimate pass@k over the problems without bias; a problem with fewer than k candidates counts all it has."""
    values = []
    for record in records:
        right = record.right or ()
        values.append(pass_at_k(len(right), sum(right), min(k, len(right))) if right else 0.0)
    return mean(values)


def _samples(records: Sequence[Record], choice: Choice) -> list[Samples]:
    """Convert the candidates to arrays, with the scores that the choice uses."""
    found = []
    for record in records:
        assert record.right is not None
        assert record.classes is not None
        found.append(Samples.of(record.classes, record.scores(choice.aggregate), record.right))
    return found


def _hits(
    records: Sequence[Record], samples: Sequence[Samples], choice: Choice, n: int, subsets: bool, seed: int = 0
) -> list[float]:
    if choice.vote not in VOTES:  # a vote of another package: call it
        if subsets:
            raise BadInput(f"--subsets works with the votes {', '.join(VOTES)}, not {choice.vote}.")
        return [_by_plugin(record, choice, n) for record in records]
    if not subsets:  # the first n have one subset of size n
        samples = [each.first(n) for each in samples]
    return [accuracy_at(each, min(n, len(each)), choice.vote, seed) if len(each) else 0.0 for each in samples]


def _by_plugin(record: Record, choice: Choice, n: int) -> float:
    assert record.right is not None
    candidates = record.scored_by(choice.aggregate)[:n]
    chosen = registry.resolve("vote", choice.vote)(candidates, group=_Lookup(record)).best
    return float(chosen is not None and record.right[_position(candidates, chosen)])


def _position(candidates: Sequence[Candidate], chosen: Candidate) -> int:
    return next(k for k, candidate in enumerate(candidates) if candidate is chosen)


class _Lookup:
    """The grouping of a graded record: its known classes, numbered in order of appearance, as votes expect them."""

    def __init__(self, record: Record) -> None:
        assert record.classes is not None
        pairs = zip(record.candidates, record.classes, strict=True)
        self._classes = {c.answer: label for c, label in pairs if label is not None}

    def __call__(self, answers: Sequence[str]) -> list[int]:
        seen: dict[int, int] = {}
        return [seen.setdefault(self._classes[answer], len(seen)) for answer in answers]
