"""The manifest of a run folder: settings of the run, and the calls that worked on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tts.errors import BadInput
from tts.files import json_text, shape
from tts.files.shape import Misfit

MANIFEST = "manifest.json"


def read_manifest(path: Path) -> dict[str, Any]:
    """Read the manifest of a run folder. Raises BadInput if it is missing or damaged."""
    if not (path / MANIFEST).exists():
        raise BadInput(f"{path} is not a run folder: it has no {MANIFEST}.")
    try:
        found: dict[str, Any] = json_text.read(path / MANIFEST)
        _MANIFEST(found, "it")
    except (BadInput, Misfit) as error:
        why = str(error).rstrip(".")
        raise BadInput(
            f"{path / MANIFEST} is not a run manifest ({why}): restore it or name another folder."
        ) from error
    return found


def _pace(value: Any, what: str) -> None:
    shape.mapping(value, what)
    for each in value.values():
        shape.numbers(each, what)
        if len(each) != 2:
            raise Misfit(f"{what} must hold a number of problems and seconds, not {shape.short(each)}")


_MANIFEST = shape.fields({"settings": shape.mapping, "calls": shape.listed(shape.fields({}, {"pace": _pace}))})
