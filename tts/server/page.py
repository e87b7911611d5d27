"""The page of the server: one file with its style and script in it, that reaches nothing but this server."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined

_PACKAGE = "tts.server"


def _source(name: str) -> str:
    return resources.files(_PACKAGE).joinpath("templates", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


_EXAMPLE = "Mia has 17 marbles. She wins 25 more, then triples what she has, and gives 9 away. How many are left?"


@cache
def page(usual: int, most: int) -> str:
    """Return the page, with the usual budget and its limit. It holds nothing of any request."""
    environment = Environment(loader=PackageLoader(_PACKAGE), autoescape=True, undefined=StrictUndefined)
    return environment.get_template("page.html.jinja").render(
        style=_source("page.css"), script=_source("page.js"), example=_EXAMPLE, usual=usual, most=most
    )


HEADERS = {
    "content-security-policy": (
        f"default-src 'none'; style-src {_hash(_source('page.css'))}; script-src {_hash(_source('page.js'))}; "
        "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}
"""Of the page: only its own style and script run, only this server is asked, no other page shows it in a frame."""
