"""The input of a reward model: the tokens of each step, computed once, for all engines."""

from __future__ import annotations

from collections.abc import Sequence
from weakref import WeakKeyDictionary

from tts.errors import PromptTooLong
from tts.protocols import Read, RewardFormat
from tts.types import Node, Problem, Step


class Reader:
    """A family's format with a cache of each step's tokens for the lifetime of the step."""

    def __init__(self, form: RewardFormat) -> None:
        self._form = form
        self._reads: WeakKeyDictionary[Step, Read] = WeakKeyDictionary()

    def read(self, problem: Problem, node: Node) -> list[Read]:
        """Return the prompt's tokens, then those of each step of ``node``."""
        root = node.root.step
        if (read := self._reads.get(root)) is None:
            read = self._reads[root] = Read(self._form.prompt(problem), -1)
        reads = [read]
        for index, step in enumerate(node.steps):
            if (read := self._reads.get(step)) is None:
                read = self._reads[step] = self._form.step(index, step.text)
            reads.append(read)
        return reads

    def within(self, problem: Problem, node: Node, name: str, context: int) -> list[Read]:
        """Return the same for a model that reads at most ``context`` tokens. Raises PromptTooLong, naming the model."""
        reads = self.read(problem, node)
        if (length := sum(len(read.tokens) for read in reads)) > context:
            raise PromptTooLong(
                f"the problem and its solution are {length} tokens long for {name}, which reads {context}: "
                "set a lower token limit, or choose a reward model with a longer context."
            )
        return reads

    def lengths(self, problem: Problem, node: Node) -> list[int]:
        """Return the tokens of the prompt, then of each step of ``node``."""
        return [len(read.tokens) for read in self.read(problem, node)]


def joined(reads: Sequence[Read]) -> tuple[list[int], list[int]]:
    """Return the tokens of a prompt and its steps up to the last score, and the positions of the scores."""
    tokens, marks = list(reads[0].tokens), []
    for read in reads[1:]:
        marks.append(len(tokens) + read.at)
        tokens += read.tokens
    return tokens[: marks[-1] + 1], marks
