"""One contract for all families of reward models: the published scores, in any order of requests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.engines.fake_server import FakeServer
from tests.nodes import chain
from tests.prm.checkpoints import MAKERS, TOKEN_CLASSIFICATION, make
from tests.prm.references import REFERENCES, Reference
from tts.engines.load import load_reward
from tts.engines.remote.engine import ENGINE as REMOTE
from tts.models.descriptions import family_of
from tts.models.find import find
from tts.types import Finish, Problem

PROBLEM = Problem("What is 2 + 3 times 4?")
TEXTS: dict[str, list[str]] = {
    "one step": ["Step 1: Add 2 and 3."],
    "trailing separators": ["Step 1: Add 2.\n\n", "Step 2: So it is 5.\n\n", "The answer is 5.\n\n"],
    "empty lines": ["\n\nStep 1: Add\n\n", "\n\n\n\nsum is 5\n\n\n", "the answer"],
    "an empty step": ["Step 1: Add\n\n", "\n\n", ""],
    "an empty first step": ["\n\n", "the sum is 5\n\n"],
    "line breaks within": ["## Step 1: Add\n2 and 3\n  get 5\n\n", "So:\n$$2 + 3\n= 5$$\n\n", "a\n\nb\n \nc"],
    "unicode": ["é数 = 3 🙂\n\n", "  数 is ½, naïve: ß\n\n", "الجواب \u00a0 5"],
    "signs": ["+ 2\n\n", "- 3\n\n", "+\n\n", "-\n\n", "12 - 7 + 5 = 10?\n\n", "$\\boxed{10}$."],
    "unfinished": ["Step 1: Add 2 and 3 to get 5.\n\n", "Step 2: So the ans"],
    "many spaces": ["   Step 1:   two  spaces  \n\n", "\ttabs\tand   \n\n", "end   "],
    "fifty steps": [f"Step {k}: we add {k} to get {k * k}.\n\n" for k in range(50)],
}
FAMILIES = list(MAKERS)
BY_STEPS = [name for name in FAMILIES if "outcome" not in name]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[str, Path]]:
    made: dict[str, tuple[str, Path]] = {}

    def find(family: str) -> tuple[str, Path]:
        if family not in made:
            made[family] = make(family, tmp_path_factory.mktemp(family))
        return made[family]

    return find


@pytest.fixture(scope="module")
def references(folders: Callable[[str], tuple[str, Path]]) -> Callable[[str], Reference]:
    made: dict[str, Reference] = {}
    return lambda family: made.setdefault(family, REFERENCES[family](folders(family)[1]))


@pytest.fixture
def rewards(folders: Callable[[str], tuple[str, Path]], fresh_models: None) -> Callable[[str], Any]:
    """Loads a family's model as a user would, anew for each test: nothing is remembered."""
    return lambda family: load_reward(folders(family)[0], engine="transformers", device="cpu")


def bare(steps: Sequence[str]) -> list[str]:
    return [step.strip() for step in steps]


def test_every_family_of_the_registry_is_tested() -> None:
    from tts.registry import names

    assert sorted(FAMILIES) == sorted(names("prm family"))
    assert sorted(REFERENCES) == sorted(FAMILIES)


@pytest.mark.parametrize("family", BY_STEPS)
async def test_scores_step_by_step_equal_the_reference(
    family: str, rewards: Callable[[str], Any], references: Callable[[str], Reference]
) -> None:
    reward = rewards(family)
    for name, texts in TEXTS.items():
        node, scores = chain([]), list[float]()
        before = reward.stats.score
        for seen, text in enumerate(texts):
            node = chain([text], node)
            new = await reward.score(PROBLEM, node, seen)
            assert len(new) == 1, (name, seen)
            scores += new
        assert scores == pytest.approx(references(family)(PROBLEM.text, bare(texts)), abs=1e-4), name
        assert reward.stats.score - before <= sum(reward.lengths(PROBLEM, node)), f"{name}: no token is read twice"


