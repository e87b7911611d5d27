"""The next turn of a conversation with a client's tools: what votes, and what is called."""

from __future__ import annotations

import json

import pytest

from tests.tools.scripted import asks
from tts.answers.kinds.mathematics import Mathematics
from tts.registry import resolve
from tts.tools.next_turn import NextTurn, before_calls, call_words, fitting, schemas
from tts.types import Call, Problem


def defined(name: str, *required: str, **kinds: str) -> str:
    schema = {"type": "object", "properties": {key: {"type": kind} for key, kind in kinds.items()}}
    function = {"name": name, "description": "", "parameters": schema | {"required": list(required)}}
    return json.dumps({"type": "function", "function": function})


TOOLS = (defined("add", "a", "b", a="integer", b="integer"), defined("look"))
PROBLEM = Problem("q", tools=TOOLS)
KIND = NextTurn(PROBLEM, Mathematics(PROBLEM, resolve("extraction", "boxed")))


def test_calls_vote_by_function_and_arguments_whatever_their_layout() -> None:
    first, second = KIND.find(asks("add", a=1, b=2)), KIND.find('{"name": "add", "arguments": {"b": 2, "a": 1}}')
    third = KIND.find(asks("add", a=1, b=3))
    assert isinstance(first, str)
    assert isinstance(second, str)
    assert isinstance(third, str)
    assert KIND.classes([first, second, third, None]) == [0, 0, 1, -1]


def test_a_text_votes_by_the_answer_in_it_and_never_with_a_call() -> None:
    half, call = KIND.find("So \\boxed{1/2}."), KIND.find(asks("look"))
    assert half is not None
    text = half if isinstance(half, str) else half.answer
    assert isinstance(call, str)
    assert KIND.same(text, "0.5")
    assert not KIND.same(text, call)


@pytest.mark.parametrize(
    "said",
    [
        asks("fly"), asks("add", a=1), asks("add", a=1, b="two"), asks("look") + asks("fly"),
        "<tool_call>nonsense</tool_call>", '<tool_call>{"name": "look", "arguments": 3}</tool_call>',
    ],
)  # fmt: skip
def test_what_does_not_fit_the_tools_does_not_vote(said: str) -> None:
    assert KIND.find(said) is None
    assert fitting(said, schemas(TOOLS)) == ()


def test_all_calls_of_a_turn_count_in_order() -> None:
    assert fitting(asks("look") + asks("add", a=1, b=2), schemas(TOOLS)) == (
        Call("look", {}),
        Call("add", {"a": 1, "b": 2}),
    )
    assert fitting(asks("look"), schemas(())) == (), "without tools a call is text"


@pytest.mark.parametrize(
    ("said", "before"),
    [
        ("Let me see.\n" + asks("look"), "Let me see."), (asks("look"), ""),
        ('{"name": "look", "arguments": {}}', ""),
        ("<think><tool_call>?</think>Well.\n" + asks("look"), "<think><tool_call>?</think>Well."),
        ('<think>Hm.</think>{"name": "look", "arguments": {}}', "<think>Hm.</think>"),
    ],
)  # fmt: skip
def test_the_text_of_a_turn_is_what_stands_before_its_calls(said: str, before: str) -> None:
    assert before_calls(said) == before


def test_a_call_is_shown_as_people_write_it() -> None:
    assert call_words(Call("add", {"a": 1, "b": "x"})) == 'add(a=1, b="x")'
    assert call_words(Call("look", {})) == "look()"


def test_a_problems_id_tells_its_tools_apart() -> None:
    assert len({Problem("q").id, PROBLEM.id, Problem("q", tools=TOOLS[:1]).id}) == 3
