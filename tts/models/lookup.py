"""The card of a model by its short name, hub id, folder or address. Standard library only; nothing is loaded."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from tts.errors import ModelError, UnknownName
from tts.models import hf_config
from tts.models.card import BOXED, Kind, ModelCard
from tts.models.files import hub_folder
from tts.models.policies import POLICIES, RECOMMENDED, RECOMMENDED_WHY, conventions
from tts.models.reward_models import FAMILIES, REWARD_MODELS, identified_by

# Causal language models whose class is called something else; Gemma's can read images too, which nobody sends it here.
_CAUSAL = ("GPT2LMHeadModel", "Gemma3ForConditionalGeneration")

CARDS: dict[str, ModelCard] = {card.name: card for card in (*POLICIES, *REWARD_MODELS)}


def lookup(name: str, kind: Kind | None = None) -> ModelCard:
    """Return the card of anything but a description; see :func:`tts.models.find.find`."""
    if re.match(r"[\w.-]+:\d+([/#]|$)", name):
        raise ModelError(f"{name!r} is an address without a scheme: write http://{name}.")
    card = _served(name, kind) if re.match(r"https?://", name, re.IGNORECASE) else _here(name, kind)
    if card is None and ("/" in name or name.startswith((".", "~"))):
        raise ModelError(f"there is no folder {name!r}: give a folder that holds a model, or one of the known names.")
    if card is None:
        raise UnknownName(kind or "model", name, (c.name for c in CARDS.values() if kind in (None, c.kind)))
    return card


def _here(name: str, kind: Kind | None) -> ModelCard | None:
    """The card of anything but an address, None where nothing is known by this name."""
    path = Path(name).expanduser()
    card = CARDS.get(name.lower()) or next((c for c in CARDS.values() if c.hub.lower() == name.lower() and c.hub), None)
    if card is None and path.is_dir():
        card = _read_folder(path)
    if card is None and re.fullmatch(r"[\w.-]+/[\w.-]+", name) and not name.startswith("."):
        cached = hub_folder(name)
        card = _guessed(name, kind)
        if cached is not None:
            card = replace(_read_folder(cached, name), name=name, hub=name, folder="")
    return card


def _served(address: str, kind: Kind | None) -> ModelCard:
    """The card of a model behind an address: what is known of its name, else next to nothing.

    A server may give a model any name, so a folder of that name that holds something else is no error. Without a name
    the card is named after the address; the engine asks the server which model it has.
    """
    url, _, model = address.partition("#")
    try:
        card = _here(model, kind) if model else None
    except ModelError:
        card = None
    card = card or replace(_guessed(model, kind), hub="")
    return replace(card, name=model or url, url=url)


def _guessed(name: str, kind: Kind | None) -> ModelCard:
    """The card of a model of which nothing but the name is known here."""
    if kind == "prm":
        return ModelCard(name=name, kind=kind, hub=name, system=BOXED)
    return ModelCard(name=name, hub=name, **conventions({}, name))


def _read_folder(path: Path, name: str = "") -> ModelCard:
    """A card from a folder's config.json. Raises ModelError where there is none, or it is of no known kind.

    ``name`` is what the model is called where the folder is not: part of the conventions follow from it.
    """
    file = path / "config.json"
    if not file.is_file():
        raise ModelError(f"{path} holds no config.json: give a folder that a model was saved to.")
    try:
        config = json.loads(file.read_text())
        architectures = list(config.get("architectures") or [])
    except (ValueError, AttributeError, OSError) as error:
        raise ModelError(f"{file} cannot be read as a model's configuration: {error}.") from error
    called = f"{name or path.resolve().name} {config.get('_name_or_path', '')}"
    common: dict[str, Any] = {
        "name": path.resolve().name,
        "folder": str(path.resolve()),
        "parameters": hf_config.parameters(config),
        "token_bytes": hf_config.token_bytes(config),
        "context": hf_config.context(config),
    }
    for architecture in architectures:
        if (family := identified_by(architecture)) is not None:
            return ModelCard(kind="prm", family=family, system=BOXED, **common)
        if architecture.endswith("ForCausalLM") or architecture in _CAUSAL:
            advice = {"prm": RECOMMENDED, "prm_reason": RECOMMENDED_WHY}
            return ModelCard(**{**advice, **conventions(hf_config.text_of(config), called), **common})
    found = ", ".join(map(str, architectures)) or "nothing"
    raise ModelError(
        f"{file} names {found} as its architecture: causal language models (...ForCausalLM) serve as policies and "
        f"{', '.join(FAMILIES)} as reward models."
    )
