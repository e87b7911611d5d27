"""Aggregation of step scores, plain and fitted."""

from __future__ import annotations

import pytest

from tts.answers.aggregate import Logistic, aggregate, is_aggregation, logistic, short
from tts.errors import BadInput, UnknownName


@pytest.mark.parametrize(("how", "value"), [("last", 0.5), ("min", 0.2), ("prod", 0.08), ("mean", 0.5)])
def test_step_scores_become_one(how: str, value: float) -> None:
    assert aggregate((0.8, 0.2, 0.5), how) == pytest.approx(value)  # 0.8 * 0.2 * 0.5 = 0.08, 1.5 / 3 = 0.5


def test_aggregating_nothing_or_by_an_unknown_name_is_refused() -> None:
    with pytest.raises(BadInput, match="no step scores"):
        aggregate((), "last")
    with pytest.raises(UnknownName, match="did you mean 'mean'"):
        aggregate((0.5,), "maen")


def test_a_fitted_aggregation_is_a_probability() -> None:
    # last 0.8, prod 0.5 * 0.8 = 0.4: -1 + 2 * 0.8 + 1 * 0.4 = 1, and 1 / (1 + e^-1) = 0.731059
    assert aggregate((0.5, 0.8), "logistic:bias=-1:last=2:prod=1") == pytest.approx(0.731059, abs=1e-6)
    assert aggregate((0.5, 0.5), "logistic:mean=0") == 0.5


def test_rewards_of_any_size_have_a_probability() -> None:
    assert aggregate((-4000.0,), "logistic:last=3") == pytest.approx(0.0, abs=1e-20)
    assert aggregate((4000.0,), "logistic:last=3") == pytest.approx(1.0)


def test_the_name_of_a_fitted_aggregation_holds_its_coefficients() -> None:
    found = Logistic(-2.125, {"last": 1.5, "prod": 0.25})
    assert str(found) == "logistic:bias=-2.125:last=1.5:prod=0.25"
    assert logistic(str(found)) == found
    assert short(str(found)) == "logistic"
    assert short("prod") == "prod"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("logistic", "weighs no aggregate"),
        ("logistic:bias=1", "weighs no aggregate"),
        ("logistic:lst=1", "did you mean 'last'"),
        ("logistic:last=high", "last must be a number, not 'high'"),
        ("logistic:last", "last must be a number, not ''"),
        ("logistic:last=nan", "last must be finite"),
        ("logit:last=1", "there is no aggregation named 'logit:last=1'"),
    ],
)
def test_a_name_that_is_no_aggregation_is_refused(name: str, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        aggregate((0.5,), name)
    assert not is_aggregation(name)
