"""Code: candidates are programs, and two are the same when they behave the same (execution votes, arXiv 2207.10397).

Each program runs on the calls that the problem shows, and on others that are made from them or from the signature. All
runs are in the sandbox. Programs that fail on every input do not vote. Without a sandbox, programs are the same when
they are spelled the same, comments and layout aside.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from tts.aio import background, together
from tts.answers.finding import Found
from tts.answers.kinds import execution, inputs
from tts.answers.kinds.kind import Extraction, Kind
from tts.answers.kinds.programs import program_in, task_of
from tts.errors import MissingSandbox
from tts.sandbox import check
from tts.types import Problem

GENERATED = 8
"""Inputs made in addition to the problem's own."""

_FIRST = 2  # inputs after which a program that has given nothing is given up

_SHOWN = re.compile(
    r"(?:sample |example )?input\s*\d*\s*:?\s*\n(?P<fence>```\w*\n)?(?P<input>.+?)\n(?(fence)```\s*|\s*)"
    r"(?:sample |example )?output",
    re.IGNORECASE | re.DOTALL,
)


class Code(Kind):
    """A Python program: the last fenced block, or the completion of the problem's function."""

    name = "code"
    wants = "a Python program in a fenced block"
    instruction = "Answer with one complete Python program in a fenced block (```python)."

    def __init__(self, problem: Problem, extract: Extraction, listed: tuple[str, ...] = ()) -> None:
        super().__init__(problem, extract, listed)
        self.task = task_of(problem.text)
        self._behaviour: dict[str, tuple[str, ...]] = {}

    def find(self, text: str) -> Found | str | None:
        return program_in(text, self.task.stub)

    def same(self, a: str, b: str) -> bool:
        first, second = self.classes([a, b])
        return first == second >= 0

    def right(self, gold: str, answer: str) -> bool:
        """Return whether a program passes the data set's tests. Raises MissingSandbox."""
        check()
        score = background().wait(execution.tested(answer, gold))
        return score.passed == score.total > 0

    def classes(self, answers: Sequence[str | None]) -> list[int]:
        programs = [answer for answer in dict.fromkeys(answers) if answer is not None]
        try:
            check()
        except MissingSandbox:
            behaviours: dict[str, tuple[str, ...]] = {program: (_spelling(program),) for program in programs}
        else:
            if unseen := [each for each in programs if each not in self._behaviour]:
                background().wait(self._observe(unseen))
            behaviours = self._behaviour
        numbers: dict[tuple[str, ...], int] = {}
        found = []
        for answer in answers:
            seen = behaviours.get(answer, ()) if answer is not None else ()
            votes = any(not each.startswith("!") for each in seen)
            found.append(numbers.setdefault(seen, len(numbers)) if votes else -1)
        return found

    def quick(self, answers: Sequence[str | None]) -> bool:
        return not any(answers)

    async def _observe(self, programs: Sequence[str]) -> None:
        found = await together(self._observed(program) for program in programs)
        self._behaviour |= dict(zip(programs, found, strict=True))

    async def _observed(self, program: str) -> tuple[str, ...]:
        """Return what a program gives for each input; its spelling if the problem says nothing of inputs."""
        seed = self.problem.id
        run = execution.called if self.task.entry else execution.written
        if self.task.entry:
            given = inputs.calls(self.task, seed, GENERATED)
        else:
            given = inputs.lines(_shown(self.problem.text), seed, GENERATED) or [""]
        if not given:
            [ran] = await execution.called(program, ["None"])  # does it define anything at all
            return (_spelling(program) if ran.startswith("=") else ran,)
        seen = await run(program, given[:_FIRST])
        if all(each.startswith("!") for each in seen):
            return tuple(seen)
        return (*seen, *await run(program, given[_FIRST:]))


def _shown(text: str) -> list[str]:
    return [match["input"].strip() + "\n" for match in _SHOWN.finditer(text)]


def _spelling(program: str) -> str:
    """Spell a program without comments and layout."""
    try:
        return ast.dump(ast.parse(program))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return program
