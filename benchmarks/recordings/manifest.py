"""The manifest of a run folder: settings of the run, and the calls that worked on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tts.errors import BadInput

MANIFEST = "manifest.json"


def read_manifest(path: Path) -> dict[str, Any]:
    """Read the manifest of a run folder. Raises BadInput if it is missing or damaged."""
    try:
        found: dict[str, Any] = json.loads((path / MANIFEST).read_text("utf-8"))
        if isinstance(found["settings"], dict) and isinstance(found["calls"], list):
            return found
    except FileNotFoundError as error:
        raise BadInput(f"{path} is not a run folder: it has no {MANIFEST}.") from error
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise BadInput(f"{path / MANIFEST} is not a run manifest: restore it or name another folder.")
