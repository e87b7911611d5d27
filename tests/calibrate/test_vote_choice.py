"""The choice of a vote and aggregation for the stages of a profile."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchmarks.calibrate.vote_choice import of_samples, of_searches
from benchmarks.recordings.pool import Entry, Key, Pool, SampleSet, Searched
from benchmarks.simulate.simulator import GradedSimulator
from benchmarks.stats.candidates import Candidates
from benchmarks.stats.vote_rules import DEFAULT, VoteRule
from tests.calibrate.synthetic import EACH, pool
from tts.answers.aggregate import aggregate, short


def misleading(seed: int, count: int, m: int = 32) -> Pool:
    """A pool in which the most common answer is wrong, and its scores add up to more than those of the right one.

    A solution is right with a chance of 0.35 and then scored 0.9. It has a common wrong answer with a chance of 0.6,
    scored 0.6, and one time in ten 0.95. Sums of scores: 0.35 * 0.9 = 0.315 and 0.6 * (0.9 * 0.6 + 0.1 * 0.95) = 0.381.
    """
    rng, entries = np.random.default_rng(seed), list[Entry]()
    for k in range(count):
        classes = rng.choice(3, size=m, p=[0.35, 0.6, 0.05])
        scores = np.where(classes == 0, 0.9, np.where(rng.random(m) < 0.1, 0.95, 0.6))
        each = dict.fromkeys(("last", "min", "prod", "mean"), scores)
        found = Candidates(classes.astype(np.int64), each, classes == 0, np.full(m, 10, dtype=np.int64))
        steps = np.arange(m, dtype=np.int32)[:, None]
        samples = SampleSet(found, np.full(m, EACH), steps, np.full(m, EACH / 10))
        entries.append(Entry(f"{k:012x}", 1, 20, EACH / 10, EACH / 10, samples))
    return replace(pool([0.5]), entries=tuple(entries))


def test_a_fitted_aggregation_is_taken_where_scores_are_no_probabilities() -> None:
    graded = GradedSimulator.of(misleading(0, 60), orders=4)
    rule = of_samples(graded, np.arange(60))
    assert (rule.vote, short(rule.aggregate)) == ("weighted", "logistic")
    assert aggregate((0.6,), rule.aggregate) < 0.2 < 0.7 < aggregate((0.9,), rule.aggregate)


def test_the_default_stays_where_scores_are_probabilities_already() -> None:
    graded = GradedSimulator.of(pool([0.3, 0.6] * 30), orders=4)
    assert of_samples(graded, np.arange(60)) == DEFAULT


def copying(seed: int, count: int, copies: int) -> Pool:
    """A search of eight first steps, right with a chance of 0.4; one of the wrong ones ends in so many copies."""
    rng, key, entries = np.random.default_rng(seed), ("particle-filter", 8), list[Entry]()
    for drawn in pool([0.4] * count, seed=seed).entries:
        right = rng.random(8) < 0.4
        firsts = np.append(np.where(right, 0, np.arange(1, 9)), [9] * copies).astype(np.int64)
        each = dict.fromkeys(("last", "min", "prod", "mean"), np.full(len(firsts), 0.5))
        tokens, lineages = np.full(len(firsts), 10), np.append(np.arange(8), [8] * copies)
        found = Candidates(firsts, each, firsts == 0, tokens, lineages)
        entries.append(replace(drawn, searches={key: (Searched(found, 800.0, 80.0),)}))
    return replace(pool([0.4]), entries=tuple(entries), parameters={key: {}})


def test_a_search_that_copies_wrong_beginnings_votes_by_lineage() -> None:
    keys: list[Key] = [("particle-filter", 8)]
    copied = GradedSimulator.of(copying(0, 60, copies=6), orders=4)
    assert of_searches(copied, np.arange(60), keys) == {"particle-filter": VoteRule("lineage", "last")}
    single = GradedSimulator.of(copying(0, 60, copies=1), orders=4)
    assert of_searches(single, np.arange(60), keys) == {"particle-filter": DEFAULT}
