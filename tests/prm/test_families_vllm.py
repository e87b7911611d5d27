"""Families with a special implementation for vLLM against the same references: value head, conversation, classifier."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from prm.qwen import Qwen
from tests.engines.vllm_processes import needs_vllm
from tests.nodes import chain
from tests.prm.checkpoints import make
from tests.prm.references import REFERENCES, Reference
from tests.prm.test_families import PROBLEM, TEXTS, bare
from tts.engines.load import _engine_for
from tts.errors import ModelError
from tts.models.card import ModelCard
from tts.models.descriptions import family_of
from tts.models.find import find
from tts.types import Problem

pytestmark = needs_vllm

BLOCK = 32  # tokens of a block of the prefix cache on a CPU
FAMILIES = ["skywork", "rlhflow", "huggingface-h4"]
Pair = tuple[Any, Reference]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Pair]]:
    """The engines start side by side: most of the time is waiting for processes."""
    from tts.engines.vllm.engine import ENGINE

    made = {family: make(family, tmp_path_factory.mktemp(family), wide=True) for family in FAMILIES}
    with ThreadPoolExecutor(len(FAMILIES)) as pool:
        rewards = list(pool.map(lambda family: ENGINE.load_reward(find(made[family][0], "prm")), FAMILIES))
    yield {f: (reward, REFERENCES[f](made[f][1])) for f, reward in zip(FAMILIES, rewards, strict=True)}
    for reward in rewards:
        reward.close()


@pytest.mark.parametrize("family", FAMILIES)
async def test_scores_step_by_step_equal_the_reference(family: str, served: dict[str, Pair]) -> None:
    reward, reference = served[family]
    for name, texts in TEXTS.items():
        node, scores = chain([]), list[float]()
        for seen, text in enumerate(texts):
            node = chain([text], node)
            scores += await reward.score(PROBLEM, node, seen)
        assert scores == pytest.approx(reference(PROBLEM.text, bare(texts)), abs=1e-4), name


@pytest.mark.parametrize("family", FAMILIES)
async def test_scores_at_once_equal_the_reference(family: str, served: dict[str, Pair]) -> None:
    reward, reference = served[family]
    problem = Problem("How many are left of 12 + 30?")
    nodes = [chain(texts) for texts in TEXTS.values()]
    found = await asyncio.gather(*(reward.score(problem, node, 0) for node in nodes))
    for (name, texts), scores in zip(TEXTS.items(), found, strict=True):
        assert list(scores) == pytest.approx(reference(problem.text, bare(texts)), abs=1e-4), name


@pytest.mark.parametrize("family", FAMILIES)
async def test_a_step_costs_its_own_tokens_and_less_than_a_block_of_those_before(
    family: str, served: dict[str, Pair]
) -> None:
    reward, problem, node = served[family][0], Problem("What is the sum of all?"), chain([])
    for seen in range(15):
        node = chain([f"Step {seen}: add {seen} to the sum, then take it two more times.\n\n"], node)
        before = reward.computed
        await reward.score(problem, node, seen)
        new = reward.lengths(problem, node)[-1]
        assert reward.computed - before < new + BLOCK or not seen


def test_vllm_carries_every_built_in_family_and_says_of_another_that_it_does_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    from tts import registry
    from tts.engines.vllm.engine import ENGINE

    for family in registry.names("prm family"):
        assert family_of(ModelCard(name="any", kind="prm", family=family)).pooling is not None
    _, folder = make("qwen", tmp_path_factory.mktemp("unserved"))
    monkeypatch.setitem(registry.TABLE["prm family"], "unserved", "tests.prm.test_families_vllm:UNSERVED")
    monkeypatch.setattr(registry, "_targets", registry._targets.__wrapped__)
    card = ModelCard(name="own", kind="prm", folder=str(folder), family="unserved")
    assert _engine_for(card, "auto").name == "transformers"
    with pytest.raises(ModelError, match="use --engine transformers"):
        ENGINE.load_reward(card)


class Unserved(Qwen):
    """A family that vLLM has no way to run."""

    @property
    def pooling(self) -> None:  # type: ignore[override]
        return None


UNSERVED = Unserved()
