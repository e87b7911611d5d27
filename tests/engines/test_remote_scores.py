"""Scores of a pooling server: valid and invalid ones."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engines.fake_http import Says
from tests.engines.fake_server import FakeServer
from tests.nodes import chain
from tests.prm.checkpoints import make
from tts.engines.remote.engine import ENGINE
from tts.engines.remote.reward import RemoteReward, Scale
from tts.errors import EngineError
from tts.models.find import find
from tts.types import Problem

PROBLEM = Problem("What is 2 + 3?")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make("skywork", tmp_path_factory.mktemp("skywork"))[1]


class Pooling(FakeServer):
    """Gives each token the same row."""

    row: Any = (0.5,)

    def __enter__(self) -> Pooling:
        super().__enter__()
        return self

    def pooling(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        return 200, {"data": [{"data": [self.row] * len(body["input"])}]}


@pytest.fixture
def served(folder: Path) -> Iterator[tuple[Pooling, RemoteReward]]:
    with Pooling(name="served") as server:
        reward: Any = ENGINE.load_reward(
            find(f"{server.root}#served", "prm"), tokenizer=str(folder), backoff=0.01, retries=0
        )
        yield server, reward
        reward.close()


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (math.nan, "NaN"), (math.inf, "Infinity"), (-math.inf, "-Infinity"), (None, "null"), ("0.1", "'0.1'"),
        (True, "true"), ([0.5], "list"), ({"a": 1}, "dict"), (10**400, "int"),
    ],
)  # fmt: skip
async def test_a_score_that_is_no_number_is_refused_by_its_name(
    served: tuple[Pooling, RemoteReward], value: Any, name: str
) -> None:
    server, reward = served
    for row in ([value], [0.5, value], *[value] * (not isinstance(value, list))):
        server.row = row
        with pytest.raises(EngineError, match=r"the reward model served at .* gave .* as a score") as caught:
            await reward.score(PROBLEM, chain(["So 5."]), 0)
        assert f"gave {name} as" in str(caught.value)


def test_a_model_whose_first_scores_are_none_is_not_loaded(folder: Path) -> None:
    with Pooling(name="served") as server:
        server.row = [math.nan]
        with pytest.raises(EngineError, match="gave NaN as a score"):
            ENGINE.load_reward(find(f"{server.root}#served", "prm"), tokenizer=str(folder), backoff=0.01)


@pytest.mark.parametrize(
    "reply",
    [{}, {"data": None}, {"data": []}, {"data": [7]}, {"data": [{"data": "rows"}]}, {"data": [{"embedding": [0.1]}]}],
)
async def test_a_reply_without_rows_is_one_sentence(served: tuple[Pooling, RemoteReward], reply: Any) -> None:
    server, reward = served
    server.failures = [Says([json.dumps(reply).encode()])]
    with pytest.raises(EngineError, match="without rows of scores"):
        await reward.score(PROBLEM, chain(["So 5."]), 0)


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_rows_of_one_reply_are_on_one_scale() -> None:
    """Two logits that happen to lie in 0..1 are logits like their neighbours."""
    rows = [[0.3], [0.9], [1.1], [-0.1]]
    scores = Scale([]).scores(rows, range(-4, 0), 0)
    assert scores == pytest.approx([sigmoid(row[0]) for row in rows])
    assert Scale([]).scores([[0.3], [0.9]], (-2, -1), 0) == [0.3, 0.9]
    pairs = [[0.4, 0.6], [2.0, 1.0]]
    assert Scale([]).scores(pairs, (-2, -1), 1) == pytest.approx([sigmoid(0.2), sigmoid(-1.0)])
    assert Scale([]).scores([[0.4, 0.6]], (-1,), 1) == [0.6]


def test_a_server_that_once_gave_logits_gives_logits() -> None:
    scale = Scale([[3.0]])
    assert scale.scores([[0.3]], (-1,), 0) == pytest.approx([sigmoid(0.3)])


@pytest.mark.parametrize(("logit", "score"), [(-1000.0, 0.0), (1000.0, 1.0), (-1e308, 0.0), (1e308, 1.0)])
def test_large_logits_have_scores_too(logit: float, score: float) -> None:
    assert Scale([]).scores([[logit]], (-1,), 0) == [score]
    assert Scale([]).scores([[-logit, logit]], (-1,), 1) == [score]


def test_a_column_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(EngineError, match="scores with 1 labels"):
        Scale([]).scores([[0.3]], (-1,), 1)
