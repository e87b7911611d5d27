"""The one place where text becomes the name of a file."""

from __future__ import annotations

import hashlib
import re

LONGEST = 120
"""Characters of a name; a file system takes 255 bytes, of which an ending and a temporary name need some."""

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*", re.ASCII)
_DIGITS = 12


def safe_name(text: str) -> str:
    """Make a file name of any text, such as a problem's id: never a path, never hidden, different for different texts.

    A text of ASCII letters, digits, ``.``, ``_`` and ``-`` is its own name. Of any other the strange characters become
    ``_``, and ``~`` with the first digits of the text's SHA-256 follows. No text that is its own name holds ``~``.

    >>> safe_name("test/precalculus/807.json")
    'test_precalculus_807.json~26b3a52b1fdb'
    """
    if len(text) <= LONGEST and _PLAIN.fullmatch(text):
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
    readable = re.sub(r"[^A-Za-z0-9._-]+", "_", text, flags=re.ASCII).lstrip(".-")
    return f"{readable[: LONGEST - _DIGITS - 1]}~{digest}"
