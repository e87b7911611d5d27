"""Fills the Jinja2 templates of the pages.

Autoescape is on: what data or a model wrote is shown as text. Only the style sheet and the figures' SVG, which this
project writes, pass through the filter ``safe``.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from benchmarks.report.colours import variables

_PACKAGE = "benchmarks.report.html"


def render(template: str, **values: Any) -> str:
    """Render a template of this package. A value that the template lacks raises jinja2.UndefinedError."""
    return _environment().get_template(template).render(values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(_PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals["style"] = _style()
    return environment


def _style() -> str:
    """Read the style sheet of every page, and add both themes."""
    sheet = resources.files(_PACKAGE).joinpath("templates", "style.css").read_text(encoding="utf-8")
    return f"{variables()}\n{sheet}"
