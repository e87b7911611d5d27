"""The folder of recordings of real models; tests skip if it is absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("TTS_SHARED") or Path(__file__).resolve().parents[3] / "shared")
RECORDED = SHARED / "data/recorded"
recorded = pytest.mark.skipif(not RECORDED.is_dir(), reason=f"no recorded candidates at {RECORDED} (set TTS_SHARED)")
