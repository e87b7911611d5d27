"""Pools: fitted, saved, shared, grown, and refused where they do not fit."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import numpy as np
import pytest

from tests.routing.samples import SUMS, WORDS, HashEmbedder, outcomes
from tts.cost import Prices
from tts.errors import BadInput, UnknownName
from tts.registry import names
from tts.routing.arms import Arm
from tts.routing.choice import Objective
from tts.routing.pool import Pool

pytest.importorskip("sklearn", reason="fitting a pool needs scikit-learn")
NEW_SUM, NEW_WORD = "What is 30 plus 41 in total?", "Spell the word meadow backwards, letter 3."


def fit(router: str = "clusters", **about: object) -> Pool:
    return asyncio.run(Pool.fit(outcomes(), router=router, **about))  # type: ignore[arg-type]


def best(pool: Pool, text: str, objective: Objective | None = None) -> str:
    return asyncio.run(pool.route(text, objective))[0].arm


@pytest.mark.parametrize("router", names("router"))
def test_a_saved_pool_routes_as_the_fitted_one_without_any_model(tmp_path: Path, router: str) -> None:
    pool = fit(router)
    pool.save(tmp_path / "pool.json")
    loaded = Pool.load(tmp_path / "pool.json")
    for text in (NEW_SUM, NEW_WORD):
        ours, theirs = (asyncio.run(each.route(text)) for each in (pool, loaded))
        assert [arm.arm for arm in ours] == [arm.arm for arm in theirs]
        assert ours[0].quality == pytest.approx(theirs[0].quality, abs=1e-3)


def test_cost_in_the_objective_prefers_the_cheap_arm() -> None:
    # The adder is about 50 points better on sums and ten times as dear: a weight of 0.1 keeps it, 2 does not.
    pool = fit()
    assert best(pool, NEW_SUM, Objective(cost=0.1)) == "adder"
    assert best(pool, NEW_SUM, Objective(cost=2)) == "generalist"


def test_prices_that_are_missing_are_asked_for_where_cost_counts() -> None:
    table = outcomes()
    table.cost[:] = np.nan
    pool = asyncio.run(Pool.fit(table))
    assert best(pool, NEW_SUM) == "adder"
    with pytest.raises(BadInput, match="prices"):
        best(pool, NEW_SUM, Objective(cost=0.1))


def test_a_new_arm_is_added_and_the_others_stay(tmp_path: Path) -> None:
    two = asyncio.run(Pool.fit(outcomes(arms=("adder", "generalist"))))
    arm = Arm.named("speller", Prices(0.1, 0.2))
    three = asyncio.run(two.add(arm, outcomes((*SUMS, *WORDS), ("speller",))))
    assert best(three, NEW_WORD) == "speller"
    three.save(tmp_path / "p.json")
    assert Pool.load(tmp_path / "p.json").arm("speller").prices == Prices(0.1, 0.2)
    with pytest.raises(BadInput, match="already"):
        asyncio.run(three.add(arm, outcomes((*SUMS, *WORDS), ("speller",))))


def test_a_pool_knows_the_problems_that_it_was_fitted_on() -> None:
    pool = fit()
    assert pool.fitted_on(SUMS[0])
    assert not pool.fitted_on(NEW_SUM)


def test_one_model_or_one_problem_is_no_pool() -> None:
    with pytest.raises(BadInput, match="two models"):
        asyncio.run(Pool.fit(outcomes(arms=("adder",))))
    with pytest.raises(BadInput, match="two problems"):
        asyncio.run(Pool.fit(outcomes(SUMS[:1])))


def test_an_unknown_arm_gets_a_suggestion() -> None:
    with pytest.raises(UnknownName, match="did you mean 'adder'"):
        fit().arm("ader")
    with pytest.raises(UnknownName, match="speller"):
        fit(arms=[Arm.named("spell")])


class TestFile:
    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        fit(embedder=HashEmbedder()).save(tmp_path / "pool.json")
        return tmp_path / "pool.json"

    def change(self, file: Path, **about: object) -> None:
        file.write_text(json.dumps({**json.loads(file.read_text()), **about}))

    def test_an_embedder_of_another_dimension_is_refused(self, file: Path) -> None:
        pool = Pool.load(file, HashEmbedder(dimension=32))
        with pytest.raises(BadInput, match=r"32 numbers .* with 64"):
            best(pool, NEW_SUM)

    def test_a_newer_version_is_one_sentence(self, file: Path) -> None:
        self.change(file, version=2)
        with pytest.raises(BadInput, match="newer version"):
            Pool.load(file, HashEmbedder())

    @pytest.mark.parametrize("text", ["{", "[]", "{}", '{"format": "other", "version": 1}'])
    def test_what_is_no_pool_is_one_sentence(self, file: Path, text: str) -> None:
        file.write_text(text)
        with pytest.raises(BadInput, match=r"pool\.json"):
            Pool.load(file, HashEmbedder())

    def test_missing_parts_are_damage(self, file: Path) -> None:
        self.change(file, arms=[{"policy": "x"}])
        with pytest.raises(BadInput, match="damaged"):
            Pool.load(file, HashEmbedder())

    def test_arrays_that_were_changed_are_damage(self, file: Path) -> None:
        weights = file.with_suffix(".safetensors")
        weights.write_bytes(weights.read_bytes()[:-1] + b"x")
        with pytest.raises(BadInput, match="damaged or of another pool"):
            Pool.load(file, HashEmbedder())
        weights.unlink()
        with pytest.raises(BadInput, match="cannot be read"):
            Pool.load(file, HashEmbedder())

    def test_arrays_are_only_read_next_to_the_file(self, file: Path) -> None:
        about = json.loads(file.read_text())["weights"]
        self.change(file, weights=about | {"file": f"../elsewhere/{about['file']}"})
        assert best(Pool.load(file, HashEmbedder()), NEW_SUM) == "adder"
