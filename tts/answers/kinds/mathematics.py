"""Mathematics: numbers, formulas, sets, intervals; docs/GRADING.md lists the conventions. The default."""

from __future__ import annotations

from collections.abc import Sequence

from tts.answers import equivalence, votes
from tts.answers.finding import Found
from tts.answers.kinds.kind import Kind


class Mathematics(Kind):
    """Answers that :mod:`tts.answers.equivalence` compares, found by the plan's rule."""

    name = "math"

    def find(self, text: str) -> Found | str | None:
        return self.extract(text)

    def same(self, a: str, b: str) -> bool:
        return equivalence.equivalent(a, b)

    def right(self, gold: str, answer: str) -> bool:
        return equivalence.grade(gold, answer)

    def classes(self, answers: Sequence[str | None]) -> list[int]:
        return votes.classes(answers)

    def quick(self, answers: Sequence[str | None]) -> bool:
        return votes.spelling_decides(answers)
