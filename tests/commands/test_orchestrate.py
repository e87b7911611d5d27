"""`tts orchestrate` with the built-in orchestrator."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command_line import MIA, Tts
from tts import sandbox
from tts.errors import MissingSandbox


def test_without_options_the_built_in_orchestrator_calls_its_own_tools(tts: Tts) -> None:
    done = tts("orchestrate", "--json", MIA)
    row = json.loads(done.out)
    assert (done.code, row["answer"], row["plan"]["policy"]) == (0, "117", "lab-orchestrator")
    assert "the tools of lab-orchestrator are " in done.err
    assert "--policy qwen3-8b names a real model" in done.err


def test_the_tables_of_a_user_are_read_and_calculated_with(tts: Tts, tmp_path: Path) -> None:
    """12 apples at 7 each, and 3 times 5: a lookup a number, then the sum."""
    (tmp_path / "shop.py").write_text(
        "from typing import Literal\n\n"
        "def lookup(thing: str, column: str) -> int:\n    'A number of a thing in the table.'\n"
        "    return {'apples': {'price': 7}, 'pears': {'price': 5}}[thing][column]\n\n"
        "def calculate(operation: Literal['add', 'subtract', 'multiply'], a: int, b: int) -> int:\n"
        "    'Calculates exactly with two whole numbers.'\n"
        "    return {'add': a + b, 'subtract': a - b, 'multiply': a * b}[operation]\n"
    )
    (tmp_path / "tools.toml").write_text(
        '[tools.lookup]\nfunction = "shop.py:lookup"\nprice = 0.0\n\n'
        '[tools.calculate]\nfunction = "shop.py:calculate"\nprice = 0.0\n'
    )
    question = "In the table shops, how much is 4 times the price of apples plus the price of pears?"
    done = tts("orchestrate", "--tools", str(tmp_path / "tools.toml"), "--allow-code", "--show-steps", question)
    assert done.code == 0, done.err
    assert "33" in done.out  # 4 * 7 + 5
    assert '{"thing": "apples", "column": "price"}' in done.out
    assert "  lookup: 7\n" in done.out  # what a tool returned is printed without the template's control tokens
    assert "<|" not in done.out


def test_solve_with_tools_is_decided_by_the_built_in_orchestrator_too(tts: Tts) -> None:
    for options in (("--strategy", "orchestrate"), ("--tools", "model:lab-200k")):
        done = tts("solve", *options, "-n", "1", "--json", MIA)
        assert (done.code, json.loads(done.out)["plan"]["policy"]) == (0, "lab-orchestrator")
    named = tts("solve", "--tools", "model:lab-200k", "--policy", "lab-1m", "-n", "1", "--json", MIA)
    assert json.loads(named.out)["plan"]["policy"] == "lab-1m"


def test_only_local_leaves_no_priced_model_to_call(tts: Tts, tmp_path: Path) -> None:
    (tmp_path / "tools.toml").write_text('[tools.expert]\nmodel = "lab-200k"\nprice = 0.001\n')
    done = tts("orchestrate", "--tools", str(tmp_path / "tools.toml"), "--only", "local", MIA)
    assert done.code == 2
    assert "leave no tool to call" in done.err


def test_another_policy_has_to_be_given_tools(tts: Tts) -> None:
    done = tts("orchestrate", "--policy", "lab-1m", MIA)
    assert done.code == 2
    assert done.sentence.startswith("name what may be called with --tools")


def test_where_no_sandbox_works_python_is_left_out_and_the_reason_is_printed(
    tts: Tts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise MissingSandbox("no sandbox works here.")

    monkeypatch.setattr(sandbox, "check", refused)
    done = tts("orchestrate", "--json", MIA)
    assert done.code == 0
    assert "tts: no sandbox works here." in done.err
    assert "the tools of lab-orchestrator are ask_lab-200k, expert; " in done.err
