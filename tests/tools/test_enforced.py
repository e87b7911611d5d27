"""The schema that a policy is held to: an answer's, or that of a call that a problem demands."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tts.tools.next_turn import enforced
from tts.tools.schema import misfit
from tts.tools.schema_change import closed, moved
from tts.types import Problem

PLACE = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TRIP = {
    "type": "object", "properties": {"from": {"$ref": "#/$defs/place"}, "to": {"$ref": "#/$defs/place"}},
    "required": ["from", "to"], "$defs": {"place": PLACE},
}  # fmt: skip
ADD = {"type": "object", "properties": {"a": {"type": "number"}}, "required": ["a"]}


def tool(name: str, schema: Any) -> str:
    return json.dumps({"type": "function", "function": {"name": name, "parameters": schema}})


def test_a_demanded_call_is_one_of_the_tools_with_arguments_that_fit_it() -> None:
    problem = Problem("x", kind="tool", tools=(tool("trip", TRIP), tool("add", ADD), tool("now", None)))
    schema = json.loads(enforced(problem))
    trip = {"from": {"city": "Paris"}, "to": {"city": "Turin"}}
    right: list[tuple[str, Any]] = [("trip", trip), ("add", {"a": 1}), ("now", {})]
    wrong: list[tuple[str, Any]] = [
        ("trip", {"a": 1}),
        ("add", trip),
        ("other", {}),
        ("trip", {"from": "Paris", "to": "Turin"}),
    ]
    assert not any(misfit({"name": name, "arguments": arguments}, schema) for name, arguments in right)
    assert all(misfit({"name": name, "arguments": arguments}, schema) for name, arguments in wrong)


@pytest.mark.parametrize(
    "problem",
    [Problem("x"), Problem("x", tools=(tool("add", ADD),)), Problem("x", tools=(tool("add", ADD),), schema="{}")],
)
def test_nothing_is_enforced_where_a_text_may_be_the_answer(problem: Problem) -> None:
    assert enforced(problem) == ""


def test_objects_are_closed_down_to_the_definitions() -> None:
    found = json.loads(enforced(Problem("x", schema=json.dumps(TRIP))))
    assert found["additionalProperties"] is False
    assert found["$defs"]["place"]["additionalProperties"] is False
    assert {**found, "$defs": TRIP["$defs"]} == {**TRIP, "additionalProperties": False}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {"properties": {"a": {}}, "additionalProperties": {"type": "string"}},
        {"allOf": [{"properties": {"a": {}}}, {"properties": {"b": {}}}]},
        {"properties": {"a": {}}, "anyOf": [{"required": ["b"]}, {"required": ["c"]}]},
        {"properties": {"a": {}}, "patternProperties": {"^x": {}}},
        {"$ref": "#/$defs/a", "$defs": {"a": {"properties": {"b": {}}, "if": {}}}},
        {"not": {"properties": {"a": {"const": 1}}}},
        {"if": {"properties": {"a": {}}}, "then": {"properties": {"b": {}}}},
        {"enum": [{"properties": {}}]},
        True,
    ],
)  # fmt: skip
def test_what_may_have_other_members_stays_open(schema: Any) -> None:
    assert closed(schema) == schema


def test_a_member_may_have_the_name_of_a_keyword() -> None:
    schema = {"properties": {"properties": {"type": "string"}, "allOf": {"type": "string"}, "$ref": {"enum": ["#/x"]}}}
    assert closed(schema) == {**schema, "additionalProperties": False}
    assert moved(schema, "#/$defs/0") == schema


def test_references_of_a_schema_in_another_begin_where_it_stands() -> None:
    assert moved(TRIP, "#/$defs/7")["properties"]["to"] == {"$ref": "#/$defs/7/$defs/place"}
    assert moved({"items": {"$ref": "#"}}, "#/x") == {"items": {"$ref": "#/x"}}
    assert moved({"$ref": "https://example.org/s"}, "#/x") == {"$ref": "https://example.org/s"}


def test_a_schema_nested_without_end_is_left_alone_below() -> None:
    schema: Any = {}
    for _ in range(500):
        schema = {"items": schema}
    assert closed(schema) == schema
