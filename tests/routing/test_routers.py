"""The contract of every router, and what is each one's own."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from tests.routing.samples import ARMS, SUMS, WORDS, HashEmbedder, outcomes
from tts.errors import BadInput, UnknownName
from tts.registry import names, resolve
from tts.routing.clusters import ClusterRouter
from tts.routing.contrastive import ContrastiveRouter
from tts.routing.neighbours import NeighbourRouter
from tts.routing.outcomes import ArmOutcomes
from tts.routing.router import Router
from tts.routing.scoring import ranks

pytest.importorskip("sklearn", reason="fitting a router needs scikit-learn")
NEW_SUM, NEW_WORD = "What is 30 plus 41 in total?", "Spell the word meadow backwards, letter 3."
SMALL: dict[str, dict[str, Any]] = {
    "clusters": {"k": 4},
    "knn": {"k": 10},
    "contrastive": {"steps": 60, "batch": 32, "clusters": 2},
    "mean": {"members": {"clusters": {"k": 4}, "knn": {"k": 10}, "logistic": {}}},
}


def made(kind: str) -> Router:
    router: Router = resolve("router", kind)(**SMALL.get(kind, {}))
    return router


def embedded(*texts: str) -> np.ndarray:
    return asyncio.run(HashEmbedder().embed(texts))


def fitted(kind: str, table: ArmOutcomes) -> Router:
    return made(kind).fit(embedded(*table.texts), table)


@pytest.mark.parametrize("kind", names("router"))
class TestEveryRouter:
    def test_a_problem_goes_to_the_arm_that_is_good_at_its_kind(self, kind: str) -> None:
        found = fitted(kind, outcomes()).predict(embedded(NEW_SUM, NEW_WORD))
        assert [ARMS[a] for a in found.score.argmax(1)] == ["adder", "speller"]
        assert found.quality[0, 0] > 0.6 > 0.4 > found.quality[0, 1]

    def test_qualities_are_chances_and_errors_are_positive(self, kind: str) -> None:
        found = fitted(kind, outcomes()).predict(embedded(NEW_SUM, "", "nothing that was seen before"))
        assert found.quality.shape == found.error.shape == (3, 3)
        assert ((found.quality >= 0) & (found.quality <= 1)).all()
        assert (found.error > 0).all()

    def test_costs_and_latencies_are_those_of_the_arm(self, kind: str) -> None:
        found = fitted(kind, outcomes()).predict(embedded(NEW_SUM))
        assert found.cost[0] == pytest.approx([0.01, 0.01, 0.001], rel=1e-3)
        assert found.latency[0] == pytest.approx([1, 1, 0.1], rel=1e-3)

    def test_an_arm_without_costs_has_none_and_the_others_keep_theirs(self, kind: str) -> None:
        table = outcomes()
        table.cost[:, 1] = np.nan
        found = fitted(kind, table).predict(embedded(NEW_SUM))
        assert np.isnan(found.cost[0]).tolist() == [False, True, False]

    def test_missing_entries_are_left_out(self, kind: str) -> None:
        table = outcomes()
        table.quality[::3, 0] = np.nan  # the adder was not asked every third problem
        found = fitted(kind, table).predict(embedded(NEW_SUM, NEW_WORD))
        assert [ARMS[a] for a in found.quality.argmax(1)] == ["adder", "speller"]

    def test_an_arm_added_later_leaves_the_others_as_they_are(self, kind: str) -> None:
        first = outcomes(arms=("adder", "generalist"))
        router = fitted(kind, first)
        before = router.predict(embedded(NEW_SUM, NEW_WORD))
        after = router.add(embedded(*WORDS, *SUMS), outcomes((*WORDS, *SUMS), ("speller",))).predict(
            embedded(NEW_SUM, NEW_WORD)
        )
        assert after.quality[:, :2] == pytest.approx(before.quality, abs=1e-9)
        assert after.cost[:, :2] == pytest.approx(before.cost, rel=1e-9)
        assert after.score[1].argmax() == 2
        assert after.score[0].argmax() == 0

    def test_only_one_arm_is_added_at_a_time(self, kind: str) -> None:
        router = fitted(kind, outcomes())
        with pytest.raises(BadInput, match="one arm"):
            router.add(embedded(*SUMS), outcomes(SUMS, ("adder", "speller")))

    def test_the_same_outcomes_fit_the_same_router(self, kind: str) -> None:
        one, two = (fitted(kind, outcomes()).predict(embedded(NEW_SUM, NEW_WORD)) for _ in range(2))
        assert one.quality == pytest.approx(two.quality, abs=1e-6)

    def test_settings_and_state_make_the_router_again(self, kind: str) -> None:
        router = fitted(kind, outcomes())
        again = resolve("router", kind)(**router.settings(), state=router.state)
        assert (again.predict(embedded(NEW_SUM)).quality == router.predict(embedded(NEW_SUM)).quality).all()


class TestOwn:
    """What only one kind does."""

    def test_equal_qualities_share_the_better_rank(self) -> None:
        assert ranks(np.array([[0.5, 0.9, 0.5, 0.1]])).tolist() == [[2, 1, 2, 4]]

    def test_the_papers_fusion_adds_reciprocal_ranks_weighted_by_distance(self) -> None:
        # One cluster: the weight is 1, ranks are 1, 2, 3, scores 1 / 1.1, 1 / 2.1, 1 / 3.1.
        state = {"centres": np.array([[1.0, 0.0]]), "quality": np.array([[0.9, 0.5, 0.1]])}
        state |= {name: np.ones((1, 3)) for name in ("error", "cost", "latency")}
        found = ClusterRouter(k=1, nearest=1, fusion="rank", state=state).predict(np.array([[2.0, 0.0]]))
        assert found.score[0] == pytest.approx([1 / 1.1, 1 / 2.1, 1 / 3.1])

    def test_clusters_weigh_by_the_softmax_of_their_distance(self) -> None:
        # Distances 0 and 1 at beta = 2: weights 1 / (1 + e^-2) = 0.880797 and 0.119203.
        state = {"centres": np.array([[1.0, 0.0], [0.0, 0.0]]), "quality": np.array([[1.0], [0.0]])}
        state |= {name: np.ones((2, 1)) for name in ("error", "cost", "latency")}
        found = ClusterRouter(k=2, nearest=2, beta=2.0, state=state).predict(np.array([[1.0, 0.0]]))
        assert found.quality[0, 0] == pytest.approx(0.880797, abs=1e-6)

    def test_repeated_clusterings_are_averaged_and_do_not_make_it_surer(self) -> None:
        table, vectors = outcomes(), embedded(*SUMS, *WORDS)
        once = [ClusterRouter(k=4, seed=seed).fit(vectors, table).predict(embedded(NEW_SUM)) for seed in (7, 8, 9)]
        found = ClusterRouter(k=4, seed=7, repeats=3).fit(vectors, table).predict(embedded(NEW_SUM))
        for name in ("quality", "error", "cost"):
            assert getattr(found, name) == pytest.approx(np.mean([getattr(each, name) for each in once], axis=0))

    def test_the_mean_router_averages_its_members_and_reads_their_names(self) -> None:
        table, vectors = outcomes(), embedded(*SUMS, *WORDS)
        each = [fitted(kind, table).predict(embedded(NEW_SUM)).quality for kind in ("knn", "logistic")]
        members = {"knn": SMALL["knn"], "logistic": {}}
        found = resolve("router", "mean")(members=members).fit(vectors, table).predict(embedded(NEW_SUM)).quality
        assert found == pytest.approx(np.mean(each, axis=0))
        assert list(resolve("router", "mean")(members="knn, logistic").settings()["members"]) == ["knn", "logistic"]
        with pytest.raises(BadInput, match="at least two routers of different kinds"):
            resolve("router", "mean")(members="knn")

    def test_a_cluster_mean_is_drawn_to_the_overall_mean_by_its_strength(self) -> None:
        # 40 sums of 40 right, 0 of 40 words, overall 0.5 that counts as 10: (40 + 5) / 50 and 5 / 50.
        table = outcomes(arms=("adder", "generalist"))
        router = ClusterRouter(clustering="groups", nearest=1, strength=10.0).fit(embedded(*table.texts), table)
        assert router.state["quality"][:, 0] == pytest.approx([0.9, 0.1])

    def test_more_clusters_than_problems_are_as_many_as_there_are(self) -> None:
        table = outcomes(SUMS[:3], ("adder", "generalist"))
        assert len(ClusterRouter(k=64).fit(embedded(*table.texts), table).state["centres"]) == 3

    def test_unknown_names_get_a_suggestion(self) -> None:
        with pytest.raises(UnknownName, match="did you mean 'rank'"):
            ClusterRouter(fusion="ranks")
        with pytest.raises(UnknownName, match="kmeans"):
            ClusterRouter(clustering="kmean")

    def test_more_neighbours_than_problems_are_all_of_them(self) -> None:
        # All 6 rows: the adder is right on 3 of 6, drawn to its mean 0.5.
        table = outcomes((*SUMS[:3], *WORDS[:3]))
        router = NeighbourRouter(k=50, strength=2).fit(embedded(*table.texts), table)
        assert router.predict(embedded(NEW_SUM)).quality[0, 0] == pytest.approx(0.5)

    def test_nonsense_settings_are_refused(self) -> None:
        for make in (lambda: ClusterRouter(k=0), lambda: NeighbourRouter(k=0), lambda: ContrastiveRouter(steps=0)):
            with pytest.raises(BadInput, match="1 or more"):
                make()


def varied(spread: float, count: int = 400) -> tuple[np.ndarray, ArmOutcomes]:
    """Queries of one kind whose costs are log-normal, and whose latencies are always one second."""
    random = np.random.default_rng(0)
    cost = np.exp(spread * random.normal(size=(count, 2)))
    ones = np.ones_like(cost)
    texts = tuple(f"query {k}" for k in range(count))
    return random.normal(size=(count, 8)), ArmOutcomes(texts, ("a", "b"), ("",) * count, ones, cost, ones)


@pytest.mark.parametrize("kind", [name for name in names("router") if name != "contrastive"])
def test_nineteen_in_twenty_new_costs_lie_in_the_interval(kind: str) -> None:
    vectors, table = varied(0.5)
    half = np.arange(len(table)) < 200
    found = made(kind).fit(vectors[half], table.rows(half)).predict(vectors[~half])
    low, high = (found.cost * np.exp(sign * 1.96 * found.cost_spread) for sign in (-1, 1))
    inside = (low < table.cost[~half]) & (table.cost[~half] < high)
    assert 0.9 < inside.mean() < 0.99
    assert found.latency_spread == pytest.approx(0.0, abs=1e-3)


def test_the_spread_of_a_cost_follows_from_its_first_two_moments() -> None:
    # Of 1 and 3 the mean is 2 and the mean square 5: sqrt(log(5 / 4)) = 0.47238.
    table = ArmOutcomes(
        ("x", "y"), ("a",), ("", ""), np.ones((2, 1)), np.array([[1.0], [3.0]]), np.full((2, 1), np.nan)
    )
    vectors = np.array([[1.0, 0.0], [1.0, 0.0]])
    found = NeighbourRouter(k=2, strength=0).fit(vectors, table).predict(vectors[:1])
    assert (found.cost[0, 0], found.cost_spread[0, 0]) == pytest.approx((2.0, 0.47238), abs=1e-5)
    assert np.isnan(found.latency_spread[0, 0])


def test_a_pool_file_without_spreads_still_predicts() -> None:
    for kind in ("clusters", "logistic"):
        router = fitted(kind, outcomes())
        old = {name: cells for name, cells in router.state.items() if not name.endswith("_spread")}
        found = resolve("router", kind)(**router.settings(), state=old).predict(embedded(NEW_SUM))
        assert np.isnan(found.cost_spread).all()
        assert found.cost[0] == pytest.approx([0.01, 0.01, 0.001], rel=1e-3)
