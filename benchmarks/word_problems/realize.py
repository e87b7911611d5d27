"""Realization: turns a list of events into English: subjects, tenses, joined clauses, questions."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from benchmarks.word_problems import grammar
from benchmarks.word_problems.grammar import FRACTIONS, NUMBER_WORDS, VERBS, Story

Event = tuple[str, dict[str, int]]


@dataclass(slots=True)
class Narrator:
    """The person, noun, tense and spelling of one story; renders its phrases."""

    rng: random.Random
    story: Story
    name: str
    other: str
    he: str
    his: str
    noun: str
    past: bool
    words: float  # share of small numbers written as words
    sign: bool  # $5 rather than 5 dollars

    @classmethod
    def cast(cls, rng: random.Random, story: Story) -> Narrator:
        """Draw the people, the noun and the tense for a story."""
        women = rng.random() < 0.5
        names = rng.sample(grammar.WOMEN if women else grammar.MEN, 2)
        name, he, his = names[0], *(("she", "her") if women else ("he", "his"))
        other = rng.choice([names[1], rng.choice(grammar.MEN if women else grammar.WOMEN)])
        if story.subject == "place":
            name, he, his = rng.choice(grammar.PLACES), "it", "its"
        elif story.subject == "person" and rng.random() < 0.06:
            name, he, his = (
                f"{name} and {rng.choice([n for n in grammar.MEN + grammar.WOMEN if n not in (name, other)])}",
                "they",
                "their",
            )
        words = 0.5 if rng.random() < 0.15 else 0.0
        noun = rng.choice(story.nouns)
        return cls(rng, story, name, other, he, his, noun, rng.random() < 0.35, words, rng.random() < 0.3)

    def number(self, n: int) -> str:
        """Spell a number in digits, or sometimes as a word."""
        return NUMBER_WORDS[n] if n in NUMBER_WORDS and self.rng.random() < self.words else str(n)

    def relative(self) -> str:
        """Draw a person close to the story's subject."""
        return self.rng.choice(grammar.VISITORS if self.story.subject == "place" else grammar.RELATIVES)

    def verb(self, found: re.Match[str]) -> str:
        """Inflect `<verb>`, `<+verb>` (plural) or `<=verb>` (singular)."""
        mark, (base, third, past) = found[1], VERBS[found[2]]
        plural = mark == "+" or (mark == "" and self.he == "they")
        if found[2] in ("be", "are"):
            return ("were" if self.past else "are") if plural else ("was" if self.past else "is")
        return past if self.past else base if plural else third

    def fill(self, template: str, numbers: dict[str, int]) -> str:
        """Fill a template with the story's words and the numbers of an event."""
        rng = self.rng
        text = re.sub(r"\[(.*?)\]", lambda m: m[1] if rng.random() < 0.25 else "", template)
        text = re.sub(r"<([+=]?)(\w+)>", self.verb, text)
        if self.he == "they" or (self.past and rng.random() < 0.5):
            text = re.sub(r"\bdoes\b", "do" if self.he == "they" and not self.past else "did", text)
        who = self.name if self.story.subject != "place" else f"the {self.name.split()[1]}"
        values = {
            "Who": self.name, "who": who, "name": who, "other": self.other,
            "he": self.he, "He": self.he.capitalize(), "his": self.his, "noun": self.noun, "relative": self.relative(),
            "boxes": rng.choice(grammar.CONTAINERS), "goods": rng.choice(grammar.GOODS),
        }  # fmt: skip
        values |= {key: self.number(n) for key, n in numbers.items()}
        if "k" in numbers:
            k = numbers["k"]
            values |= {
                "frac": FRACTIONS.get(k, ""),
                "times": "twice" if k == 2 and rng.random() < 0.7 else f"{self.number(k)} times",
            }
        text = re.sub(r"\{item\}", lambda m: rng.choice(grammar.ITEMS), text)
        text = re.sub(r"\{(\w+)\}", lambda m: values[m[1]], text)
        return re.sub(r"(\d+) dollars\b", r"$\1", text) if self.sign and self.noun == "dollars" else text

    def clause(self, event: Event) -> str:
        """Render the clause of an event, without its subject."""
        kind, numbers = event
        return self.fill(choose(self.rng, self.story.phrases[kind], numbers), numbers)


