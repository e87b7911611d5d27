"""Python as a tool: a program that the policy wrote, run in the sandbox or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tts import sandbox
from tts.sandbox import Limits, Outcome
from tts.tools.tool import Result, Tool, checked

_SCHEMA = {
    "type": "object",
    "properties": {"code": {"type": "string", "description": "The program. Only what it prints comes back."}},
    "required": ["code"],
    "additionalProperties": False,
}
_SLACK = 30.0  # seconds that a run may wait for its turn in the sandbox


class PythonTool(Tool):
    """Runs a Python program in the sandbox. Raises MissingSandbox, an error of the user, where none works.

    Args:
        seconds: longest time of a run.
    """

    kind = "python"
    background = True

    def __init__(
        self, *, name: str = "python", price: float | None = 0.0, latency: float | None = None, seconds: float = 5.0
    ) -> None:
        sandbox.check(inputs=False)
        self.name, self.price, self.latency, self.schema = name, price, latency, _SCHEMA
        self.description = "Runs a Python program without network and files, and returns what it prints."
        self._limits = Limits(seconds=seconds)
        self.seconds = seconds + _SLACK
        checked(self)

    async def call(self, arguments: Mapping[str, Any]) -> Result:
        """Return what the program printed; for one that failed, why, with the end of its standard error."""
        run = await sandbox.run(str(arguments["code"]), limits=self._limits)
        if run.outcome is Outcome.OK:
            return Result(run.stdout.removesuffix("\n") or "(The program printed nothing.)")
        return Result(f"{run.stdout}\nThe program failed ({run.outcome}): {run.stderr[-1000:]}".strip(), failed=True)
