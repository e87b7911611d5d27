"""``tts strategies``: lists the strategies and their parameters, or describes one."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tts import registry
from tts.commands import completion
from tts.commands.console import entries, fold, paragraph, say, say_json


def described(name: str) -> dict[str, Any]:
    """Describe a strategy. Raises UnknownName."""
    from tts.search.parameter_docs import algorithm, meanings, settable
    from tts.search.strategy import strategy_type

    strategy = strategy_type(name)
    about = algorithm(strategy)
    return {
        "name": name,
        "about": about[0] if about else "",
        "algorithm": about[1:],
        "parameters": settable(strategy),
        "meanings": meanings(strategy),
        "vote": strategy.vote,
        "own_reward": strategy().own_reward,
        "needs_reward": strategy.needs_reward,
        "takes_reward": strategy.takes_reward,
        "stepwise": strategy.stepwise,
    }


def strategies(
    name: Annotated[
        str | None,
        typer.Argument(help="Strategy to describe.", autocompletion=completion.registered("strategy")),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the search strategies and their parameters, or describe one."""
    if name is not None:
        row = described(name)
        if as_json:
            say_json(row)
        else:
            say(_card(row))
        return
    from tts.search.variant import written

    rows = [described(name) for name in registry.names("strategy")]
    if as_json:
        say_json(rows)
        return
    for row in rows:
        settings = ", ".join(f"{key}={written(value)}" for key, value in row["parameters"].items())
        say(paragraph(row["name"], f"{row['about']}\nparameters: {settings}"))
    say("`tts strategies NAME` tells what the parameters of one mean.")


def _card(row: dict[str, Any]) -> str:
    """Format the description of one strategy."""
    from tts.search.variant import written

    parameters = [
        (f"{name}={written(value)}", row["meanings"].get(name, "")) for name, value in row["parameters"].items()
    ]
    facts = [
        ("Strategy", f"{row['name']}: {row['about']}"),
        *([("Algorithm", "\n".join(row["algorithm"]))] if row["algorithm"] else []),
        ("Reward", _reward(row)),
        ("Vote", "chosen with the plan" if row["vote"] == "auto" else row["vote"]),
    ]
    parts = [entries(facts)]
    if parameters:
        example = f"--strategy {row['name']}:{parameters[-1][0]}"
        parts += ["\n".join(fold(f"Parameters and their defaults; `{example}` sets one:")), entries(parameters)]
    return "\n\n".join(parts)


def _reward(row: dict[str, Any]) -> str:
    """Say what reward model a strategy scores with."""
    if row["own_reward"]:
        return f"its own, {row['own_reward']}"
    if row["needs_reward"]:
        return "needs a reward model of steps" if row["stepwise"] else "needs a reward model, or a judge"
    return "uses a reward model if one is named" if row["takes_reward"] else "none"
