"""Bad requests by the thousand: each is refused with an error object, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import copy
import gc
import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tests.server.serving import JSON, Client, Reply, toy
from tests.toy import ToyPolicy
from tts.protocols import Policy

REQUESTS = 2500

VALID: list[tuple[str, dict[str, Any]]] = [
    ("/v1/chat/completions", {
        "model": "auto", "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "how far"}],
        "n": 1, "temperature": 0.5, "top_p": 0.9, "max_tokens": 50, "seed": 1, "stop": ["x"], "stream": False,
        "tts": {"budget": 2, "strategy": "dvts", "vote": "best", "parameters": {"beam_width": 2}},
    }),
    ("/v1/chat/completions", {
        "model": "majority", "messages": [{"role": "user", "content": [{"type": "text", "text": "how far"}]}],
        "stream": True, "stream_options": {"include_usage": True}, "max_completion_tokens": 40,
        "tts": {"events": True, "max_seconds": 5.0, "max_flops": 1e9},
    }),
    ("/v1/chat/completions", {
        "model": "majority",
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
        "messages": [
            {"role": "user", "content": "how far"},
            {"role": "assistant", "content": None,
             "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "c", "content": "1"},
        ],
    }),
    ("/v1/chat/completions", {
        "model": "majority", "messages": [{"role": "user", "content": "how far"}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}},
    }),
    ("/v1/completions", {"model": "toy/best-of-n", "prompt": ["how far", "how long"], "n": 2, "max_tokens": 9}),
    ("/v1/responses", {
        "model": "toy/dvts", "instructions": "s", "stream": True, "max_output_tokens": 40, "top_logprobs": 1,
        "input": [
            {"role": "user", "content": "how far"}, {"type": "reasoning", "id": "r", "summary": []},
            {"role": "assistant", "content": [{"type": "output_text", "text": "3", "annotations": []}]},
            {"role": "user", "content": [{"type": "input_text", "text": "and on"}]},
        ],
        "include": ["message.output_text.logprobs"], "tts": {"budget": 4, "events": True},
    }),
    ("/v1/plan", {"model": "auto", "messages": [{"role": "user", "content": "how far"}]}),
]  # fmt: skip


class TakesTools(ToyPolicy):
    """The toy, which has no use for the tools that it is offered."""

    def offered(self, tools: Sequence[Mapping[str, Any]], guide: str) -> Policy:
        return self


DEEP: Any = 1
for _ in range(80):
    DEEP = [DEEP]
NASTY: list[Any] = [
    None, True, False, 0, -1, 1, 3, 2**31, 2**63, 10**400, -(10**19), 0.0, 1e308, -1e-300, float("nan"), float("inf"),
    "", " ", "x", "\x00", "\ud800", "\udfff\ud800", "🙂" * 300, "../../etc/passwd", "file:///etc/passwd", "http://10.0.0.1/",
    "prm.function:load", "{{ 7*7 }}", "a" * 5000, [], [[]], [None], {}, {"": ""}, {"__class__": "x"}, DEEP,
    {"role": "user"}, [{"role": "user", "content": None}], [1] * 400, "auto", "dvts",
]  # fmt: skip
KEYS = [
    "model",
    "messages",
    "input",
    "tts",
    "profile",
    "policy",
    "prm",
    "engine",
    "",
    "__proto__",
    "n",
    "\ud800",
    "tools",
    "x" * 300,
]
ROUTES = [
    ("POST", "/v1/models"), ("GET", "/v1/traces/../../etc/passwd"), ("GET", "/t/%00"), ("GET", "/v1/models/\ud7ff"),
    ("POST", "//v1//chat"), ("DELETE", "/"), ("GET", "/" + "a" * 5000),
]  # fmt: skip
STATUSES = {200, 400, 404, 405, 408, 413, 415}


def mutated(draw: random.Random, value: Any) -> Any:
    """Change something somewhere in a JSON value."""
    if isinstance(value, dict) and value and draw.random() < 0.8:
        key = draw.choice([*value])
        change = draw.random()
        if change < 0.15:
            del value[key]
        elif change < 0.35:
            value[draw.choice(KEYS)] = copy.deepcopy(draw.choice(NASTY))
        else:
            value[key] = mutated(draw, value[key])
        return value
    if isinstance(value, list) and value and draw.random() < 0.7:
        at = draw.randrange(len(value))
        value[at] = mutated(draw, value[at])
        return value * (1 if any(isinstance(each, list) for each in value) else draw.choice([1, 1, 2, 50]))
    return copy.deepcopy(draw.choice(NASTY))


def broken(draw: random.Random, body: bytes) -> bytes:
    """Damage the bytes of a body."""
    data = bytearray(body)
    for _ in range(draw.randrange(1, 4)):
        at = draw.randrange(len(data) or 1)
        how = draw.randrange(4)
        if how == 0 and data:
            data[at] = draw.randrange(256)
        elif how == 1:
            del data[at : at + draw.randrange(1, 20)]
        elif how == 2:
            data[at:at] = draw.choice(
                [b"\xff\xfe", b"[" * 3000, b"9" * 5000, b'"', b"\\ud800", b"\x00", b"1e999", b",,"]
            )
        else:
            data = data[:at] or bytearray(b"{")
    return bytes(data)


def made(draw: random.Random) -> tuple[str, str, list[bytes], list[tuple[str, str]]]:
    """Make a method, a path, the pieces of a body, and headers."""
    path, valid = draw.choice(VALID)
    value = copy.deepcopy(valid)
    for _ in range(draw.randrange(1, 4)):
        value = mutated(draw, value)
    body = json.dumps(value).encode("utf-8", "surrogatepass")
    if draw.random() < 0.3:
        body = broken(draw, body)
    headers = [*JSON.items()]
    odd = draw.random()
    if odd < 0.03:
        headers = draw.choice([[], [("content-type", "text/plain")], [("content-type", "\xff")]])
    elif odd < 0.06:
        headers += [("content-type", "application/json"), ("authorization", "x"), ("authorization", "y")]
    elif odd < 0.09:
        headers += [("content-length", draw.choice(["-1", "x", "9" * 40, "0", "20000000"]))]
    method = "POST"
    if draw.random() < 0.05:
        method, path = draw.choice([("GET", path), ("PUT", path), *ROUTES])
    at = draw.randrange(len(body) + 1)
    return method, path, draw.choice([[body], [body[:at], body[at:]]]), headers


def check(reply: Reply, seen: Counter[int]) -> None:
    seen[reply.status] += 1
    assert reply.status in STATUSES
    if reply.status != 200:
        assert reply.error["message"]
    elif reply.headers["content-type"].startswith("text/event-stream"):
        assert reply.named_events if b"event: response.created" in reply.body else reply.events
    elif reply.headers["content-type"].startswith("application/json"):
        assert not reply.json.get("error")


async def test_thousands_of_bad_requests_meet_no_500_no_hang_and_no_leak() -> None:
    service, draw, seen = (
        toy(TakesTools(depth=1), max_budget=8, budget=2, keep_traces=4),
        random.Random(21),
        Counter[int](),
    )
    for _ in range(REQUESTS):
        method, path, pieces, headers = made(draw)
        async with asyncio.timeout(5):
            check(await Client(service.app).ask(method, path, pieces, headers), seen)
    assert seen[400] > REQUESTS / 2
    assert seen[200] > REQUESTS / 100  # some are still requests
    assert {404, 405, 413, 415} <= {*seen}
    assert (service.service.house.inside, service.policy.in_flight) == (0, 0)
    assert len(asyncio.all_tasks()) == 1
    assert len(service.service.traces) <= 4
    assert "Traceback" not in "".join(service.lines)
    gc.collect()
