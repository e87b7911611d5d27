"""The list of strategies, and the description of one."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from strategies.base import Branching
from tests.command_line import Tts
from tts import registry
from tts.search import variant
from tts.search.parameter_docs import algorithm, meanings, settable
from tts.search.strategy import strategy_type

NAMES = registry.names("strategy")


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_that_users_set_has_a_meaning(name: str) -> None:
    strategy = strategy_type(name)
    assert set(settable(strategy)) <= set(meanings(strategy))
    assert algorithm(strategy)


@pytest.mark.parametrize("name", NAMES)
def test_a_description_fits_80_columns_and_its_example_is_a_name(tts: Tts, name: str) -> None:
    done = tts("strategies", name)
    assert (done.code, done.err) == (0, "")
    assert max(map(len, done.out.splitlines())) <= 80
    assert "\n\nParameters and their defaults;" in done.out
    example = " ".join(done.out.split()).partition("`--strategy ")[2].partition("`")[0]
    assert variant.split(example)[0] == name


def test_a_description_tells_the_algorithm_the_reward_model_and_the_vote(tts: Tts) -> None:
    text = " ".join(tts("strategies", "particle-filter").out.split())
    assert "N particles take one step each" in text
    assert "Reward needs a reward model of steps" in text
    assert "Vote lineage" in text
    assert "ess=1 resample if the effective sample size is at most this share of the particles" in text
    assert "Reward none" in " ".join(tts("strategies", "majority").out.split())


def test_a_description_as_json_holds_the_same(tts: Tts) -> None:
    row = json.loads(tts("strategies", "dvts", "--json").out)
    assert row["parameters"]["beam_width"] == 4
    assert row["meanings"]["beam_width"].startswith("M, the continuations sampled of each kept prefix")
    assert (row["vote"], row["needs_reward"], row["stepwise"]) == ("weighted", True, True)
    assert row in json.loads(tts("strategies", "--json").out)


def test_an_unknown_strategy_is_refused_with_the_one_that_was_meant(tts: Tts) -> None:
    done = tts("strategies", "dvtz")
    assert done.code == 2
    assert "did you mean 'dvts'" in done.sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Own(Branching):
    """A search of one's own.

    It goes two ways,
    as its text says.

    Attributes:
        left, right: how often
            it goes there: once, or more.
        beam_width: its own meaning.
    """

    left: int = 1
    right: int = 2
    dark: int = 3

    async def __call__(self, search: object) -> list[object]:  # type: ignore[override]
        return []


def test_meanings_come_from_a_class_and_those_that_it_derives_from() -> None:
    found = meanings(Own)
    assert found["left"] == found["right"] == "how often it goes there: once, or more."
    assert found["beam_width"] == "its own meaning."
    assert found["top_p"] == "nucleus sampling mass, above 0 and at most 1."
    assert "dark" not in found
    assert algorithm(Own) == ["A search of one's own.", "It goes two ways, as its text says."]


def test_what_only_the_engine_sets_is_not_offered() -> None:
    assert not {"look", "why"} & set(settable(strategy_type("auto")))
    assert "team" not in settable(strategy_type("route-and-vote"))