@pytest.mark.parametrize("family", BY_STEPS)
async def test_scores_at_once_and_from_any_step_on_equal_the_reference(
    family: str, rewards: Callable[[str], Any], references: Callable[[str], Reference]
) -> None:
    reward = rewards(family)
    nodes = {name: chain(texts, finish=Finish.STOP) for name, texts in TEXTS.items()}
    found = await asyncio.gather(*(reward.score(PROBLEM, node, 0) for node in nodes.values()))
    for (name, node), scores in zip(nodes.items(), found, strict=True):
        assert len(scores) == node.depth
        assert list(scores) == pytest.approx(references(family)(PROBLEM.text, bare(TEXTS[name])), abs=1e-4), name
        for seen in (1, node.depth - 1, node.depth):
            assert await reward.score(PROBLEM, node, seen) == scores[seen:]
    assert len({round(score, 3) for scores in found for score in scores}) > 20, "the scores differ"


@pytest.mark.parametrize("family", BY_STEPS)
async def test_pieces_are_append_only_and_each_is_read_at_its_end(family: str, rewards: Callable[[str], Any]) -> None:
    reward = rewards(family)
    for texts in TEXTS.values():
        node = chain(texts)
        reads = reward._reader.read(PROBLEM, node)
        assert len(reads) == node.depth + 1
        assert all(read.tokens and read.at == len(read.tokens) - 1 for read in reads[1:])
        assert reward.lengths(PROBLEM, node) == [len(read.tokens) for read in reads]
        shorter = reward._reader.read(PROBLEM, chain(texts[:1]))
        assert [read.tokens for read in shorter] == [read.tokens for read in reads[:2]]


@pytest.mark.parametrize("family", [name for name in FAMILIES if "outcome" in name])
async def test_an_outcome_model_gives_one_score_a_solution(
    family: str, rewards: Callable[[str], Any], references: Callable[[str], Reference]
) -> None:
    reward = rewards(family)
    nodes = {name: chain(texts, finish=Finish.STOP) for name, texts in TEXTS.items()}
    found = await asyncio.gather(*(reward.score(PROBLEM, node, 0) for node in nodes.values()))
    for (name, node), scores in zip(nodes.items(), found, strict=True):
        assert list(scores) == pytest.approx(references(family)(PROBLEM.text, TEXTS[name]), abs=1e-4), name
        assert await reward.score(PROBLEM, node, node.depth) == ()
        assert reward.lengths(PROBLEM, node)[1:-1] == [0] * (node.depth - 1)
    lengths = [reward.lengths(PROBLEM, node) for node in nodes.values()]
    assert reward.engine_model.stats.score == lengths[0][0] + sum(length[-1] for length in lengths), (
        "the prompt is read once"
    )


@pytest.mark.parametrize("family", ["skywork", "qwen", "outcome", "qwen-outcome"])
def test_a_configuration_that_tells_the_family_needs_no_description(
    family: str, folders: Callable[[str], tuple[str, Path]]
) -> None:
    name, folder = folders(family)
    assert name == str(folder)
    assert find(name, "prm").family == family


@pytest.mark.parametrize("family", ["math-shepherd", "rlhflow", "skywork", "token-classification"])
async def test_a_pooling_server_gives_the_same_scores(
    family: str,
    folders: Callable[[str], tuple[str, Path]],
    references: Callable[[str], Reference],
    tmp_path: Path,
) -> None:
    """The model behind an address, described by a file; the server gives each token its row, as vLLM does."""
    name, folder = folders(family)
    ours = family_of(find(name, "prm"))
    assert ours.pooling is not None
    column = ours.pooling.column
    module = ours.load(folder, torch.float32)

    class Pooling(FakeServer):
        def pooling(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
            with self._lock, torch.inference_mode():
                hidden = ours.decoder(module)(torch.tensor([body["input"]])).last_hidden_state[0]
                scores = ours.scores(module, hidden).tolist()
            rest = [[(1 - score) / 2] * column for score in scores]  # labels before the one that counts
            return 200, {"data": [{"index": 0, "data": [[*row, s] for row, s in zip(rest, scores, strict=True)]}]}

    form = {} if family != "token-classification" else TOKEN_CLASSIFICATION
    with Pooling(name="served") as server:
        file = tmp_path / "remote.json"
        file.write_text(json.dumps({"family": family, **form, "model": f"{server.root}#served"}))
        reward = REMOTE.load_reward(find(str(file), "prm"), tokenizer=str(folder), backoff=0.01)
        node = chain(TEXTS["line breaks within"])
        scores = await reward.score(PROBLEM, node, 1)
        assert list(scores) == pytest.approx(
            references(family)(PROBLEM.text, bare(TEXTS["line breaks within"]))[1:], abs=1e-4
        )
        reward.close()
