"""Python that a user wrote, by name: ``module:attribute`` or ``file.py:attribute``."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from tts.errors import BadInput

_NAME = re.compile(r"[\w./~-]+:[A-Za-z_]\w*")


def names_code(name: str) -> bool:
    """Return whether a name has the form ``module:attribute`` or ``file.py:attribute``."""
    return _NAME.fullmatch(name) is not None


def user_code(name: str, option: str, allow_code: bool) -> Any:
    """Import the function or class that a user named. The working folder is searched too.

    Args:
        name: ``module:attribute`` or ``file.py:attribute``.
        option: the option that names it, for the sentence of an error.
        allow_code: whether the user allows it to run.

    Raises:
        BadInput: running it is not allowed, or there is no such module, file or function.
    """
    where, _, attribute = name.rpartition(":")
    if not allow_code:
        raise BadInput(f"{name} is Python code that would be run here: allow it with --allow-code (allow_code=True).")
    found = vars(_module(where, option)).get(attribute)
    if not callable(found):
        raise BadInput(f"{where} has no function {attribute!r}: write {option} MODULE:FUNCTION.")
    return found


def _module(where: str, option: str) -> ModuleType:
    path = Path(where)
    try:
        if path.suffix != ".py":
            if "" not in sys.path:
                sys.path.insert(0, "")
            return importlib.import_module(where)
        spec = importlib.util.spec_from_file_location(path.stem, path)
        if spec is None or spec.loader is None or not path.is_file():
            raise BadInput(f"there is no file {where}: write {option} FILE.py:FUNCTION.")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    except BadInput:
        raise
    except Exception as error:
        raise BadInput(f"{where} cannot be imported ({type(error).__name__}: {error}).") from error
