"""What is known of each model by its short name, and where its files lie. Standard library only; nothing is loaded."""

from __future__ import annotations

import importlib.util
import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from tts import configuration
from tts.card import BOXED, Kind, ModelCard
from tts.errors import ModelError, UnknownName
from tts.known_policies import DEFAULT_POLICY, POLICIES, RECOMMENDED, RECOMMENDED_WHY, conventions
from tts.known_reward_models import FAMILIES, REWARD_MODELS, told_by

__all__ = ["CARDS", "DEFAULT_POLICY", "Kind", "ModelCard", "find", "folder_of", "hub_folder"]

# Causal language models whose class is called something else; Gemma's can read images too, which nobody sends it here.
_CAUSAL = ("GPT2LMHeadModel", "Gemma3ForConditionalGeneration")

CARDS: dict[str, ModelCard] = {card.name: card for card in (*POLICIES, *REWARD_MODELS)}


def find(name: str, kind: Kind | None = None) -> ModelCard:
    """The card of a short name (in any case), a hub id ``org/name``, a folder with a model in it, or an address.

    Args:
        name: as the user typed it; an address is ``http://host:port/v1#model-name``.
        kind: what it is wanted for, if that is to be checked.

    Raises:
        UnknownName: for none of these.
        ModelError: for a folder that holds no model, or a model of the other kind.
    """
    if re.match(r"[\w.-]+:\d+([/#]|$)", name):
        raise ModelError(f"{name!r} is an address without a scheme: write http://{name}.")
    card = _served(name, kind) if re.match(r"https?://", name, re.IGNORECASE) else _here(name, kind)
    if card is None and ("/" in name or name.startswith((".", "~"))):
        raise ModelError(f"there is no folder {name!r}: give a folder that holds a model, or one of the known names.")
    if card is None:
        raise UnknownName(kind or "model", name, (c.name for c in CARDS.values() if kind in (None, c.kind)))
    if kind == "prm" and card.kind != kind and card.name not in CARDS:
        raise ModelError(
            f"{card.name} is a causal language model by its config.json, so a policy and not a reward model: name "
            "another, or if it is one, describe its form in a file (docs/MODELS.md) and name that (--prm FILE.json)."
        )
    if kind is not None and card.kind != kind:
        is_, wanted = ("a reward model", "a policy") if kind == "policy" else ("a policy", "a reward model")
        raise ModelError(f"{card.name} is {is_}, not {wanted}: name {wanted} here.")
    return card


def _here(name: str, kind: Kind | None) -> ModelCard | None:
    """The card of anything but an address, None where nothing is known by this name."""
    path = Path(name).expanduser()
    if path.suffix == ".json":
        from tts import families  # it reads what it describes through this module

        return families.read(path)
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


def folder_of(card: ModelCard) -> Path | None:
    """The folder that holds the model's files, or None where they are not on this machine."""
    if card.folder:
        return Path(card.folder)
    if card.hub:
        return hub_folder(card.hub)
    spec = importlib.util.find_spec("benchmarks.lab")
    roots = list(spec.submodule_search_locations or []) if spec else []
    folder = Path(roots[0], "models", card.name) if roots else None
    return folder if folder and folder.is_dir() else None


def hub_folder(hub: str) -> Path | None:
    """The newest downloaded snapshot of a hub repository in the local cache; the network is never asked."""
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME", "~/.cache"), "huggingface")
    root = Path(os.environ.get("HF_HUB_CACHE") or Path(home, "hub")).expanduser() / f"models--{hub.replace('/', '--')}"
    reference = root / "refs" / "main"
    if reference.is_file():
        folder = root / "snapshots" / reference.read_text().strip()
        return folder if (folder / "config.json").is_file() else None
    snapshots = [path for path in root.glob("snapshots/*") if (path / "config.json").is_file()]
    return max(snapshots, key=lambda path: path.stat().st_mtime, default=None)


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
        "parameters": configuration.parameters(config),
        "token_bytes": configuration.token_bytes(config),
        "context": configuration.context(config),
    }
    for architecture in architectures:
        if (family := told_by(architecture)) is not None:
            return ModelCard(kind="prm", family=family, system=BOXED, **common)
        if architecture.endswith("ForCausalLM") or architecture in _CAUSAL:
            advice = {"prm": RECOMMENDED, "prm_reason": RECOMMENDED_WHY}
            return ModelCard(**{**advice, **conventions(configuration.text_of(config), called), **common})
    found = ", ".join(map(str, architectures)) or "nothing"
    raise ModelError(
        f"{file} names {found} as its architecture: causal language models (...ForCausalLM) serve as policies and "
        f"{', '.join(FAMILIES)} as reward models."
    )
