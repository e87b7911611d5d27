"""Checks of error messages."""

from __future__ import annotations

import pytest

from tts.errors import TTSError


def sentence(error: pytest.ExceptionInfo[TTSError]) -> str:
    """Return the message of an error, which must be one line that ends with a full stop."""
    text = str(error.value)
    assert "\n" not in text
    assert text.endswith(".")
    return text
