"""Reasoning policies: prompts, extraction after the thinking, and their searches."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

import cli
from tests import tiny
from tts import Solver
from tts.answers.extract import conclusion, extract
from tts.engines.tokenizer import Text
from tts.errors import ModelError
from tts.models.card import BOXED
from tts.models.find import find
from tts.models.lookup import CARDS
from tts.types import Plan, Problem

PROBLEM = Problem("What is 1 + 1?")
R1 = CARDS["r1-distill-qwen-1.5b"]

# The ends of the published templates: R1's before and after it wrote the opening itself, Qwen3's with its switch.
R1_OLD = "<s>{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}{% endfor %}<|assistant|>"
R1_NEW = R1_OLD + "{{ '<think>\\n' }}"
QWEN3 = R1_OLD + "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}"
DATED = "{{ strftime_now('%d %B %Y') }} {{ date_string }}" + R1_OLD
REFUSING = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}" + R1_OLD
DROPPING = "{% for m in messages %}{% if m['role'] == 'user' %}{{ m['content'] }}{% endif %}{% endfor %}"


def text_with(folder: Path, template: str) -> Text:
    tokenizer = tiny.make_tokenizer(folder)
    tokenizer.chat_template = template
    return Text(tokenizer)


@pytest.mark.parametrize("template", [R1_OLD, R1_NEW])
def test_an_r1_answer_begins_with_a_thought_once_whoever_opens_it(tmp_path: Path, template: str) -> None:
    step = text_with(tmp_path, template).prompt(PROBLEM, R1, 4096)
    assert step.text == f"<s><|user|>What is 1 + 1?\n{BOXED}<|assistant|><think>\n"
    assert tuple(text_with(tmp_path, template).encode(step.text)) == step.tokens


def test_one_template_thinks_or_not_as_it_is_told(tmp_path: Path) -> None:
    text = text_with(tmp_path, QWEN3)
    asked = f"<s><|user|>What is 1 + 1?\n{BOXED}<|assistant|>"
    assert text.prompt(PROBLEM, CARDS["qwen3-4b"], 4096).text == f"{asked}<think>\n\n</think>\n\n"
    assert text.prompt(PROBLEM, CARDS["qwen3-4b-thinking"], 4096).text == asked


@pytest.mark.parametrize("template", [REFUSING, DROPPING])
def test_a_system_message_without_a_place_goes_to_the_user(tmp_path: Path, template: str) -> None:
    assert f"{BOXED}\n\nWhat is 1 + 1?" in text_with(tmp_path, template).prompt(PROBLEM, CARDS["qwen2.5-7b"], 4096).text


def test_a_template_that_takes_nothing_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not take this conversation"):
        text_with(tmp_path, "{{ raise_exception('never') }}").prompt(PROBLEM, R1, 4096)


def test_the_date_in_a_prompt_is_always_the_same(tmp_path: Path) -> None:
    text = text_with(tmp_path, DATED).prompt(PROBLEM, R1, 4096).text
    assert text.startswith("26 July 2024 26 Jul 2024<s>")


@pytest.mark.parametrize(
    ("prompt", "text", "answer"),
    [
        ("", r"So \boxed{3}.", "3"),
        ("", r"<think>\boxed{3} no</think>It is \boxed{4}.", "4"),
        ("", r"<think>\boxed{3} and on and on", None),
        ("x<think>\n", r"\boxed{3}? No. </think> \boxed{4}", "4"),
        ("x<think>\n", r"\boxed{3} and on and on", None),
        ("x<think>\n", r"\boxed{3}</think> I give up", None),
        ("x<think>\n\n</think>\n\n", r"\boxed{3}", "3"),
    ],
)
def test_an_answer_is_taken_behind_the_thought(prompt: str, text: str, answer: str | None) -> None:
    assert extract(conclusion(text, prompt)) == answer


def chosen(plan: Plan) -> set[str]:
    """The strategies that the published rule may take."""
    return {plan.parameters[kind] for kind in ("easy", "medium", "hard")}


def test_without_a_strategy_whole_solutions_vote() -> None:
    plan = Solver("r1-distill-qwen-1.5b").plan
    assert (plan.strategy, plan.prm, chosen(plan)) == ("auto", "", {"majority"})
    assert {k: plan.parameters[k] for k in ("temperature", "top_p", "solution_tokens")} == {
        "temperature": 0.6, "top_p": 0.95, "solution_tokens": 32768,
    }  # fmt: skip
    assert chosen(Solver("qwen3-4b").plan) == {"best-of-n", "beam-search"}
    assert chosen(Solver("qwen3-4b-thinking", None).plan) == {"majority"}


def test_who_names_a_reward_model_gets_best_of_n_and_a_warning() -> None:
    solver = Solver("qwen3-4b-thinking", "qwen2.5-math-prm-7b")
    assert (chosen(solver.plan), solver.plan.prm) == ({"best-of-n"}, "qwen2.5-math-prm-7b")
    assert "a reasoning policy" in solver.plan.parameters["why"]
    [warning] = solver.warnings
    assert "short solutions" in warning
    assert "beyond 4,096 tokens" in warning


def test_a_step_search_that_is_asked_for_goes_by_paragraphs_and_warns() -> None:
    solver = Solver("r1-distill-qwen-7b", strategy="beam-search")
    assert solver.plan.prm == "qwen2.5-math-prm-7b"
    assert find("r1-distill-qwen-7b").separator == "\n\n"
    assert "paragraphs" in solver.warnings[0]
    assert not Solver("qwen2.5-7b", strategy="beam-search").warnings


@pytest.mark.usefixtures("fresh_models")
def test_the_command_line_leaves_the_strategy_to_the_policy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tiny.make_policy(tmp_path / "r1-distill-tiny", context=256)
    arguments = ["tts", "solve", "--policy", str(folder), "--engine", "transformers", "-n", "4", "--json", "take 2"]
    monkeypatch.setattr(sys, "argv", [*arguments, "--solution-tokens", "20"])
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 0
    plan = json.loads(capsys.readouterr().out)["plan"]
    assert (plan["vote"], plan["prm"], plan["parameters"]["temperature"]) == ("majority", "", 0.6)
    assert plan["reason"].startswith("majority")
