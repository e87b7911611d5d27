"""Names that users type, and where the thing behind each lies: a table of "module:attribute", then entry points.

A package adds its own by an entry point in the group ``tts.<kind>``, for example ``tts.strategy``.
"""

from __future__ import annotations

import importlib
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from tts.errors import UnknownName

TABLE: dict[str, dict[str, str]] = {
    "strategy": {
        "best-of-n": "strategies.best_of_n:BestOfN",
        "majority": "strategies.majority:Majority",
        "beam-search": "strategies.beam_search:BeamSearch",
        "dvts": "strategies.dvts:DVTS",
    },
    "vote": {
        "majority": "tts.votes:majority",
        "best": "tts.votes:best",
        "weighted": "tts.votes:weighted",
    },
    "prm family": {
        "qwen": "prm.qwen:FAMILY",
    },
}


def names(kind: str) -> list[str]:
    """All names of a kind, the built-in ones first, in the order of the table."""
    return list(_targets(kind))


def resolve(kind: str, name: str) -> Any:
    """The thing behind a name. Raises UnknownName, with the nearest known one, where there is none."""
    targets = _targets(kind)
    target = targets.get(name) or targets.get(name.lower().replace("_", "-"))
    if target is None:
        raise UnknownName(kind, name, targets)
    module, _, attribute = target.partition(":")
    return getattr(importlib.import_module(module), attribute)


@cache
def _targets(kind: str) -> dict[str, str]:
    plugins = {point.name: point.value for point in entry_points(group=f"tts.{kind.replace(' ', '-')}")}
    return {**TABLE.get(kind, {}), **{k: v for k, v in plugins.items() if k not in TABLE.get(kind, {})}}
