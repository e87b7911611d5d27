"""Looser wordings of an everyday problem: the same numbers and question in other words, as people type them.

    Anna has 12 nuts. She gets 5 more. How many nuts does she have now?
    Yesterday a girl has 12 nuts and gets 5 more. How many nuts has she got now?

Every change keeps the meaning, so the worked solution stays right. Grammar may suffer, as it does where people type. Words outside
the vocabulary are welcome: the policy reads each as `<unk>` and learns to go by the others.
"""

from __future__ import annotations

import random
import re

from benchmarks.word_problems.everyday import words

_HER = (
    "a girl",
    "a woman",
    "my sister",
    "Grandma",
    "the teacher",
    "my mother",
    "my aunt",
    "a farmer",
    "a cook",
    "a clerk",
    "our neighbor",
    "the nurse",
)
_HIS = ("a boy", "a man", "my brother", "Grandpa", "the teacher", "my father", "my uncle", "a farmer", "a baker", "a driver", "our neighbor", "the coach")  # fmt: skip
_WHEN = ("Yesterday", "Today", "On Monday", "On Saturday", "This morning", "In the evening", "At school", "One day", "Last week", "In summer", "At the weekend", "Once")  # fmt: skip
_ENDS = ("now", "by now", "then", "after that", "at the end", "in the end", "today", "finally")
_ASKS = ("Tell me", "Can you say", "Find out", "Say", "I want to know", "Do you know", "Work out")
_SAME = (
    (r"\bhas (?=\d)", ("has got ", "has exactly ", "possesses ", "has ")),
    (r"\bhave (?=\d)", ("have got ", "have exactly ", "have ")),
    (r"\bThere are (?=\d)", ("We see ", "There are exactly ", "One finds ", "We have ")),
    (r"\bare there\?", ("are there?", "are that?", "is that?", "can be counted?")),
    (r"\baltogether\?", ("altogether?", "all together?", "in all?", "in total?", "overall?", "all in all?", "in sum?")),
    (r"\bin total\?", ("altogether?", "all together?", "in sum?", "as a total?", "overall?")),
    (r"\bare left\?", ("are left?", "remain?", "are still there?", "stay?", "are there still?")),
    (r"\bHow much is\b", ("How much is", "What do you get for", "What makes", "How much makes")),
    (r"\bWhat is\b(?= \d)", ("What is", "What makes", "How much is", "What do you get for", "Give me")),
    (r"\bHow far\b", ("How far", "How many miles", "What distance")),
    (r"\bbuys\b", ("buys", "purchases", "orders", "pays for")),
    (r"\bcosts\b", ("costs", "is sold for", "sells for", "is")),
    (r"\b(each|every) (?=day|week|hour|month|minute|year)", ("each ", "every ", "a ", "per ", "in every ")),
)


def rephrase(rng: random.Random, text: str, share: float = 0.35) -> str:
    """Change a problem's wording in some of the ways; each applies with the probability ``share``, where it can."""

    def lucky() -> bool:
        return rng.random() < share

    if lucky():
        text = _someone(rng, text)
    if lucky():
        text = re.sub(r"^([A-Z]\w+ [^.?!]*)\. (?:He|She) (?=[a-z]+s \d)", r"\1 and ", text, count=1)
    for pattern, others in _SAME:
        if lucky():
            text = re.sub(pattern, rng.choice(others), text, count=1)
    if lucky():
        text = re.sub(r"\bdoes (\w+) have(?= |\?)", r"has \1 got", text, count=1)
    if lucky():
        text = re.sub(r"(?<!\d) now\?$", f" {rng.choice(_ENDS)}?", text)
    if lucky():
        text = re.sub(r"\?$", "", text) if rng.random() < 0.3 else text
    if rng.random() < share / 3:
        text = re.sub(r"(?:^|(?<=[.!] ))How (?=many|much)", f"{rng.choice(_ASKS)} how ", text, count=1)
    if rng.random() < share / 2 and re.match(rf"(?:{_NAMES}|There|A|An|Each|My|Our|Grand\w+)\b[^?]*\.", text):
        first = re.match(rf"{_NAMES}\b|Grand", text)
        text = f"{rng.choice(_WHEN)}{rng.choice((' ', ', '))}{text if first else text[0].lower() + text[1:]}"
    return text


_NAMES = "(?:" + "|".join((*words.WOMEN, *words.MEN)) + ")"


def _someone(rng: random.Random, text: str) -> str:
    """Replace the one person of a problem by someone without a name, or by the one who asks."""
    names = set(re.findall(rf"\b{_NAMES}\b", text))
    if len(names) != 1:
        return text
    (name,) = names
    she = bool(re.search(r"\b(?:she|her)\b", text, re.IGNORECASE))
    if not she and not re.search(r"\b(?:he|his|him)\b", text, re.IGNORECASE):
        she = name in words.WOMEN
    who = rng.choice(_HER if she else _HIS)
    later = re.sub(r"^an? ", "the ", who)
    found = iter((who, *[later] * text.count(name)))

    def named(match: re.Match[str]) -> str:
        said = next(found)
        return said[0].upper() + said[1:] if match.start() == 0 or text[match.start() - 2] in ".?!" else said

    return re.sub(rf"\b{name}\b", named, text)
