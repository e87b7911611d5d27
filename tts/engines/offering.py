"""Gives a policy the tools that it may call: those of the solver, or those that a problem brings."""

from __future__ import annotations

from tts.engines.replay import ReplayPolicy, ReplayTools
from tts.engines.tool_caller import LastTurn
from tts.errors import BadInput, CannotCall, ModelError
from tts.files.json_text import parse
from tts.protocols import Policy
from tts.tools.tool import card
from tts.tools.toolbox import Toolbox, Tools
from tts.types import Problem


class Offering:
    """The tools of one solver.

    Args:
        toolbox: of the solver; None without tools.
    """

    def __init__(self, toolbox: Toolbox | None) -> None:
        self._toolbox = toolbox
        self._known: tuple[Policy, Policy] | None = None

    def to(self, policy: Policy, problem: Problem) -> tuple[Policy, Tools | None]:
        """Return the policy with tools in its prompt, and the tools to call; those of a replay come from its trace.

        Raises CannotCall for a problem that brings tools to a policy that can call none, BadInput for one that brings
        them beside the solver's own.
        """
        if isinstance(policy, ReplayPolicy):
            return policy, ReplayTools(policy.traces)
        if problem.tools:
            return self._last(policy, problem), None
        if self._toolbox is None:
            return policy, None
        if self._known is None or self._known[0] is not policy:
            cards = [card(tool) for tool in self._toolbox.tools]
            self._known = policy, policy.offered(cards, self._toolbox.guide)
        return self._known[1], self._toolbox

    def _last(self, policy: Policy, problem: Problem) -> Policy:
        if self._toolbox is not None:
            raise BadInput("the problem brings tools of its own: leave out those of the solver.")
        try:
            return LastTurn(policy.offered([parse(tool) for tool in problem.tools], ""), policy.schemas)
        except ModelError as error:
            raise CannotCall(str(error)) from error
