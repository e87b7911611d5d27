"""Charts as SVG that follows the reader's light or dark mode, and as PNG.

matplotlib draws in the colours of the light theme. Its SVG is then rewritten: each colour becomes a CSS variable, text
takes the page's font, a mark gets a title that a resting pointer shows, and metadata, identifiers of groups and
needless digits are left out. The same chart gives the same bytes.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from warnings import catch_warnings, filterwarnings
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from benchmarks.report.colours import FONT, LIGHT, variables
from benchmarks.report.drawing import STYLE, Drawing, matplotlib_figure, printable
from benchmarks.report.plot import Chart

_NAMES = {value: name for name, value in LIGHT.items()}
_PAINT = re.compile(f"([a-z-]+): ({'|'.join(_NAMES)})")
_FAMILY = re.compile(r" ?font-family: [^;]*;")
_DIGITS = re.compile(r"(\.\d\d)\d+")
_DPI = 144


def svg(chart: Chart, title: str, *, narrow: bool = False, alone: bool = False) -> str:
    """Draw a chart as an ``<svg>`` element.

    Args:
        chart: what to draw.
        title: a description for readers who cannot see it.
        narrow: draw it for a phone and not for a wide screen.
        alone: make a file of its own, which holds its colours; an element of a page takes the page's.

    Raises MissingExtra without matplotlib.
    """
    with _settings(salt=f"{title}{narrow}"):
        drawing = chart.draw(narrow)
        drawn = ElementTree.fromstring(_saved(drawing, "svg"))
    _, _, width, height = drawn.attrib["viewBox"].split()
    root = Element("svg", {"class": f"chart {'narrow' if narrow else 'wide'}", "viewBox": f"0 0 {width} {height}"})
    root.attrib |= {"xmlns": "http://www.w3.org/2000/svg", "role": "img", "aria-label": printable(title)}
    if alone:
        root.attrib |= {"width": width, "height": height}
        _append(root, "title", title)
        _append(root, "style", f"{variables()}\n.chart{{font-family:{FONT};stroke-linejoin:round}}")
    for child in drawn:
        if child.tag.endswith("}g"):
            root.extend(_rewritten(child, drawing.tips, alone))
    return ElementTree.tostring(root, encoding="unicode")


def png(chart: Chart) -> bytes:
    """Draw a chart as a PNG file, wide and light. Raises MissingExtra without matplotlib."""
    with _settings():
        return _saved(chart.draw(), "png")


@contextmanager
def _settings(salt: str = "") -> Iterator[None]:
    """Draw with our settings and none of the user's; ``salt`` makes the identifiers of one figure unique on a page."""
    matplotlib_figure()
    import matplotlib

    with matplotlib.rc_context(), catch_warnings():
        matplotlib.rcdefaults()
        settings: Any = STYLE | {"svg.fonttype": "none", "svg.hashsalt": salt}
        matplotlib.rcParams.update(settings)
        filterwarnings("ignore", message="Glyph .* missing from font")  # the reader's browser may have it
        yield


def _saved(drawing: Drawing, kind: str) -> bytes:
    file = io.BytesIO()
    dated = {"Date": None, "Creator": None} if kind == "svg" else {"Software": None}
    drawing.figure.savefig(file, format=kind, dpi=_DPI, metadata=dated)
    return file.getvalue()


def _rewritten(element: Element, tips: Mapping[str, str], alone: bool) -> Iterator[Element]:
    """Yield an element as a page shows it; of a group that says nothing, its children."""
    name = element.tag.rpartition("}")[2]
    tip = tips.get(element.get("id", ""))
    children = [made for child in element for made in _rewritten(child, tips, alone)]
    if name == "g" and tip is None:
        yield from children
        return
    made = Element(name, {} if name == "g" else _attributes(element, alone))
    made.text = (element.text or "").strip()
    if tip is not None:
        _append(made, "title", tip)
    made.extend(children)
    yield made


def _attributes(element: Element, alone: bool) -> dict[str, str]:
    found = {}
    for key, value in element.attrib.items():
        if key == "transform" and value.startswith("rotate(-0 "):
            continue
        text = _DIGITS.sub(r"\1", " ".join(value.split()))
        found[key.rpartition("}")[2]] = _themed(text, alone) if key == "style" else text
    return found


def _themed(style: str, alone: bool) -> str:
    """Name colours by CSS variables; in a file of its own also by value, for programs that know no variables."""

    def named(match: re.Match[str]) -> str:
        what, value = match.groups()
        variable = f"{what}: var(--{_NAMES[value]})"
        return f"{what}: {value}; {variable}" if alone else variable

    return _PAINT.sub(named, _FAMILY.sub("", style))


def _append(parent: Element, name: str, text: str) -> None:
    made = Element(name)
    made.text = printable(text) if name == "title" else text
    parent.append(made)
