"""``tts models``: lists of the known models, and the card of one.

``python -m tts.commands.models`` prints the table of policies in docs/MODELS.md.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tts.commands import completion
from tts.commands.console import entries, paragraph, say, say_json, table

if TYPE_CHECKING:
    from pathlib import Path

    from tts.models.card import Kind, ModelCard

MEMORY = (
    "Sizes of weights are at 16 bits per number; at 32 bits, the default on a CPU, they double. Add a tenth for "
    "activations, and keys and values for every solution in progress. `tts models NAME` prints the figures, the prompt "
    "and the sampling of one model. Memory is checked before anything is loaded."
)


def rows(kind: Kind) -> list[dict[str, Any]]:
    """Return the table of known models, one row per model; it fits 80 columns."""
    title = "policy" if kind == "policy" else "reward model"
    return [
        {
            title: card.name,
            "size": size(card),
            "context": card.context,
            "weights": f"{card.gigabytes:.1f} GB" if card.hub else "built in",
            "here": "yes" if _folder_of(card) else "no",
            **({"reward model": advised(card)} if kind == "policy" else {}),
        }
        for card in _cards()
        if card.kind == kind
    ]


def reasons() -> list[tuple[str, str]]:
    """Explain each recommended reward model: the reason, and the policies it holds for."""
    found: dict[tuple[str, str], list[str]] = {}
    for card in _cards():
        if card.kind == "policy":
            found.setdefault((advised(card), card.prm_reason), []).append(card.name)
    return [
        (f"Why {'no reward model' if prm == 'none' else prm}:", f"{why}.\nFor {', '.join(names)}.")
        for (prm, why), names in found.items()
    ]


def advised(card: ModelCard) -> str:
    """Name the reward model recommended for a policy; ``none`` for a reasoning model."""
    return "none" if card.thinking else card.prm


def size(card: ModelCard) -> str:
    """Format the number of parameters, such as "7 B" or "4.9 M"."""
    if not card.parameters:
        return "?"
    return f"{card.parameters / 1e9:.3g} B" if card.parameters >= 1e8 else f"{card.parameters / 1e6:.2g} M"


def described(card: ModelCard) -> list[tuple[str, str]]:
    """Describe one model as pairs of a title and a text."""
    what = "policy" if card.kind == "policy" else f"reward model of the family {card.family or 'unknown'}"
    lines = [
        ("Model", f"{card.name}: a {what}{f', {card.hub}' if card.hub else ''}"),
        ("Here", _whereabouts(card)),
        ("Size", f"{card.parameters:,} parameters" if card.parameters else "unknown"),
        ("Context", f"{card.context:,} tokens"),
        ("Memory", _memory(card)),
    ]
    if card.kind == "prm":
        return lines  # its prompt is its family's: prm/
    thinking = " of the thinking (</think> ends it; the answer is what follows)" if card.thinking else ""
    return [
        *lines,
        ("System", card.system or "no system message"),
        ("Problem", f"PROBLEM\n{card.suffix}" if card.suffix else "PROBLEM, unchanged"),
        *([("Opening", repr(card.opening) + ", unless the chat template writes it")] if card.opening else []),
        *([("Template", f"enable_thinking={card.thinking}")] if card.switch else []),
        ("Steps", f"end with {card.separator!r}{thinking}, at most {card.max_step_tokens:,} tokens each"),
        ("Sampling", f"temperature {card.temperature:g}, top_p {card.top_p:g}, at most {card.max_tokens:,} tokens"),
        ("Reward", card.prm_reason if card.thinking else f"{card.prm}: {card.prm_reason}"),
    ]


def markdown() -> str:
    """Format the table of policies as Markdown."""
    head = "name | hub id | parameters | context | prompt | temperature, top_p | reward model"
    lines = [f"| {head} |", "|" + "---|" * (head.count("|") + 1)]
    for card in _cards():
        if card.kind == "policy":
            hub = f"{card.hub}{' (gated)' if card.gated else ''}" if card.hub else "built in"
            cells = [f"`{card.name}`", hub, size(card), f"{card.context:,}", _prompt(card)]
            cells += [f"{card.temperature:g}, {card.top_p:g}"]
            cells += [f"`{card.prm}`" if card.prm and not card.thinking else "none"]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _prompt(card: ModelCard) -> str:
    if not card.hub:
        return "the problem alone"
    if card.system:
        return "boxed, system" if "reason step by step" in card.system else "steps, system"
    return "boxed, user" + ("; thinks" if card.thinking else "")


def _whereabouts(card: ModelCard) -> str:
    if card.url:
        return f"behind {card.url}"
    if (folder := _folder_of(card)) is not None:
        return str(folder)
    if card.gguf:
        return f"{card.folder}, which is converted to safetensors when it is first loaded"
    gate = f", after its licence is accepted at https://huggingface.co/{card.hub}" if card.gated else ""
    return f"no: `hf download {card.hub}` fetches it{gate}"


def _memory(card: ModelCard) -> str:
    if not card.parameters:
        return "unknown"
    weights = card.parameters * 2
    if not card.hub and not card.folder:
        return f"{_bytes(2 * weights)} for the weights"
    cache = f", {_bytes(1000 * card.token_bytes)} of keys and values a 1,000 tokens" if card.token_bytes else ""
    return (
        f"{_bytes(weights)} for the weights at 16 bits a number ({_bytes(2 * weights)} at 32){cache}, "
        f"{_bytes(weights // 10)} to work in"
    )


def _cards() -> list[ModelCard]:
    from tts.models.lookup import CARDS

    return list(CARDS.values())


def _folder_of(card: ModelCard) -> Path | None:
    from tts.models.files import folder_of

    return folder_of(card)


def _bytes(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.3g} MB"


def models(
    name: Annotated[
        str | None,
        typer.Argument(
            help="Model to describe: a short name, a hub id, a folder or an address.",
            autocompletion=completion.models(),
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the known models, or describe one."""
    if name is not None:
        from tts.models.find import find

        card = find(name)
        if as_json:
            say_json(asdict(card))
        else:
            say(entries(described(card)))
        return
    if as_json:
        say_json([asdict(card) for card in _cards()])
        return
    say(table(rows("policy")) + "\n")
    say(table(rows("prm")) + "\n")
    say(paragraph("Memory:", MEMORY))
    for title, why in reasons():
        say(paragraph(title, why))
    say("Any hub id or local folder works too: tts solve --policy ORG/NAME --prm FOLDER")


if __name__ == "__main__":
    sys.stdout.write(markdown() + "\n")
