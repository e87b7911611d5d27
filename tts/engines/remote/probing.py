"""What a server can do for a model: asked once, remembered for a day, and checked with one token after that."""

from __future__ import annotations

import hashlib
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tts.engines.remote.capabilities import TRIAL_SECONDS, Dialect, longest, searches, solutions
from tts.engines.remote.client import Server
from tts.engines.remote.reply import Json, Reply, count_of, first_choice, ids_of
from tts.engines.tokenizer import Text
from tts.errors import BadInput, EngineError, ModelError, TTSError
from tts.files import json_text
from tts.files.cache import cache_folder
from tts.files.text import write_atomically
from tts.models.card import ModelCard

DAY = 86_400.0
"""Seconds for which a server's abilities are remembered."""

_TRIAL = "1 + 1 = 2.\n\nSo the answer is 2"  # on which two tokenizers would hardly agree by chance
_OLLAMA = "library"  # what Ollama's list of models names as their owner
_FLEETING = ("created", "permission")  # entries of a model that some servers make anew for each request
_DIGITS = 32


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a server can do for a model.

    Attributes:
        dialect: what it speaks.
        agrees: the tokenizer on this machine, if there is one, is the server's; where it can be known.
        context: its limit of tokens; 0 if unknown.
        parameters: the model's size as the server says it; 0 if unknown.
    """

    dialect: Dialect
    agrees: bool = True
    context: int = 0
    parameters: int = 0


async def abilities(server: Server, card: ModelCard, entry: Json, text: Text | None, folder: Path | None) -> Abilities:
    """Return what a server can do for a model.

    What was found within a day, for the same entry of its list and the same tokenizer, is checked with a request for
    one token, and its tokenizer with one text. Where that fails or answers otherwise, everything is asked anew.

    Args:
        server: the server.
        card: the model, under the server's name.
        entry: what the server's list says of it.
        text: its tokenizer, if it is on this machine.
        folder: where that tokenizer is.
    """
    file = _file(server, card, entry, folder)
    remembered = _recalled(file)
    if remembered is not None and await _still(server, card, remembered, text):
        return remembered
    found = await _probed(server, card, entry, text)
    _keep(file, found)
    return found


# -- memory ------------------------------------------------------------------------------------------------------------


def _file(server: Server, card: ModelCard, entry: Json, folder: Path | None) -> Path:
    """Return the file of a server and model; a changed entry or tokenizer makes it another one."""
    about = {key: value for key, value in entry.items() if key not in _FLEETING}
    key = json_text.dump([server.address.base, card.name, about, str(folder)], ascii_only=True)
    return cache_folder("servers") / f"{hashlib.sha256(key.encode()).hexdigest()[:_DIGITS]}.json"


def _recalled(file: Path) -> Abilities | None:
    try:
        row = json_text.read(file)
        age = time.time() - row["when"]
        dialect = Dialect(**row["abilities"].pop("dialect"))
        return Abilities(dialect, **row["abilities"]) if 0 <= age < DAY else None
    except (BadInput, KeyError, TypeError, AttributeError):
        return None


def _keep(file: Path, found: Abilities) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, json_text.dump({"when": time.time(), "abilities": asdict(found)}))
    except (OSError, BadInput):
        return  # it is asked again next time


async def _still(server: Server, card: ModelCard, remembered: Abilities, text: Text | None) -> bool:
    """Return whether a server still answers as remembered, by a request for one token, and one for its tokenizer."""
    base, dialect = server.address.base, remembered.dialect
    if not dialect.completions:
        body: Json = {"model": card.name, "messages": [{"role": "user", "content": "1"}], dialect.chat_limit: 1}
        return (await server.ask(f"{base}/chat/completions", body, retries=1, seconds=TRIAL_SECONDS)).ok
    body = _one_token(card) | ({"return_token_ids": True} if dialect.ids else {})
    reply = await server.ask(f"{base}/completions", body, retries=1, seconds=TRIAL_SECONDS)
    choice = first_choice(reply.data) if reply.ok else None
    if choice is None:
        return False
    ids = not dialect.ids or ids_of(choice.get("token_ids")) is not None
    if not ids or _tells_stop(choice) != dialect.tells_stop:
        return False
    if text is None or dialect.routes != "vllm":
        return True
    return (text.encode(_TRIAL) == await _tokenized(server, card)) == remembered.agrees


# -- asking ------------------------------------------------------------------------------------------------------------


def _one_token(card: ModelCard) -> Json:
    return {"model": card.name, "prompt": "1", "max_tokens": 1, "temperature": 0.0}


def _tells_stop(choice: Json) -> bool:
    return bool({"stop_reason", "matched_stop"} & {*choice})


async def _probed(server: Server, card: ModelCard, entry: Json, text: Text | None) -> Abilities:
    if searches(entry):
        return Abilities(Dialect(completions=False, solutions=solutions(entry)), context=longest(entry))
    dialect, agrees = await _dialect(server, card, text)
    context, parameters = longest(entry), _parameters(entry.get("meta"))
    if dialect.routes == "llama.cpp":
        properties = (await _perhaps(server, f"{server.address.root}/props")).data
        settings = properties.get("default_generation_settings")
        context = (count_of(settings.get("n_ctx")) or 0) if isinstance(settings, dict) else 0
        parameters = parameters or _parameters(properties.get("model_meta"))
    elif entry.get("owned_by") == _OLLAMA:
        shown = (await _perhaps(server, f"{server.address.root}/api/show", {"model": card.name})).data
        parameters = _parameters(shown.get("model_info"))
    return Abilities(dialect, agrees, context, parameters)


async def _tokenized(server: Server, card: ModelCard) -> list[int] | None:
    """Return the server's ids of a short text; None if it has no route for that."""
    asked = {"model": card.name, "prompt": _TRIAL, "add_special_tokens": False}
    return ids_of((await _perhaps(server, f"{server.address.root}/tokenize", asked)).data.get("tokens"))


