"""Which form a reward model has: the family its card names, with what its description changes.

A reward model whose config.json does not tell its form is described in a JSON file, and the file is named in its place:

    {"model": "./my-prm", "family": "two-token", "opening": "{problem}", "mark": "\\n\\n", "good": "yes", "bad": "no"}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from tts.errors import BadInput, ModelError, UnknownName
from tts.files import json_text
from tts.models.card import ModelCard
from tts.models.files import hub_folder
from tts.models.lookup import CARDS, lookup
from tts.protocols import RewardFamily
from tts.registry import resolve

LARGEST = 2**20
"""Bytes of the largest description."""


def family_of(card: ModelCard) -> RewardFamily:
    """Return the family of a reward model. Raises ModelError where the card names none, or one that is no family."""
    if not card.family:
        raise ModelError(unknown_form(card.name))
    family = resolve("prm family", card.family)
    if not isinstance(family, RewardFamily):
        raise ModelError(f"the reward-model family {card.family!r} does not inherit tts.protocols.RewardFamily.")
    return replace(family, **dict(card.form)) if card.form else family  # type: ignore[type-var]


def unknown_form(name: str) -> str:
    """The sentence for a model whose form nothing tells."""
    return (
        f"nothing tells in which form {name} is a reward model: describe it in a file, as docs/MODELS.md shows, and "
        "name that (--prm FILE.json)."
    )


def describe(name: str, model: str, family: str, *, context: int = 0, **form: Any) -> ModelCard:
    """Make a reward model known by a name of its own, for this process.

    Args:
        name: how it will be called.
        model: a folder, a hub id or a server's address.
        family: the form, by its name in the registry.
        context: most tokens it reads; by default what its config.json says.
        form: attributes of the family that differ from its defaults.

    Raises:
        UnknownName: for a family or an attribute nobody knows.
        BadInput: for a value of the wrong kind.
    """
    CARDS[name.lower()] = card = _described(name, model, family, context, form)
    return card


def read(file: Path) -> ModelCard:
    """The reward model that a JSON file describes. Errors as for :func:`describe`, and BadInput for a damaged file."""
    found = json_text.read(file, f"the description of a reward model {file}", LARGEST)
    if not isinstance(found, dict) or not all(isinstance(found.get(key), str) for key in ("model", "family")):
        raise BadInput(f'{file} does not describe a reward model: write "model" and "family" into it (docs/MODELS.md).')
    if found["model"].endswith(".json"):
        raise BadInput(f'{file} is to name a folder, a hub id or an address as its "model", not {found["model"]!r}.')
    beside = file.parent / found["model"]
    model = str(beside) if beside.is_dir() else found["model"]
    form = {key: value for key, value in found.items() if key not in ("model", "family", "context")}
    return _described(str(file), model, found["family"], found.get("context", 0), form)


def _described(name: str, model: str, family: str, context: int, form: Mapping[str, Any]) -> ModelCard:
    if isinstance(context, bool) or not isinstance(context, int) or not 0 <= context < 2**31:
        raise BadInput(f"'context' is to be a number of tokens, not {context!r}.")
    _check(family, form)
    card = _bare(model)
    if not card.url:  # a server knows its model by its own name
        card = replace(card, name=name)
    return replace(
        card, kind="prm", family=family, form=tuple(sorted(form.items())), context=context or card.context
    )  # fmt: skip


def _check(family: str, form: Mapping[str, Any]) -> None:
    plain = resolve("prm family", family)
    known = {f.name: getattr(plain, f.name) for f in fields(plain)} if is_dataclass(plain) else {}
    for name, value in form.items():
        if name not in known:
            raise UnknownName(f"attribute of the reward-model family {family}", name, known)
        if type(value) is not type(known[name]):
            raise BadInput(f"{name!r} is to be {type(known[name]).__name__}, not {value!r}.")
    if form:
        replace(plain, **form)


def _bare(model: str) -> ModelCard:
    """The card of what a description calls its model, whatever its config.json calls itself."""
    try:
        card = lookup(model)
    except UnknownName:
        raise
    except ModelError:  # of no known class
        folder = Path(model).expanduser() if Path(model).expanduser().is_dir() else hub_folder(model)
        if folder is None or not (folder / "config.json").is_file():
            raise
        card = ModelCard(name=folder.name, folder=str(folder.resolve()))
    return replace(card, prm="", prm_reason="")
