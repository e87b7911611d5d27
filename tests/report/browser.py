"""Pages in a real browser, for tests alone; the project itself needs none."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needed = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine: install it to see pages drawn")

_QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
)  # fmt: skip


def dom(page: Path, home: Path) -> str:
    """The page after the browser has loaded it."""
    return _run(home, "--dump-dom", page.as_uri())


def screenshot(page: Path, picture: Path, home: Path, *, dark: bool) -> None:
    """Write what the browser shows as a PNG file."""
    scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    _run(home, "--window-size=500,800", scheme, f"--screenshot={picture}", page.as_uri())


def _run(home: Path, *arguments: str) -> str:
    assert BROWSER is not None
    command = [BROWSER, *_QUIET, f"--user-data-dir={home}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
