"""Ranking of the solutions of one problem by a reward model's scores, as a search does it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.prm_eval.protocol import DRAWS, Scored, Subset, divide
from benchmarks.stats.candidates import Candidates
from benchmarks.stats.intervals import Interval, cluster_weights, percentile
from benchmarks.stats.vote_rules import DEFAULT, MAJORITY, VOTE_RULES, VoteRule, best_rule, fitted_rule, held_out
from tts.answers.aggregate import AGGREGATES, aggregate
from tts.answers.equivalence import group
from tts.answers.extract import extract
from tts.answers.normalize import parsable
from tts.answers.votes import weighted
from tts.types import Candidate, Finish


@dataclass(frozen=True, slots=True)
class Ranking:
    """Figures for one aggregation of step scores: means over problems with several solutions.

    Attributes:
        pairs: how often a right solution scores above a wrong one of the same problem (ties half), over problems that
            have both.
        chosen: share of problems whose best scored solution is right.
        gain: ``chosen`` minus the share of right solutions: what best-of-n adds to one sample.
        vote: share of problems whose score-weighted vote elects the answer of a right solution; None if too few
            answers can be parsed.
        vote_gain: ``vote`` minus the same for the majority vote, which needs no reward model (ties are broken at
            random).
    """

    pairs: Interval | None
    chosen: Interval
    gain: Interval
    vote: Interval | None
    vote_gain: Interval | None


@dataclass(frozen=True, slots=True)
class Rankings:
    """Rankings by aggregation, over all problems with several solutions.

    ``problems`` is their number, ``mixed`` the number of those with right and wrong solutions. ``random`` is the share
    of right solutions, ``there`` the share of problems with a right one, ``majority`` the share of problems whose most
    common answer is right (None if too few answers can be parsed).

    ``rule`` is the vote rule to use with this reward model: the default, or the best one if it is significantly better
    (:func:`benchmarks.stats.vote_rules.best_rule`); ``rule_gain`` is its paired gain over the default. The rule is
    chosen on the same problems, so its gain is an upper bound. Both are None if too few answers can be parsed.
    """

    problems: int
    mixed: int
    random: float
    there: float
    majority: float | None
    by: Mapping[str, Ranking]
    rule: VoteRule | None
    rule_gain: Interval | None


def rankings(subsets: Sequence[Subset], draws: int = DRAWS, seed: int = 0) -> Rankings | None:
    """Measure ranking among the solutions of the same problem; None if no problem has several.

    Answers are parsed and compared as in the votes of a search (:mod:`tts.answers.votes`).
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
    rule, rule_gain = _rule(several, weights, elected) if elected is not None else (None, None)
    return Rankings(
        len(several),
        int(((right > 0) & (right < 1)).sum()),
        float(right.mean()),
        float((right > 0).mean()),
        float(elected.mean()) if elected is not None else None,
        {how: _ranking(several, weights, elected, how) for how in AGGREGATES},
        rule,
        rule_gain,
    )


class _Group:
    """The scored solutions of one problem."""

    def __init__(self, scored: Sequence[Scored]) -> None:
        self.right = np.array([case.right for case, _ in scored])
        self.scores = [scores for _, scores in scored]
        self.answers = [extract("\n\n".join(case.steps)) for case, _ in scored]
        self.share = float(self.right.mean())

    @property
    def candidates(self) -> Candidates:
        """Return what a fit reads of the solutions."""
        scores = {how: [aggregate(found, how) for found in self.scores] for how in AGGREGATES}
        none = [0] * len(self.scores)
        return Candidates.of(none, scores, self.right.tolist(), none)

    def pairs(self, scores: np.ndarray) -> float:
        gap = scores[self.right][:, None] - scores[~self.right]
        return float((gap > 0).mean() + (gap == 0).mean() / 2) if gap.size else np.nan

    def chosen(self, scores: np.ndarray) -> float:
        return float(self.right[scores == scores.max()].mean())  # ties are broken at random

    def elect(self, scores: Sequence[float]) -> float:
        """Return 1 if the score-weighted vote elects the answer of a right solution."""
        verdict = weighted(
            [Candidate(str(k), (), Finish.STOP, answer, score=scores[k]) for k, answer in enumerate(self.answers)]
        )
        return float(verdict.best is not None and bool(self.right[int(verdict.best.key)]))

    def by(self, rule: VoteRule) -> float:
        """Return how often the choice by a rule that reads scores is right."""
        scores = [aggregate(found, rule.aggregate) for found in self.scores]
        return self.chosen(np.array(scores)) if rule.vote == "best" else self.elect(scores)

    def majority(self) -> float:
        """Return the probability that the majority vote, ties broken at random, is the answer of a right solution."""
        voters = [(k, answer) for k, answer in enumerate(self.answers) if answer is not None and parsable(answer)]
        if not voters:
            return 0.0
        votes: dict[int, list[int]] = {}
        for (k, _), place in zip(voters, group([answer for _, answer in voters]), strict=True):
            votes.setdefault(place, []).append(k)
        most = max(map(len, votes.values()))
        return float(np.mean([self.right[found[0]] for found in votes.values() if len(found) == most]))


def _rule(groups: Sequence[_Group], weights: np.ndarray, elected: np.ndarray) -> tuple[VoteRule, Interval | None]:
    """Choose the vote rule, a fitted one among them, and measure its gain over the default."""

    def right(rule: VoteRule) -> np.ndarray:
        return np.array([g.by(rule) for g in groups])

    found = {rule: elected if rule == MAJORITY else right(rule) for rule in VOTE_RULES}
    problems = [g.candidates for g in groups]
    found[fitted_rule(problems)] = held_out(problems, right)
    rule = best_rule(found)
    return rule, percentile(weights @ (found[rule] - found[DEFAULT]) / weights.sum(axis=1))


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