def choose(rng: random.Random, phrases: tuple[str, ...], numbers: dict[str, int]) -> str:
    """Draw a phrase that fits these numbers; a prefix such as `2:` binds a phrase to its factor."""
    k = numbers.get("k")
    special = [p[2:] for p in phrases if p[1:2] == ":" and p[0] == str(k)]
    free = [p for p in phrases if p[1:2] != ":" and ("{frac}" not in p or k in FRACTIONS)]
    pool = special if special and (not free or rng.random() < 0.6) else free
    return rng.choice(pool)


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _sentence(narrator: Narrator, clauses: list[str]) -> str:
    """Join one to three clauses under one subject."""
    rng, keys = narrator.rng, "cde"[: len(clauses)]
    joins = [j for j in grammar.JOINS if all(f"{{{k}}}" in j for k in keys) and j.count("{") == len(keys)]
    text = rng.choice(joins).format(**dict(zip(keys, clauses, strict=True)))
    if not narrator.story.subject:
        return _capital(rng.choice(grammar.BUS_LEADS) + text)
    subject = narrator.he if rng.random() < 0.75 else narrator.fill("{name}", {})
    return _capital(f"{rng.choice(grammar.LEADS)}{subject} {text}")


def render_story(narrator: Narrator, events: list[Event]) -> str:
    """Render the whole problem: opening, sentences of one to three clauses, an ending or a question."""
    rng = narrator.rng
    opening = narrator.clause(events[0])
    closers = ("two", "one", "each", "change")
    middle = [e for e in events[1:] if e[0] not in closers]
    ending = next((e for e in events if e[0] in closers), None)
    clauses = [narrator.clause(e) for e in middle]
    if clauses and narrator.story.subject and opening.startswith(narrator.name) and rng.random() < 0.12:
        opening = f"{opening[:-1]} and {clauses.pop(0)}."
    sentences = [_capital(opening)]
    while clauses:
        take = rng.choices((1, 2, 3), (4, 4, 3))[0]
        sentences.append(_sentence(narrator, clauses[:take]))
        clauses = clauses[take:]
    sentences.append(_ending(narrator, ending))
    return " ".join(sentences)


def _ending(narrator: Narrator, event: Event | None) -> str:
    if event is None:
        return narrator.fill(narrator.rng.choice(narrator.story.phrases["ask"]), {})
    kind, numbers = event
    if kind == "two":
        return narrator.fill(grammar.TWO_PEOPLE[numbers["which"]][1], numbers)
    pool = {"one": grammar.ONE_OTHER, "each": grammar.EACH, "change": grammar.CHANGE}[kind]
    return narrator.fill(narrator.rng.choice(pool), numbers)


def render_chain(rng: random.Random, phrases: dict[str, tuple[str, ...]], events: list[Event]) -> str:
    """Render sentences that each compare a new person with the previous one; the question is about the last."""
    narrator = Narrator.cast(rng, rng.choice([s for s in grammar.STORIES if s.name == "toys"]))
    names = rng.sample(grammar.WOMEN + grammar.MEN, len(events))
    sentences = [narrator.fill(rng.choice(phrases["start"]).replace("{A}", names[0]), events[0][1])]
    for i, (kind, numbers) in enumerate(events[1:], 1):
        text = choose(rng, phrases[kind], numbers).replace("{A}", names[i - 1]).replace("{B}", names[i])
        sentences.append(narrator.fill(text, numbers))
    narrator.past = False
    sentences.append(narrator.fill(rng.choice(phrases["ask"]).replace("{B}", names[-1]), {}))
    return " ".join(sentences)
