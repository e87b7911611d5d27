"""Exit codes and error messages of the benchmarks that run with ``python -m``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from tts.errors import TTSError


def run(work: Callable[[], int]) -> int:
    """Return the exit code of ``work``: 2 for an error the user can correct, 130 when interrupted."""
    # The tokenizer's threads would compete with torch's.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        return work()
    except TTSError as error:
        print(f"tts: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped; the same command resumes.", file=sys.stderr)
        return 130
