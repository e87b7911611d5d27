"""Profile files: versioned JSON, validated on reading; and the profiles that ship with the package.

    {"format": "tts-search profile", "version": 2, "policy": "lab-1m", "prm": "lab-prm", ...,
     "stages": [{"n": 0, "scored": false, ...}, ...]}

The fields are those of :mod:`tts.selection.profile`; endings are called ``finishes``. Numbers have six digits.
``searches`` of a stage and of an advance may be absent, and so may ``estimate`` of an ending. With searches the version
is 3, with estimates 4: older programs refuse the file.
"""

from __future__ import annotations

import hashlib
import math
import re
import stat
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from tts.errors import BadInput
from tts.files import json_text
from tts.files.json_text import dump
from tts.files.shape import Misfit
from tts.files.text import read_bytes, reason, write_atomically
from tts.selection.estimator import Estimator
from tts.selection.profile import NO_SEARCHES, Advance, Curve, Ending, Profile, Scale, Searches, Stage
from tts.selection.profile_check import Damaged, check
from tts.selection.scope import scope_file
from tts.selection.scope.scope import Scope

FORMAT = "tts-search profile"
VERSION = 4
WITHOUT_ESTIMATES = 3
WITHOUT_SEARCHES = 2
OPTIONAL = {"searches", "estimate"}
SHIPPED = Path(__file__).with_name("profiles")
LARGEST = 2**26
"""Size limit of a profile in bytes; the shipped ones have some 100 kB."""


def find(policy: str, prm: str = "") -> str:
    """Return the name of the shipped profile for a policy and a reward model; empty if there is none."""
    name = f"{policy}+{prm}" if prm else policy
    return name if re.fullmatch(r"[\w.+-]+", name) and (SHIPPED / f"{name}.json").is_file() else ""


def named(name: str) -> Profile:
    """Load the shipped profile of this name, or the file; cached while the file does not change.

    Raises BadInput as :func:`load` does.
    """
    path = _path(name)
    try:
        now = path.stat()
    except (OSError, ValueError) as error:
        raise BadInput(f"the profile {name} cannot be read: {reason(error)}; `tts calibrate` makes one.") from error
    if not stat.S_ISREG(now.st_mode):
        raise BadInput(f"the profile {name} is no file; `tts calibrate` makes one.")
    return _kept(path, now.st_mtime_ns, now.st_size)


def digest(name: str) -> str:
    """Return the SHA-256 of the profile of this name, as :func:`named` finds it."""
    return hashlib.sha256(read_bytes(_path(name), f"the profile {name}", LARGEST)).hexdigest()


def _path(name: str) -> Path:
    shipped = SHIPPED / f"{name}.json"
    return shipped if re.fullmatch(r"[\w.+-]+", name) and shipped.is_file() else Path(name).expanduser()


@lru_cache(maxsize=8)
def _kept(path: Path, changed: int, size: int) -> Profile:
    return load(path)


def save(profile: Profile, path: Path | str) -> None:
    """Write a profile atomically, one stage per line. Raises BadInput if the path cannot be written."""
    version = WITHOUT_ESTIMATES if any(stage.searches.runs for stage in profile.stages) else WITHOUT_SEARCHES
    if any(ending.estimate for stage in profile.stages for ending in stage.endings):
        version = VERSION
    row = {"format": FORMAT, "version": version, **_row(profile)}
    if profile.scope is None:
        del row["scope"]
    stages = ",\n".join(map(dump, row.pop("stages")))
    lines = [f"{dump(name)}: {dump(value)}" for name, value in row.items()]
    text = ",\n".join([*lines, f'"stages": [\n{stages}\n]'])
    write_atomically(path, f"{{\n{text}\n}}\n", f"the profile {path}")


def load(path: Path | str) -> Profile:
    """Load and validate a profile.

    Raises BadInput for a file that cannot be read, is not a profile, has an unknown version, or is damaged; the message
    names the place.
    """
    row = json_text.read(path, f"the profile {path}", LARGEST)
    if not isinstance(row, dict) or row.get("format") != FORMAT:
        raise BadInput(f"{path} is not a profile: `tts calibrate` makes one.")
    if (version := row.get("version")) not in (WITHOUT_SEARCHES, WITHOUT_ESTIMATES, VERSION):
        older = isinstance(version, int) and version < VERSION
        raise BadInput(
            f"the profile {path} has version {version}, this program reads versions {WITHOUT_SEARCHES} to {VERSION}: "
            + ("calibrate anew." if older else "update it, or calibrate anew.")
        )
    try:
        return _profile(row)
    except Damaged as error:
        raise BadInput(f"the profile {path} is damaged: {error}.") from error


# ------------------------------------------------------------------------------------------------------- from the rows


def _profile(row: Mapping[str, Any]) -> Profile:
    where = "the profile"
    stages = tuple(_stage(stage, f"stage {k}") for k, stage in enumerate(_list(row, "stages", where)))
    profile = Profile(
        policy=_text(row, "policy", where),
        prm=_text(row, "prm", where, empty=True),
        policy_parameters=_whole(row, "policy_parameters", where),
        prm_parameters=_whole(row, "prm_parameters", where),
        temperature=_number(row.get("temperature"), "its temperature"),
        top_p=_number(row.get("top_p"), "its top_p"),
        stages=stages,
        greedy=row.get("greedy") is True,
        dataset=_text(row, "dataset", where, empty=True),
        sha256=_text(row, "sha256", where, empty=True),
        problems=frozenset(map(str, _list(row, "problems", where))),
        about=_mapping(row, "about", where),
        scope=_scope(row),
    )
    check(profile)
    return profile


