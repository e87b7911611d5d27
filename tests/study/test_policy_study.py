"""A whole study on synthetic recordings: plays, comparisons and output."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.calibrate.build import calibrate
from benchmarks.calibrate.fit import Shape
from benchmarks.recordings.pool import Pool
from benchmarks.simulate.simulator import GradedSimulator
from benchmarks.study import command, figures, measure, summary
from benchmarks.study.__main__ import main as run_study
from benchmarks.study.claims import Claim, small_beats_large
from benchmarks.study.measure import WIDEST, SeedSimulators, greedy_point
from benchmarks.study.policy_study import PolicyStudy, across, on_test
from tests.calibrate.synthetic import pool
from tests.recordings.test_gather import greedy, written
from tts.errors import BadInput
from tts.selection.profile import Profile
from tts.selection.selector import cheapest, expected
from tts.types import Problem


def world(seed: int) -> Pool:
    """Problems from hopeless to certain, and a search that does a little better than a sample."""
    chances = [k / 39 for k in range(40)]
    return pool(chances, m=8, prm_accuracy=0.8, searched=[min(1.0, chance + 0.1) for chance in chances], seed=seed)


@pytest.fixture(scope="module")
def study() -> PolicyStudy:
    return on_test(world(1), [world(2), world(3)], orders=4, draws=50)


def test_the_selector_spends_what_it_was_given(study: PolicyStudy) -> None:
    """The profile is of other problems of the same kind, so the cost is near what it foretold and near the budget."""
    for row in study.rows:
        assert row.expected <= row.budget * 1.001
        assert row.flops == pytest.approx(row.expected, rel=0.35)


def test_every_method_is_compared_at_the_selectors_own_cost(study: PolicyStudy) -> None:
    """What a gap leaves of the accuracy is an accuracy that the fixed strategy has, and none below its first point."""
    compared = study.compared
    for row in study.rows:
        for gap in row.gaps:
            theirs = compared.fixed[gap.strategy]
            cheapest = theirs.flops[0].min()
            assert (gap.gain is None) == (row.flops < cheapest * (1 - 1e-9))
            if gap.gain is not None:
                low, high = theirs.right[0].min(), theirs.right[0].max()
                assert low - 1e-9 <= row.accuracy.value - gap.gain.value <= high + 1e-9


def test_the_summary_and_the_figures_say_what_was_found(study: PolicyStudy) -> None:
    text = summary.printed(study)
    assert all(claim.what in text for claim in study.claims)
    found = json.loads(json.dumps(summary.recorded(study)))
    assert len(found["selector"]) == len(study.budgets)
    drawing = figures.over_flops(study.compared, "made-up problems")
    assert drawing.startswith("<svg")
    assert drawing.count("<title>selector, ") == len(study.budgets)
    assert all(f"<title>{name}, " in drawing for name in study.measured.fixed)
    assert figures.difficulty("policy", study.difficulty[0]).count("<title>true, ") == len(study.difficulty[0].true)


def test_a_profile_is_fitted_to_as_many_samples_as_there_are_to_play() -> None:
    few = on_test(world(1), [world(2).first(4)], orders=2, draws=10)
    assert few.measured.fixed["majority"][-1].name == "majority@4"


def without_searches(made: Pool) -> Pool:
    return replace(made, parameters={}, entries=tuple(replace(entry, searches={}) for entry in made.entries))


def test_a_search_that_only_some_seeds_have_is_played_on_those_and_said_to_be() -> None:
    study = on_test(world(1), [world(2), without_searches(world(3))], orders=2, draws=10)
    seeds = {point.name: point.seeds for points in study.measured.fixed.values() for point in points}
    assert (seeds["beam-search@4"], seeds["best-of-n@8"]) == (1, 2)
    message = summary.printed(study)
    assert "40 problems, 2 seeds" in message
    assert "Of fewer seeds: beam-search@4 (1)." in message
    alone = on_test(world(1), [world(2)], orders=2, draws=10)
    [ours], [theirs] = (each.measured.fixed["beam-search"] for each in (study, alone))
    assert np.array_equal(ours.right, theirs.right)


def test_searches_that_no_seed_has_are_named() -> None:
    profile = calibrate(world(1), orders=2).profile
    with pytest.raises(BadInput, match="no seed of the test runs has: run beam-search at N = 4"):
        measure.measure(
            SeedSimulators([without_searches(world(2))], 2), [measure.Part(np.arange(40), profile)], [1000.0]
        )


def test_a_claim_that_does_not_hold_is_printed_as_missed() -> None:
    lines = summary.verdicts([Claim("a", "1", True), Claim("b", "2", False)]).splitlines()
    assert lines == ["holds   a: 1", "MISSED  b: 2"]


def test_problems_are_played_by_profiles_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks.study import policy_study

    fitted: list[set[int]] = []
    original = policy_study._profile

    def profile(graded: GradedSimulator, rows: NDArray[np.int64], shape: Shape) -> Profile:
        fitted.append(set(rows.tolist()))
        return original(graded, rows, shape)

    monkeypatch.setattr(policy_study, "_profile", profile)
    made = world(3)
    played: list[set[int]] = []

    def spy(simulators: measure.SeedSimulators, parts: list[measure.Part], budgets: list[float]) -> measure.Measured:
        played.extend(set(part.rows.tolist()) for part in parts)
        return measure.measure(simulators, parts, budgets)

    monkeypatch.setattr(policy_study, "measure", spy)
    across(made, orders=2, draws=10)
    assert set().union(*played) == set(range(len(made.entries)))
    for seen, part in zip(fitted, played, strict=False):
        assert not seen & part


def test_a_pot_between_two_prices_is_spent_on_a_share_of_the_problems() -> None:
    """What is expected to be spent is the budget, however far apart the plays of two neighbouring prices cost."""
    made = world(4)
    simulators = SeedSimulators([made], 4)
    profile = calibrate(made, orders=4).profile
    cheap, dear = cheapest(profile), expected(profile, 0.0, WIDEST).flops
    for share in (0.1, 0.5, 0.9):
        budget = cheap + share * (dear - cheap)
        assert simulators.selector(profile, budget).expected == pytest.approx(budget, rel=1e-3)


def test_the_large_policys_greedy_answers_are_read_from_their_run_in_the_order_of_the_problems(tmp_path: Path) -> None:
    # an answer takes 10 tokens for the prompt and 10 for itself, at 2 FLOPs each
    written(tmp_path / "outcomes.jsonl", [greedy("q", ["1/2"]), greedy("p", ["7/8"])])
    point = greedy_point(tmp_path, [Problem("p").id, Problem("q").id])
    assert point.right.tolist() == [0, 1]
    assert point.flops.tolist() == [40, 40]


@pytest.mark.parametrize("cross", [[], ["--cross"]])
def test_other_problems_may_take_the_place_of_the_validation_split(
    cross: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, study: PolicyStudy
) -> None:
    others, tests, played = world(1), world(2), list[list[Pool]]()

    def found(own: Pool, *further: object) -> PolicyStudy:
        played.append([own, *(further[0] if isinstance(further[0], list) else [])])
        return study

    monkeypatch.setattr(command, "_there", lambda root, split, *_: [Path(split)])
    monkeypatch.setattr(command, "_folders", lambda *_: [])
    monkeypatch.setattr(command, "read", lambda folders: {"others": others, "test": tests}[str(folders[0])])
    monkeypatch.setattr(command, "on_test", found)
    monkeypatch.setattr(command, "across", found)
    arguments = ["--no-run", "--policies", "lab-200k", "--seeds", "1", "--fit-on", "others", "--out", str(tmp_path)]
    run_study([*arguments, *cross])
    assert played == ([[others]] if cross else [[others, tests]])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--policies", "lab-9"], "lab-9 is not a built-in policy"),
        (["--policies", "lab-4m", "--runs", "nowhere"], "has no samples of lab-4m on lab-validation"),
        (["--policies", "lab-1m,lab-4m", "--fit-on", "runs"], "--fit-on is for one policy"),
        (["--policies", "lab-1m", "--fit-on", "nowhere"], "nowhere"),
    ],
)
def test_what_a_user_gets_wrong_is_one_sentence_and_exit_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_study(["--no-run", *arguments]) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]


def test_a_small_policy_is_compared_at_its_dearest_point_that_is_cheaper_than_the_large_ones_answer(
    study: PolicyStudy,
) -> None:
    measured = study.measured
    problems = len(measured.ids)
    wrong = replace(measured.selector[0], right=np.zeros(problems), flops=np.full(problems, 1e6))
    [claim] = small_beats_large(measured, "large", wrong, (1, 20, 4), study.compared.draws)
    best = measured.selector[-1]
    assert claim.holds
    assert f"{100 * best.right.mean():.1f} % against 0.0 %" in claim.measured
    assert f"{1e6 / best.flops.mean():.2f} times fewer FLOPs; 20.0 times smaller, 4.0 times with" in claim.measured
    assert not list(
        small_beats_large(measured, "large", replace(wrong, flops=np.ones(problems)), (1, 20, 4), study.compared.draws)
    )
