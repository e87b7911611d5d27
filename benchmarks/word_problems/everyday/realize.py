"""Wordings of everyday problems: draws the people, things and alternatives of one template."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field

from benchmarks.word_problems.everyday import words
from benchmarks.word_problems.everyday.form import Form

_GROUP = re.compile(r"\(([^()\[\]]*\|[^()\[\]]*)\)|\[([^()\[\]]*)\]")
DISTRACTED = 0.1  # share of story problems with a sentence that is not needed
LOWER = 0.04  # share of problems typed in lower case


@dataclass(slots=True)
class Scene:
    """The people and things of one problem, and how it spells its numbers."""

    rng: random.Random
    words: dict[str, str] = field(default_factory=dict)
    spelled: float = 0.0  # share of small numbers in words
    commas: bool = False  # 1,200 rather than 1200
    dollars: bool = False  # $5 rather than 5 dollars

    @classmethod
    def cast(cls, rng: random.Random, form: Form) -> Scene:
        """Draw the scene of a form."""
        she = rng.random() < 0.5
        names = rng.sample(words.WOMEN if she else words.MEN, 3)
        he, his, him = ("she", "her", "her") if she else ("he", "his", "him")
        noun, other = rng.sample(words.NOUNS[form.nouns], 2)
        box, box2 = rng.sample(words.BOXES, 2)
        color, color2 = rng.sample(words.COLORS, 2)
        day, day2 = rng.sample(words.DAYS, 2)
        everyone = rng.sample(words.WOMEN + words.MEN, 3)
        x = names[0]
        y, z = [n for n in dict.fromkeys((*everyone, *names[1:])) if n != x][:2]  # one name is in its list twice
        bound = {
            "X": x, "Y": y, "Z": z, "he": he, "his": his, "him": him, "He": he.capitalize(), "His": his.capitalize(),
            "noun": noun, "nouns": words.plural(noun), "other": other, "others": words.plural(other),
            "box": box, "boxes": words.plural(box), "box2": box2, "boxes2": words.plural(box2),
            "color": color, "color2": color2, "relative": rng.choice(words.RELATIVES), "day": day, "day2": day2, "place": rng.choice(words.PLACES),
        }  # fmt: skip
        spelled = rng.choice((0.0, 0.0, 0.0, 0.5, 1.0))
        return cls(rng, bound, spelled, rng.random() < 0.2, rng.random() < 0.5)

    def number(self, n: int) -> str:
        """Spell a number in digits, or sometimes as a word."""
        if n in words.NUMBER_WORDS and self.rng.random() < self.spelled * (1.0 if n <= 12 else 0.4):
            return words.NUMBER_WORDS[n]
        return f"{n:,}" if self.commas and n >= 1000 else str(n)


def choose(rng: random.Random, template: str) -> str:
    """Draw the alternatives and the optional parts of a template, and its verbs; equal alternatives are drawn once."""
    chosen = dict[str, str]()

    def pick(found: re.Match[str]) -> str:
        if found[1] is not None:
            return chosen.setdefault(found[1], rng.choice(found[1].split("|")))
        part = rng.choice(found[2].split("|")) if rng.random() < 0.5 else ""
        return f" {part.lstrip()}" if part and found[2].startswith(" ") else part

    while _GROUP.search(template):
        template = _GROUP.sub(pick, template)
    place = rng.random()  # forms of one verb have the same place in their lists
    return re.sub(r"<(\w+)>", lambda m: words.VERBS[m[1]][int(place * len(words.VERBS[m[1]]))], template)


def fill(scene: Scene, template: str, numbers: dict[str, int], row: dict[str, str]) -> str:
    """Fill a template with words and numbers; `{k!}` is always in digits, `{k*}` is "twice" or "3 times"."""

    def value(found: re.Match[str]) -> str:
        key, mark = found[1], found[2]
        if key not in numbers:
            return row.get(key) or scene.words[key]
        n = numbers[key]
        if mark == "*":
            common = words.TIMES.get(n)
            return common if common and (n < 3 or scene.rng.random() < 0.5) else f"{scene.number(n)} times"
        return str(n) if mark == "!" else scene.number(n)

    text = re.sub(r"\{(\w+)([!*]?)\}", value, template)
    if scene.dollars:
        text = re.sub(r"\b(\d[\d,]*) dollars?\b", r"$\1", text)
    text = re.sub(r"\ba (?=[aeio]|un(?!i)|hour\b|umb)", "an ", text)
    text = re.sub(r"(?<=[a-z] )A (?=[a-z])", "a ", re.sub(r"  +", " ", text))
    return re.sub(r"(^|[.?!] )([a-z])(?! )", lambda m: m[1] + m[2].upper(), text)


def render(rng: random.Random, form: Form, wording: str, numbers: dict[str, int], row: dict[str, str | int]) -> str:
    """Render one wording of a form with its numbers; sometimes with a sentence that is not needed."""
    scene = Scene.cast(rng, form)
    texts = {key: value for key, value in row.items() if isinstance(value, str)}
    template = choose(rng, wording)
    numbers = dict(numbers)
    sentences = re.split(r"(?<=[.?!]) (?=[A-Z{])", template)
    fits = [d for d in words.DISTRACTORS if "{other" not in d or "{other" not in wording]
    if len(sentences) > 1 and "{X}" in wording and "{Z}" not in wording and rng.random() < DISTRACTED:
        numbers["aside"] = rng.randint(2, 60)
        sentences.insert(rng.randint(1, len(sentences) - 1), rng.choice(fits))
    text = fill(scene, " ".join(sentences), numbers, texts)
    return text.lower() if rng.random() < LOWER else text
