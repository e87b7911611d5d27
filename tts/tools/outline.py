"""A JSON schema as a policy is shown it: the form of a value, with a placeholder for everything to be filled in.

Small models copy a schema instead of following it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tts.files.json_text import dump
from tts.tools.schema import resolved

_DEPTH = 6  # of nested values; a schema may refer to itself
_PLACES = 400  # of a form, and as many where notes are looked for; a schema may branch at every depth


def outline(schema: Mapping[str, Any]) -> str:
    """Write the form, such as ``{"name": <string>, "tags": [<string>, ...]}``, and under it members' descriptions."""
    form = _Outline(schema).form(schema, 0)
    return "\n".join([form, *(f"{name}: {said}" for name, said in _Outline(schema).notes(schema, "", 0))])


class _Outline:
    """The outline of one schema."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root, self._left = root, _PLACES

    def form(self, schema: Any, depth: int) -> str:
        """Write the form of a value."""
        schema = self._entered(schema, depth)
        if schema is None:
            return "..."
        if "const" in schema:
            return dump(schema["const"])
        if isinstance(options := schema.get("enum"), list) and options:
            return " or ".join(map(dump, options[:_PLACES]))
        for choice in ("anyOf", "oneOf"):
            if isinstance(options := schema.get(choice), list) and options:
                return " or ".join(dict.fromkeys(self.form(option, depth + 1) for option in options[:_PLACES]))
        if isinstance(every := schema.get("allOf"), list) and every:
            return self.form(every[0], depth + 1)
        kinds = schema.get("type", "object" if "properties" in schema else "value")
        return " or ".join(self._of(kind, schema, depth) for kind in (kinds if isinstance(kinds, list) else [kinds]))

    def notes(self, schema: Any, path: str, depth: int) -> Iterator[tuple[str, str]]:
        """Yield the descriptions of members, with the path to each."""
        schema = self._entered(schema, depth)
        for name, each in _members(schema or {}):
            whole, member = f"{path}{name}", resolved(each, self._root)
            found = (place.get("description") for place in (each, member) if isinstance(place, Mapping))
            if said := next((text for text in found if isinstance(text, str)), ""):
                yield whole, " ".join(said.split())
            yield from self.notes(member, f"{whole}.", depth + 1)
        if schema and "items" in schema:
            yield from self.notes(schema["items"], path, depth + 1)

    def _entered(self, schema: Any, depth: int) -> Mapping[str, Any] | None:
        """Return a schema, followed where it is a reference; None for what is no schema, and beyond the limits."""
        self._left -= 1
        schema = resolved(schema, self._root)
        return schema if isinstance(schema, Mapping) and depth <= _DEPTH and self._left > 0 else None

    def _of(self, kind: Any, schema: Mapping[str, Any], depth: int) -> str:
        if kind == "array":
            return f"[{self.form(schema.get('items', {}), depth + 1)}, ...]"
        if kind != "object":
            return "null" if kind == "null" else f"<{kind}>"
        members = [f"{dump(name)}: {self.form(each, depth + 1)}" for name, each in _members(schema)]
        return "{" + (", ".join(members) or "...") + "}"


def _members(schema: Mapping[str, Any]) -> list[tuple[str, Any]]:
    known = schema.get("properties")
    return [(str(name), each) for name, each in known.items()][:_PLACES] if isinstance(known, Mapping) else []
