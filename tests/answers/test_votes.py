"""Votes: small cases by hand, and 7000 recorded candidates of real models."""

from __future__ import annotations

import gzip
import json
import os
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tts.answers.aggregate import AGGREGATES, aggregate
from tts.answers.equivalence import group
from tts.answers.votes import VOTES, Verdict, best, borda, classes, elect, lineage, majority, spelling_decides, weighted
from tts.types import Candidate, Finish

SHARED = Path(os.environ.get("TTS_SHARED") or Path(__file__).resolve().parents[3] / "shared")
RECORDED = SHARED / "data/recorded/sal_math500_beams"
recorded = pytest.mark.skipif(not RECORDED.is_dir(), reason=f"no recorded candidates at {RECORDED} (set TTS_SHARED)")


def vote_of(answer: str | None, score: float | None = None, finish: Finish = Finish.STOP) -> Candidate:
    return Candidate(key="0", steps=(), finish=finish, answer=answer, score=score)


CANDIDATES = [vote_of("1", 0.9), vote_of("2", 0.5), vote_of("2.0", 0.6), vote_of("3", 0.1)]


def test_majority_counts_equivalent_answers_together() -> None:
    assert majority(CANDIDATES) == Verdict("2.0", 0.5, CANDIDATES[2])  # 2 of 4, written as the better one wrote it


def test_rewards_below_zero_vote_and_confidence_counts_voters() -> None:
    voters = [vote_of("1", 2.0), vote_of("2", -1.0), vote_of("3", -1.0), vote_of("1", -0.5)]
    assert weighted(voters) == Verdict("1", 0.5, voters[0])  # 1.5 against -1 and -1, a sum of -0.5; 2 voters of 4


def test_best_takes_the_highest_score() -> None:
    assert best(CANDIDATES) == Verdict("1", 0.25, CANDIDATES[0])  # 1 of 4 voters


def test_weighted_sums_scores_per_answer() -> None:
    verdict = weighted(CANDIDATES)
    assert (verdict.answer, verdict.best) == ("2.0", CANDIDATES[2])
    assert verdict.confidence == pytest.approx(1.1 / 2.1)  # (0.5 + 0.6) / (0.9 + 0.5 + 0.6 + 0.1)


@pytest.mark.parametrize("name", VOTES)
def test_unfinished_and_unreadable_candidates_do_not_vote(name: str) -> None:
    silent = [vote_of("7", 1.0, Finish.LENGTH), vote_of("7", 1.0, Finish.STEP), vote_of(None, 1.0), vote_of("?", 1.0)]
    assert VOTES[name](silent) == Verdict(None, 0.0, None)
    assert VOTES[name]([*silent, CANDIDATES[3]]) == Verdict("3", 1.0, CANDIDATES[3])
    assert VOTES[name]([]) == Verdict(None, 0.0, None)


def test_ties_go_to_the_highest_score_then_to_the_first_seen() -> None:
    assert majority([vote_of("1", 0.2), vote_of("2", 0.8)]).answer == "2"
    assert majority([vote_of("1"), vote_of("2")]).answer == "1"
    assert best([vote_of("1", 0.8), vote_of("2", 0.8)]).answer == "1"
    assert weighted([vote_of("1", 0.25), vote_of("1", 0.25), vote_of("2", 0.5)]).answer == "2"


def test_without_any_score_weighted_is_majority() -> None:
    unscored = [vote_of("1"), vote_of("2"), vote_of("2")]
    assert weighted(unscored) == majority(unscored) == Verdict("2", 2 / 3, unscored[1])


def test_where_some_have_scores_the_others_weigh_nothing() -> None:
    assert weighted([vote_of("1"), vote_of("1"), vote_of("2", 0.1)]) == Verdict("2", 1.0, vote_of("2", 0.1))
    assert best([vote_of("1"), vote_of("2", 0.0)]).answer == "2"


def test_scores_of_zero_fall_back_to_counting() -> None:
    assert weighted([vote_of("1", 0.0), vote_of("2", 0.0), vote_of("2", 0.0)]).answer == "2"


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 1, 0)])
def test_a_score_that_is_no_finite_number_is_none(bad: float, order: tuple[int, ...]) -> None:
    voters = [vote_of("1", bad), vote_of("2", 0.9), vote_of("2", 0.8)]
    candidates = [voters[place] for place in order]
    assert weighted(candidates).answer == best(candidates).answer == "2"
    assert weighted(candidates).confidence == 1.0  # 1.7 of 1.7


def test_scores_whose_sum_is_beyond_a_float_still_have_shares() -> None:
    verdict = weighted([vote_of("1", 1e308), vote_of("1", 1e308), vote_of("2", 1e308), vote_of("3", 1e308)])
    assert (verdict.answer, verdict.confidence) == ("1", 0.5)  # 2 of 4 equal weights


@pytest.mark.parametrize("name", VOTES)
def test_no_answer_however_odd_ends_a_vote(name: str) -> None:
    odd = [r"3\pmod 7", r"3 \pmod{7}", r"\pmatrix", "9^9^9^9", "{" * 500, "\x00", r"\frac{", "100000!", "100001!"]
    verdict = VOTES[name]([vote_of(answer, 0.5) for answer in odd])
    assert verdict.answer in odd[:2]  # the two that are the same


def rows() -> list[dict[str, Any]]:
    with gzip.open(RECORDED / "even_pool_prm_graded_shuffled.jsonl.gz", "rt") as lines:
        return [json.loads(line) for line in lines]


def expected() -> dict[str, dict[str, float]]:
    loaded: dict[str, dict[str, float]] = json.loads((RECORDED / "even_pool_expected.json").read_text())
    return loaded


