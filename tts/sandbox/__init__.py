"""Sandbox: Python that a model wrote, run isolated and limited, or not at all.

:func:`run` runs a program once; :func:`run_each` runs one program on many inputs for little more than the cost of one.
"""

from tts.sandbox.levels import Level, best, check, findings, run, run_each
from tts.sandbox.types import Limits, Outcome, Run

__all__ = ["Level", "Limits", "Outcome", "Run", "best", "check", "findings", "run", "run_each"]
