"""How much of the time is the server's: the seconds in which it has a request."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Traffic:
    """Requests to one server so far.

    Attributes:
        requests: how many, tries that failed included.
        busy: seconds in which at least one was under way.
    """

    def __init__(self) -> None:
        self.requests = 0
        self.busy = 0.0
        self._flying = 0
        self._since = 0.0

    @contextmanager
    def request(self) -> Iterator[None]:
        """Count what is done within as a request."""
        if not self._flying:
            self._since = time.monotonic()
        self.requests += 1
        self._flying += 1
        try:
            yield
        finally:
            self._flying -= 1
            if not self._flying:
                self.busy += time.monotonic() - self._since
