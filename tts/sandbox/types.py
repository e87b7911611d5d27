"""What a run may use, and what came of it."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from enum import StrEnum

from tts.errors import BadInput


class Outcome(StrEnum):
    """How a run ended."""

    OK = "ok"  # exit code 0
    ERROR = "error"  # another exit code, or a signal
    TIMEOUT = "timeout"
    MEMORY = "memory"
    OUTPUT = "output"  # wrote more than allowed
    REFUSED = "refused"  # did not run: no sandbox, or not one that runs this program


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one run may use.

    Attributes:
        seconds: wall time of one run.
        memory_mb: memory of all its processes together, in MB.
        output_bytes: bytes kept of standard output, and as many of standard error. A run that writes more is ended.
        processes: processes and threads at a time.
        files_mb: size of its working folder, in MB. It is in memory.
    """

    seconds: float = 5.0
    memory_mb: int = 256
    output_bytes: int = 65_536
    processes: int = 16
    files_mb: int = 16

    def __post_init__(self) -> None:
        if not (math.isfinite(self.seconds) and 0 < self.seconds <= 3600):
            raise BadInput(f"a run in the sandbox takes more than 0 and at most 3600 seconds, not {self.seconds}.")
        for name, least in (("memory_mb", 32), ("output_bytes", 1), ("processes", 1), ("files_mb", 1)):
            if (value := asdict(self)[name]) < least:
                raise BadInput(f"the sandbox's {name} must be at least {least}, not {value}.")


@dataclass(frozen=True, slots=True)
class Run:
    """What came of one run: its output, decoded as UTF-8, and how it ended.

    The exit code is negative for a signal, as in ``subprocess``; None if the run was ended by a limit or refused.
    """

    stdout: str
    stderr: str
    exit_code: int | None
    outcome: Outcome
    seconds: float

    @classmethod
    def refused(cls, reason: str) -> Run:
        """Return a run that did not happen; the reason is its standard error."""
        return cls("", reason, None, Outcome.REFUSED, 0.0)
