"""A KV connector for vLLM that keeps the unfinished block of each request: nothing of a prefix is read twice.

vLLM's prefix cache holds whole blocks. A search asks for one step at a time, and on average half a block of its prefix
would be read again with each (in the policy and in the reward model). Here a copy of the unfinished block stays when a
request ends. A request that goes on from there begins with that copy in a block of its own.

vLLM imports this module by name in each of its processes (``KVTransferConfig.kv_connector_module_path``). The
scheduler's half decides, the worker's half copies. Both halves see the steps in the same order. A copy is made before
the step that could overwrite its source.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from vllm.distributed.kv_transfer.kv_connector.v1.base import (
    KVConnectorBase_V1,
    KVConnectorMetadata,
    KVConnectorRole,
    SupportsHMA,
)
from vllm.v1.kv_cache_interface import FullAttentionSpec


@dataclass(slots=True, eq=False)
class _Place:
    """A beginning of kept tokens: which tokens go on from it, and the slots of all that begin so."""

    after: dict[int, _Place] = field(default_factory=dict)
    slots: dict[int, None] = field(default_factory=dict)  # in the order in which they came


class KeptBlocks:
    """Which unfinished blocks are kept, and where; the least recently used gives way.

    Args:
        slots: how many there is room for.
    """

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self._roots: dict[Hashable, _Place] = {}  # by the whole blocks before
        self._used: OrderedDict[int, tuple[Hashable, tuple[int, ...]]] = OrderedDict()

    def find(self, before: Hashable, tokens: Sequence[int]) -> tuple[int, int]:
        """Return a slot that has the most tokens in common with ``tokens``, from the first on, and how many.

        0 tokens where none is kept that begins so after these whole blocks.
        """
        place, common = self._walk(before, tokens)
        if not common:
            return -1, 0
        slot = next(reversed(place.slots))
        self._used.move_to_end(slot)
        return slot, common

    def add(self, before: Hashable, tokens: tuple[int, ...]) -> int | None:
        """Return the slot to keep these tokens in; None where they are kept already, perhaps with more."""
        place, common = self._walk(before, tokens)
        if common == len(tokens):
            self._used.move_to_end(next(reversed(place.slots)))
            return None
        slot = len(self._used) if len(self._used) < self.slots else self._forget()
        place = self._roots.setdefault(before, _Place())
        place.slots[slot] = None
        for token in tokens:
            place = place.after.setdefault(token, _Place())
            place.slots[slot] = None
        self._used[slot] = before, tokens
        return slot

    def _walk(self, before: Hashable, tokens: Sequence[int]) -> tuple[_Place, int]:
        place, common = self._roots.get(before, _Place()), 0
        for token in tokens:
            further = place.after.get(token)
            if further is None:
                break
            place, common = further, common + 1
        return place, common

    def _forget(self) -> int:
        slot, (before, tokens) = self._used.popitem(last=False)
        place = self._roots[before]
        del place.slots[slot]
        if not place.slots:
            del self._roots[before]
        for token in tokens:
            further = place.after[token]
            del further.slots[slot]
            if not further.slots:
                del place.after[token]
            place = further
        return slot


@dataclass
class Copies(KVConnectorMetadata):  # type: ignore[misc]
    """What a step copies before it runs: from a block into a slot, then from a slot into a block."""

    kept: dict[int, int] = field(default_factory=dict)  # slot: block
    used: dict[int, int] = field(default_factory=dict)  # block: slot


class UnfinishedBlocks(KVConnectorBase_V1, SupportsHMA):  # type: ignore[misc]
    """The connector. ``kv_connector_extra_config["bytes"]`` is the memory of the copies.

    It does nothing for a model whose layers do not all keep every token (sliding windows, state spaces), without the
    prefix cache, for requests with adapters or images, and for those that do not read the cache.
    """

    def __init__(self, vllm_config: Any, role: KVConnectorRole, kv_cache_config: Any) -> None:
        super().__init__(vllm_config, role, kv_cache_config)
        groups = kv_cache_config.kv_cache_groups
        whole = len(groups) == 1 and type(groups[0].kv_cache_spec) is FullAttentionSpec
        self._size = self._slots = 0
        if whole and vllm_config.cache_config.enable_prefix_caching:
            layer, layers = groups[0].kv_cache_spec, len(groups[0].layer_names)
            self._size = layer.block_size
            room = vllm_config.kv_transfer_config.kv_connector_extra_config["bytes"]
            self._slots = room // (layer.page_size_bytes * layers)
        self._blocks = kv_cache_config.num_blocks
        self._kept = KeptBlocks(self._slots)
        self._found: dict[str, tuple[int, int]] = {}
        self._copies = Copies()
        self._caches: list[tuple[torch.Tensor, torch.Tensor]] = []  # a layer's blocks, and their kept copies

    @property
    def requires_kv_delivery(self) -> bool:
        """A copy that is missing costs a few tokens."""
        return False

    # The scheduler's half.

    def get_num_new_matched_tokens(self, request: Any, num_computed_tokens: int) -> tuple[int, bool]:
        """Return how many tokens after the whole cached blocks are in a kept one."""
        self._found.pop(request.request_id, None)
        if not self._slots or not _plain(request) or request.skip_reading_prefix_cache:
            return 0, False
        end = min(num_computed_tokens + self._size, request.num_tokens - 1)  # the last token is always read
        tokens = request.all_token_ids[num_computed_tokens:end]
        slot, common = self._kept.find(self._before(request, num_computed_tokens), tokens)
        if common:
            self._found[request.request_id] = slot, num_computed_tokens
        return common, False

    def update_state_after_alloc(self, request: Any, blocks: Any, num_external_tokens: int) -> None:
        """Have the kept block copied into the request's own."""
        slot, start = self._found.pop(request.request_id, (-1, 0))
        if num_external_tokens and slot >= 0:
            self._copies.used[blocks.get_block_ids()[0][start // self._size]] = slot

    def build_connector_meta(self, scheduler_output: Any) -> Copies:
        """Return the copies that are due before this step."""
        due, self._copies = self._copies, Copies()
        return due

    def request_finished_all_groups(
        self, request: Any, block_ids: tuple[list[int], ...]
    ) -> tuple[bool, dict[str, Any] | None]:
        """Keep the unfinished block of a request that ends."""
        self._found.pop(request.request_id, None)
        if self._slots and _plain(request):
            done = min(request.num_computed_tokens - request.num_in_flight_tokens, request.num_tokens)
            start = done - done % self._size
            tokens = tuple(request.all_token_ids[start:done])
            if tokens and start // self._size < len(block_ids[0]):
                slot = self._kept.add(self._before(request, start), tokens)
                if slot is not None:
                    self._copies.kept[slot] = block_ids[0][start // self._size]
        return False, None

    def reset_cache(self) -> bool:
        """Forget every kept block."""
        self._kept = KeptBlocks(self._slots)
        return True

    def _before(self, request: Any, start: int) -> Hashable:
        """What stands for the tokens before an unfinished block: vLLM's hash of them, or the salt of the cache."""
        return request.block_hashes[start // self._size - 1] if start else ("salt", request.cache_salt)

    # The worker's half.

    def register_kv_caches(self, kv_caches: dict[str, torch.Tensor]) -> None:
        """Make room for the copies."""
        if not self._slots:
            return
        for cache in kv_caches.values():
            blocks = cache.movedim(cache.shape.index(self._blocks), 0)  # ValueError where there is no such dimension
            kept = torch.empty((self._slots, *blocks.shape[1:]), dtype=cache.dtype, device=cache.device)
            self._caches.append((blocks, kept))

    def handle_preemptions(self, kv_connector_metadata: Copies) -> None:
        """Copy blocks into slots. vLLM calls this before each step, while the blocks are as they were."""
        if kv_connector_metadata.kept:
            slots, blocks = _indices(kv_connector_metadata.kept)
            for cache, kept in self._caches:
                kept[slots] = cache[blocks]

    def start_load_kv(self, forward_context: Any, **kwargs: Any) -> None:
        """Copy slots into blocks. vLLM calls this before a step that needs it."""
        used = self._get_connector_metadata().used
        if used:
            blocks, slots = _indices(used)
            for cache, kept in self._caches:
                cache[blocks] = kept[slots]

    def wait_for_layer_load(self, layer_name: str) -> None:
        """All is there already."""

    def save_kv_layer(self, layer_name: str, kv_layer: torch.Tensor, attn_metadata: Any, **kwargs: Any) -> None:
        """Nothing is kept while a step runs."""

    def wait_for_save(self) -> None:
        """All is kept already."""


def _indices(pairs: dict[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.tensor(list(pairs)), torch.tensor(list(pairs.values()))


def _plain(request: Any) -> bool:
    """Whether a request's keys and values depend on its tokens alone."""
    return not (request.lora_request or request.mm_features or request.prompt_embeds is not None)
