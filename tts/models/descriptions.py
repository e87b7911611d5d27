"""Descriptions of reward models: JSON files that name the family and what differs from its defaults.

A reward model whose config.json does not identify its family needs a description, which is used in place of the model:

    {"model": "./my-prm", "family": "two-token", "opening": "{problem}", "mark": "\n\n", "good": "yes", "bad": "no"}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from tts.errors import BadInput, ModelError, UnknownName
from tts.files import json_text
from tts.files.text import is_folder
from tts.models.card import ModelCard
from tts.models.files import hub_folder
from tts.models.lookup import CARDS, lookup
from tts.protocols import RewardFamily
from tts.registry import resolve

LARGEST = 2**20
"""Size limit of a description in bytes."""


def family_of(card: ModelCard) -> RewardFamily:
    """Return the family of a reward model. Raises ModelError if the card names none, or an unknown one."""
    if not card.family:
        raise ModelError(unknown_form(card.name))
    family = resolve("prm family", card.family)
    if not isinstance(family, RewardFamily):
        raise ModelError(f"the reward-model family {card.family!r} does not inherit tts.protocols.RewardFamily.")
    return replace(family, **dict(card.form)) if card.form else family  # type: ignore[type-var]


def unknown_form(name: str) -> str:
    """Return the error message for a model whose family is unknown."""
    return (
        f"nothing tells in which form {name} is a reward model: describe it in a file, as docs/MODELS.md shows, and "
        "name that (--prm FILE.json)."
    )


def describe(name: str, model: str, family: str, *, context: int = 0, **form: Any) -> ModelCard:
    """Register a reward model under a name, for this process.

    Args:
        name: the new name.
        model: a folder, a hub id or a server's address.
        family: name of the family in the registry.
        context: limit of tokens; default: that of its config.json.
        form: attributes of the family that differ from its defaults.

    Raises:
        UnknownName: the family or an attribute is unknown.
        BadInput: a value has the wrong type.
    """
    CARDS[name.lower()] = card = _described(name, model, family, context, form)
    return card


def read(file: Path) -> ModelCard:
    """Read the description of a reward model. Raises as :func:`describe`, and BadInput for a damaged file."""
    found = json_text.read(file, f"the description of a reward model {file}", LARGEST)
    if not isinstance(found, dict) or not all(isinstance(found.get(key), str) for key in ("model", "family")):
        raise BadInput(f'{file} does not describe a reward model: write "model" and "family" into it (docs/MODELS.md).')
    if found["model"].endswith(".json"):
        raise BadInput(f'{file} is to name a folder, a hub id or an address as its "model", not {found["model"]!r}.')
    local = file.parent / found["model"]
    model = str(local) if is_folder(local) else found["model"]
    form = {key: value for key, value in found.items() if key not in ("model", "family", "context")}
    return _described(str(file), model, found["family"], found.get("context", 0), form)


def _described(name: str, model: str, family: str, context: int, form: Mapping[str, Any]) -> ModelCard:
    if isinstance(context, bool) or not isinstance(context, int) or not 0 <= context < 2**31:
        raise BadInput(f"'context' is to be a number of tokens, not {context!r}.")
    _check(family, form)
    card = _bare(model)
    if not card.url:  # a server has its own name for its model
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
    """Return the card of the model that a description names, without the family of its config.json."""
    try:
        card = lookup(model)
    except UnknownName:
        raise
    except ModelError:  # unknown class
        folder = Path(model).expanduser() if is_folder(Path(model).expanduser()) else hub_folder(model)
        if folder is None or not (folder / "config.json").is_file():
            raise
        card = ModelCard(name=folder.name, folder=str(folder.resolve()))
    return replace(card, prm="", prm_reason="")
