"""Elements and texts of an HTML or SVG page, as a parser sees them."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path


@dataclass
class Markup:
    """Every element's name, every attribute as (element, name, value), and all text outside of style sheets."""

    elements: list[str] = field(default_factory=list)
    attributes: list[tuple[str, str, str]] = field(default_factory=list)
    text: str = ""

    @property
    def shape(self) -> set[tuple[str, str]]:
        """The kinds of elements and attributes that occur, as (element, attribute); the attribute may be empty."""
        return {(name, "") for name in self.elements} | {(element, name) for element, name, _ in self.attributes}


def parse(page: Path | str) -> Markup:
    """Take a page apart."""
    found = Markup()
    reader = _Reader(found)
    reader.feed(page.read_text(encoding="utf-8") if isinstance(page, Path) else page)
    reader.close()
    return found


class _Reader(HTMLParser):
    def __init__(self, found: Markup) -> None:
        super().__init__(convert_charrefs=True)
        self._found = found
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        self._found.elements.append(tag)
        self._found.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        if self._inside != "style":
            self._found.text += data

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""
