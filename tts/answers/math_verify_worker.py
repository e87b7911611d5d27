"""What runs in a worker process of :mod:`tts.answers.math_verify_pool`: math-verify, question by question.

A script of its own that imports nothing of this package, so that a worker starts no slower than math-verify itself.
Its argument is the limit of processor seconds for one question. A JSON list ``[gold, answer, symmetric]`` per line
comes in; after the greeting ``ready``, ``1`` or ``0`` per line goes out.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys
import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import IO, Any

_MEMORY = 4 << 30
"""Bytes of address space: an integer power may ask for all there is, and gets a MemoryError instead."""

_APART = 1e-4
"""Values at one point that differ by more are of different expressions; math-verify rounds decimals to 1e-6."""


def _comparison() -> Callable[[str, str, bool], bool]:
    from math_verify import parse, verify
    from sympy import Basic, Expr, Float, I, Integer, MatrixBase, Pow, Symbol, UnevaluatedExpr, factorial

    def imaginary(value: Any) -> Any:
        # math-verify leaves i a free symbol, so that it would not know i(2-i) for 1+2i
        units = [s for s in value.free_symbols if s.name == "i"] if isinstance(value, Basic) else []
        return value.subs([(unit, I) for unit in units]) if units else value

    def tower(power: Any) -> bool:
        return bool(power.exp.has(Pow) or any(abs(number) > 1000 for number in power.exp.atoms(Integer)))

    def sample(value: Any) -> complex | None:
        """The expression's value where each symbol has a number drawn from its name; None where that says nothing."""
        if not isinstance(value, Expr) or isinstance(value, (Symbol, MatrixBase)):
            return None
        if value.has(UnevaluatedExpr, factorial) or any(map(tower, value.atoms(Pow))):
            return None
        point = {s: Float(0.5 + zlib.crc32(s.name.encode()) / 2**32) for s in value.free_symbols}
        number = complex(value.subs(point).evalf(15))
        return number if abs(number) < 1e9 else None

    @lru_cache(maxsize=1024)
    def parsed(answer: str) -> tuple[list[Any], complex | None]:
        values = [imaginary(value) for value in parse(f"${answer}$", parsing_timeout=0)]
        number = None
        with contextlib.suppress(Exception):
            number = sample(values[0])
        return values, number

    def compare(gold: str, answer: str, symmetric: bool) -> bool:
        (first, x), (second, y) = parsed(gold), parsed(answer)
        if not first or not second:
            return False
        # a vote mostly compares different answers, and to simplify a difference that is not zero is slow
        if x is not None and y is not None and abs(x - y) > _APART * max(1.0, abs(x)):
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
    compare(r"\frac{x+x}{2}", "x", True)  # the first use builds parser tables; that is not a question's time
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
