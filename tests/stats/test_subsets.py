"""Estimates at smaller n against the real votes on every subset."""

from __future__ import annotations

import itertools
import math
import random

import pytest

from benchmarks.stats.candidates import OWN, Candidates
from benchmarks.stats.subsets import SUBSETS, VOTES, accuracy_at, pass_at
from tts.errors import UnknownName
from tts.registry import resolve
from tts.types import Candidate, Finish


def draw(seed: int, most: int = 8) -> tuple[list[Candidate], Candidates]:
    """Candidates with few answers and few scores, so that ties and missing voices are common; "1" is right.

    They grew from at most three first steps.
    """
    rng = random.Random(seed)
    answers = [rng.choice(["1", "2", "3", None]) for _ in range(rng.randrange(1, most))]
    scores = [rng.choice([0.0, 0.5, 0.5, 0.875, None]) for _ in answers]
    candidates = [
        Candidate(f"/{rng.randrange(3)}.{k}", (), Finish.STOP if answer else Finish.LENGTH, answer, (), score)
        for k, (answer, score) in enumerate(zip(answers, scores, strict=True))
    ]
    names: dict[str, int] = {}
    classes = [-1 if answer is None else names.setdefault(answer, len(names)) for answer in answers]
    right, lineages = [answer == "1" for answer in answers], [candidate.lineage for candidate in candidates]
    return candidates, Candidates.of(classes, {OWN: scores}, right, [1] * len(answers), lineages=lineages)


def over_all(candidates: list[Candidate], n: int, vote: str) -> float:
    """The mean over all subsets of n, each in the order in which they were sampled, by the vote itself."""
    choose = resolve("vote", vote)
    right: list[bool] = []
    for part in itertools.combinations(candidates, n):
        best = choose(part).best
        right.append(best is not None and best.answer == "1")
    return sum(right) / len(right)


@pytest.mark.parametrize("vote", VOTES)
def test_few_samples_are_averaged_over_every_subset(vote: str) -> None:
    for seed in range(60):
        candidates, samples = draw(seed)
        for n in range(1, len(samples) + 1):
            assert accuracy_at(samples, n, vote, OWN) == pytest.approx(over_all(candidates, n, vote)), (seed, n)


def test_the_best_score_and_pass_at_n_are_exact_for_any_number_of_samples() -> None:
    """256 samples of which the 3 best are wrong and the 4th is right, all others wrong.

    The 4th wins where it is drawn and none of the 3 is: C(252, 15) of the C(256, 16) subsets; it is drawn in 16/256.
    """
    scores = [1.0, 0.9, 0.8, 0.7, *(0.1 for _ in range(252))]
    samples = Candidates.of([0, 1, 2, 3, *[4] * 252], {OWN: scores}, [k == 3 for k in range(256)], [1] * 256)
    assert accuracy_at(samples, 16, "best", OWN) == pytest.approx(math.comb(252, 15) / math.comb(256, 16))
    assert pass_at(samples, 16) == pytest.approx(16 / 256)


def test_drawn_subsets_come_near_the_expectation_and_are_the_same_each_time() -> None:
    """Of 64 samples 40 are right: a majority of 3 is right with 3 x 40 x 39 x 24 / (64 x 63 x 62) + 40 x 39 x 38 / ...

    Two or three right of three without replacement: (3 * 40*39*24 + 40*39*38) / (64*63*62) = 0.6865.
    """
    samples = Candidates.of([0] * 40 + [1] * 24, {}, [True] * 40 + [False] * 24, [1] * 64)
    expected = (3 * 40 * 39 * 24 + 40 * 39 * 38) / (64 * 63 * 62)
    found = accuracy_at(samples, 3, "majority")
    # 400 draws of a proportion p: a standard error of sqrt(p (1 - p) / 400) = 0.023
    assert found == pytest.approx(expected, abs=4 * math.sqrt(expected * (1 - expected) / SUBSETS))
    assert accuracy_at(samples, 3, "majority") == found
    assert accuracy_at(samples, 64, "majority") == 1.0


def test_a_vote_nobody_has_an_estimate_for_is_refused() -> None:
    _, samples = draw(3)
    with pytest.raises(UnknownName, match="no vote with an estimate"):
        accuracy_at(samples, 1, "loudest")
    with pytest.raises(ValueError, match="no subset of size 99"):
        accuracy_at(samples, 99, "best")
