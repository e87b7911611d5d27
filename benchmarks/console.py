"""Exit codes and error messages of the benchmarks that run with ``python -m``."""

from __future__ import annotations

import os
from collections.abc import Callable

from tts.commands.console import note
from tts.errors import TTSError


def run(work: Callable[[], int]) -> int:
    """Return the exit code of ``work``: 2 for an error the user can correct, 130 when interrupted."""
    # The tokenizer's threads would compete with torch's.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        return work()
    except TTSError as error:
        note(str(error))
        return 2
    except KeyboardInterrupt:
        note("stopped; the same command resumes.")
        return 130
