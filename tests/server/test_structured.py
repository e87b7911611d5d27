"""Answers by a schema: JSON that fits the schema of the request votes, and is the whole content."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.server.serving import post
from tests.server.test_tools import FLAT, TOOL, USER, serving
from tests.tools.scripted import asks

SCHEMA = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
CHAT: dict[str, Any] = {
    "model": "majority", "messages": [USER],
    "response_format": {"type": "json_schema", "json_schema": {"name": "person", "schema": SCHEMA, "strict": True}},
}  # fmt: skip
RESPONSES: dict[str, Any] = {
    "model": "majority", "input": "how far",
    "text": {"format": {"type": "json_schema", "name": "person", "schema": SCHEMA, "strict": True}},
}  # fmt: skip


async def test_json_that_fits_votes_and_is_the_content() -> None:
    made, policy = serving('{"age": "x"}', 'I think.\n```json\n{"age": 3}\n```', '{"age": 4}', '{ "age":3 }')
    found = (await post(made.app, CHAT)).json
    [choice] = found["choices"]
    assert (json.loads(choice["message"]["content"]), choice["finish_reason"]) == ({"age": 3}, "stop")
    assert found["tts"]["confidence"] == pytest.approx(2 / 3)
    assert '{"age": <integer>}' in policy.problems[0].instruction


async def test_what_fits_nowhere_is_the_text_as_it_was_sampled() -> None:
    made, _ = serving("three")
    found = (await post(made.app, CHAT)).json
    assert (found["choices"][0]["message"]["content"], found["tts"]["answer"]) == ("three", None)


async def test_an_object_may_be_asked_for_without_a_schema_and_text_is_text() -> None:
    made, _ = serving('So: {"any": [1]}')
    found = (await post(made.app, CHAT | {"response_format": {"type": "json_object"}})).json
    assert json.loads(found["choices"][0]["message"]["content"]) == {"any": [1]}
    found = (await post(made.app, CHAT | {"response_format": {"type": "text"}})).json
    assert found["choices"][0]["message"]["content"] == 'So: {"any": [1]}'


async def test_a_stream_and_a_response_hold_the_json_alone() -> None:
    made, _ = serving('Well.\n{"age": 3}')
    chunks = (await post(made.app, CHAT | {"stream": True})).events
    assert "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks) == '{"age": 3}'
    found = (await post(made.app, RESPONSES, "/v1/responses")).json
    assert found["output"][0]["content"][0]["text"] == '{"age": 3}'
    assert found["text"]["format"]["schema"] == SCHEMA
    events = (await post(made.app, RESPONSES | {"stream": True}, "/v1/responses")).named_events
    assert events[-1]["response"]["output"][-1]["content"][0]["text"] == '{"age": 3}'


async def test_beside_tools_a_call_or_json_is_the_answer() -> None:
    made, _ = serving(asks("add", a=1))
    found = (await post(made.app, CHAT | {"tools": [TOOL]})).json
    assert found["choices"][0]["finish_reason"] == "tool_calls"
    made, _ = serving('{"age": 3}')
    found = (await post(made.app, RESPONSES | {"tools": [FLAT]}, "/v1/responses")).json
    assert json.loads(found["output"][0]["content"][0]["text"]) == {"age": 3}


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"type": "grammar"}, "response_format"),
        ({"type": "json_schema"}, "response_format.json_schema"),
        ({"type": "json_schema", "json_schema": {"name": "x"}}, "response_format.json_schema.schema"),
        ({"type": "json_schema", "json_schema": {"name": "x", "schema": []}}, "response_format.json_schema.schema"),
    ],
)  # fmt: skip
async def test_a_wrong_format_is_named_where_it_is(given: dict[str, Any], param: str) -> None:
    made, policy = serving("3")
    reply = await post(made.app, CHAT | {"response_format": given})
    assert (reply.status, reply.error["param"]) == (400, param)
    assert policy.said == 0


async def test_raw_completions_have_no_format() -> None:
    made, _ = serving("3")
    body = {"model": "majority", "prompt": "how far", "response_format": {"type": "json_object"}}
    assert (await post(made.app, body, "/v1/completions")).error["param"] == "response_format"
