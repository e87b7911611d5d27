"""Objectives, the order of arms, and the division of samples."""

from __future__ import annotations

import pytest

from tts.cost import Prices
from tts.errors import BadInput, UnknownName
from tts.routing.arms import Arm
from tts.routing.choice import Expected, Objective
from tts.routing.voting import chances, split


def arm(name: str, quality: float, half: float) -> Expected:
    return Expected(name, quality, quality - half, quality + half, None, None, quality)


def test_an_objective_is_read_as_typed() -> None:
    assert Objective.parse("quality=1,cost=0.3") == Objective(1.0, 0.3)
    assert Objective.parse("cost=0.3") == Objective(1.0, 0.3)
    assert Objective.of({"latency": 2}) == Objective(1.0, 0.0, 2.0)


@pytest.mark.parametrize("text", ["quality", "cost=x", "cost=-1", "cost=nan", "quality=0"])
def test_an_objective_of_nonsense_is_one_sentence(text: str) -> None:
    with pytest.raises(BadInput, match="objective"):
        Objective.parse(text)


def test_an_unknown_part_of_an_objective_gets_a_suggestion() -> None:
    with pytest.raises(UnknownName, match="did you mean 'cost'"):
        Objective.parse("costs=1")


def test_all_samples_go_to_the_best_arm_by_default() -> None:
    assert split(10, [arm("a", 0.6, 0.1), arm("b", 0.5, 0.1)])[0][1] == 10


def test_the_chance_to_be_best_follows_from_means_and_errors() -> None:
    # Equal means: a half each. Means 0.1 apart, errors 0.05 / 1.96: z = 0.1 / (0.02551 x sqrt 2) = 2.772.
    assert chances([arm("a", 0.5, 0.1), arm("b", 0.5, 0.1)]) == pytest.approx([0.5, 0.5], abs=1e-6)
    assert chances([arm("a", 0.6, 0.05), arm("b", 0.5, 0.05)])[0] == pytest.approx(0.99721, abs=1e-3)


def test_shares_add_up_to_n_and_the_surer_arm_gets_more() -> None:
    for n in (1, 2, 7, 64):
        shares = split(n, [arm("a", 0.55, 0.1), arm("b", 0.5, 0.1), arm("c", 0.45, 0.1)], top=3)
        assert sum(share for _, share in shares) == n
        assert [share for _, share in shares] == sorted((share for _, share in shares), reverse=True)


def test_an_arm_is_read_from_its_name() -> None:
    assert Arm.named("qwen2.5-7b") == Arm("qwen2.5-7b", "qwen2.5-7b")
    name = "Qwen/Qwen2.5-1.5B@beam-search/16+skywork-1.5b"
    assert Arm.named(name) == Arm(name, "Qwen/Qwen2.5-1.5B", "beam-search", 16, "skywork-1.5b")
    for bad in ("", "@majority", "a@majority/0", "a@majority/x"):
        with pytest.raises(BadInput, match="POLICY"):
            Arm.named(bad)


def test_prices_are_dollars_per_million_tokens() -> None:
    # 2,000 read at $0.15 and 500 written at $0.60 a million: 0.0003 + 0.0003, in billionths.
    assert Prices.parse("0.15,0.6").of(2000, 500) == 600_000
    for bad in ("1", "a,b", "-1,2", "nan,1"):
        with pytest.raises(BadInput, match="price"):
            Prices.parse(bad)
