"""Scope files: versioned JSON, in a model's folder as ``scope.json``, or as the field ``scope`` of a profile.

{"format": "tts-search scope", "version": 1, "policy": "lab-1m", "prm": "lab-prm", "threshold": 0.5,
 "reference": {"words": [...], "neighbours": base64, "longest": 120, "largest": 999},
 "limits": {...}, "before": {"bias": ..., "weights": {...}}, "inside": {kind: ...}, "right": {kind: ...}}
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from tts.errors import BadInput
from tts.files import json_text, shape
from tts.files.json_text import dump
from tts.files.shape import Misfit
from tts.files.text import write_atomically
from tts.selection.estimator import Estimator
from tts.selection.scope.scope import KINDS, Scope, names
from tts.selection.scope.text import TEXT_FEATURES, Reference

FORMAT = "tts-search scope"
VERSION = 1
NAME = "scope.json"
LARGEST = 2**22
"""Size limit of a scope in bytes; the shipped ones have some 100 kB."""

_ESTIMATOR = shape.fields({"bias": shape.number, "weights": shape.mapping}, more=False)
_REFERENCE = shape.fields(
    {"words": shape.listed(shape.text), "neighbours": shape.text, "longest": shape.whole, "largest": shape.whole},
    more=False,
)
_SHAPE = shape.fields(
    {"policy": shape.text, "prm": shape.text, "threshold": shape.number, "reference": _REFERENCE},
    {"before": shape.optional(_ESTIMATOR), "limits": shape.mapping, "inside": shape.mapping, "right": shape.mapping,
     "about": shape.mapping},
)  # fmt: skip


def of_folder(folder: Path) -> Scope | None:
    """Return the scope in a model's folder; None without one. Raises BadInput for a damaged file."""
    path = folder / NAME
    return _kept(path, path.stat().st_mtime_ns) if path.is_file() else None


@lru_cache(maxsize=16)
def _kept(path: Path, changed: int) -> Scope:
    return load(path)


def load(path: Path) -> Scope:
    """Read and validate a scope file. Raises BadInput; the sentence names the place."""
    row = json_text.read(path, f"the scope {path}", LARGEST)
    if not isinstance(row, dict) or row.get("format") != FORMAT or row.get("version") != VERSION:
        raise BadInput(f"{path} is not a scope of version {VERSION}: delete it, or copy the model's folder again.")
    try:
        return of_row(row)
    except Misfit as error:
        raise BadInput(f"the scope {path} is damaged: {error}.") from error


def save(scope: Scope, path: Path) -> None:
    """Write a scope atomically, one field a line. Raises BadInput if the path cannot be written."""
    row = {"format": FORMAT, "version": VERSION, **as_row(scope)}
    lines = ",\n".join(f"{dump(name)}: {dump(value)}" for name, value in row.items())
    write_atomically(path, f"{{\n{lines}\n}}\n", f"the scope {path}")


def as_row(scope: Scope) -> dict[str, Any]:
    """Convert a scope to JSON types."""
    reference = scope.reference
    return {
        "policy": scope.policy,
        "prm": scope.prm,
        "threshold": scope.threshold,
        "before": _estimator_row(scope.before),
        "inside": {kind: _estimator_row(each) for kind, each in scope.inside.items()},
        "right": {kind: _estimator_row(each) for kind, each in scope.right.items()},
        "limits": {name: _digits(value) for name, value in scope.limits.items()},
        "about": dict(scope.about),
        "reference": {
            "words": sorted(reference.words),
            "neighbours": base64.b64encode(reference.neighbours).decode(),
            "longest": reference.longest,
            "largest": reference.largest,
        },
    }


def of_row(row: Any) -> Scope:
    """Build a scope from JSON types. Raises Misfit."""
    _SHAPE(row, "it")
    known = row["reference"]
    try:
        neighbours = base64.b64decode(known["neighbours"], validate=True)
    except (binascii.Error, ValueError) as error:
        raise Misfit("its neighbours are not base64") from error
    if len(neighbours) < 1 or len(neighbours) & (len(neighbours) - 1):
        raise Misfit("its neighbours are not a power of two of bytes")
    before = None if row.get("before") is None else _estimator(row["before"], TEXT_FEATURES, "before")
    return Scope(
        policy=row["policy"], prm=row["prm"], threshold=float(row["threshold"]),
        reference=Reference(frozenset(known["words"]), neighbours, known["longest"], known["largest"]),
        limits=_weights(row.get("limits", {}), TEXT_FEATURES, "limits"),
        before=before, inside=_by_kind(row, "inside"), right=_by_kind(row, "right"), about=row.get("about", {}),
    )  # fmt: skip


def _by_kind(row: Mapping[str, Any], name: str) -> dict[str, Estimator]:
    found = row.get(name, {})
    if strange := sorted(set(found) - set(KINDS)):
        raise Misfit(f"{name} has the unknown kind {strange[0]!r}")
    for kind, each in found.items():
        _ESTIMATOR(each, f"{name} of {kind}")
    return {kind: _estimator(each, names(kind), f"{name} of {kind}") for kind, each in found.items()}


def _estimator(row: Mapping[str, Any], known: tuple[str, ...], where: str) -> Estimator:
    return Estimator(float(row["bias"]), _weights(row["weights"], known, where))


def _weights(row: Mapping[str, Any], known: tuple[str, ...], where: str) -> dict[str, float]:
    if strange := sorted(set(row) - set(known)):
        raise Misfit(f"{where} weighs the unknown feature {strange[0]!r}")
    for name, weight in row.items():
        shape.number(weight, f"{name} of {where}")
    return {name: float(weight) for name, weight in row.items()}


def _estimator_row(estimator: Estimator | None) -> dict[str, Any] | None:
    if estimator is None:
        return None
    return {"bias": _digits(estimator.bias), "weights": {k: _digits(w) for k, w in estimator.weights.items()}}


def _digits(value: float) -> float:
    return float(f"{value:.6g}")
