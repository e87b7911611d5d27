"""The tree of errors.

TTSError                    an error the user can correct; one sentence that says what to do; the CLI exits with 2
+-- UnknownName             a strategy, model, vote ... that is not registered (with a suggestion)
+-- BadInput                a value outside its range, a file that cannot be read or written
|   +-- EmptyProblem        a problem without any text
|   +-- PromptTooLong       the problem does not fit the model's context
+-- BudgetError             a budget that makes no sense
+-- ModelError              a model that cannot be loaded or used as asked
|   +-- MissingWeights      its files are not on this machine, or are damaged
|   +-- NotEnoughMemory     it does not fit into the free memory
|   +-- MissingExtra        an optional dependency is not installed
+-- MissingSandbox          no sandbox works here, so code that a model wrote is not run
+-- EngineError             an engine failed while working
|   +-- Unscored            a judge gave no grade; the solution goes without a score
|   +-- EngineDied          its process has ended, so it takes no more requests
|   +-- MissingKey          a replay needs something that its trace does not contain
+-- StrategyError           a strategy broke the rules of the search (more width than its budget, say)
OutOfTime                   control flow, never shown: a deadline passed during a request
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class TTSError(Exception):
    """The base of all errors that a user can correct. The message is one sentence that says what to do."""


class BadInput(TTSError):
    pass


class UnknownName(BadInput):
    """A name that is not registered; the message suggests the nearest one and lists all."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names, name = sorted(known), name if len(name) <= 80 else f"{name[:77]}..."
        near = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}? " if near else ""
        super().__init__(f"there is no {kind} named {name!r}: {hint}known are {', '.join(names) or 'none'}.")
        self.kind, self.name = kind, name


class CannotCall(BadInput):
    """A problem brings tools, and the policy can call none."""


class EmptyProblem(BadInput):
    """A problem without any text."""

    def __init__(self) -> None:
        super().__init__("the problem is empty: give a question to be answered.")


class PromptTooLong(BadInput):
    pass


class BudgetError(TTSError):
    pass


class ModelError(TTSError):
    pass


class MissingWeights(ModelError):
    pass


class NotEnoughMemory(ModelError):
    pass


class MissingExtra(ModelError):
    pass


class MissingSandbox(TTSError):
    pass


class EngineError(TTSError):
    pass


class Unscored(EngineError):
    pass


class EngineDied(EngineError):
    pass


class MissingKey(EngineError):
    pass


class StrategyError(TTSError):
    pass


class OutOfTime(Exception):
    """A deadline passed during a request. Search turns it into ``stopped``; users never see it."""
