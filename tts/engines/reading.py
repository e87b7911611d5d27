"""What a reward model reads of a search: each step's tokens, made once, in any engine."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from tts.protocols import Read, RewardFormat
from tts.types import Node, Problem, Step


class Reader:
    """A family's format, remembering what it made of each step for as long as the step lives."""

    def __init__(self, form: RewardFormat) -> None:
        self._form = form
        self._reads: WeakKeyDictionary[Step, Read] = WeakKeyDictionary()

    def read(self, problem: Problem, node: Node) -> list[Read]:
        """The prompt's tokens, then those of each step of ``node``."""
        root = node.root.step
        if (read := self._reads.get(root)) is None:
            read = self._reads[root] = Read(self._form.prompt(problem), -1)
        reads = [read]
        for index, step in enumerate(node.steps):
            if (read := self._reads.get(step)) is None:
                read = self._reads[step] = self._form.step(index, step.text)
            reads.append(read)
        return reads

    def lengths(self, problem: Problem, node: Node) -> list[int]:
        """Tokens of the prompt, then of each step of ``node``."""
        return [len(read.tokens) for read in self.read(problem, node)]
