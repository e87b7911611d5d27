"""The estimate over subsets against the votes of the engine room, and against counting by hand."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from benchmarks.replay.subsets import Pool, share_right, subsets
from tts.types import Candidate, Finish
from tts.votes import VOTES


@pytest.mark.parametrize("vote", VOTES)
@pytest.mark.parametrize("seed", range(40))
def test_each_subset_is_voted_on_as_the_engine_room_votes(vote: str, seed: int) -> None:
    draw = random.Random(seed)
    n = draw.randrange(2, 9)
    scores = [draw.choice([None, 0.0, 0.25, 0.5, 0.75]) for _ in range(n)]
    classes = [draw.choice([None, 0, 1, 2]) for _ in range(n)]
    right = [label == 1 for label in classes]
    candidates = [
        Candidate(str(k), (), Finish.STOP, None if label is None else f"{label}", (), score)
        for k, (label, score) in enumerate(zip(classes, scores, strict=True))
    ]
    size = draw.randrange(2, n + 1)
    found = 0
    picks = subsets(n, size)
    for pick in picks:
        best = VOTES[vote]([candidates[k] for k in pick]).best
        found += best is not None and right[int(best.key)]
    pool = Pool.of(scores, classes, right)
    assert share_right(pool, vote, size) == pytest.approx(found / len(picks))


def test_all_subsets_are_taken_where_they_are_few() -> None:
    assert [list(row) for row in subsets(4, 2)] == [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]


def test_random_subsets_hold_distinct_samples_in_their_order() -> None:
    drawn = subsets(64, 16, draws=50)
    assert drawn.shape == (50, 16)
    assert all(list(row) == sorted(set(row)) for row in drawn.tolist())
    assert len({tuple(row) for row in drawn.tolist()}) == 50


def test_majority_of_three_by_hand() -> None:
    # answers A A B B with B right: of the four subsets of 3, AAB twice and ABB twice, so half are right.
    assert share(["a", "a", "b", "b"], "b", 3) == 0.5
    # of six pairs: AA wrong, BB right, four AB tie and go to the one seen first, A.
    assert share(["a", "a", "b", "b"], "b", 2) == pytest.approx(1 / 6)


def share(answers: Sequence[str], gold: str, size: int) -> float:
    labels = ["ab".index(answer) for answer in answers]
    return share_right(Pool.of([None] * len(answers), labels, [a == gold for a in answers]), "majority", size)
