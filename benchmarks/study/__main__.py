"""``python -m benchmarks.study``: see :mod:`benchmarks.study.command`."""

from __future__ import annotations

import sys

from benchmarks.console import run
from benchmarks.study.command import parser, study


def main(arguments: list[str] | None = None) -> int:
    """Run the study and return its exit code."""
    options = parser().parse_args(arguments)
    return run(lambda: study(options))


if __name__ == "__main__":
    sys.exit(main())
