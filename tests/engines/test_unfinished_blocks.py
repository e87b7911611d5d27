"""Kept unfinished blocks: which are found, which give way, and that the copies hold what a request would compute."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from tests.engines.vllm_processes import needs_vllm

pytestmark = needs_vllm

SIZE = 4  # tokens of a block


@pytest.fixture(scope="module", autouse=True)
def imported() -> None:
    """vLLM is imported as the engine does it: what it says meanwhile is not heard."""
    from tts.engines.vllm.loading import _check_installed
    from tts.engines.vllm.process_env import spawning

    _check_installed()
    with spawning({}):
        import tts.engines.vllm.unfinished_blocks  # noqa: F401


def kept_blocks(slots: int) -> Any:
    from tts.engines.vllm.unfinished_blocks import KeptBlocks

    return KeptBlocks(slots)


class TestKeptBlocks:
    def test_the_longest_common_beginning_after_the_same_blocks_is_found(self) -> None:
        kept = kept_blocks(3)
        assert [kept.add("a", (1, 2, 3)), kept.add("a", (1, 5)), kept.add("b", (1, 2, 3, 4))] == [0, 1, 2]
        assert kept.find("a", [1, 2, 3, 4]) == (0, 3)
        assert kept.find("a", [1, 5, 9]) == (1, 2)
        assert kept.find("b", [1, 2]) == (2, 2)
        assert kept.find("a", [1, 7])[1] == 1, "both begin so"
        assert kept.find("a", [2]) == kept.find("c", [1]) == kept.find("a", []) == (-1, 0)

    def test_what_is_kept_already_perhaps_with_more_takes_no_slot(self) -> None:
        kept = kept_blocks(2)
        assert kept.add("a", (1, 2, 3)) == 0
        assert kept.add("a", (1, 2, 3)) is None
        assert kept.add("a", (1, 2)) is None
        assert kept.add("a", (1, 2, 3, 4)) == 1

    def test_the_least_recently_used_gives_way(self) -> None:
        kept = kept_blocks(2)
        kept.add("a", (1,)), kept.add("a", (2,))
        kept.find("a", [1])
        assert kept.add("b", (3,)) == 1, "the slot of 2"
        assert kept.find("a", [2]) == (-1, 0)
        kept.add("b", (3,))
        assert kept.add("b", (4,)) == 0, "the slot of 1, for 3 was added again"
        assert kept.find("a", [1]) == (-1, 0)
        assert kept.find("b", [3]) == (1, 1)


# -- the connector, in a scheduler and a worker that a test can look into ----------------------------------------------


@dataclass
class Asked:
    """What the connector sees of a request."""

    request_id: str
    all_token_ids: list[int]
    cache_salt: str | None = None
    lora_request: Any = None
    mm_features: Sequence[Any] = ()
    prompt_embeds: Any = None
    skip_reading_prefix_cache: bool = False
    num_computed_tokens: int = 0
    num_in_flight_tokens: int = 0
    blocks: list[int] = field(default_factory=list)

    @property
    def num_tokens(self) -> int:
        return len(self.all_token_ids)

    @property
    def block_hashes(self) -> list[int]:
        tokens = self.all_token_ids
        return [hash(tuple(tokens[:end])) for end in range(SIZE, len(tokens) + 1, SIZE)]

    def get_block_ids(self) -> tuple[list[int], ...]:
        return (self.blocks,)


def connector(role: str, blocks: int, room: int, *, caching: bool = True, window: bool = False) -> Any:
    import torch
    from vllm.distributed.kv_transfer.kv_connector.v1.base import KVConnectorRole
    from vllm.v1.kv_cache_interface import FullAttentionSpec, SlidingWindowSpec

    from tts.engines.vllm.unfinished_blocks import UnfinishedBlocks

    shape: dict[str, Any] = {"block_size": SIZE, "num_kv_heads": 1, "head_size": 1, "dtype": torch.float32}
    spec = SlidingWindowSpec(**shape, sliding_window=8) if window else FullAttentionSpec(**shape)
    group = SimpleNamespace(kv_cache_spec=spec, layer_names=["first", "second"])
    config = SimpleNamespace(
        kv_transfer_config=SimpleNamespace(kv_connector_extra_config={"bytes": room}),
        cache_config=SimpleNamespace(enable_prefix_caching=caching),
    )
    cache = SimpleNamespace(kv_cache_groups=[group], num_blocks=blocks)
    return UnfinishedBlocks(config, KVConnectorRole[role], cache)


SLOT = 2 * SIZE * 4 * 2  # bytes: keys and values of four tokens in float32, in two layers


class Machine:
    """A cache of 24 blocks and both halves of the connector. Whole blocks are found by their tokens, as in vLLM."""

    BLOCKS = 24

    def __init__(self, slots: int) -> None:
        import torch

        self.scheduler = connector("SCHEDULER", self.BLOCKS, slots * SLOT)
        self.worker = connector("WORKER", self.BLOCKS, slots * SLOT)
        self.caches = {name: torch.full((self.BLOCKS, 2, SIZE), -1.0) for name in ("first", "second")}
        self.worker.register_kv_caches(self.caches)
        self.free = list(range(self.BLOCKS))
        self.whole: dict[int, list[float]] = {}
        self.found = 0

    def begin(self, request: Asked) -> None:
        """Schedule a request and run the step in which it is read."""
        local = max((n * SIZE for n, key in enumerate(request.block_hashes, 1) if key in self.whole), default=0)
        local = min(local, (request.num_tokens - 1) // SIZE * SIZE)
        more, later = self.scheduler.get_num_new_matched_tokens(request, local)
        assert not later
        assert local + more < request.num_tokens, "the last token is always read"
        count = -(-request.num_tokens // SIZE)
        request.blocks, self.free = self.free[:count], self.free[count:]
        for k, key in enumerate(request.block_hashes[: local // SIZE]):
            self.write(request.blocks[k], 0, self.whole[key])
        self.scheduler.update_state_after_alloc(request, request, more)
        self.step()
        values = self.values(request.all_token_ids)
        for at in range(local, local + more):
            assert self.read(request.blocks[at // SIZE], at % SIZE) == values[at], "the copy holds what it stands for"
        for at in range(local + more, request.num_tokens):
            self.write(request.blocks[at // SIZE], at % SIZE, [values[at]])
        for k, key in enumerate(request.block_hashes):
            self.whole[key] = values[k * SIZE : (k + 1) * SIZE]
        self.found += more

    def step(self) -> None:
        """What a worker does at the beginning of a step; then all that is free is written over."""
        due = self.scheduler.build_connector_meta(None)
        self.worker.handle_preemptions(due)
        for block in self.free:
            self.write(block, 0, [-1.0] * SIZE)
        self.worker.bind_connector_metadata(due)
        self.worker.start_load_kv(None)

    def finish(self, request: Asked, unread: int) -> None:
        request.num_computed_tokens = request.num_tokens - unread
        assert self.scheduler.request_finished_all_groups(request, (request.blocks,)) == (False, None)
        self.free += request.blocks

    def write(self, block: int, at: int, values: Sequence[float]) -> None:
        import torch

        for cache in self.caches.values():
            cache[block, :, at : at + len(values)] = torch.tensor(values)

    def read(self, block: int, at: int) -> float:
        (value,) = {float(x) for cache in self.caches.values() for x in cache[block, :, at]}
        return value

    @staticmethod
    def values(tokens: Sequence[int]) -> list[float]:
        """A number for each token that depends on all before it, as keys and values do."""
        return [float(hash(tuple(tokens[: k + 1])) % 1_000_003) for k in range(len(tokens))]


@pytest.mark.parametrize("slots", [1, 3, 100])
def test_copies_hold_what_the_request_would_have_computed_whatever_goes_on(slots: int) -> None:
    draw, machine = random.Random(slots), Machine(slots)
    texts, running = [[0, 1, 2]], list[Asked]()
    for k in range(600):
        text = draw.choice(texts)
        text = text[: draw.randint(1, len(text))] + [draw.randrange(3) for _ in range(draw.randint(1, 3))]
        request = Asked(str(k), text[-14:])
        machine.begin(request)
        texts.append(request.all_token_ids)
        running.append(request)
        while len(running) > draw.randint(0, 4):
            machine.finish(running.pop(draw.randrange(len(running))), unread=draw.randint(0, 1))
    assert machine.found > 100, "else nothing was tried"


def after(first: Asked, second: Asked, **options: Any) -> int:
    """How many tokens the second request finds that the first has left."""
    both = connector("SCHEDULER", 8, 4 * SLOT, **options)
    first.num_computed_tokens, first.blocks = first.num_tokens, [0, 1]
    both.request_finished_all_groups(first, (first.blocks,))
    found, _ = both.get_num_new_matched_tokens(second, 0)
    return int(found)


def test_only_requests_that_depend_on_their_tokens_alone_and_read_the_cache_find_anything() -> None:
    def text(**other: Any) -> Asked:
        return Asked("any", [1, 2, 3], **other)

    assert after(text(), text()) == 2
    assert after(text(cache_salt="one"), text(cache_salt="one")) == 2
    assert after(text(cache_salt="one"), text()) == 0
    assert after(text(lora_request="adapter"), text(lora_request="adapter")) == 0
    assert after(text(mm_features=["image"]), text()) == 0
    assert after(text(), text(prompt_embeds="vectors")) == 0
    assert after(text(), text(skip_reading_prefix_cache=True)) == 0


def test_without_the_prefix_cache_or_with_sliding_windows_nothing_is_kept() -> None:
    assert after(Asked("a", [1, 2, 3]), Asked("b", [1, 2, 3]), caching=False) == 0
    assert after(Asked("a", [1, 2, 3]), Asked("b", [1, 2, 3]), window=True) == 0


def test_tokens_that_a_step_still_computes_are_not_kept() -> None:
    first = Asked("a", [1, 2, 3], num_in_flight_tokens=2)
    assert after(first, Asked("b", [1, 2, 3, 0])) == 1


def test_a_reset_forgets_every_block() -> None:
    both = connector("SCHEDULER", 8, 4 * SLOT)
    first = Asked("a", [1, 2, 3], num_computed_tokens=3, blocks=[0])
    both.request_finished_all_groups(first, (first.blocks,))
    assert both.reset_cache() is True
    assert both.get_num_new_matched_tokens(Asked("b", [1, 2, 3]), 0) == (0, False)
