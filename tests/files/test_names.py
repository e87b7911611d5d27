"""File names made of data: safe, different, readable."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tts.files.names import LONGEST, safe_name

TEXTS = st.text(st.characters(codec=None, categories=None)) | st.text("ab./~_-A\0", max_size=5)


@given(TEXTS)
def test_a_name_is_one_part_of_a_path_and_never_hidden(text: str) -> None:
    name = safe_name(text)
    assert Path("folder", name).parent == Path("folder")
    assert name not in (".", "..")
    assert not name.startswith((".", "-"))
    assert name.isascii()
    assert name.isprintable()
    assert len(name) <= LONGEST
    assert "/" not in name


@given(TEXTS, TEXTS)
def test_different_texts_have_different_names(one: str, other: str) -> None:
    assert (safe_name(one) == safe_name(other)) == (one == other)


def test_the_name_of_another_text_is_no_name_of_its_own() -> None:
    assert safe_name(safe_name("a/b")) != safe_name("a/b")


@pytest.mark.parametrize("text", ["3f2a9c", "lab-500-17", "test.1", "AIME_2024-II-3"])
def test_a_plain_id_is_its_own_name(text: str) -> None:
    assert safe_name(text) == text


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("test/precalculus/807.json", "test_precalculus_807.json~"),
        ("../x", "_x~"),
        ("/abs", "_abs~"),
        ("a\0b", "a_b~"),
        ("", "~"),
        ("x" * 300, "xxx"),
        (".hidden", "hidden~"),
    ],
)
def test_any_other_text_stays_readable(text: str, begins: str) -> None:
    assert safe_name(text).startswith(begins)


def test_a_file_of_every_name_can_be_written(tmp_path: Path) -> None:
    ids = ["../x", "/abs", "a\0b", "x" * 300, "x" * 301, "é" * 300, "a/b", "a_b", "\ud800", "", ".", ".."]
    for text in ids:
        (tmp_path / f"{safe_name(text)}.jsonl").write_text("x")
    assert len(list(tmp_path.iterdir())) == len(ids)
