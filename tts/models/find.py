"""Lookup of a model's card by anything a user may type. Standard library only; nothing is loaded."""

from __future__ import annotations

from pathlib import Path

from tts.errors import ModelError
from tts.models import descriptions
from tts.models.card import Kind, ModelCard
from tts.models.lookup import CARDS, lookup


def find(name: str, kind: Kind | None = None) -> ModelCard:
    """Return the card of a short name (in any case), a hub id ``org/name``, a folder, an address or a description.

    Args:
        name: the name as typed; an address is ``http://host:port/v1#model-name``, a description a ``.json`` file.
        kind: the required kind, if any.

    Raises:
        UnknownName: the name is none of these.
        ModelError: the folder has no model, or the model has the other kind.
    """
    path = Path(name).expanduser()
    card = descriptions.read(path, kind) if path.suffix == ".json" else lookup(name, kind)
    if kind == "prm" and card.kind != kind and card.name not in CARDS:
        raise ModelError(
            f"{card.name} is a causal language model by its config.json, so a policy and not a reward model: name "
            "another, or if it is one, describe its form in a file (docs/MODELS.md) and name that (--prm FILE.json)."
        )
    if kind is not None and card.kind != kind:
        is_, wanted = ("a reward model", "a policy") if kind == "policy" else ("a policy", "a reward model")
        raise ModelError(f"{card.name} is {is_}, not {wanted}: name {wanted} here.")
    return card
