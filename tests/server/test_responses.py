"""``/v1/responses``: the answer, the events of a stream, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.serving import post, toy
from tests.server.test_streams import Failing
from tests.toy import ToyPolicy

PATH = "/v1/responses"
ASK: dict[str, Any] = {"model": "best-of-n", "input": "how far"}
USER = {"role": "user", "content": "x"}
TEXT = "1\n\n2\n\n3\n\n\\boxed{3}"


async def test_the_answer_is_that_of_chat_with_the_usage_under_other_names() -> None:
    made = toy()
    found = (await post(made.app, ASK | {"tts": {"budget": 4}, "seed": 1}, PATH)).json
    messages = [{"role": "user", "content": "how far"}]
    chat = (await post(made.app, {"model": "best-of-n", "messages": messages, "tts": {"budget": 4}, "seed": 1})).json
    [message] = found["output"]
    assert (found["object"], found["status"], found["model"]) == ("response", "completed", "best-of-n")
    assert (message["type"], message["role"], message["status"]) == ("message", "assistant", "completed")
    [part] = message["content"]
    assert part == {"type": "output_text", "text": TEXT, "annotations": [], "logprobs": []}
    assert part["text"] == chat["choices"][0]["message"]["content"]
    usage = chat["usage"]
    assert found["usage"] == {
        "input_tokens": usage["prompt_tokens"], "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": usage["completion_tokens"], "output_tokens_details": usage["completion_tokens_details"],
        "total_tokens": usage["total_tokens"],
    }  # fmt: skip
    assert found["tts"]["answer"] == chat["tts"]["answer"] == "3"


async def test_instructions_and_items_are_the_conversation_of_chat() -> None:
    made = toy()
    items = [
        {"role": "user", "content": [{"type": "input_text", "text": "how "}, {"type": "input_text", "text": "far"}]},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Search"}], "status": None},
        {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "phase": None,
         "content": [{"type": "output_text", "text": "3", "annotations": [], "logprobs": None}]},
        {"role": "user", "content": "and on"},
    ]  # fmt: skip
    found = (await post(made.app, ASK | {"instructions": "be brief", "input": items, "seed": 1}, PATH)).json
    messages = [
        {"role": "system", "content": "be brief"}, {"role": "user", "content": "how far"},
        {"role": "assistant", "content": "3"}, {"role": "user", "content": "and on"},
    ]  # fmt: skip
    chat = (await post(made.app, {"model": "best-of-n", "messages": messages, "seed": 1})).json
    ours, theirs = (made.service.traces.get(each["tts"]["trace"]) for each in (found, chat))
    assert ours is not None
    assert theirs is not None
    assert ours["events"][0]["prompt"] == theirs["events"][0]["prompt"]
    assert found["instructions"] == "be brief"


async def test_a_stream_has_the_progress_as_reasoning_then_the_text_by_steps_then_the_whole() -> None:
    found = (await post(toy().app, ASK | {"stream": True}, PATH)).named_events
    kinds = [event["type"].removeprefix("response.") for event in found]
    thoughts = kinds.count("reasoning_summary_text.delta")
    assert kinds == [
        "created", "in_progress",
        "output_item.added", "reasoning_summary_part.added", *["reasoning_summary_text.delta"] * thoughts,
        "reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done",
        "output_item.added", "content_part.added", *["output_text.delta"] * 4, "output_text.done",
        "content_part.done", "output_item.done", "completed",
    ]  # fmt: skip
    deltas = [event["delta"] for event in found if event["type"] == "response.output_text.delta"]
    assert deltas == ["1\n\n", "2\n\n", "3\n\n", "\\boxed{3}"]
    final = found[-1]["response"]
    done = [event["item"] for event in found if event["type"] == "response.output_item.done"]
    assert final["output"] == done
    assert done[0]["summary"][0]["text"].startswith("Search: best-of-n, N up to 4, with toy and toy-prm.\n")
    assert {event["item_id"] for event in found if "item_id" in event} == {item["id"] for item in done}
    assert final["usage"]["output_tokens"] == 76
    assert final["tts"]["answer"] == "3"
    assert {event["response"]["status"] for event in found[:2]} == {"in_progress"}


async def test_events_of_the_tree_come_where_they_are_asked_for() -> None:
    asked = ASK | {"model": "dvts", "stream": True, "tts": {"events": True}}
    reply = await post(toy().app, asked, PATH)
    found = [event for event in reply.named_events if event["type"] == "response.tts_events"]
    assert {small["event"] for event in found for small in event["events"]} == {"start", "sample", "score"}


async def test_an_answer_that_a_limit_cuts_is_incomplete() -> None:
    for stream in (False, True):
        reply = await post(toy().app, ASK | {"max_output_tokens": 5, "stream": stream}, PATH)
        found = reply.named_events[-1]["response"] if stream else reply.json
        assert (found["status"], found["output"][-1]["status"]) == ("incomplete", "incomplete")
        assert found["incomplete_details"] == {"reason": "max_output_tokens"}
        assert found["usage"]["output_tokens"] <= 5


async def test_a_failed_search_ends_the_stream_with_an_error() -> None:
    made = toy(Failing(OSError("broken"), 6))
    *_, last = (await post(made.app, ASK | {"model": "dvts", "stream": True}, PATH)).named_events
    assert last["type"] == "error"
    assert last["error"]["message"] == last["message"]
    assert "failed at this request" in last["message"]


@pytest.mark.parametrize(
    ("changes", "param", "words"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id", "answers are not stored"),
        ({"conversation": "conv_1"}, "conversation", "send the whole conversation"),
        ({"background": True}, "background", "ask for a stream"),
        ({"store": True}, "store", "nothing is stored"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type", "only functions"),
        ({"reasoning": {"effort": "low"}}, "reasoning", "give tts.budget"),
        ({"text": {"format": {"type": "grammar"}}}, "text.format", "tag"),
        ({"text": {"verbosity": "low"}}, "text.verbosity", "not a field"),
        ({"truncation": "auto"}, "truncation", "not shortened"),
        ({"n": 2}, "n", "not a field"),
        ({"include": ["file_search_call.results"]}, "include[0]", "should be"),
        ({"input": ""}, "input", "empty"),
        ({"input": []}, "input", "at least 1 item"),
        ({"input": [USER] * 300}, "input", "at most 256 messages"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "input[0].type", "send messages"),
        ({"input": [{"type": "reasoning", "summary": []}]}, "input", "no message"),
        ({"input": [USER, {"role": "assistant", "content": "3"}]}, "input[1]", "the last"),
        ({"input": [{"role": "assistant", "content": "3"}, USER]}, "input[0]", "begins"),
    ],
)  # fmt: skip
async def test_what_cannot_be_honoured_is_refused_by_name(changes: dict[str, Any], param: str, words: str) -> None:
    reply = await post(toy().app, ASK | changes, PATH)
    assert reply.status == 400
    assert reply.error["param"] == param
    assert words in reply.error["message"]


async def test_what_asks_for_no_change_is_taken() -> None:
    asked = ASK | {
        "user": "u", "metadata": {"a": "b"}, "store": False, "background": False, "parallel_tool_calls": True,
        "tools": [], "tool_choice": "auto", "reasoning": {"summary": "auto"}, "text": {"format": {"type": "text"}},
        "include": None, "truncation": "disabled", "previous_response_id": None, "service_tier": "auto",
    }  # fmt: skip
    assert (await post(toy().app, asked, PATH)).json["status"] == "completed"


async def test_log_probabilities_come_with_the_text_and_are_refused_of_a_policy_without_any() -> None:
    asked = ASK | {"include": ["message.output_text.logprobs"], "top_logprobs": 2}
    reply = await post(toy().app, asked, PATH)
    [part] = reply.json["output"][0]["content"]
    assert "".join(token["token"] for token in part["logprobs"]) == TEXT
    assert {len(token["top_logprobs"]) for token in part["logprobs"]} == {2}
    streamed = (await post(toy().app, asked | {"stream": True}, PATH)).named_events
    deltas = [event for event in streamed if event["type"] == "response.output_text.delta"]
    assert [token for event in deltas for token in event["logprobs"]] == part["logprobs"]
    refused = (await post(toy(ToyPolicy(logprobs=0)).app, asked, PATH)).error
    assert refused["param"] == "top_logprobs"
    assert "leave top_logprobs out" in refused["message"]
