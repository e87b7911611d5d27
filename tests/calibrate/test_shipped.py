"""The profiles that ship with the package."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from benchmarks.datasets.dataset import load as load_data
from benchmarks.datasets.known import VALIDATION
from tts.engines.hf import causal_shape
from tts.models.files import folder_of
from tts.models.find import find as find_model
from tts.selection.profile_file import SHIPPED, find, load
from tts.selection.selector import Limits, expected
from tts.types import Problem

PROFILES = sorted(SHIPPED.glob("*.json"))


@cache
def ids(dataset: str) -> frozenset[str]:
    """Return the ids of a data set's problems; drawing one takes seconds."""
    return frozenset(Problem(item.problem.text).id for item in load_data(dataset).items)


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_a_shipped_profile_is_small_fits_its_models_and_saw_no_test_problem(path: Path) -> None:
    profile = load(path)
    assert find(profile.policy, profile.prm) == path.stem
    assert path.stat().st_size < 150_000
    card = find_model(profile.policy)
    folder = folder_of(card)
    assert folder is not None
    assert profile.policy_parameters == causal_shape(card, folder).parameters
    assert profile.dataset in VALIDATION
    assert profile.problems <= ids(profile.dataset) - ids("lab-500")


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_by_its_own_figures_the_selector_is_worth_as_much_as_any_fixed_plan_at_every_price(path: Path) -> None:
    """Rates after a look are lowered and those of blind plans are not, hence the point between them."""
    profile = load(path)
    limits = Limits(n=10**6)
    for price in (10.0**power for power in range(-13, -7)):
        found = expected(profile, price, limits)
        for plan in profile.stages[0].endings:
            assert found.worth >= plan.right.mean[0] - price * plan.flops[0] - 0.01


def test_a_policy_of_the_laboratory_has_a_profile_with_the_reward_model_and_one_without() -> None:
    names = {path.stem for path in PROFILES}
    assert {"lab-1m", "lab-1m+lab-prm"} <= names
    assert {name for name in names if "+" not in name} == {name.partition("+")[0] for name in names if "+" in name}
