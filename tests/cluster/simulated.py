"""Solvers on the engine ``simulated`` for tests, in this process and in others."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.speed.simulated import plugin
from tts import Problem, registry

SETTINGS: dict[str, Any] = {"policy": "lab-1m", "prm": None, "strategy": "majority", "budget": 4, "engine": "simulated"}


def problems(number: int) -> list[Problem]:
    return [Problem(f"Question {k} " + "x" * (k % 7), f"p{k:03}") for k in range(number)]


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Install the engine for this process; returns the folder that installs it for others."""
    folder = plugin(tmp_path_factory.mktemp("plugin"))
    sys.path.append(str(folder))
    registry._targets.cache_clear()
    yield folder
    sys.path.remove(str(folder))
    registry._targets.cache_clear()
