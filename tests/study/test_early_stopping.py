"""Early stopping without a profile, on synthetic recordings."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.simulate.simulator import Simulator
from benchmarks.study.early_stopping import compared, sample_until_settled
from tests.calibrate.synthetic import pool
from tts.selection.published_rule import settled_confidence


@pytest.mark.parametrize("strategy", ["majority", "best-of-n"])
def test_each_order_ends_at_the_first_round_whose_votes_are_settled(strategy: str) -> None:
    world = pool([0.0, 0.5, 0.7, 1.0], m=24, prm_accuracy=0.8, seed=1)
    simulator = Simulator(world, orders=8)
    answers, used = sample_until_settled(simulator, strategy, 24)
    for row, problem in enumerate(simulator.problems):
        for order in range(8):
            evidence = problem.without_greedy.evidence(24, strategy == "best-of-n", "last")
            classes = evidence.classes[order].tolist()
            scores = None if evidence.scores is None else evidence.scores[order].tolist()
            rounds = (n for n in (4, 8, 16, 24) if n == 24 or settled_confidence(classes[:n], scores and scores[:n]))
            assert used[row, order] == next(rounds)
    assert (used[3] == 4).all()
    assert (answers[3] == answers[3, 0]).all()
    assert used[:2].mean() > 8


def test_the_table_sets_it_beside_drawing_all() -> None:
    found = list(compared("made up", pool([1.0] * 30, m=24, prm_accuracy=0.8, seed=1), orders=4))
    assert [(row["strategy"], row["N"]) for row in found] == [
        ("majority", 16), ("majority", 24), ("best-of-n", 16), ("best-of-n", 24)
    ]  # fmt: skip
    assert {row["mean samples"] for row in found if row["strategy"] == "majority"} == {"4.0"}
    assert np.allclose([float(row["right"]) for row in found], 100)
