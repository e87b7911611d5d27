"""Plays on recorded problems: their cost and answers, and that they do not see the right answers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.recordings.pool import Entry, Pool, SampleSet, Searched
from benchmarks.simulate.play import fixed, play
from benchmarks.simulate.simulator import BEGINNING, Simulator, right_of
from benchmarks.stats import subsets
from benchmarks.stats.candidates import Candidates
from tts.selection.estimator import Estimator
from tts.selection.features import Evidence
from tts.selection.profile import Advance, Curve, Ending, Profile, Searches, Stage
from tts.selection.selector import Limits, decide, expected

EASY, HARD = 30, 10
SEARCH = Ending("dvts", 4, Curve((1.0,), (0.0,), (1.0,)), (0.0,))


def candidates(classes: list[int], scores: list[float], right: int) -> Candidates:
    found = np.array(classes, dtype=np.int64)
    return Candidates(found, {"last": np.array(scores)}, found == right, np.full(len(classes), 10))


def entry(name: str, classes: list[int], found: list[int], right: int) -> Entry:
    """A problem whose samples cost 5 FLOPs each behind a prompt of 7 (2 for the reward model), and whose search costs
    60 + 40. Every sample is a step of its own that takes 3 FLOPs to read, but samples 0 and 1 share theirs."""
    m = len(classes)
    steps = np.array([[0], *([max(0, k - 1)] for k in range(1, m))], dtype=np.int32)
    samples = SampleSet(candidates(classes, [0.5] * m, right), np.full(m, 5.0), steps, np.full(m - 1, 3.0))
    search = Searched(candidates(found, [0.9] * len(found), right), 60.0, 40.0)
    return Entry(name, 1, 20, 7.0, 2.0, samples, {("dvts", 4): (search,)})


def world() -> Pool:
    """Easy: all samples agree and are right. Hard: no two agree, all are wrong, and the search is right."""
    easy = [entry(f"easy{k}", [0] * 4, [0] * 4, right=0) for k in range(EASY)]
    hard = [entry(f"hard{k}", [0, 1, 2, 3], [4] * 4, right=4) for k in range(HARD)]
    return Pool((*easy, *hard), "policy", "prm", {})


def known() -> Profile:
    """What is true of that world, written down: two samples tell the two kinds apart.

    Two samples cost 7 + 2 x 5 = 17. The search costs 60 + 40, and 2 for the reward model's prompt, which no one has
    read yet; from the beginning the policy's prompt as well.
    """
    both = Curve((0.0, 1.0), (0.0, 1.0), (0.0, 1.0))
    beginning = Stage(
        0, False, (), (1.0,), Curve((0.0,), (0.0,), (0.0,)),
        advances=(Advance(2, False, (17.0,), ((HARD / 40, EASY / 40),)),),
        endings=(replace(SEARCH, flops=(109.0,)),),
    )  # fmt: skip
    # agreement is log(1.5 / 1.5) = 0 where the two differ, log(2.5 / 0.5) = 1.6 where they agree
    two = Stage(
        2, False, (0.7,), (HARD / 40, EASY / 40), both, belief=Estimator(0.0, {"agreement": 1.0}),
        endings=(replace(SEARCH, right=Curve((1.0, 1.0), (0.0, 0.0), (1.0, 1.0)), flops=(102.0, 102.0)),),
    )  # fmt: skip
    return Profile("policy", "prm", 1, 1, 1.0, 1.0, (beginning, two))


@pytest.mark.parametrize(
    ("price", "right", "flops"),
    [
        # a search of 102 FLOPs is worth less than the whole point it wins: 17 + 102 x 10 / 40
        (0.001, 1.0, 17 + 102 * HARD / 40),
        # and here more (0.01 x 102 > 1): the hopeless are left alone
        (0.01, EASY / 40, 17.0),
    ],
)
def test_where_the_profile_is_exact_plays_come_to_what_it_expects(price: float, right: float, flops: float) -> None:
    pool = world()
    played = play(Simulator(pool, 8), known(), price, Limits())
    foretold = expected(known(), price, Limits())
    assert (foretold.right, foretold.flops) == pytest.approx((right, flops))
    assert (right_of(pool, played.answers).mean(), played.flops.mean()) == pytest.approx((right, flops))


@pytest.mark.parametrize("price", [0.0, 0.001, 0.004])
def test_with_estimates_a_play_takes_the_moves_that_the_selector_decides(price: float) -> None:
    """Where samples agree, the search is estimated below them; where not, at 0.73 against 0.5, for 102 FLOPs."""
    first, two = known().stages
    [search] = two.endings
    search = replace(search, estimate=Estimator(0.5, {"agreement": -1.0, "variety": 0.5}))
    profile = replace(known(), stages=(first, replace(two, endings=(search,))))
    simulator = Simulator(world(), 8)
    played = play(simulator, profile, price, Limits())
    moves = set()
    for problem, found in zip(simulator.problems, played.answers, strict=True):
        for order, answer in zip(problem.with_greedy.orders, found, strict=True):
            classes = problem.with_greedy.candidates.classes[order[:2]].tolist()
            samples = Evidence(classes, None, [10, 10], 20)
            move = decide(profile, profile.stages[1], samples, price, Limits()).choice.move
            moves.add(type(move))
            searched = [0] if classes[0] == classes[1] else [4]  # what the search finds: all right
            assert answer in (searched if isinstance(move, Ending) else classes)
    assert moves == ({type(None)} if price == 0.004 else {Ending, type(None)})


def test_a_play_does_not_depend_on_which_answers_are_right() -> None:
    pool = world()

    def turned(found: Candidates) -> Candidates:
        return replace(found, right=~found.right)

    entries = [
        replace(
            each,
            samples=replace(each.samples, candidates=turned(each.samples.candidates)),
            searches={
                k: tuple(replace(s, candidates=turned(s.candidates)) for s in v) for k, v in each.searches.items()
            },
        )
        for each in pool.entries
    ]
    other = replace(pool, entries=tuple(entries))
    plays = [play(Simulator(each, 8), known(), 0.001, Limits()) for each in (pool, other)]
    assert (plays[0].answers == plays[1].answers).all()
    assert (plays[0].flops == plays[1].flops).all()
    assert right_of(other, plays[1].answers).mean() == 0


def test_prompts_are_paid_once_and_shared_steps_once() -> None:
    """Four samples: 7 + 4 x 5 for the policy; 2 + 3 x 3 for the reward model, two of them sharing a step."""
    simulator = Simulator(world(), 4)
    four = Stage(4, True, (), (), Curve((), (), ()))
    assert (simulator.flops(BEGINNING, Ending("best-of-n", 4, SEARCH.right, (0.0,))) == 27 + 11).all()
    assert (simulator.flops(BEGINNING, Ending("majority", 4, SEARCH.right, (0.0,))) == 27).all()
    assert (simulator.flops(replace(four, scored=False), Advance(4, True, (), ())) == 11).all()
    assert (simulator.flops(four, SEARCH) == 100).all()
    assert (simulator.flops(BEGINNING, SEARCH) == 109).all()


def test_a_greedy_answer_comes_first_in_every_look_and_in_no_strategy_fixed_beforehand() -> None:
    """Five samples of as many answers: the first, a greedy one of 9 FLOPs, is at hand in all orders; two fixed samples
    are two of the other four, at 5 FLOPs each behind a prompt of 7."""
    found = entry("q", [0, 1, 2, 3, 4], [0], right=0)
    flops = np.array([9.0, 5.0, 5.0, 5.0, 5.0])
    known = replace(found, samples=replace(found.samples, policy_flops=flops), greedy=True)
    simulator = Simulator(Pool((known,), "", "", {}), 99)
    one = Stage(1, False, (), (), Curve((), (), ()), vote="majority")
    assert (simulator.answers(one, None) == 0).all()
    assert (simulator.flops(BEGINNING, Advance(1, False, (), ())) == 16).all()
    assert (simulator.flops(one, Advance(2, False, (), ())) == 5).all()
    two = Ending("majority", 2, SEARCH.right, (0.0,), "majority")
    assert set(simulator.answers(BEGINNING, two).ravel().tolist()) == {1, 2, 3, 4}
    assert (simulator.flops(BEGINNING, two) == 17).all()


def test_a_search_votes_together_with_the_samples_at_hand() -> None:
    """Two samples of 0.5 for one answer outweigh a search's candidate of 0.9 for another; a single one does not."""
    pool = replace(world(), entries=(entry("one", [0] * 4, [4], right=4),))
    for n, right in ((2, False), (1, True)):
        stage = Stage(n, True, (), (), Curve((), (), ()))
        assert (right_of(pool, Simulator(pool, 4).answers(stage, SEARCH)) == right).all()