def _parameters(meta: Any) -> int:
    """Return the number of parameters that a server's description of a model holds; 0 if none."""
    if not isinstance(meta, dict):
        return 0
    return count_of(meta.get("n_params")) or count_of(meta.get("general.parameter_count")) or 0


async def _dialect(server: Server, card: ModelCard, text: Text | None) -> tuple[Dialect, bool]:
    """Find out what the server speaks, first by a request of one token; also whether our tokenizer is the server's."""
    base, root = server.address.base, server.address.root
    trial = _one_token(card)
    reply = await server.ask(
        f"{base}/completions", trial | {"return_token_ids": True}, retries=1, seconds=TRIAL_SECONDS
    )
    if reply.status in (400, 422):  # some take no key that they do not know
        reply = await server.ask(f"{base}/completions", trial, retries=1, seconds=TRIAL_SECONDS)
    if not reply.ok:
        return await _chat_dialect(server, card, reply), True
    if (choice := first_choice(reply.data)) is None:
        raise EngineError(f"{base} answered without choices: is it OpenAI-compatible?")
    dialect = Dialect(ids=ids_of(choice.get("token_ids")) is not None, tells_stop=_tells_stop(choice))
    agrees = True
    if tokens := await _tokenized(server, card):
        dialect = replace(dialect, routes="vllm")
        agrees = text is None or text.encode(_TRIAL) == tokens
    elif not dialect.ids:
        opened = await _perhaps(server, f"{root}/apply-template", {"messages": [{"role": "user", "content": "1"}]})
        dialect = replace(dialect, routes="llama.cpp" if isinstance(opened.data.get("prompt"), str) else "")
    if (text is None or not agrees) and not dialect.routes:
        dialect = replace(dialect, ids=False)  # without a tokenizer the prompt has no ids
    return dialect, agrees


async def _chat_dialect(server: Server, card: ModelCard, refusal: Reply) -> Dialect:
    """Check a server without raw completions for chat. Raises ModelError if it has neither."""
    body: Json = {"model": card.name, "messages": [{"role": "user", "content": "1"}], "max_tokens": 1}
    reply = await server.ask(f"{server.address.base}/chat/completions", body, retries=1, seconds=TRIAL_SECONDS)
    if reply.ok:
        return Dialect(completions=False)
    if "max_completion_tokens" in reply.message:
        return Dialect(completions=False, chat_limit="max_completion_tokens")
    raise ModelError(
        f"{server.address.base} gives neither raw completions ({refusal.status}) nor chat ({reply.status}) for "
        f"{card.name}: {reply.message or refusal.message or 'see that the address is right'}."
    )


async def _perhaps(server: Server, url: str, body: Json | None = None) -> Reply:
    """Ask for something that many servers do not have; gateways refuse it in all sorts of ways."""
    try:
        return await server.ask(url, body, retries=0, seconds=TRIAL_SECONDS)
    except TTSError as error:
        return Reply(0, {}, str(error))
