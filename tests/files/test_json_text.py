"""JSON: written values are read back, and other text is one sentence."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tts.errors import BadInput
from tts.files.json_text import DEPTH, dump, parse

TEXTS = st.text(st.characters(codec=None, categories=None))  # every code point, halves of surrogate pairs too
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**300), 10**300) | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
)  # fmt: skip


@given(VALUES)
def test_what_is_written_is_read_back(value: Any) -> None:
    for text in (dump(value), dump(value, compact=True), dump(value, indent=1), dump(value, ascii_only=True)):
        assert parse(text) == value
        assert parse(text.encode()) == value


@given(VALUES)
def test_a_row_is_one_line_to_everybody(value: Any) -> None:
    assert len((dump(value) + "\n").splitlines()) == 1


@given(TEXTS)
def test_nothing_that_a_terminal_obeys_is_written_as_it_is(text: str) -> None:
    written = dump(text)
    assert not any(0x00 <= ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in written)
    assert not set(written) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_not_finite_becomes_null(number: float) -> None:
    assert json.loads(dump({"score": [number], "other": (1.5, number)})) == {"score": [None], "other": [1.5, None]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Expecting value"),
        ("{", "Expecting property name"),
        ("NaN", "NaN is no number that JSON has"),
        ("[-Infinity]", "-Infinity is no number"),
        ("1e400", "beyond floating point"),
        ("-1" + "0" * 400, "beyond floating point"),
        ("1" * 10_000, "beyond floating point"),
        ("[" * (DEPTH + 1) + "]" * (DEPTH + 1), "more than 100 lists and objects within each other"),
        ("[" * 100_000, "more than 100 lists"),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, "more than 100 lists"),
        (b"\xff", "not UTF-8 text"),
        ("é".encode("utf-16"), "UTF-16 text: save it as UTF-8"),
    ],
)
def test_what_is_no_json_is_one_sentence(text: str | bytes, message: str) -> None:
    with pytest.raises(BadInput, match=r"^the file .*\.$") as refused:
        parse(text, "the file")
    assert message in str(refused.value)


def test_brackets_in_strings_are_no_depth() -> None:
    text = json.dumps(["[{" * 1000, '"[' * 1000, "\\" * 7 + "{" * 1000])
    assert parse(text) == json.loads(text)


def test_as_deep_as_allowed_is_read() -> None:
    assert parse("[" * DEPTH + "]" * DEPTH) is not None
    assert parse("[" + "[]," * 1000 + "1]")[-1] == 1


@pytest.mark.parametrize("text", ['"' + '\\"' * 10**6, '"\\' * 10**6, "[" * 10**6, "{}" * 10**6, "]" * 10**6])
def test_a_hostile_text_is_refused_in_no_time(text: str) -> None:
    begun = time.process_time()
    with pytest.raises(BadInput):
        parse(text)
    assert time.process_time() - begun < 2
