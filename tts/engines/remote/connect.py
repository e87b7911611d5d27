"""Connects to models behind an address: an OpenAI-compatible server for the policy, a vLLM one for the reward model.

Connecting asks the server what it serves and tries what it can do; nothing about a kind of server is taken on trust.
"""

from __future__ import annotations

import contextlib
import difflib
from dataclasses import replace
from pathlib import Path
from typing import Any

from tts.cost import ModelShape
from tts.engines.outcome_reward import of_family
from tts.engines.remote.address import Address, Patience
from tts.engines.remote.capabilities import listed, listing, longest, searches
from tts.engines.remote.client import Server
from tts.engines.remote.policy import RemotePolicy
from tts.engines.remote.probing import abilities
from tts.engines.remote.reply import Json
from tts.engines.remote.reward import RemoteReward, kind_of_rows
from tts.engines.tokenizer import Text
from tts.errors import BadInput, ModelError, TTSError
from tts.models.card import Kind, ModelCard
from tts.models.descriptions import family_of
from tts.models.files import folder_of, require
from tts.models.find import find
from tts.protocols import RewardFamily, RewardModel


def connect_policy(card: ModelCard, patience: Patience, *, tokenizer: str = "", seeds: bool = True) -> RemotePolicy:
    """Connect to a policy; see :meth:`tts.engines.remote.engine.RemoteEngine.load_policy`."""
    server = Server(Address.parse(card.url), patience)
    with _closing_on_failure(server):
        card, entry = server.wait(_met(server, card, "policy"))
        if searches(entry):  # its own policy has a system message already
            card = replace(card, system="", suffix="", opening="")
        folder = _folder(card, tokenizer)
        text = _text(card, folder)
        found = server.wait(abilities(server, card, entry, text, folder))
        return RemotePolicy(
            card, server, found.dialect, text=text if found.agrees else None,
            shape=_policy_shape(card, folder, found.parameters), served=found.context, seeds=seeds,
        )  # fmt: skip


def connect_reward(card: ModelCard, patience: Patience, *, tokenizer: str = "") -> RewardModel:
    """Connect to a reward model; see :meth:`tts.engines.remote.engine.RemoteEngine.load_reward`."""
    server = Server(Address.parse(card.url), patience)
    with _closing_on_failure(server):
        card, entry = server.wait(_met(server, card, "prm"))
        folder = _folder(card, tokenizer)
        if folder is None or (text := _text(card, folder)) is None:
            what = f"run `hf download {card.hub} --include '*.json'`, or " if card.hub else ""
            raise ModelError(
                f"the prompt of {card.name} is made on this machine, which lacks its tokenizer: {what}name its "
                "folder with --engine-arg prm.tokenizer=FOLDER."
            )
        if not card.family:
            card = replace(card, family=find(str(folder), "prm").family)
        family = family_of(card)
        if (pooling := family.pooling) is None:
            raise ModelError(
                f"no pooling server can serve reward models of the family {card.family}: use --engine transformers "
                "with the model's folder."
            )
        form = family.format(text.tokenizer)
        rows, scale = server.wait(kind_of_rows(server, card.name, form))
        context = min(card.context, longest(entry) or card.context)
        shape = _reward_shape(card, folder, family)
        reward = RemoteReward(card, server, form, pooling, rows=rows, scale=scale, shape=shape, context=context)
        return of_family(reward, family)


@contextlib.contextmanager
def _closing_on_failure(server: Server) -> Any:
    try:
        yield
    except BaseException:
        server.close()
        raise


# -- what the server says ----------------------------------------------------------------------------------------------


async def _met(server: Server, card: ModelCard, kind: Kind) -> tuple[ModelCard, Json]:
    """Return the card under the server's name of the model, and what else the server reports about it."""
    served = await listing(server)
    base, asked = server.address.base, card.name if card.name != card.url else ""
    if not asked and len(served) != 1:
        several = f" serves {listed(served)}: choose one" if served else " does not say what it serves: name the model"
        raise BadInput(f"{base}{several}, as in {card.url}#{next(iter(served), 'model-name')}.")
    name = asked or next(iter(served))
    if served and name not in served:
        near = difflib.get_close_matches(name, served, n=1, cutoff=0.0) or list(served)
        raise ModelError(f"{base} does not serve {name!r}: it serves {listed(served)}; write {card.url}#{near[0]}.")
    if not asked:
        card = find(f"{card.url}#{name}", kind)
    return card, served.get(name, {})


# -- what this machine knows -------------------------------------------------------------------------------------------


def _folder(card: ModelCard, tokenizer: str) -> Path | None:
    """Return the folder of the model's configuration and tokenizer, if they are on this machine."""
    if not tokenizer:
        return folder_of(card)
    named = find(tokenizer)
    folder = require(named) if named.gguf else folder_of(named)
    if folder is None:
        raise BadInput(f"the tokenizer {tokenizer} is not on this machine: give its folder.")
    return folder


def _text(card: ModelCard, folder: Path | None) -> Text | None:
    """Load the model's tokenizer, None if it is not here. It imports torch, so it is loaded only when needed."""
    if folder is None or not any((folder / name).is_file() for name in ("tokenizer.json", "tokenizer_config.json")):
        return None
    from tts.engines.hf import tokenizer_of

    return Text(tokenizer_of(card, folder))


def _policy_shape(card: ModelCard, folder: Path | None, parameters: int) -> ModelShape:
    """Return the shape from the configuration if it is here; else the nominal size without attention; else zeros.

    The nominal size is that of a known model, or ``parameters``, which the server reports.
    """
    if folder is not None:
        from tts.engines.hf import causal_shape

        with contextlib.suppress(TTSError):
            return causal_shape(card, folder)
    size = card.parameters or parameters
    return ModelShape(size, size, 0, 0)


def _reward_shape(card: ModelCard, folder: Path, family: RewardFamily) -> ModelShape:
    from tts.engines.hf import guarded, shape_of

    with contextlib.suppress(TTSError):
        return shape_of(guarded(card, lambda: family.shape(folder)))
    return ModelShape(card.parameters, card.parameters, 0, 0)