def test_a_fixed_strategy_has_the_accuracy_that_subsets_estimate() -> None:
    """200 orders of 40 samples at N = 5: a standard error of at most sqrt(0.25 / 200) = 0.035 for each problem."""
    rng = np.random.default_rng(5)
    entries = [entry(str(k), rng.integers(-1, 3, 40).tolist(), [0], right=0) for k in range(6)]
    pool = Pool(tuple(entries), "policy", "prm", {})
    found = right_of(pool, fixed(Simulator(pool, 200), Ending("majority", 5, SEARCH.right, (0.0,), "majority")).answers)
    for row, each in zip(found, entries, strict=True):
        assert row.mean() == pytest.approx(subsets.accuracy_at(each.samples.candidates, 5, "majority"), abs=0.14)


# ------------------------------------------------------------------------------------------- searches, run repeatedly


def after(runs: int = 1) -> Stage:
    """One scored sample and so many runs of the search."""
    return Stage(1, True, (), (), Curve((), (), ()), searches=Searches("dvts", 4, runs=runs))


def repeated() -> Pool:
    """A problem whose search has three runs: four candidates for 60 + 40, two for 20 + 10, none for 5 + 0."""
    found = entry("q", [0, 1, 2, 3], [4] * 4, right=4)
    few = Searched(candidates([5, -1], [0.3, 0.2], 4), 20.0, 10.0)
    none = Searched(candidates([], [], 4), 5.0, 0.0)
    return Pool((replace(found, searches={("dvts", 4): (*found.searches["dvts", 4], few, none)}),), "policy", "prm", {})


