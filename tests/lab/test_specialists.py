"""Specialists: kinds of problems by their words, resumed training, cards."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from benchmarks.lab import export, policy, specialists, tokenizer
from benchmarks.lab.specialists import SPECIALISTS, START, Specialist, kind_of
from benchmarks.word_problems.generate import load
from tts.models.files import BUILT_IN

KINDS = {
    "ages": "Maria is 15 years old. Zoe is 3 times as old as Maria. How old is Zoe?",
    "tank": "A tank holds 16 liters of water. 3 liters leak out. How many liters are left?",
    "reading": "A book has 90 pages. Mia starts reading. She reads 9 pages. How many pages are left?",
    "travel": "Ruth drove 10 miles. After that she walked 79 more miles. How far does she go in all?",
    "points": "Mia starts a game with 9 points. She scores 4 points. What is her score now?",
    "bus": "A train starts with 52 people. 6 people get off. How many are left?",
    "money": "Tom has $28. He spends half of his money. How much is left?",
    "comparison": "Kate has 6 pens. Diana has 92 more than Kate. How many pens does Diana have?",
    "place": "At first the farm has 17 cookies. It sells 4. How many are left?",
    "farm": "Laura owned 8 hens. Later she received 6. How many are left?",
    "garden": "Luke plants 3 rows of 5 roses. How many roses does he have now?",
    "baking": "Ana bakes 12 cookies. She eats 3. How many are left?",
    "toys": "Mia has 8 marbles. Tom has 3 more than Mia. How many do they have together?",
}
MICRO = Specialist(
    policy.Recipe("micro", 32, 1, 1, 32, 4_000, 3e-3, 5, batch=512, after=START), ("toys", "farm", "money")
)


@pytest.fixture
def start(tmp_path: Path) -> Path:
    """Return the folder of a policy of all kinds of MICRO's shape."""
    export.save_policy(policy.make(replace(MICRO.recipe, seed=9)), tmp_path / START)
    return tmp_path / START


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(specialists, "CHUNK", 40)
    torch.set_num_threads(1)
    return tmp_path


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_known_by_its_words(kind: str) -> None:
    assert kind_of(KINDS[kind]) == kind


def test_every_kind_has_one_specialist_and_every_specialist_many_problems() -> None:
    assert sorted(kind for each in SPECIALISTS for kind in each.kinds) == sorted(KINDS)
    found = Counter(kind_of(problem.problem) for problem in load("lab-validation"))
    assert set(found) == set(KINDS)
    assert all(sum(found[kind] for kind in each.kinds) >= 50 for each in SPECIALISTS)


def test_a_specialist_goes_on_from_the_policy_of_all_kinds_and_resumes_exactly(work: Path, start: Path) -> None:
    assert torch.equal(
        specialists.begun(MICRO.recipe, start).lm_head.weight.half(),
        load_file(start / "model.safetensors")["model.embed_tokens.weight"],
    )
    whole = specialists.train(MICRO, work, start)
    parts = replace(MICRO, recipe=replace(MICRO.recipe, name="parts"))
    specialists.train(parts, work, start, stop_at=2_000)
    resumed = specialists.train(parts, work, start)
    assert (resumed.tokens, resumed.chunk, resumed.batch) == (whole.tokens, whole.chunk, whole.batch)
    one, two = (dict(policy.trained(each.recipe, work / each.name).named_parameters()) for each in (MICRO, parts))
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_only_its_kinds_are_learned(work: Path) -> None:
    words = tokenizer.build()
    texts = [words.decode(row) for batch in next(specialists.batches(MICRO, work / "kinds", 0)) for row in batch.ids]
    assert texts
    assert not any("liters" in text or "miles" in text for text in texts)


def test_every_specialist_has_the_shape_of_the_built_in_policy_it_goes_on_from() -> None:
    for each in SPECIALISTS:
        shapes = {name: list(value.shape) for name, value in policy.make(each.recipe).named_parameters()}
        with safe_open(BUILT_IN / START / "model.safetensors", "pt") as file:
            assert shapes == {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118


def test_the_card_says_which_kinds_it_knows_and_where_it_began(work: Path, start: Path, tmp_path: Path) -> None:
    progress = specialists.train(MICRO, work, start)
    share = {"share": 0.5, "low": 0.4, "high": 0.6, "n": 10}
    specialists.write(MICRO, progress, {"its kinds, greedy": share}, work, tmp_path / "models")
    card = (tmp_path / "models" / "micro" / "README.md").read_text()
    assert "toys, farm, money" in card
    assert "| its kinds, greedy | 50.0 % [40.0, 60.0] (n = 10) |" in card
    assert START in card
