"""``tts strategies``: lists the strategies and their parameters."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tts import registry
from tts.commands.console import paragraph, say, say_json


def strategies(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the search strategies and their parameters."""
    from tts.search.strategy import parameters_of

    rows: list[dict[str, Any]] = []
    for name in registry.names("strategy"):
        strategy = registry.resolve("strategy", name)
        about = (strategy.__doc__ or "").strip().split("\n\n")[0]
        rows.append({"name": name, "about": " ".join(about.split()), "parameters": parameters_of(name)})
    if as_json:
        say_json(rows)
        return
    for row in rows:
        settings = ", ".join(f"{key}={value}" for key, value in row["parameters"].items())
        say(paragraph(row["name"], f"{row['about']}\nparameters: {settings}"))
