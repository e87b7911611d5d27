"""Why workers are lost, in the words of the user, and how often that may happen."""

from __future__ import annotations

from tts.cluster.connection import first_line
from tts.errors import ModelError

LOSSES = 5
"""Losses of its worker after which a problem fails: it may be what ends them."""

_NEVER_STARTS = ("RuntimeEnvSetupError", "ActorUnschedulableError")


def cause(error: BaseException) -> str:
    """Say in a few words why a worker was lost."""
    text = str(error).lower()
    if "out of memory" in text or "oom" in text or "memory usage" in text:
        return "its node ran out of memory"
    if "node" in text and ("node died" in text or "node was terminated" in text or "node has been marked dead" in text):
        return "its node is gone"
    return "its process ended" if "died" in text or "dead" in text else first_line(error)


def unable(error: BaseException) -> ModelError | None:
    """Return the error of a worker that cannot start anywhere, such as without this package; None for other losses."""
    if "creation task" not in str(error) and type(error).__name__ not in _NEVER_STARTS:
        return None
    from tts import __version__

    last = str(error).strip().splitlines()[-1].strip().rstrip(".")
    return ModelError(f"a worker could not start ({last}): install tts-search {__version__} on every node.")
