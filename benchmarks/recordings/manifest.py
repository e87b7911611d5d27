"""The manifest of a run folder: what was run, and by which calls."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tts.errors import BadInput

MANIFEST = "manifest.json"


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest of a run folder. Raises BadInput where there is none that can be read."""
    try:
        found: dict[str, Any] = json.loads((path / MANIFEST).read_text("utf-8"))
        if isinstance(found["settings"], dict) and isinstance(found["calls"], list):
            return found
    except FileNotFoundError as error:
        raise BadInput(f"{path} is no run folder: it has no {MANIFEST}.") from error
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise BadInput(f"{path / MANIFEST} is no manifest of a run: restore it or name another folder.")
