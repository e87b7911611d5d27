"""Descriptions of models: JSON files that are named in place of a model.

A reward model whose config.json does not identify its family needs one, with the family and what differs from its
defaults:

    {"model": "./my-prm", "family": "two-token", "opening": "{problem}", "mark": "\n\n", "good": "yes", "bad": "no"}

That of a policy has what differs from the conventions of its model:

    {"model": "./my-model", "system": "Solve the problem.", "separator": "\n", "temperature": 0.6}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from tts.errors import BadInput, ModelError, UnknownName
from tts.files import json_text, shape
from tts.files.shape import Misfit, Shape
from tts.files.text import is_folder
from tts.models.card import Kind, ModelCard
from tts.models.files import folder_of, hub_folder
from tts.models.gguf.convert import SUFFIX
from tts.models.lookup import CARDS, lookup
from tts.protocols import RewardFamily
from tts.registry import resolve

LARGEST = 2**20
"""Size limit of a description in bytes."""

CONVENTIONS: Mapping[str, Shape] = {
    "system": shape.text, "suffix": shape.text, "opening": shape.text, "separator": shape.text, "thinking": shape.flag,
    "temperature": shape.number, "top_p": shape.number, "prm": shape.text,
    "context": shape.whole, "max_step_tokens": shape.whole, "max_tokens": shape.whole,
}  # fmt: skip
"""What a description of a policy may hold: fields of :class:`tts.models.card.ModelCard`."""

_COUNTS = ("context", "max_step_tokens", "max_tokens")


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


def describe_policy(name: str, model: str, **conventions: Any) -> ModelCard:
    """Register a policy under a name, for this process.

    Args:
        name: the new name.
        model: a short name, a folder, a GGUF file, a hub id or a server's address.
        conventions: those of :data:`CONVENTIONS` that differ from the model's.

    Raises:
        UnknownName: the model or a convention is unknown.
        BadInput: a value has the wrong type.
    """
    CARDS[name.lower()] = card = _asked(name, model, conventions)
    return card


def read(file: Path, kind: Kind | None = None) -> ModelCard:
    """Read the description of a model: of a reward model if it names a family.

    Raises as :func:`describe` and :func:`describe_policy`, and BadInput for a damaged file.
    """
    found = json_text.read(file, f"the description of a model {file}", LARGEST)
    needed = ("model", "family") if kind == "prm" else ("model",)
    if not isinstance(found, dict) or not all(isinstance(found.get(key, ""), str) for key in ("model", "family")):
        found = {}
    if not all(key in found for key in needed):
        wanted = 'a reward model: write "model" and "family"' if kind == "prm" else 'a model: write "model"'
        raise BadInput(f"{file} does not describe {wanted} into it (docs/MODELS.md).")
    if found["model"].endswith(".json"):
        raise BadInput(f'{file} is to name a folder, a hub id or an address as its "model", not {found["model"]!r}.')
    local = file.parent / found["model"]
    model = str(local) if is_folder(local) or local.suffix.lower() == SUFFIX else found["model"]
    rest = {key: value for key, value in found.items() if key not in ("model", "family")}
    if "family" not in found:
        return _asked(file.stem, model, rest)
    context = rest.pop("context", 0)
    return _described(file.stem, model, found["family"], context, rest)


def _asked(name: str, model: str, conventions: Mapping[str, Any]) -> ModelCard:
    for key, value in conventions.items():
        if key not in CONVENTIONS:
            raise UnknownName("convention of a policy", key, CONVENTIONS)
        try:
            CONVENTIONS[key](value, repr(key))
        except Misfit as error:
            raise BadInput(f"{error}.") from error
    if "" in (conventions.get("separator"), conventions.get("prm")) or 0 in map(conventions.get, _COUNTS):
        raise BadInput(f"{name}: 'separator' and 'prm' may not be empty, and a number of tokens must be 1 or more.")
    card = lookup(model, "policy")
    folder = card.folder or ("" if card.hub or card.url else str(folder_of(card) or ""))  # of a built-in model
    if folder and conventions.get("context", 0) > card.context:
        raise BadInput(f"{name}: 'context' may be at most {card.context}, as in {model}, not {conventions['context']}.")
    called = card.name if card.url else name  # a server has its own name for its model
    reason = "its description names it" if "prm" in conventions else card.prm_reason
    return replace(card, name=called, folder=folder, prm_reason=reason, **conventions)


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
