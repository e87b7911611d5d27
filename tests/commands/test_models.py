"""The lists of models: on a terminal, one by one, and in the documentation."""

from __future__ import annotations

from pathlib import Path

import pytest

from tts.commands import models
from tts.commands.console import entries, table
from tts.models.card import Kind
from tts.models.lookup import CARDS


@pytest.mark.parametrize("kind", ["policy", "prm"])
def test_the_lists_fit_a_terminal_of_80_columns(kind: Kind) -> None:
    lines = table(models.rows(kind)).splitlines()
    assert len(lines) == 2 + sum(card.kind == kind for card in CARDS.values())
    assert max(map(len, lines)) <= 80


def test_every_policy_has_its_reason_once() -> None:
    text = "\n".join(why for _, why in models.reasons())
    listed = [name.strip(" .") for line in text.splitlines() if line.startswith("For ") for name in line[4:].split(",")]
    assert sorted(listed) == sorted(card.name for card in CARDS.values() if card.kind == "policy")


def test_one_card_tells_prompt_sampling_steps_and_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    card = dict(models.described(CARDS["qwen3-4b-thinking"]))
    assert card["Problem"].startswith("PROBLEM\nPlease reason step by step")
    assert "temperature 0.6, top_p 0.95" in card["Sampling"]
    assert card["Memory"].startswith("8.0 GB for the weights at 16 bits")
    # 2 x 36 layers x 8 heads x 128 numbers x 2 bytes x 1000 tokens
    assert "147 MB of keys and values a 1,000 tokens" in card["Memory"]
    assert "</think>" in card["Steps"]
    assert "majority vote over whole solutions" in card["Reward"]
    for known in CARDS.values():
        lines = entries(models.described(known)).splitlines()
        assert max(len(line) for line in lines if "https://" not in line) <= 80 or not known.hub


def test_the_table_of_the_documentation_is_the_one_that_is_printed() -> None:
    page = (Path(__file__).parents[2] / "docs" / "MODELS.md").read_text(encoding="utf-8")
    assert models.markdown() in page, "python -m tts.commands.models prints it"


def test_every_known_reward_model_stands_in_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "MODELS.md").read_text(encoding="utf-8")
    for card in CARDS.values():
        if card.kind == "prm":
            [row] = [line for line in page.splitlines() if line.startswith(f"| `{card.name}` |")]
            assert (card.hub or "built in") in row
