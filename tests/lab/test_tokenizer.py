"""The tokenizer is lossless, and reads an unknown word as one token."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from benchmarks.lab import tokenizer
from benchmarks.word_problems import grammar
from benchmarks.word_problems.generate import stream


@pytest.fixture(scope="module")
def tok(tmp_path_factory: pytest.TempPathFactory) -> PreTrainedTokenizerFast:
    folder: Path = tmp_path_factory.mktemp("tokenizer")
    tokenizer.save(folder)
    loaded = AutoTokenizer.from_pretrained(folder)
    assert isinstance(loaded, PreTrainedTokenizerFast)
    return loaded


def ids_of(tok: PreTrainedTokenizerFast, text: str) -> list[int]:
    ids: list[int] = tok(text, add_special_tokens=False)["input_ids"]
    return ids


def test_problems_and_solutions_survive_encoding_and_nothing_in_them_is_unknown(
    tok: PreTrainedTokenizerFast,
) -> None:
    for p in itertools.islice(stream(77), 400):
        for text in (p.problem, p.solution):
            ids = ids_of(tok, text)
            assert tok.decode(ids) == text
            assert tok.unk_token_id not in ids


def test_two_halves_of_a_sequence_decode_to_the_halves_of_its_text(tok: PreTrainedTokenizerFast) -> None:
    text = "Add 25: 17+25=42.\n\nTriple it: 42*3=126."
    ids = ids_of(tok, text)
    assert all(f"{tok.decode(ids[:i])}{tok.decode(ids[i:])}" == text for i in range(len(ids) + 1))


def test_a_word_carries_its_space_and_a_digit_stands_alone(tok: PreTrainedTokenizerFast) -> None:
    assert tok.tokenize("Mia has 17 marbles.") == ["Mia", " has", " ", "1", "7", " marbles", "."]
    assert tok.tokenize("17+25=42.\n\nAdd") == ["1", "7", "+", "2", "5", "=", "4", "2", ".", "\n\n", "Add"]


def test_an_unknown_word_is_one_token(tok: PreTrainedTokenizerFast) -> None:
    assert ids_of(tok, "Xandra has").count(tok.unk_token_id) == 1
    assert ids_of(tok, "Mia has 17 zorbles.").count(tok.unk_token_id) == 1


def test_the_chat_template_begins_with_the_begin_token_and_ignores_the_system(
    tok: PreTrainedTokenizerFast,
) -> None:
    chat = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "How many?"}]
    assert (
        tok.apply_chat_template(chat, add_generation_prompt=True, tokenize=False) == "<s><|user|>How many?<|assistant|>"
    )
    chat.append({"role": "assistant", "content": "Add 2: 1+2=3.<extra_0>"})
    assert tok.apply_chat_template(chat, tokenize=False) == "<s><|user|>How many?<|assistant|>Add 2: 1+2=3.<extra_0>"


def test_special_tokens_are_single_tokens_in_text(tok: PreTrainedTokenizerFast) -> None:
    assert ids_of(tok, "<s><|user|><|assistant|><extra_0></s>") == tok.convert_tokens_to_ids(
        ["<s>", "<|user|>", "<|assistant|>", "<extra_0>", "</s>"]
    )


def test_every_verb_of_the_stories_has_its_forms() -> None:
    import re

    texts = [t for story in grammar.STORIES for phrases in story.phrases.values() for t in phrases]
    assert {verb for t in texts for verb in re.findall(r"<[+=]?(\w+)>", t)} <= set(grammar.VERBS)
