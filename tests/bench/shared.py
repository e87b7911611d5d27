"""Real data sets in the shared folder; tests skip if they are absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("TTS_SHARED") or Path(__file__).resolve().parents[3] / "shared")
BENCHMARKS = SHARED / "data/benchmarks"
GRADER = SHARED / "data/grader"

needs_benchmarks = pytest.mark.skipif(not BENCHMARKS.is_dir(), reason=f"no data sets at {BENCHMARKS} (set TTS_SHARED)")
needs_grader = pytest.mark.skipif(not GRADER.is_dir(), reason=f"no graded answers at {GRADER} (set TTS_SHARED)")