def _scope(row: Mapping[str, Any]) -> Scope | None:
    if row.get("scope") is None:
        return None
    try:
        return scope_file.of_row(row["scope"])
    except Misfit as error:
        raise Damaged(f"its scope: {error}") from error


def _stage(row: Any, where: str) -> Stage:
    _known(row, Stage, where)
    scale = row.get("scale")
    return Stage(
        n=_whole(row, "n", where),
        scored=row.get("scored") is True,
        edges=_numbers(row, "edges", where),
        share=_numbers(row, "share", where),
        right=_curve(row, "right", where),
        vote=_text(row, "vote", where),
        aggregate=_text(row, "aggregate", where),
        belief=_estimator(row, "belief", where),
        difficulty=_estimator(row, "difficulty", where),
        scale=None if scale is None else Scale(_numbers(scale, "edges", where), _curve(scale, "found", where)),
        advances=tuple(_advance(each, where) for each in _list(row, "advances", where)),
        endings=tuple(_ending(each, where) for each in _list(row, "finishes", where)),
        searches=_searches(row, where),
    )


def _advance(row: Any, where: str) -> Advance:
    _known(row, Advance, where)
    rows = _list(row, "chance", where)
    chance = tuple(_numbers({"chance": each}, "chance", where) for each in rows)
    flops = _numbers(row, "flops", where)
    return Advance(_whole(row, "n", where), row.get("scored") is True, flops, chance, _searches(row, where))


def _searches(row: Mapping[str, Any], where: str) -> Searches:
    if "searches" not in row:
        return NO_SEARCHES
    given = _mapping(row, "searches", where)
    _known(given, Searches, where)
    names = _text(given, "strategy", where), _mapping(given, "parameters", where)
    return Searches(names[0], _whole(given, "n", where), names[1], _whole(given, "runs", where))


def _ending(row: Any, where: str) -> Ending:
    _known(row, Ending, where)
    return Ending(
        strategy=_text(row, "strategy", where),
        n=_whole(row, "n", where),
        right=_curve(row, "right", where),
        flops=_numbers(row, "flops", where),
        vote=_text(row, "vote", where),
        aggregate=_text(row, "aggregate", where),
        parameters=_mapping(row, "parameters", where),
        blind=row.get("blind") is True,
        estimate=_estimator(row, "estimate", where),
    )


def _curve(row: Mapping[str, Any], name: str, where: str) -> Curve:
    parts = _mapping(row, name, where)
    return Curve(*(_numbers(parts, part, f"{name} of {where}") for part in ("mean", "low", "high")))


def _estimator(row: Mapping[str, Any], name: str, where: str) -> Estimator | None:
    if row.get(name) is None:
        return None
    parts = _mapping(row, name, where)
    weights = {key: _number(w, f"a weight of {where}") for key, w in _mapping(parts, "weights", where).items()}
    return Estimator(_number(parts.get("bias"), f"the bias of {where}"), weights)


def _known(row: Any, kind: type[Any], where: str) -> None:
    names = {_on_disk(f.name) for f in fields(kind)} - OPTIONAL
    if not isinstance(row, dict) or set(row) - OPTIONAL != names:
        raise Damaged(f"the {kind.__name__.lower()} of {where} does not have exactly {', '.join(sorted(names))}")


def _text(row: Mapping[str, Any], name: str, where: str, empty: bool = False) -> str:
    value = row.get(name)
    if not isinstance(value, str) or not (value or empty):
        raise Damaged(f"{name!r} of {where} must be a text, not {value!r}")
    return value


def _whole(row: Mapping[str, Any], name: str, where: str) -> int:
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Damaged(f"{name!r} of {where} must be a whole number, not {value!r}")
    return value


def _number(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise Damaged(f"{what} must be a number, not {value!r}")
    return float(value)


def _list(row: Mapping[str, Any], name: str, where: str) -> list[Any]:
    value = row.get(name)
    if not isinstance(value, list):
        raise Damaged(f"{name!r} of {where} must be a list")
    return value


def _numbers(row: Mapping[str, Any], name: str, where: str) -> tuple[float, ...]:
    if not isinstance(row, Mapping):
        raise Damaged(f"{where} holds something else than {name!r}")
    return tuple(_number(value, f"{name!r} of {where}") for value in _list(row, name, where))


def _mapping(row: Mapping[str, Any], name: str, where: str) -> dict[str, Any]:
    value = row.get(name)
    if not isinstance(value, dict):
        raise Damaged(f"{name!r} of {where} must be an object")
    return value


def _on_disk(field: str) -> str:
    """Return the key of a field in the file."""
    return "finishes" if field == "endings" else field


def _row(value: Any) -> Any:
    """Convert a part of a profile to JSON types."""
    if isinstance(value, Scope):
        return scope_file.as_row(value)
    if is_dataclass(value):
        each = ((_on_disk(f.name), getattr(value, f.name)) for f in fields(value))
        return {name: _row(part) for name, part in each if name not in OPTIONAL or part not in (None, NO_SEARCHES)}
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, Mapping):
        return {key: _row(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_row(each) for each in value]
    return sorted(value) if isinstance(value, frozenset) else value
