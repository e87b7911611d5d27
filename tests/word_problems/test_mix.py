"""The stream that policies learn from: stories and everyday problems."""

from __future__ import annotations

import itertools

from benchmarks.lab import tokenizer
from benchmarks.word_problems import generate, mix
from benchmarks.word_problems.everyday import draw
from benchmarks.word_problems.vocabulary import story_vocabulary, vocabulary


def test_without_everyday_problems_it_is_the_stream_of_stories() -> None:
    assert list(itertools.islice(mix.stream(3), 20)) == list(itertools.islice(generate.stream(3), 20))


def test_a_share_is_of_everyday_problems_of_the_same_split() -> None:
    drawn = list(itertools.islice(mix.stream(3, split="validation", everyday=0.7), 200))
    forms = {form.name for form in draw.FORMS}
    share = sum(problem.id.rpartition("-")[0] in forms for problem in drawn) / 200
    assert 0.6 < share < 0.8  # three standard errors of 0.7: sqrt(0.7 * 0.3 / 200) = 0.032
    assert {problem.split for problem in drawn} == {"validation"}


def test_the_words_of_stories_keep_their_tokens_and_everyday_words_follow() -> None:
    stories, every = story_vocabulary(), vocabulary()
    assert every[: len(stories)] == stories
    assert len(set(every)) == len(every)


def test_hardly_a_word_of_everyday_problems_is_unknown_but_in_lower_case() -> None:
    tok = tokenizer.build()
    problems = [p for p in itertools.islice(draw.stream(8), 600) if p.problem != p.problem.lower()]
    unknown = sum(tok.unk_token_id in tok(p.problem + p.solution)["input_ids"] for p in problems)
    assert unknown <= 0.02 * len(problems)  # plural nouns that open a sentence
    assert not any(tok.unk_token_id in tok(p.solution)["input_ids"] for p in problems)
