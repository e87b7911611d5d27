"""Assignment of searches to replicas and priorities; the end of a replica's process."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncGenerator
from types import SimpleNamespace

import pytest

from tts.aio import background
from tts.engines.vllm.client import Service
from tts.engines.vllm.replicas import Place, Places
from tts.errors import EngineDied
from tts.types import Step


def roots(count: int) -> list[Step]:
    return [Step("prompt", (1,)) for _ in range(count)]


def test_a_search_stays_on_its_replica_and_searches_that_begin_are_spread_evenly() -> None:
    places, searches = Places("abc"), roots(7)
    found = [places.of(root) for root in searches]
    assert [place.replica for place in found] == ["a", "b", "c", "a", "b", "c", "a"]
    assert [places.of(root) for root in searches] == found


def test_the_replica_of_a_search_that_is_over_takes_the_next() -> None:
    places, searches = Places("ab"), roots(4)
    assert [places.of(root).replica for root in searches] == ["a", "b", "a", "b"]
    del searches[1]
    gc.collect()
    [new] = roots(1)
    assert places.of(new).replica == "b"


def test_searches_take_turns_in_the_order_in_which_they_begin() -> None:
    places, searches = Places("a"), roots(3)
    assert [places.of(root) for root in searches] == [Place(turn, "a") for turn in range(3)]


async def test_closing_a_service_whose_process_is_gone_leaves_it_to_vllm_to_say_so() -> None:
    """vLLM notes the end first and tells the requests later; a close in between must not tell them another story."""
    told = asyncio.Event()

    async def ask(_: str) -> AsyncGenerator[None, None]:
        await told.wait()
        raise RuntimeError("the engine is dead")
        yield

    service = Service("small", SimpleNamespace(errored=True))
    request = asyncio.create_task(service.ask(ask))
    await asyncio.sleep(0.05)
    assert not service.alive
    service.close()
    background().loop.call_soon_threadsafe(told.set)
    with pytest.raises(EngineDied, match="the vLLM process of small has ended"):
        await request
