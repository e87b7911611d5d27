"""What the tests of the speed benchmark share."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.speed import random_models


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Both checkpoints with the full vocabulary and a single narrow layer."""
    shape = random_models.Shape(width=64, inner=64, layers=1, kv_heads=1, context=256)
    return random_models.make(tmp_path_factory.mktemp("shape"), shape)
