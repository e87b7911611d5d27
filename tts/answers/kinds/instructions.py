"""Instructions: the answer is the whole response, and it is right if it does what each instruction says (IFEval).

No search sees the checks. Responses differ from each other, so a majority vote means little: choose by a reward model.
"""

from __future__ import annotations

from tts.answers.kinds.instruction_checks import CHECKS
from tts.answers.kinds.kind import Kind
from tts.files.json_text import parse


class Instructions(Kind):
    """A whole response. The right answer is a JSON list of ``[instruction, arguments]``."""

    name = "instructions"
    wants = "a response"
    instruction = "Follow every instruction of the request exactly."

    def find(self, text: str) -> str | None:
        return text.strip() or None

    def same(self, a: str, b: str) -> bool:
        return a.split() == b.split()

    def right(self, gold: str, answer: str) -> bool:
        """Return whether a response follows all instructions, in the strict sense of arXiv 2311.07911."""
        return all(followed(gold, answer))


def followed(gold: str, response: str) -> list[bool]:
    """Return for each instruction of a problem whether a response follows it."""
    instructions = parse(gold, "the instructions of a problem")
    return [bool(response.strip()) and CHECKS[name](response, **arguments) for name, arguments in instructions]


def unchecked(gold: str) -> str:
    """Return the first instruction of a problem that has no check here; empty if all have one."""
    return next((name for name, _ in parse(gold, "the instructions of a problem") if name not in CHECKS), "")
