"""Coalescing: concurrent requests of a search for continuations of one prefix are sent as one request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import replace
from typing import Any

from tts.aio import together
from tts.engines.remote.reply import Json, Reply, count_of

Waiting = list[asyncio.Future[Reply]]


class Siblings:
    """Joins requests that differ in nothing but their seed and are made in one turn of the event loop.

    A search requests all continuations of a prefix at once, so the search determines the groups, not timing.
    The server counts up from the first one's seed, as vLLM does. A cancelled caller leaves the others alone; the
    request is cancelled when no caller waits for it any more.

    Args:
        ask: sends a body.
    """

    def __init__(self, ask: Callable[[Json], Coroutine[Any, Any, Reply]]) -> None:
        self._ask = ask
        self._gathering: dict[Hashable, Waiting] = {}
        self._several = True  # until the server gives one choice where more were asked for

    async def ask(self, kin: Hashable, body: Json) -> Reply:
        """Return the reply with one choice. Bodies of equal ``kin`` may travel together. Raises what sending raises."""
        loop = asyncio.get_running_loop()
        mine: asyncio.Future[Reply] = loop.create_future()
        group = loop, kin
        if group not in self._gathering:
            self._gathering[group] = []
            loop.call_soon(self._send, group, body)
        self._gathering[group].append(mine)
        return await mine

    def _send(self, group: Hashable, body: Json) -> None:
        waiting = [each for each in self._gathering.pop(group) if not each.done()]
        if waiting:
            task = asyncio.get_running_loop().create_task(self._answer(waiting, body))
            for each in waiting:
                each.add_done_callback(lambda _: task.cancel() if all(one.done() for one in waiting) else None)

    async def _answer(self, waiting: Waiting, body: Json) -> None:
        try:
            replies = await self._replies(len(waiting), body)
        except asyncio.CancelledError:
            for each in waiting:
                each.cancel()
            raise
        except Exception as error:
            for each in waiting:
                if not each.done():
                    each.set_exception(error)
        else:
            for each, reply in zip(waiting, replies, strict=True):
                if not each.done():
                    each.set_result(reply)

    async def _replies(self, count: int, body: Json) -> list[Reply]:
        """Return one reply each. Replies that are missing, or refused together, are requested one by one."""
        if count == 1:
            return [await self._ask(body)]
        replies = self._parted(await self._ask(body | {"n": count}))[:count] if self._several else []
        self._several &= len(replies) > 1
        left = [body | ({"seed": body["seed"] + k} if "seed" in body else {}) for k in range(len(replies), count)]
        return replies + await together(self._ask(each) for each in left)

    def _parted(self, reply: Reply) -> list[Reply]:
        """Divide a reply by its choices. The server counts their tokens together, so each has its share by length."""
        choices = reply.data.get("choices")
        found = sorted((c for c in choices if isinstance(c, dict)), key=_place) if isinstance(choices, list) else []
        usage = reply.data.get("usage")
        tokens = count_of(usage.get("completion_tokens")) if isinstance(usage, dict) else None
        lengths = [len(str(choice.get("text") or choice.get("message") or "")) for choice in found]
        parts = []
        for choice, length in zip(found, lengths, strict=True):
            data: Json = {"choices": [choice]}
            if tokens is not None:
                data["usage"] = {"completion_tokens": -(-tokens * length // max(sum(lengths), 1))}
            parts.append(replace(reply, data=data))
        return parts


def _place(choice: Json) -> int:
    return count_of(choice.get("index")) or 0
