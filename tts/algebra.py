"""What runs in a worker process of :mod:`tts.judge`: math-verify, question by question.

A script of its own that imports nothing of this package, so that a worker starts no slower than math-verify itself.
Its argument is the limit of processor seconds for one question. A JSON list ``[gold, answer, symmetric]`` per line
comes in; after the greeting ``ready``, ``1`` or ``0`` per line goes out.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import signal
import sys
from collections.abc import Callable
from functools import lru_cache
from typing import IO, Any

_MEMORY = 4 << 30
"""Bytes of address space: an integer power may ask for all there is, and gets a MemoryError instead."""


def _prepare(answer: str) -> str:
    # "2i" hides its unit from math-verify, which looks for an i that stands alone
    return "$" + re.sub(r"(?<=\d)i(?![a-zA-Z])", "*i", answer) + "$"


def _comparison() -> Callable[[str, str, bool], bool]:
    from math_verify import parse, verify

    @lru_cache(maxsize=1024)
    def parsed(answer: str) -> list[Any]:
        return list(parse(_prepare(answer), parsing_timeout=0))

    def compare(gold: str, answer: str, symmetric: bool) -> bool:
        first, second = parsed(gold), parsed(answer)
        if not first or not second:
            return False
        return bool(
            verify(first, second, timeout_seconds=0) or (symmetric and verify(second, first, timeout_seconds=0))
        )

    return compare


def _limit(seconds: float) -> None:
    """Let the kernel end this process after so much more processor time; 0 takes the limit off."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _say(out: IO[str], line: str) -> None:
    out.write(line + "\n")
    out.flush()


def main() -> None:
    """Answer questions until standard input ends."""
    logging.disable(logging.CRITICAL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, whose end ends this process too
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints must not be taken for a verdict
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    try:
        compare = _comparison()
    except ImportError as error:
        _say(out, f"{error} (try: pip install math-verify)")
        return
    _say(out, "ready")
    seconds = float(sys.argv[1])
    for line in sys.stdin:
        _limit(seconds)
        try:
            verdict = compare(*json.loads(line))
        except Exception:
            verdict = False
        _limit(0)
        _say(out, "1" if verdict else "0")


if __name__ == "__main__":
    main()
