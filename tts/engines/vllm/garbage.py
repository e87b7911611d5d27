"""When Python looks for garbage while engines run.

What the libraries hold never becomes garbage, and to look through it, as a full collection does, takes a third of a
second in which no request moves. What a search makes lives as long as its request or its problem, so that a
collection after every 700 new objects finds nothing.
"""

from __future__ import annotations

import gc

_USUAL = gc.get_threshold()
_NEW = 50_000  # objects before the next collection


def wait_longer() -> None:
    """Let collections come after 50 000 new objects."""
    gc.set_threshold(_NEW, *_USUAL[1:])


def collect_rarely() -> None:
    """Let collections pass over all that there is now, and come after 50 000 new objects."""
    gc.collect()
    gc.freeze()
    wait_longer()


def collect_as_usual() -> None:
    """Undo :func:`collect_rarely`."""
    gc.unfreeze()
    gc.set_threshold(*_USUAL)