def test_each_run_of_a_search_comes_first_equally_often_and_costs_what_it_cost() -> None:
    simulator = Simulator(repeated(), 12)
    one = Stage(1, True, (), (), Curve((), (), ()))
    [first] = simulator.flops(one, Advance(1, True, (), (), after().searches)).tolist()
    assert sorted(first) == [5.0] * 4 + [30.0] * 4 + [100.0] * 4
    [second] = simulator.flops(after(), Advance(1, True, (), (), after(runs=2).searches)).tolist()
    [third] = simulator.flops(after(runs=2), Advance(1, True, (), (), after(runs=3).searches)).tolist()
    assert {a + b + c for a, b, c in zip(first, second, third, strict=True)} == {135.0}
    assert sorted(second) == sorted(first)


def test_the_candidates_of_all_runs_vote_with_the_samples() -> None:
    """One sample of 0.5 loses to four of 0.9, and wins against one of 0.3 and against none."""
    pool, simulator = repeated(), Simulator(repeated(), 12)
    right = right_of(pool, simulator.answers(after(), None))
    [cost] = simulator.flops(Stage(1, True, (), (), Curve((), (), ())), Advance(1, True, (), (), after().searches))
    assert (right[0] == (cost == 100)).all()
    assert right_of(pool, simulator.answers(after(runs=3), None)).all()


def test_features_after_a_search_are_those_of_the_candidates_that_it_found() -> None:
    simulator = Simulator(repeated(), 12)
    found = simulator.features(after(runs=2))
    orders = simulator.problems[0].searches["dvts", 4].orders
    known = [([4] * 4, [0.9] * 4), ([5, -1], [0.3, 0.2]), ([], [])]
    for row, order in enumerate(orders):
        sample = int(simulator.problems[0].with_greedy.orders[row, 0])
        classes, scores = [sample], [0.5]
        for run in order[:2]:
            classes, scores = classes + known[run][0], scores + known[run][1]
        expected = Evidence(classes, scores, [10] * len(classes), 20).features()
        assert {name: values[0, row] for name, values in found.items()} == pytest.approx(expected)


def test_copies_of_a_searchs_beginning_divide_a_vote_with_samples_and_other_runs() -> None:
    """Class 4 has three copies of one first step at 0.9, class 5 one candidate of each other run at 0.8.

    By lineage 0.9 against 0.8 after one run, and 0.9 against 1.6 after three; weighted, 2.7 against 1.6.
    """
    copies = replace(candidates([4, 4, 4], [0.9] * 3, 5), lineages=np.array([0, 0, 0]))
    alone = replace(candidates([5], [0.8], 5), lineages=np.array([0]))
    runs = tuple(Searched(each, 1.0, 1.0) for each in (copies, alone, alone))
    found = replace(entry("q", [0, 1, 2, 3], [4], right=5), searches={("dvts", 4): runs})
    simulator = Simulator(Pool((found,), "policy", "prm", {}), 3)
    for vote, elected in (("weighted", 4), ("lineage", 5)):
        assert set(simulator.answers(replace(after(runs=3), vote=vote), None).ravel()) == {elected}
    assert sorted(simulator.answers(replace(after(), vote="lineage"), None).ravel()) == [4, 5, 5]
