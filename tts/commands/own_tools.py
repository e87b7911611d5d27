"""The tools of the built-in orchestrator, for a user who names none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tts.commands.console import note
from tts.errors import BadInput, MissingSandbox
from tts.models.policies import DEFAULT_ORCHESTRATOR, ORCHESTRATOR_SCOPE

if TYPE_CHECKING:
    from tts.tools.tool import Tool

_VOTES, _SEARCHED = 4, 16  # samples of the cheap model, and of the dear one, whose vote the reward model weighs
_RECORDED = "Recorded: right in {share:.0%} of 400 lab-validation problems."
_CHEAP, _DEAR = 0.6825, 0.815  # as measured for the training (benchmarks/orchestra/tools.json)


def equip(solver: dict[str, Any]) -> None:
    """Add tools to the arguments of a solver that orchestrates, if the user named none.

    Raises BadInput for a policy other than the built-in orchestrator without tools.
    """
    if not solver.get("tools"):
        if solver["policy"] != DEFAULT_ORCHESTRATOR:
            raise BadInput(
                "name what may be called with --tools: a file tools.toml, model:NAME, folder:PATH, mcp://FILE.py or "
                "python."
            )
        solver["tools"] = _own_tools()
        names = ", ".join(tool.name for tool in solver["tools"])
        note(f"the tools of {DEFAULT_ORCHESTRATOR} are {names}; --tools names others.")
    if solver["policy"] == DEFAULT_ORCHESTRATOR:
        note(ORCHESTRATOR_SCOPE)


def _own_tools() -> list[Tool]:
    """Return the tools that the built-in orchestrator was trained with, as far as they run here."""
    from tts.tools.model import ModelTool
    from tts.tools.python import PythonTool

    models = [
        ModelTool("lab-200k", budget=_VOTES, about=_RECORDED.format(share=_CHEAP)),
        ModelTool(
            "lab-1m",
            name="expert",
            budget=_SEARCHED,
            strategy="best-of-n",
            prm="lab-prm",
            vote="weighted",
            about=_RECORDED.format(share=_DEAR),
        ),
    ]
    try:
        return [PythonTool(), *models]
    except MissingSandbox as error:
        note(str(error))
        return [*models]