def accuracy(problems: list[dict[str, Any]], vote: str, how: str | None, count: int) -> float:
    """Percent of problems answered rightly, by recorded class and correctness; each answer is its sample's index.

    The record breaks ties by the first seen. So does a vote without scores, and with scores the sums do not tie.
    """
    right = 0
    for problem in problems:
        samples = problem["samples"][:count]
        candidates = [
            vote_of(
                None if sample["answer"] is None else str(i),
                None if how is None else aggregate(sample["step_scores"], how),
            )
            for i, sample in enumerate(samples)
        ]

        def clusters(answers: Sequence[str], samples: list[dict[str, Any]] = samples) -> list[int]:
            seen: dict[int, int] = {}
            return [seen.setdefault(samples[int(answer)]["cluster"], len(seen)) for answer in answers]

        verdict = VOTES[vote](candidates, group=clusters)  # type: ignore[call-arg]
        right += verdict.answer is not None and samples[int(verdict.answer)]["correct"]
    return round(100 * right / len(problems), 1)


@recorded
def test_every_vote_and_aggregation_gives_the_recorded_accuracy() -> None:
    problems = rows()
    for count, table in expected().items():
        assert accuracy(problems, "majority", None, int(count)) == table["maj"]
        for how in AGGREGATES:
            assert accuracy(problems, "best", how, int(count)) == table[f"best-{how}"], (count, how)
            assert accuracy(problems, "weighted", how, int(count)) == table[f"weighted-{how}"], (count, how)


@recorded
def test_grouping_agrees_with_the_recorded_classes() -> None:
    agree = total = 0
    for problem in random.Random(0).sample(rows(), 8):
        samples = [sample for sample in problem["samples"] if sample["answer"] is not None]
        classes = group([sample["answer"] for sample in samples])
        for i, sample in enumerate(samples):
            for j in range(i):
                total += 1
                agree += (classes[i] == classes[j]) == (sample["cluster"] == samples[j]["cluster"])
    assert agree / total >= 0.995


def test_answers_without_a_voice_belong_to_no_class() -> None:
    assert classes(["1/2", "0.5", None, "", "x", "2/4", "x"]) == [0, 0, -1, -1, 1, 0, 1]
    assert classes([]) == []


def test_where_spelling_tells_all_nothing_has_to_be_compared() -> None:
    assert spelling_decides(["1,000", "1000", None, "..."])
    assert spelling_decides([None])
    assert not spelling_decides(["1000", "1001"])


def test_borda_weighs_candidates_by_the_square_root_of_their_rank() -> None:
    voters = [vote_of("1", 0.99), vote_of("2", 0.02), vote_of("2", 0.01)]
    verdict = borda(voters)  # ranks 1, 2 and 3 of 3: sqrt(3) = 1.732 against sqrt(2) + 1 = 2.414
    assert verdict.answer == "2"
    assert verdict.confidence == pytest.approx(2.4142 / 4.1463, abs=1e-4)
    assert weighted(voters).answer == "1"
    scaled = [vote_of("1", 1e9), vote_of("2", -5.0), vote_of("2", -7.0)]
    assert borda(scaled) == replace(verdict, best=scaled[1]), "the scale of the scores does not matter"


def grown(key: str, answer: str, score: float | None = None) -> Candidate:
    return replace(vote_of(answer, score), key=key)


def verdict(answer: str, share: float, best: Candidate) -> Any:
    """A verdict whose share need not be equal in its last digits."""
    about: Any = pytest.approx(share)
    return Verdict(answer, about, best)


@pytest.mark.parametrize(
    ("key", "first"),
    [("/4", "/4"), ("/4.0", "/4"), ("/4+2", "/4"), ("2/0.3+1", "2/0"), ("1.2/0.1", "1.2/0"), ("7", "7")],
)
def test_a_lineage_is_named_by_its_first_step_in_its_subtree(key: str, first: str) -> None:
    assert grown(key, "1").lineage == first


def test_candidates_of_one_first_step_divide_one_vote() -> None:
    """Copies of one beginning: 1.8 / 3 = 0.6 for 1, where 2 has 0.4 + 0.4. Weighted, 1 has 1.8 of 2.6."""
    copies = [grown(f"/0.{k}", "1", 0.6) for k in range(3)]
    alone = [grown("/1.0", "2", 0.4), grown("1/0.0", "2", 0.4)]
    assert weighted([*copies, *alone]) == verdict("1", 1.8 / 2.6, copies[0])
    assert lineage([*copies, *alone]) == verdict("2", 0.8 / 1.4, alone[0])
    _, standings = elect("lineage", [*copies, *alone])
    assert [(each.answer, each.count) for each in standings] == [("2", 2), ("1", 3)]
    assert standings[0].share == pytest.approx(0.8 / 1.4)


def test_within_a_lineage_scores_weigh_and_without_scores_candidates_count() -> None:
    split = [grown("/0.0", "1", 0.8), grown("/0.1", "2", 0.4), grown("/1", "2", 0.3)]  # 0.4 against 0.2 + 0.3
    assert lineage(split) == verdict("2", 0.5 / 0.9, split[1])
    unscored = [replace(each, score=None) for each in split]  # 1/2 against 1/2 + 1
    assert lineage(unscored) == verdict("2", 1.5 / 2, unscored[1])


def test_candidates_that_cannot_vote_take_no_share_of_their_lineage() -> None:
    silent = replace(grown("/0.0", "1", 0.9), finish=Finish.LENGTH)
    voters = [silent, grown("/0.1", "1", 0.9), grown("/1", "2", 0.6)]
    assert lineage(voters) == verdict("1", 0.9 / 1.5, voters[1])
