"""The folder for what can be computed again."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder(name: str) -> Path:
    """Return the cache folder of this name: below ``$TTS_CACHE``, by default below the user's cache folder."""
    home = os.environ.get("TTS_CACHE") or Path(os.environ.get("XDG_CACHE_HOME", "~/.cache"), "tts-search")
    return Path(home).expanduser() / name
