"""How the benchmarks that are run with ``python -m`` end: an exit code, and one sentence where something went wrong."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from tts.errors import TTSError


def run(work: Callable[[], int]) -> int:
    """Return the exit code of ``work``; 2 for what a user can mend, 130 when interrupted."""
    # The tokenizer's own threads would fight with torch's.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        return work()
    except TTSError as error:
        print(f"tts: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped; the same command goes on where it was.", file=sys.stderr)
        return 130
