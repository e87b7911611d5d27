"""JSON that fits a schema: where it is found, what fits, and what votes together."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tts.answers.kinds.mathematics import Mathematics
from tts.errors import BadInput
from tts.registry import resolve
from tts.tools.outline import outline
from tts.tools.schema import misfit
from tts.tools.structured import Structured, instructed
from tts.types import Problem

SCHEMA = {
    "type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0}},
    "required": ["name", "age"], "additionalProperties": False,
}  # fmt: skip
PROBLEM = Problem("q", schema=json.dumps(SCHEMA))
KIND = Structured(PROBLEM, Mathematics(PROBLEM, resolve("extraction", "boxed")))
MIA = '{"name": "Mia", "age": 3}'


@pytest.mark.parametrize(
    "said",
    [
        MIA, f"  {MIA}\n", f"```json\n{MIA}\n```", f"Mia is three.\n\n```\n{MIA}\n```\nThat is all.",
        f"<think>{{}} or 5?</think>{MIA}", f"First {{x}}, then {MIA}. Done.", f'{{"name": 1}} no: {MIA}', f"[[{MIA}",
    ],
)  # fmt: skip
def test_what_fits_is_found_wherever_it_stands(said: str) -> None:
    assert json.loads(KIND.find(said) or "null") == {"name": "Mia", "age": 3}


def test_the_last_value_that_fits_counts() -> None:
    assert json.loads(KIND.find(f'{MIA} no, {{"name": "Ben", "age": 4}}, I mean {{"name": 4}}') or "")["name"] == "Ben"


@pytest.mark.parametrize(
    "said",
    ["Mia is 3", '{"name": "Mia"}', '{"name": "Mia", "age": "3"}', '{"name": "Mia", "age": -1}', "3", "", "{" * 900,
     '{"name": "Mia", "age": 3, "town": "Oslo"}', f'{MIA[:-1]}'],
)  # fmt: skip
def test_what_does_not_fit_does_not_vote(said: str) -> None:
    assert KIND.find(said) is None


def test_values_vote_together_whatever_their_layout() -> None:
    first, second, third = (
        KIND.find(text) for text in (MIA, '{"age": 3.0,\n"name": "Mia"}', '{"name": "Mia", "age": 4}')
    )
    assert KIND.classes([first, second, third, None]) == [0, 0, 1, -1]


def test_a_number_or_a_string_is_the_whole_solution_and_not_part_of_a_text() -> None:
    kind = Structured(Problem("q", schema='{"type": ["integer", "string"]}'), KIND)
    assert [kind.find(said) for said in ("42", ' "Oslo"\n', "It is 42", "```\n42\n```")] == ["42", '"Oslo"', None, None]


@pytest.mark.parametrize("schema", ["[]", "true", '"object"', "nonsense"])
def test_what_is_no_schema_is_refused(schema: str) -> None:
    with pytest.raises(BadInput, match="schema"):
        instructed(Problem("q", schema=schema, instruction="Write JSON."))


def test_true_is_not_one() -> None:
    kind = Structured(Problem("q", schema='{"type": "array"}'), KIND)
    assert not kind.same("[true]", "[1]")
    assert kind.same("[1]", "[1.0]")


@pytest.mark.parametrize(
    ("schema", "shown"),
    [
        ({"type": "object"}, "{...}"),
        ({"type": "array", "items": {"type": "number"}}, "[<number>, ...]"),
        ({"properties": {"a": {"enum": ["x", 1]}, "b": {"const": True}}}, '{"a": "x" or 1, "b": true}'),
        ({"properties": {"a": {"type": ["string", "null"]}}}, '{"a": <string> or null}'),
        ({"properties": {"a": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}}, '{"a": <integer> or null}'),
        ({"$defs": {"t": {"properties": {"n": {"type": "string", "description": "its\n name"}}}},
          "properties": {"all": {"type": "array", "items": {"$ref": "#/$defs/t"}, "description": "all"}}},
         '{"all": [{"n": <string>}, ...]}\nall: all\nall.n: its name'),
        ({"properties": {"a": 3, "b": {"type": 3}}}, '{"a": ..., "b": <3>}'),
    ],
)  # fmt: skip
def test_a_form_is_shown_as_a_value_with_placeholders(schema: dict[str, Any], shown: str) -> None:
    assert outline(schema) == shown


def test_a_form_that_branches_without_end_is_cut() -> None:
    many = {"properties": {f"p{k}": {"$ref": "#/$defs/t"} for k in range(50)}}
    shown = outline({"$defs": {"t": many}, "$ref": "#/$defs/t"})
    assert shown.startswith('{"p0": {"p0": ')
    assert len(shown) < 20_000
    assert "...}" in shown


def test_the_policy_is_asked_for_the_form() -> None:
    assert instructed(PROBLEM).instruction.endswith('\n{"name": <string>, "age": <integer>}')
    assert instructed(Problem("q")).instruction == ""
    assert instructed(replace(PROBLEM, instruction="Be brief.")).instruction == "Be brief."


@pytest.mark.parametrize(
    ("schema", "right", "wrong", "words"),
    [
        ({"const": "a"}, "a", "b", "must be 'a'"),
        ({"minimum": 1}, 1, 0, "at least 1"),
        ({"maximum": 1.5}, 1.5, 2, "at most 1.5"),
        ({"exclusiveMinimum": 0}, 0.1, 0, "more than 0"),
        ({"exclusiveMaximum": 3}, 2, 3, "less than 3"),
        ({"minLength": 2}, "ab", "a", "at least 2 characters"),
        ({"maxLength": 2}, "ab", "abc", "at most 2 characters"),
        ({"minItems": 1}, [0], [], "at least 1 item, not 0"),
        ({"maxItems": 1}, [0], [0, 0], "at most 1 item, not 2"),
        ({"allOf": [{"type": "integer"}, {"minimum": 3}]}, 3, 2, "at least 3"),
        ({"minimum": "x", "minLength": None, "allOf": 3}, 1, None, ""),  # what is not understood allows everything
        ({"minimum": 5}, True, None, ""),
    ],
)  # fmt: skip
def test_limits_of_a_schema_hold(schema: dict[str, Any], right: Any, wrong: Any, words: str) -> None:
    assert misfit(right, schema) == ""
    assert words in misfit(wrong, schema)


def test_a_schema_that_branches_without_end_is_given_up_soon() -> None:
    again = {"anyOf": [{"$ref": "#/$defs/a"}] * 50}
    schema = {"$defs": {"a": {**again, "type": "integer"}}, **again}
    assert "more than 5000 steps" in misfit("x", {"$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}] * 50}}, **again})
    assert misfit("x", schema) == "", "deeper than twelve schemas nothing is checked"
