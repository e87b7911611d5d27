"""Specialists: kinds of problems by their words, resumed training, and a tokenizer without words unknown to them."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks.lab import policy, specialists, tokenizer
from benchmarks.lab.loop import Progress, save_checkpoint
from benchmarks.lab.specialists import SPECIALISTS, START, Specialist, kind_of
from benchmarks.word_problems.generate import load
from tts.errors import BadInput

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
MICRO = Specialist(policy.Recipe("micro", 32, 1, 1, 32, 4_000, 3e-3, 5, batch=512), ("toys", "farm", "money"))


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(specialists, "CHUNK", 40)
    torch.set_num_threads(1)
    model = policy.make(replace(MICRO.recipe, seed=9))
    save_checkpoint(tmp_path / START / "checkpoint", model, torch.optim.AdamW(model.parameters()), Progress())
    return tmp_path


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_known_by_its_words(kind: str) -> None:
    assert kind_of(KINDS[kind]) == kind


def test_every_kind_has_one_specialist_and_every_specialist_many_problems() -> None:
    assert sorted(kind for each in SPECIALISTS for kind in each.kinds) == sorted(KINDS)
    found = Counter(kind_of(problem.problem) for problem in load("lab-validation"))
    assert set(found) == set(KINDS)
    assert all(sum(found[kind] for kind in each.kinds) >= 50 for each in SPECIALISTS)


def test_a_specialist_goes_on_from_the_policy_of_all_kinds_and_resumes_exactly(work: Path) -> None:
    whole = specialists.train(MICRO, work)
    parts = replace(MICRO, recipe=replace(MICRO.recipe, name="parts"))
    specialists.train(parts, work, stop_at=2_000)
    resumed = specialists.train(parts, work)
    assert (resumed.tokens, resumed.chunk, resumed.batch) == (whole.tokens, whole.chunk, whole.batch)
    one, two = (dict(policy.trained(each.recipe, work / each.name).named_parameters()) for each in (MICRO, parts))
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_only_its_kinds_are_learned(work: Path) -> None:
    words = tokenizer.build()
    texts = [words.decode(row) for batch in next(specialists.batches(MICRO, work / "kinds", 0)) for row in batch.ids]
    assert texts
    assert not any("liters" in text or "miles" in text for text in texts)


def test_without_the_policy_it_starts_from_the_sentence_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"benchmarks\.lab train"):
        specialists.train(MICRO, tmp_path)


def test_the_files_hold_only_words_that_the_model_has_an_embedding_for(work: Path, tmp_path: Path) -> None:
    progress = specialists.train(MICRO, work)
    share = {"share": 0.5, "low": 0.4, "high": 0.6, "n": 10}
    specialists.write(MICRO, progress, {"its kinds, greedy": share}, work, tmp_path / "models")
    folder = tmp_path / "models" / "micro"
    size = json.loads((folder / "config.json").read_text())["vocab_size"]
    words = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    assert max(words.values()) == size - 1
    card = (folder / "README.md").read_text()
    assert "toys, farm, money" in card
    assert "| its kinds, greedy | 50.0 % [40.0, 60.0] (n = 10) |" in card
    assert START in card
