"""Lookup of a model's card by short name, hub id, folder or address. Standard library only; nothing is loaded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tts.errors import BadInput, ModelError, UnknownName
from tts.files import json_text, shape
from tts.files.shape import Misfit
from tts.files.text import is_folder
from tts.models import hf_config
from tts.models.card import BOXED, Kind, ModelCard
from tts.models.files import hub_folder, hub_gguf
from tts.models.gguf.convert import SUFFIX, describe
from tts.models.policies import POLICIES, RECOMMENDED, RECOMMENDED_WHY, conventions
from tts.models.reward_models import FAMILIES, REWARD_MODELS, identified_by

# Causal language models with another class name; Gemma's also reads images, which are not used here.
_CAUSAL = ("GPT2LMHeadModel", "Gemma3ForConditionalGeneration")

CARDS: dict[str, ModelCard] = {card.name: card for card in (*POLICIES, *REWARD_MODELS)}


def lookup(name: str, kind: Kind | None = None) -> ModelCard:
    """Return the card of any name but a description; see :func:`tts.models.find.find`."""
    if re.match(r"[\w.-]+:\d+([/#]|$)", name):
        raise ModelError(f"{name!r} is an address without a scheme: write http://{name}.")
    card = _served(name, kind) if re.match(r"https?://", name, re.IGNORECASE) else _here(name, kind)
    if card is None and ("/" in name or name.startswith((".", "~"))):
        raise ModelError(f"there is no folder {name!r}: give a folder that holds a model, or one of the known names.")
    if card is None:
        raise UnknownName(kind or "model", name, (c.name for c in CARDS.values() if kind in (None, c.kind)))
    return card


def _here(name: str, kind: Kind | None) -> ModelCard | None:
    """Return the card of any name but an address; None for an unknown name."""
    path = Path(name).expanduser()
    card = CARDS.get(name.lower()) or next((c for c in CARDS.values() if c.hub.lower() == name.lower() and c.hub), None)
    if card is None and path.suffix.lower() == SUFFIX:
        card = _read_gguf(path)
    if card is None and is_folder(path):
        card = _read_folder(path) if (path / "config.json").is_file() or not _gguf_in(path) else _only_gguf(path)
    if card is None and re.fullmatch(r"[\w.-]+/[\w.-]+", name) and not name.startswith("."):
        cached = hub_folder(name)
        card = _guessed(name, kind)
        if cached is not None:
            card = replace(_read_folder(cached, name), name=name, hub=name, folder="")
        elif (snapshot := hub_gguf(name)) is not None:
            card = replace(_only_gguf(snapshot), name=name)
    return card


def _served(address: str, kind: Kind | None) -> ModelCard:
    """Return the card of a model behind an address: that of its name if known, else a nearly empty one.

    A server may give a model any name, so a folder of that name without a model is not an error. Without a name the
    card is named after the address; the engine asks the server for its model.
    """
    url, _, model = address.partition("#")
    try:
        card = _here(model, kind) if model else None
    except ModelError:
        card = None
    card = card or replace(_guessed(model, kind), hub="")
    return replace(card, name=model or url, url=url)


def _guessed(name: str, kind: Kind | None) -> ModelCard:
    """Return the card of a model of which only the name is known."""
    if kind == "prm":
        return ModelCard(name=name, kind=kind, hub=name, system=BOXED)
    return ModelCard(name=name, hub=name, **conventions({}, name))


_KIND = {"model_type": shape.optional(shape.text)}
_CONFIG = shape.fields(
    {},
    {
        "architectures": shape.optional(shape.listed(shape.text)),
        "text_config": shape.optional(shape.fields({}, _KIND)),
        **_KIND,
    },
)


def _read_folder(path: Path, name: str = "") -> ModelCard:
    """Build a card from a folder's config.json. Raises ModelError if it is missing or has an unknown class.

    ``name`` is the name of the model, if not the folder's; some conventions follow from it.
    """
    file = path / "config.json"
    if not file.is_file():
        raise ModelError(f"{path} holds no config.json: give a folder that a model was saved to.")
    try:
        config = json_text.read(file)
        _CONFIG(config, "it")
    except (BadInput, Misfit) as error:
        reason = str(error).rstrip(".")
        raise ModelError(f"{file} cannot be read as a model's configuration: {reason}.") from error
    called = f"{name or path.resolve().name} {config.get('_name_or_path', '')}"
    return _card(path, config, called)


def _gguf_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() == SUFFIX)


def _only_gguf(folder: Path) -> ModelCard:
    """Return the card of the only GGUF file in a folder. Raises ModelError if there are several."""
    found = _gguf_in(folder)
    if len(found) > 1:
        names = ", ".join(path.name for path in found[:6])
        raise ModelError(f"{folder} holds {len(found)} GGUF files: name one of them ({names}).")
    return _read_gguf(found[0])


def _read_gguf(file: Path) -> ModelCard:
    """Build a card from a GGUF file's header. Raises ModelError if it cannot be converted."""
    if not file.is_file():
        raise ModelError(f"there is no file {str(file)!r}: give the path of a GGUF file.")
    found = describe(file)
    card = _card(file, found.config, f"{file.stem} {found.title}")
    return replace(card, name=file.stem, parameters=found.parameters)


def _card(path: Path, config: Mapping[str, Any], called: str) -> ModelCard:
    """Build the card of a folder or file from its configuration; ``called`` are its names."""
    architectures = config.get("architectures") or []
    file = path / "config.json"
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
