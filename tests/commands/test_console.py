"""Layout of tables and paragraphs."""

from __future__ import annotations

import pytest

from tts.commands.console import fold, paragraph, table


def test_numbers_stand_to_the_right_even_where_one_is_missing() -> None:
    rows: list[dict[str, object]] = [
        {"name": "a", "value": 1.5},
        {"name": "long", "value": "-"},
        {"name": "b", "value": 10.5},
    ]
    assert table(rows).splitlines() == ["name  value", "----  -----", "a       1.5", "long      -", "b      10.5"]


def test_text_is_wrapped_to_the_terminal_and_indented_below_its_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    assert fold("one two three four", "Head  ") == ["Head  one two three", "      four"]
    assert paragraph("Head", "one two three four") == "Head\n    one two three\n    four\n"
