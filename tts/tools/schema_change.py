"""Changes a JSON schema before a policy is held to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

_MAPS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_SINGLE = ("items", "additionalProperties", "contains", "propertyNames", "not", "if", "then", "else")
_DIVIDED = ("if", "not", "dependentSchemas", "patternProperties", "unevaluatedProperties")
_JOINED = ("allOf", "anyOf", "oneOf", "$ref")  # beside the members of an object
_DEPTH = 100


def moved(schema: Any, to: str) -> Any:
    """Return a schema that stands at ``to`` in a larger one: its references to itself begin there."""

    def change(part: Schema) -> Schema:
        name = part.get("$ref")
        return {**part, "$ref": to + name[1:]} if isinstance(name, str) and name.startswith("#") else part

    return _changed(schema, change, 0)


def closed(schema: Any) -> Any:
    """Return a schema whose objects have no members but those that it names, unless it says that they may.

    A small model fills an open object without end. A schema that describes one object in several parts stays as it is:
    a part does not know the members of another.
    """

    def change(part: Schema) -> Schema:
        named = "properties" in part and "additionalProperties" not in part
        return {**part, "additionalProperties": False} if named else part

    return schema if any(map(_divided, _parts(schema, 0))) else _changed(schema, change, 0)


def _divided(part: Schema) -> bool:
    """Return whether a schema describes one value in several parts."""
    every = part.get("allOf")
    several = isinstance(every, list) and len(every) > 1
    return several or any(name in part for name in (_DIVIDED + _JOINED if "properties" in part else _DIVIDED))


def _parts(schema: Any, depth: int) -> Iterator[Schema]:
    """Iterate over a schema and those in it."""
    if not isinstance(schema, Mapping) or depth > _DEPTH:
        return
    yield schema
    for name in _MAPS:
        if isinstance(inner := schema.get(name), Mapping):
            for each in inner.values():
                yield from _parts(each, depth + 1)
    for name in _LISTS:
        if isinstance(several := schema.get(name), list):
            for each in several:
                yield from _parts(each, depth + 1)
    for name in _SINGLE:
        yield from _parts(schema.get(name), depth + 1)


def _changed(schema: Any, change: Callable[[Schema], Schema], depth: int) -> Any:
    """Return a schema with ``change`` made to it and to those in it."""
    if not isinstance(schema, Mapping) or depth > _DEPTH:
        return schema
    made = dict(schema)
    for name in _MAPS:
        if isinstance(inner := schema.get(name), Mapping):
            made[name] = {key: _changed(value, change, depth + 1) for key, value in inner.items()}
    for name in _LISTS:
        if isinstance(several := schema.get(name), list):
            made[name] = [_changed(each, change, depth + 1) for each in several]
    for name in _SINGLE:
        if name in schema:
            made[name] = _changed(schema[name], change, depth + 1)
    return dict(change(made))
