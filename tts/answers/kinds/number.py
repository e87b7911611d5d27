"""Numbers: as in mathematics, but what is found must be a number."""

from __future__ import annotations

from tts.answers.extract import last_number
from tts.answers.finding import Found, How
from tts.answers.kinds.mathematics import Mathematics
from tts.answers.normalize import canonical, number


class Number(Mathematics):
    """One number. What the plan's rule finds counts if it is one, else the last number of it, else of the solution."""

    name = "number"
    wants = "a number"

    def find(self, text: str) -> Found | str | None:
        found = self.extract(text)
        answer = found.answer if isinstance(found, Found) else found
        if answer is None or is_number(answer):
            return found
        inside = last_number(answer)
        if inside is not None and is_number(inside):
            return Found(inside, found.how) if isinstance(found, Found) else inside
        last = last_number(text)
        if last is None or not is_number(last):
            return None
        return Found(last, How.LAST) if isinstance(found, Found) else last


def is_number(answer: str) -> bool:
    """Return whether an answer is one number."""
    return number(canonical(answer)) is not None
