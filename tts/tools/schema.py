"""Checks the arguments of a call by the JSON schema of its tool: the part of JSON Schema that tools use."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from tts.records.words import count

_DEPTH = 12  # of nested schemas; a server's may refer to itself
_STEPS = 5000  # of one check; a schema may branch at every depth
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}


def misfit(arguments: Any, schema: Mapping[str, Any]) -> str:
    """Return what is wrong with the arguments of a call, as a sentence for the policy; empty if they fit.

    A part of the schema that is not understood allows everything, because it comes from a server. One that takes more
    than some thousand steps to check allows nothing.
    """
    try:
        return _Check(schema).misfit(arguments, schema, "the arguments", 0)
    except _TooLongError:
        return f"the schema takes more than {_STEPS} steps to check."


class _TooLongError(Exception):
    """A schema that branches without end."""


class _Check:
    """One check of a value by a schema."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root, self._left = root, _STEPS

    def misfit(self, value: Any, schema: Any, what: str, depth: int) -> str:
        """Return what is wrong with a value. Raises _TooLongError."""
        self._left -= 1
        if not self._left:
            raise _TooLongError
        schema = resolved(schema, self._root)
        if not isinstance(schema, Mapping) or depth > _DEPTH:
            return ""
        every = schema.get("allOf")
        for option in every if isinstance(every, list) else ():
            if wrong := self.misfit(value, option, what, depth + 1):
                return wrong
        for choice in ("anyOf", "oneOf"):
            options = schema.get(choice)
            if isinstance(options, list) and options:
                first = ""
                for option in options:
                    if not (wrong := self.misfit(value, option, what, depth + 1)):
                        return ""
                    first = first or wrong
                return first
        return _kind(value, schema, what) or _size(value, schema, what) or self._members(value, schema, what, depth)

    def _members(self, value: Any, schema: Mapping[str, Any], what: str, depth: int) -> str:
        if isinstance(value, list):
            each = schema.get("items")
            found = (self.misfit(item, each, f"{what}[{k}]", depth + 1) for k, item in enumerate(value))
            return next(filter(None, found), "")
        if not isinstance(value, dict):
            return ""
        known = schema.get("properties")
        known = known if isinstance(known, Mapping) else {}
        needed = schema.get("required")
        for name in needed if isinstance(needed, list) else ():
            if name not in value:
                return f"{what} lack {name!r}."
        if schema.get("additionalProperties") is False and (more := [name for name in value if name not in known]):
            return f"{what} have {more[0]!r:.80}, which is not among {', '.join(map(repr, known)) or 'none'}."
        found = (self.misfit(value[name], known[name], f"{name!r}", depth + 1) for name in value if name in known)
        return next(filter(None, found), "")


def _kind(value: Any, schema: Mapping[str, Any], what: str) -> str:
    kinds = schema.get("type")
    names = [kinds] if isinstance(kinds, str) else kinds if isinstance(kinds, list) else []
    known = [name for name in names if isinstance(name, str) and name in _TYPES]
    if known and not any(_is(value, name) for name in known):
        return f"{what} must be of type {' or '.join(known)}, not {value!r:.80}."
    options = schema.get("enum")
    if isinstance(options, list) and value not in options:
        return f"{what} must be one of {', '.join(map(repr, options[:20]))}, not {value!r:.80}."
    if "const" in schema and value != schema["const"]:
        return f"{what} must be {schema['const']!r:.80}, not {value!r:.80}."
    return ""


_LIMITS: tuple[tuple[str, Callable[[float, float], bool], str], ...] = (
    ("minimum", operator.ge, "at least"), ("maximum", operator.le, "at most"),
    ("exclusiveMinimum", operator.gt, "more than"), ("exclusiveMaximum", operator.lt, "less than"),
)  # fmt: skip
_COUNTS: dict[type, tuple[str, str, str]] = {
    str: ("minLength", "maxLength", "character"), list: ("minItems", "maxItems", "item"),
}  # fmt: skip


def _size(value: Any, schema: Mapping[str, Any], what: str) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        for name, holds, words in _LIMITS:
            limit = schema.get(name)
            if isinstance(limit, (int, float)) and not isinstance(limit, bool) and not holds(value, limit):
                return f"{what} must be {words} {limit}, not {value!r:.80}."
    if type(value) in _COUNTS:
        least, most, of = _COUNTS[type(value)]
        if isinstance(limit := schema.get(least), int) and len(value) < limit:
            return f"{what} must have at least {count(limit, of)}, not {len(value)}."
        if isinstance(limit := schema.get(most), int) and len(value) > limit:
            return f"{what} must have at most {count(limit, of)}, not {len(value)}."
    return ""


def _is(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    if name == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES[name])


def resolved(schema: Any, root: Mapping[str, Any]) -> Any:
    """Follow a reference into the schema's own definitions."""
    for _ in range(_DEPTH):
        name = schema.get("$ref") if isinstance(schema, Mapping) else None
        if not isinstance(name, str):
            return schema
        schema = root
        for part in name.removeprefix("#/").split("/"):
            schema = schema.get(part) if isinstance(schema, Mapping) else None
    return None
