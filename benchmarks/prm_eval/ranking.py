"""Whether a reward model's scores choose among the solutions of one problem, which is what a search does with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.prm_eval.protocol import DRAWS, Scored, Subset, divide
from benchmarks.stats.intervals import Interval, cluster_weights, percentile
from tts.answers.aggregate import AGGREGATES, aggregate
from tts.answers.equivalence import group
from tts.answers.extract import extract
from tts.answers.normalize import parsable
from tts.answers.votes import weighted
from tts.types import Candidate, Finish


@dataclass(frozen=True, slots=True)
class Ranking:
    """With the step scores of a solution aggregated in one way, the mean over problems with several solutions.

    Attributes:
        pairs: how often a right solution scores above a wrong one of the same problem (ties half), over problems that
            have both.
        chosen: the share of problems where the best scored solution is right.
        gain: that, minus the share of right solutions: what best-of-n adds to one sample.
        vote: the share of problems where the vote weighted by scores elects a right solution's answer; None where too
            few answers can be read.
        vote_gain: that, minus the same of the majority vote, which needs no reward model (of answers with as many
            votes, each is as likely to be taken).
    """

    pairs: Interval | None
    chosen: Interval
    gain: Interval
    vote: Interval | None
    vote_gain: Interval | None


@dataclass(frozen=True, slots=True)
class Rankings:
    """Ranking over all problems with several solutions, by aggregation.

    ``problems`` have several, ``mixed`` of them right ones and wrong ones. ``random`` is the share of right solutions,
    ``there`` that of problems with one, ``majority`` that of problems where the commonest answer is right (None where
    too few answers can be read).
    """

    problems: int
    mixed: int
    random: float
    there: float
    majority: float | None
    by: Mapping[str, Ranking]


def rankings(subsets: Sequence[Subset], draws: int = DRAWS, seed: int = 0) -> Rankings | None:
    """Measure ranking among the solutions of the same problem; None where no problem has several.

    Answers are read and compared as the votes of a search do it (:mod:`tts.answers.votes`).
    """
    groups: dict[tuple[int, str], list[Scored]] = {}
    for k, subset in enumerate(subsets):
        for case, scores in subset.scored:
            groups.setdefault((k, case.problem), []).append((case, scores))
    several = [_Group(scored) for scored in groups.values() if len(scored) > 1]
    if not several:
        return None
    weights = cluster_weights(range(len(several)), draws, seed)
    legible = sum(len(g.answers) - g.answers.count(None) for g in several) > sum(len(g.answers) for g in several) / 2
    elected = np.array([g.majority() for g in several]) if legible else None
    right = np.array([g.share for g in several])
    return Rankings(
        len(several),
        int(((right > 0) & (right < 1)).sum()),
        float(right.mean()),
        float((right > 0).mean()),
        float(elected.mean()) if elected is not None else None,
        {how: _ranking(several, weights, elected, how) for how in AGGREGATES},
    )


class _Group:
    """The scored solutions of one problem."""

    def __init__(self, scored: Sequence[Scored]) -> None:
        self.right = np.array([case.right for case, _ in scored])
        self.scores = [scores for _, scores in scored]
        self.answers = [extract("\n\n".join(case.steps)) for case, _ in scored]
        self.share = float(self.right.mean())

    def pairs(self, scores: np.ndarray) -> float:
        gap = scores[self.right][:, None] - scores[~self.right]
        return float((gap > 0).mean() + (gap == 0).mean() / 2) if gap.size else np.nan

    def chosen(self, scores: np.ndarray) -> float:
        return float(self.right[scores == scores.max()].mean())  # of equals, each is as likely to be taken

    def elect(self, scores: Sequence[float]) -> float:
        """1 where the vote weighted by scores elects the answer of a right solution."""
        verdict = weighted(
            [Candidate(str(k), (), Finish.STOP, answer, score=scores[k]) for k, answer in enumerate(self.answers)]
        )
        return float(verdict.best is not None and bool(self.right[int(verdict.best.key)]))

    def majority(self) -> float:
        """How likely the commonest answer is that of a right solution, one of equals being taken at random."""
        voters = [(k, answer) for k, answer in enumerate(self.answers) if answer is not None and parsable(answer)]
        if not voters:
            return 0.0
        votes: dict[int, list[int]] = {}
        for (k, _), place in zip(voters, group([answer for _, answer in voters]), strict=True):
            votes.setdefault(place, []).append(k)
        most = max(map(len, votes.values()))
        return float(np.mean([self.right[found[0]] for found in votes.values() if len(found) == most]))


def _ranking(groups: Sequence[_Group], weights: np.ndarray, elected: np.ndarray | None, how: str) -> Ranking:
    scores = [np.array([aggregate(found, how) for found in g.scores]) for g in groups]
    pairs = np.array([g.pairs(found) for g, found in zip(groups, scores, strict=True)])
    chosen = np.array([g.chosen(found) for g, found in zip(groups, scores, strict=True)])
    known = ~np.isnan(pairs)

    def mean(values: np.ndarray) -> Interval:
        interval = percentile(weights @ values / weights.sum(axis=1))
        assert interval is not None
        return interval

    vote = vote_gain = None
    if elected is not None:
        found = np.array([g.elect(s.tolist()) for g, s in zip(groups, scores, strict=True)])
        vote, vote_gain = mean(found), mean(found - elected)
    share = np.array([g.share for g in groups])
    ordered = percentile(divide(weights[:, known] @ pairs[known], weights[:, known].sum(axis=1)))
    return Ranking(ordered, mean(chosen), mean(chosen - share), vote, vote_gain)
