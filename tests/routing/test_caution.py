"""Caution: when a choice leaves the arm that is best over all problems, and when it does not."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.command_line import Tts
from tests.routing.samples import SUMS, WORDS, outcomes
from tts.errors import BadInput
from tts.routing.arms import Arm
from tts.routing.caution import Baseline
from tts.routing.choice import Objective
from tts.routing.neighbours import NeighbourRouter
from tts.routing.outcomes import ArmOutcomes
from tts.routing.pool import Pool
from tts.routing.router import Prediction

NEW_SUM, NEW_WORD = "What is 30 plus 41 in total?", "Spell the word meadow backwards, letter 3."


@pytest.fixture(scope="module")
def pool() -> Pool:
    """Fit a pool whose generalist is the best arm over all problems, where cost counts a little."""
    return asyncio.run(Pool.fit(outcomes(), router=NeighbourRouter(k=20)))


def chosen(pool: Pool, text: str, caution: float) -> str:
    return pool.choose(text, objective={"cost": 0.1, "caution": caution}).arm.name


def table(quality: np.ndarray) -> ArmOutcomes:
    nothing = np.full(quality.shape, np.nan)
    names = tuple(f"arm {a}" for a in range(quality.shape[1]))
    return ArmOutcomes(tuple(map(str, range(len(quality)))), names, ("",) * len(quality), quality, nothing, nothing)


def test_how_far_arms_lie_apart_is_that_of_their_paired_differences_with_one_more_that_differs() -> None:
    # Differences 0, 1, 0, -1: their squares sum to 2, and one more is 3 of 5 problems.
    found = Baseline.of(table(np.array([[1, 1], [1, 0], [0, 0], [0, 1.0]])))
    assert found.apart[0, 1] == pytest.approx(math.sqrt(3 / 5))
    assert found.apart[1, 1] == pytest.approx(math.sqrt(1 / 5))
    assert found.quality.tolist() == [0.5, 0.5]


def test_a_gain_must_be_larger_than_so_many_of_its_standard_errors() -> None:
    # 25 queries at 0.5 have an error of 0.1. Arms 0.5 apart on a problem are 0.5 / 5 = 0.1 apart in 25 of them.
    base = Baseline(np.array([0.5, 0.4]), np.full(2, np.nan), np.full(2, np.nan), np.full((2, 2), 0.5))
    quality, unknown = np.array([[0.35, 0.5]]), np.full((1, 2), np.nan)
    found = Prediction.of(quality, np.array([[0.0954, 0.1]]), unknown, unknown)
    values = base.careful(quality, found, Objective(caution=2), best=0)
    assert values == pytest.approx(np.array([[0.35, 0.3]]), abs=1e-3)


def test_arms_that_never_met_have_the_errors_of_both() -> None:
    base = Baseline(np.array([0.5, 0.4]), np.full(2, np.nan), np.full(2, np.nan), np.full((2, 2), np.nan))
    unknown = np.full((1, 2), np.nan)
    found = Prediction.of(np.array([[0.5, 0.5]]), np.array([[0.3, 0.4]]), unknown, unknown)
    assert base.careful(found.quality, found, Objective(caution=1), best=0).tolist() == [[0.5, 0.0]]


def test_a_large_gain_is_taken_and_boundless_caution_keeps_the_best_arm_of_all_problems(pool: Pool) -> None:
    for caution in (0.0, 1.0):
        assert [chosen(pool, text, caution) for text in (NEW_SUM, NEW_WORD)] == ["adder", "speller"]
    assert [chosen(pool, text, 100.0) for text in (NEW_SUM, NEW_WORD)] == ["generalist"] * 2
    assert pool.best_overall(Objective(cost=0.1)) == "generalist"


def test_the_best_arm_of_all_problems_is_one_that_may_run(pool: Pool) -> None:
    decision = pool.choose(NEW_SUM, objective={"caution": 100.0}, max_cost=0.02)
    cheap = replace(pool, unit="dollars").choose(NEW_WORD, objective={"caution": 100.0}, max_cost=0.002)
    assert decision.overall in pool.names
    assert (cheap.arm.name, cheap.overall) == ("generalist", "generalist")
    assert "it is the best over all problems" in cheap.reason


def test_where_kinds_of_problems_do_not_matter_caution_loses_less() -> None:
    random, right = np.random.default_rng(0), np.array([0.75, 0.6, 0.6, 0.6, 0.6, 0.6])
    vectors = random.normal(size=(60, 8))
    outcome = table((random.random((60, 6)) < right).astype(float))
    found = NeighbourRouter(k=8).fit(vectors, outcome).predict(random.normal(size=(500, 8)))
    base = Baseline.of(outcome)
    best = base.best(Objective(), {}, np.ones(6, dtype=bool))
    expected = [
        right[base.careful(found.quality, found, Objective(caution=z), best).argmax(1)].mean() for z in (0.0, 1.0, 3.0)
    ]
    assert best == 0
    assert expected[0] < expected[1] < expected[2]
    assert expected[2] > 0.745


def test_a_pool_keeps_its_means_and_a_new_arm_joins_them(tmp_path: Path, pool: Pool) -> None:
    grown = asyncio.run(pool.add(Arm("new", "new"), replace(outcomes().over(["adder"]), arms=("new",))))
    grown.save(tmp_path / "pool.json")
    loaded = Pool.load(tmp_path / "pool.json")
    assert loaded.baseline is not None
    assert loaded.baseline.quality == pytest.approx([0.5, 0.5, 0.5, 0.5])
    assert np.isnan(loaded.baseline.apart[3]).all()
    assert chosen(loaded, NEW_SUM, 1.0) in ("adder", "new")


def test_a_pool_of_an_earlier_version_is_refused_where_caution_counts(pool: Pool) -> None:
    old = replace(pool, baseline=None)
    assert chosen(old, NEW_SUM, 0.0) == "adder"
    with pytest.raises(BadInput, match="which caution needs: fit it again"):
        chosen(old, NEW_SUM, 1.0)


def test_caution_is_typed_as_a_part_of_the_objective_and_explained(tmp_path: Path, pool: Pool, tts: Tts) -> None:
    asyncio.run(Pool.fit(outcomes((*SUMS, *WORDS)), router=NeighbourRouter(k=20))).save(tmp_path / "pool.json")
    typed = ("route", "--pool", str(tmp_path / "pool.json"), "--objective")
    assert "larger than the uncertainty" in " ".join(tts(*typed, "cost=0.1,caution=1", NEW_SUM).out.split())
    assert "it is the best over all problems" in " ".join(tts(*typed, "cost=0.1,caution=100", NEW_SUM).out.split())
    refused = tts(*typed, "caution=-1", NEW_SUM)
    assert refused.code == 2
    assert "numbers, 0 or more" in refused.err
