"""Tools of the client: a vote over calls, their form in each interface, and conversations that hold calls."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.server.serving import Toy, post, toy
from tests.tools.scripted import Scripted, answers, asks
from tests.toy import step
from tts.protocols import Completion, Request
from tts.types import Problem

ADD = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
TOOL = {"type": "function", "function": {"name": "add", "description": "Adds.", "parameters": ADD, "strict": True}}
FLAT = {"type": "function", **TOOL["function"]}  # type: ignore[dict-item]
USER = {"role": "user", "content": "how far"}
CHAT: dict[str, Any] = {"model": "majority", "messages": [USER], "tools": [TOOL]}
RESPONSES: dict[str, Any] = {"model": "majority", "input": "how far", "tools": [FLAT]}
NAMELESS = {"role": "tool", "content": "1"}
ONE, TWO = asks("add", a=1), asks("add", a=2)


@dataclass(eq=False)
class Various(Scripted):
    """Says another turn of its script in every trajectory, in order; remembers the problems."""

    script: Sequence[str] = ()
    problems: list[Problem] = field(default_factory=list)
    said: int = 0

    def prompt(self, problem: Problem) -> Any:
        self.problems.append(problem)
        return step(problem.text)

    async def generate(self, request: Request) -> Completion:
        text = self.script[self.said % len(self.script)]
        self.said += 1
        made = Scripted([text])
        return await made.generate(request)


def serving(*script: str, budget: int = 4) -> tuple[Toy, Various]:
    policy: Any = Various(script)
    return toy(policy, budget=budget), policy


async def chat(made: Toy, **changes: Any) -> Any:
    return (await post(made.app, CHAT | changes)).json


async def test_calls_vote_and_those_that_do_not_fit_their_schema_do_not() -> None:
    made, policy = serving(TWO, f"I add.\n{ONE}", asks("add", a="x"), ONE)
    found = await chat(made)
    [choice] = found["choices"]
    [call] = choice["message"]["tool_calls"]
    assert choice["finish_reason"] == "tool_calls"
    assert (call["type"], call["function"]["name"], json.loads(call["function"]["arguments"])) == (
        "function", "add", {"a": 1}
    )  # fmt: skip
    assert choice["message"]["content"] in (None, "I add.")
    assert found["tts"]["confidence"] == pytest.approx(2 / 3)  # two of three that vote
    assert json.loads(found["tts"]["answer"]) == [{"name": "add", "arguments": {"a": 1}}]
    assert policy.cards == [
        {"type": "function", "function": {"name": "add", "description": "Adds.", "parameters": ADD}}
    ]


async def test_an_answer_in_words_may_win_and_a_call_of_something_else_is_text() -> None:
    made, _ = serving(answers(3), answers(3), ONE, answers(4))
    [choice] = (await chat(made))["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == (answers(3), "stop")
    assert "tool_calls" not in choice["message"]
    made, _ = serving(asks("fly"))
    found = await chat(made)
    assert (found["choices"][0]["message"]["content"], found["tts"]["answer"]) == (asks("fly"), None)


OTHER = {"type": "function", "function": {"name": "look"}}


@pytest.mark.parametrize(
    ("choice", "flat", "called"),
    [
        ("auto", "auto", ""), ("required", "required", "look"),
        ({"type": "function", "function": {"name": "add"}}, {"type": "function", "name": "add"}, "add"),
    ],
)  # fmt: skip
async def test_where_a_call_is_demanded_no_text_votes_and_of_one_function_no_other(
    choice: Any, flat: Any, called: str
) -> None:
    script = [answers(3)] * 4 + [asks("look")] * 3 + [ONE] * 2
    tools = [TOOL, OTHER]
    made, _ = serving(*script, budget=9)
    found = (await chat(made, tools=tools, tool_choice=choice))["choices"][0]["message"]
    assert [call["function"]["name"] for call in found.get("tool_calls", [])] == [called] * bool(called)
    made, _ = serving(*script, budget=9)
    asked = RESPONSES | {"tools": [{"type": "function", **tool["function"]} for tool in tools], "tool_choice": flat}  # type: ignore[dict-item]
    output = (await post(made.app, asked, "/v1/responses")).json["output"]
    assert [item["name"] for item in output if item["type"] == "function_call"] == [called] * bool(called)


async def test_a_demanded_call_that_no_sample_makes_is_the_text_without_an_answer() -> None:
    made, policy = serving(answers(3))
    found = await chat(made, tool_choice="required")
    assert (found["choices"][0]["message"]["content"], found["tts"]["answer"]) == (answers(3), None)
    assert policy.problems[0].instruction.startswith("Answer with the tool call as JSON")


async def test_several_calls_of_a_turn_come_in_order_with_ids_of_their_own() -> None:
    made, _ = serving(ONE + TWO)
    calls = (await chat(made))["choices"][0]["message"]["tool_calls"]
    assert [json.loads(call["function"]["arguments"])["a"] for call in calls] == [1, 2]
    assert len({call["id"] for call in calls}) == 2
    [call] = (await chat(made, parallel_tool_calls=False))["choices"][0]["message"]["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {"a": 1}
    stream = {"stream": True, "parallel_tool_calls": False}
    deltas = [chunk["choices"][0]["delta"] for chunk in (await post(made.app, CHAT | stream)).events]
    assert [len(delta["tool_calls"]) for delta in deltas if "tool_calls" in delta] == [1]
    events = (await post(made.app, RESPONSES | stream, "/v1/responses")).named_events
    assert [item["type"] for item in events[-1]["response"]["output"]] == ["reasoning", "function_call"]


async def test_a_reward_model_scores_turns_with_calls() -> None:
    made, _ = serving(ONE, TWO)
    found = await chat(made, model="best-of-n", tts={"candidates": True})
    assert all(candidate["score"] is not None for candidate in found["tts"]["candidates"])
    assert found["choices"][0]["finish_reason"] == "tool_calls"


async def test_a_stream_of_chat_ends_with_the_calls() -> None:
    made, _ = serving(f"I add.\n{ONE}{TWO}")
    chunks = (await post(made.app, CHAT | {"stream": True})).events
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert "".join(delta.get("content", "") for delta in deltas) == "I add."
    [calls] = [delta["tool_calls"] for delta in deltas if "tool_calls" in delta]
    assert [(call["index"], json.loads(call["function"]["arguments"])["a"]) for call in calls] == [(0, 1), (1, 2)]
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"
    thoughts = "".join(delta.get("reasoning", "") for delta in deltas)
    assert "in front is add(a=1) add(a=2) with 1 of 1 votes" in thoughts


async def test_a_response_has_items_for_its_calls_also_as_events() -> None:
    made, _ = serving(f"I add.\n{ONE}")
    found = (await post(made.app, RESPONSES, "/v1/responses")).json
    message, call = found["output"]
    assert (message["content"][0]["text"], found["status"]) == ("I add.", "completed")
    assert (call["type"], call["name"], json.loads(call["arguments"])) == ("function_call", "add", {"a": 1})
    assert found["tools"][0]["name"] == "add"
    made, _ = serving(ONE)
    events = (await post(made.app, RESPONSES | {"stream": True}, "/v1/responses")).named_events
    *_, item = final = events[-1]["response"]["output"]
    assert [each["type"] for each in final] == ["reasoning", "function_call"]
    mine = [event for event in events if event.get("item_id") == item["id"] or event.get("item") == item]
    assert [event["type"] for event in mine] == [
        "response.function_call_arguments.delta", "response.function_call_arguments.done", "response.output_item.done",
    ]  # fmt: skip
    assert mine[0]["delta"] == mine[1]["arguments"] == item["arguments"]


async def test_calls_and_their_results_are_turns_of_the_conversation_in_the_order_of_the_calls() -> None:
    made, policy = serving(answers(3))
    calls = [
        {"id": f"c{k}", "type": "function", "function": {"name": "add", "arguments": json.dumps({"a": k})}}
        for k in (1, 2)
    ]
    results = [{"role": "tool", "tool_call_id": f"c{k}", "content": f"r{k}", "name": "add"} for k in (2, 1)]
    asked = [USER, {"role": "assistant", "content": None, "tool_calls": calls, "refusal": None}, *results]
    assert (await chat(made, messages=asked))["choices"][0]["message"]["content"] == answers(3)
    items = [
        USER,
        *({"type": "function_call", "call_id": f"c{k}", "name": "add", "arguments": json.dumps({"a": k}),
           "id": f"fc{k}", "status": "completed"} for k in (1, 2)),
        *({"type": "function_call_output", "call_id": f"c{k}", "output": f"r{k}"} for k in (2, 1)),
    ]  # fmt: skip
    await post(made.app, RESPONSES | {"input": items}, "/v1/responses")
    first, second = policy.problems[0], policy.problems[-1]
    assert first == second
    assert [turn.role for turn in first.turns] == ["user", "assistant", "tool", "tool"]
    assert [json.loads(call)["arguments"] for call in first.turns[1].calls] == [{"a": 1}, {"a": 2}]
    assert [turn.text for turn in first.turns[2:]] == ["r1", "r2"]
    assert first.text == (
        'User: how far\n\nAssistant: {"name": "add", "arguments": {"a": 1}}\n{"name": "add", "arguments": {"a": 2}}\n\n'
        "Tool: r1\n\nTool: r2"
    )


def called(*ids: str, arguments: str = "{}") -> dict[str, Any]:
    calls = [{"id": k, "type": "function", "function": {"name": "add", "arguments": arguments}} for k in ids]
    return {"role": "assistant", "content": "", "tool_calls": calls}


def result(name: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": name, "content": "1"}


@pytest.mark.parametrize(
    ("change", "param", "words"),
    [
        ({"messages": [USER, called("c1", "c2"), result("c1")]}, "messages[2]", "of the call 'c2' is missing"),
        ({"messages": [USER, called("c1"), USER]}, "messages[2]", "the result of the call 'c1' is missing"),
        ({"messages": [USER, called("c1")]}, "messages[1]", "is missing"),
        ({"messages": [USER, result("c1")]}, "messages[1].tool_call_id", "not the result of a call just before it"),
        ({"messages": [USER, called("c1"), result("c1"), result("c1")]}, "messages[2].tool_call_id", "there are two"),
        ({"messages": [USER, called("c1"), NAMELESS]}, "messages[2].tool_call_id", "give its id"),
        ({"messages": [USER, called("c1", "c1"), result("c1")]}, "messages[1].tool_calls", "the same id"),
        ({"messages": [USER, called("c1", arguments="{"), result("c1")]}, "messages[1].tool_calls", "not JSON"),
        ({"messages": [USER | called("c1") | {"role": "user"}]}, "messages[0].tool_calls", "only the assistant"),
        ({"messages": [USER | {"tool_call_id": "c1"}]}, "messages[0].tool_call_id", "only a message of the role tool"),
        ({"messages": [{"role": "user"}]}, "messages[0].content", "missing"),
        ({"tool_choice": {"type": "function", "function": {"name": "fly"}}}, "tool_choice", "not among the tools"),
        ({"tool_choice": "required", "tools": []}, "tool_choice", "not among the tools"),
        ({"tool_choice": "always"}, "tool_choice", "should be"),
        ({"parallel_tool_calls": 1}, "parallel_tool_calls", "boolean"),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools[0].function.name", "match"),
        ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "tools[0].type", "only functions"),
        ({"tools": [TOOL] * 129}, "tools", "at most 128"),
        ({"tools": [TOOL] * 2}, "tools", "the same name"),
    ],
)  # fmt: skip
async def test_what_does_not_belong_together_is_named_where_it_is(
    change: dict[str, Any], param: str, words: str
) -> None:
    made, policy = serving(ONE)
    reply = await post(made.app, CHAT | change)
    assert (reply.status, reply.error["param"]) == (400, param)
    assert words in reply.error["message"]
    assert policy.said == 0


async def test_tools_of_a_policy_that_calls_none_are_refused_and_taken_where_none_is_to_be_called() -> None:
    made = toy()
    refused = (await post(made.app, CHAT)).error
    assert (refused["param"], refused["code"]) == ("tools", "unsupported_parameter")
    assert "toy cannot call tools" in refused["message"]
    assert (await post(made.app, CHAT | {"tool_choice": "none"})).status == 200


async def test_a_limit_of_tokens_cuts_a_call_to_a_text() -> None:
    made, _ = serving(ONE)
    [choice] = (await chat(made, max_tokens=12))["choices"]
    assert (choice["finish_reason"], choice["message"]["content"]) == ("length", ONE[:12])
