"""The vLLM engine: the policy as a generator, the reward model as a pooling model, both in this process."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tts.engines import devices
from tts.engines.engine import COMMON, Engine
from tts.engines.vllm.cpu import CPU_CACHE, KEPT_BLOCKS
from tts.errors import UnknownName
from tts.models.card import Kind, ModelCard
from tts.models.descriptions import family_of
from tts.models.files import built_in
from tts.protocols import RewardModel

if TYPE_CHECKING:
    from tts.engines.vllm.policy import VLLMPolicy

_DECLARED = ("EngineArgs", "AsyncEngineArgs")  # vLLM's classes whose fields are its engine arguments


class VLLMEngine(Engine):
    """Starts models on vLLM, from folders of this machine; never from the network.

    ``device`` is "cpu", "cuda" or "cuda:k" (``"cuda:0,cuda:1"`` runs a model on both in tensor parallel); ``dtype`` as
    vLLM names it, by default float32 on a CPU and the checkpoint's own on a GPU. ``share`` is the part of the device's
    memory that this model may take. Every further argument is one of vLLM's engine arguments.

    ``replicas`` is how many processes serve a policy, each with all of its weights and a part of the memory for keys
    and values; a problem stays with one of them. By default there is one, but on a CPU one for each core, up to four,
    of a policy below 5 million parameters: larger ones leave the reward model no core. Several devices are divided
    among them: ``"cuda:0,cuda:1"`` and two replicas is one on each.

    On a CPU a step's request reads nothing of its prefix again: the unfinished block of vLLM's prefix cache is kept
    (:mod:`tts.engines.vllm.unfinished_blocks`). A ``kv_transfer_config`` of the user's own replaces that, None too.
    A batch's tokens are drawn in one pass there (:mod:`tts.engines.vllm.drawing`), unless ``seeds`` is false or the
    user gives ``logits_processors``, a ``speculative_config`` or a ``logprobs_mode`` (None too).
    """

    name = "vllm"
    reserves = True
    takes_any = True
    cpu_cache = CPU_CACHE + KEPT_BLOCKS

    def suits(self, card: ModelCard) -> bool:
        """Return whether vLLM is installed and can serve a model that is neither built in nor behind an address."""
        ours = built_in(Path(card.folder)) if card.folder else not card.hub
        if card.url or ours or importlib.util.find_spec("vllm") is None:
            return False
        return not card.family or family_of(card).pooling is not None

    def check(self, kind: Kind, options: Mapping[str, Any]) -> None:
        """Refuse an argument that vLLM does not have, or a device that is not here, before either is loaded."""
        devices.require(options.get("device"))
        asked = set(options) - self.arguments(kind) - COMMON
        known = _declared() if asked else frozenset()
        for name in sorted(asked):
            if known and name not in known:
                raise UnknownName("engine argument of vLLM", name, known | self.arguments(kind))

    def load_policy(
        self, card: ModelCard, *, device: str | None = None, dtype: str | None = None, share: float = 0.9,
        seeds: bool = True, replicas: int | None = None, **arguments: Any,
    ) -> VLLMPolicy:  # fmt: skip
        """Load a policy. Raises MissingExtra, MissingWeights or ModelError, each with one sentence."""
        from tts.engines.vllm import loading

        return loading.load_policy(card, device, dtype, share, seeds=seeds, replicas=replicas, arguments=arguments)

    def load_reward(
        self, card: ModelCard, *, device: str | None = None, dtype: str | None = None, share: float = 0.9,
        **arguments: Any,
    ) -> RewardModel:  # fmt: skip
        """Load a reward model. Raises MissingExtra, MissingWeights or ModelError, each with one sentence."""
        from tts.engines.vllm import loading

        return loading.load_reward(card, device, dtype, share, arguments)


ENGINE = VLLMEngine()


@cache
def _declared() -> frozenset[str]:
    """Read the names of vLLM's engine arguments in its source, since importing it takes seconds; empty without it."""
    spec = importlib.util.find_spec("vllm")
    folders = spec.submodule_search_locations if spec else None
    files = [Path(folder, "engine", "arg_utils.py") for folder in folders or ()]
    source = next((file.read_text(encoding="utf-8") for file in files if file.is_file()), "")
    classes = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef) and node.name in _DECLARED]
    fields = [node for each in classes for node in each.body if isinstance(node, ast.AnnAssign)]
    return frozenset(node.target.id for node in fields if isinstance(node.target, ast.Name))
