"""The facts of a request, gathered while it is answered: for the log and the metrics."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from starlette.types import Scope

from tts.server.refusals import Refusal
from tts.server.wishes import Wish
from tts.types import Solution

FACTS = "facts of tts"
"""Where a scope of ASGI holds them."""


@dataclass(slots=True)
class Facts:
    """The facts of one request.

    Attributes:
        path: the route, of those that the server has; others are all ``other``.
        id: of the answer.
        model, strategy, policy, budget: what was run; empty before it is known.
        stream: whether the answer is streamed.
        status: of HTTP; 0 for none.
        code: of the error, ``hung_up`` for a client that went away; empty for none.
        first: seconds to the first token of the answer.
        solutions: of all choices.
    """

    path: str
    id: str = ""
    model: str = ""
    strategy: str = ""
    policy: str = ""
    budget: int = 0
    stream: bool = False
    status: int = 0
    code: str = ""
    first: float | None = None
    solutions: Sequence[Solution] = ()
    begun: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.begun

    def wished(self, wish: Wish, id: str, stream: bool) -> None:
        """Note what is going to run."""
        plan = wish.jobs[0].solver.plan
        self.id, self.model, self.stream = id, wish.entry.id, stream
        self.strategy, self.policy, self.budget = wish.entry.strategy, plan.policy, plan.n

    def refused(self, refusal: Refusal) -> None:
        self.code = refusal.code or str(refusal.status)

    def first_token(self) -> None:
        """Note the time of the first token, once."""
        if self.first is None:
            self.first = self.seconds

    def solved(self, solutions: Sequence[Solution]) -> None:
        self.solutions = solutions


def facts_of(scope: Scope) -> Facts:
    """Return the facts of the request of this scope."""
    facts: Facts = scope[FACTS]
    return facts
