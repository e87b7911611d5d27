"""``python -m tests.fuzz --rounds 5000``: random edits of valid files of every format that the product reads."""

from __future__ import annotations

import argparse
import sys
import time

from tests.fuzz.formats import FORMATS
from tests.fuzz.run import rounds


def main() -> int:
    """Run the rounds; the exit code is 1 where one went wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5000, help="rounds in all, the formats in turn")
    parser.add_argument("--seed", type=int, default=0, help="another seed gives other edits")
    parser.add_argument("--only", action="append", choices=[each.name for each in FORMATS], help="only this format")
    asked = parser.parse_args()
    begun, found = time.monotonic(), 0
    for finding in rounds(asked.rounds, asked.seed, asked.only or ()):
        if finding is not None:
            found += 1
            print(f"-- {finding.format}, round {finding.seed}\n{finding.what}", flush=True)
    print(f"{asked.rounds} rounds over {len(asked.only or FORMATS)} formats, {found} went wrong, "
          f"{time.monotonic() - begun:.0f} s.")  # fmt: skip
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
