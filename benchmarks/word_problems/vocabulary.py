"""The vocabulary of the word problems, collected from the grammar without a tokenizer library.

The words of the stories come first, those that only everyday problems use after them, so a policy that knows the
stories keeps its tokens when it learns the rest.
"""

from __future__ import annotations

import re

from benchmarks.word_problems import grammar
from benchmarks.word_problems.everyday import words as everyday
from benchmarks.word_problems.everyday.draw import FORMS

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


def story_vocabulary() -> list[str]:
    """Return every token of the stories but the special ones, in the order of their ids.

    Words with the space before them come first, then words that may open a text or a paragraph.
    """
    words = known_words()
    numbers = [w.capitalize() for w in grammar.NUMBER_WORDS.values()]
    fractions = [w.split()[0].capitalize() for w in grammar.FRACTIONS.values()]
    first = {*grammar.WOMEN, *grammar.MEN, *_OPENERS, *numbers, *fractions, *_SOLUTION, "s"}
    return [*_PUNCTUATION, *sorted(f" {word}" for word in words), *sorted(first)]


def _plain(template: str) -> str:
    """Return a template of an everyday problem without its placeholders, alternatives side by side."""
    return re.sub(r"\{\w+[!*]?\}|<\w+>|[()\[\]|]", " ", template)


def _first_words(template: str) -> set[str]:
    """Return the words that may open a text made from a template."""
    group = re.match(r"\(([^()]*)\)", template)
    return {
        found[0] for part in (group[1].split("|") if group else [template]) if (found := re.match(r"[^\W\d_]+", part))
    }


def everyday_words() -> tuple[set[str], set[str]]:
    """Return the words of the everyday problems, as they are spelled, and those that may open a text."""
    templates = [text for form in FORMS for text in form.wordings]
    values = [value for form in FORMS for row in form.rows for value in row.values() if isinstance(value, str)]
    listed = [verb for verbs in everyday.VERBS.values() for verb in verbs]
    listed += [*everyday.NUMBER_WORDS.values(), *everyday.TIMES.values(), *everyday.PLACES, *everyday.DAYS]
    listed += [*everyday.COLORS, *everyday.RELATIVES, *everyday.DISTRACTORS, *values]
    things = {*everyday.BOXES, *(noun for nouns in everyday.NOUNS.values() for noun in nouns)}
    people = {*everyday.WOMEN, *everyday.MEN}
    words = set().union(*(re.findall(r"[^\W\d_]+", _plain(text)) for text in (*templates, *listed)))
    words |= things | {everyday.plural(thing) for thing in things} | people | {"an", "n"}
    first = people | set().union(*(_first_words(text) for text in templates))
    first |= {word.capitalize() for word in everyday.NUMBER_WORDS.values() if " " not in word}
    return words, first | {"clock", "x"}


def vocabulary() -> list[str]:
    """Return every token but the special ones, in the order of their ids: those of the stories first."""
    old = story_vocabulary()
    words, first = everyday_words()
    new = [*"\u00d7\u00f7_\u20ac\u00a3\u00b0\u00b2", *sorted(f" {word}" for word in words), *sorted(first)]
    known = set(old)
    return [*old, *(token for token in new if token not in known)]
