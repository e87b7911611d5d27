"""The vocabulary of the word problems, collected from the grammar without a tokenizer library."""

from __future__ import annotations

import re

from benchmarks.word_problems import grammar

_PUNCTUATION = ["\n\n", "\n", "\\boxed{", "}", " ", *"0123456789+-*/=.,?!:;'\"$%()"]
_SOLUTION = (
    "Add Take away Double Triple it Times Halve Divide Multiply by The other has Together From answer is"
).split()
_OPENERS = (
    "The A An There At In On If My I She He They It When After Before Last Every Each How What Some One Yesterday "
    "Today Each Half Only Then Next Later Finally Now Also For This That Its Her His Their You We Suppose Let Your "
    "Both Two"
).split()


def _words(text: str) -> set[str]:
    plain = re.sub(r"\{\w+\}|<[+=]?\w+>|^\d:", " ", text)
    return set(re.findall(r"[^\W\d_]+", plain))


def known_words() -> set[str]:
    """Return every word of the grammar, as it is spelled."""
    tables = [grammar.AGES, grammar.CHAIN, *(story.phrases for story in grammar.STORIES)]
    texts = [text for table in tables for phrases in table.values() for text in phrases]
    texts += [text for _, text in grammar.TWO_PEOPLE]
    texts += [
        *grammar.ONE_OTHER,
        *grammar.EACH,
        *grammar.CHANGE,
        *grammar.PLACES,
        *grammar.JOINS,
        *grammar.FRACTIONS.values(),
    ]
    texts += [*grammar.LEADS, *grammar.BUS_LEADS]
    words = set().union(*(_words(text) for text in texts)) - set("cde")
    words |= {form for forms in grammar.VERBS.values() for form in forms}
    nouns = grammar.TOYS + grammar.FOOD + grammar.ANIMALS + grammar.PLANTS + grammar.GOODS
    words |= {
        *nouns,
        *grammar.ITEMS,
        *grammar.CONTAINERS,
        *grammar.RELATIVES,
        *grammar.VISITORS,
        *grammar.EXTRA_WORDS,
    }
    words |= {
        "she",
        "he",
        "they",
        "it",
        "her",
        "his",
        "their",
        "its",
        "twice",
        "s",
        *_SOLUTION,
        *(w.lower() for w in _OPENERS),
    }
    numbers = list(grammar.NUMBER_WORDS.values())
    names = grammar.WOMEN + grammar.MEN
    capital = {
        *_OPENERS,
        *(w.capitalize() for w in numbers),
        *(w.split()[0].capitalize() for w in grammar.FRACTIONS.values()),
    }
    words |= {*numbers, *names, *capital}
    return words


def vocabulary() -> list[str]:
    """Return every token but the special ones, in the order of their ids.

    Words with the space before them come first, then words that may open a text or a paragraph.
    """
    words = known_words()
    numbers = [w.capitalize() for w in grammar.NUMBER_WORDS.values()]
    fractions = [w.split()[0].capitalize() for w in grammar.FRACTIONS.values()]
    first = {*grammar.WOMEN, *grammar.MEN, *_OPENERS, *numbers, *fractions, *_SOLUTION, "s"}
    return [*_PUNCTUATION, *sorted(f" {word}" for word in words), *sorted(first)]
