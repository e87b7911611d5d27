"""``python -m benchmarks.routing``: see :mod:`benchmarks.routing.command`."""

from __future__ import annotations

import sys

from benchmarks.console import run
from benchmarks.routing.command import parser, routing


def main(arguments: list[str] | None = None) -> int:
    """Run the measurements and return the exit code."""
    options = parser().parse_args(arguments)
    return run(lambda: routing(options))


if __name__ == "__main__":
    sys.exit(main())
