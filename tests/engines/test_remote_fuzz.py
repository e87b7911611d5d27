"""Any mutation of a valid reply ends in an answer or in one sentence, within the time limit."""

from __future__ import annotations

import asyncio
import copy
import json
import math
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engines.fake_http import Says
from tests.engines.fake_server import FakeServer
from tests.engines.test_policy import PROBLEM, ask
from tests.engines.test_remote_replies import chat, raw
from tests.engines.test_remote_scores import Pooling, folder
from tests.nodes import chain
from tts.engines.remote.engine import ENGINE
from tts.engines.remote.policy import RemotePolicy
from tts.errors import TTSError
from tts.models.find import find
from tts.types import Node, Problem, Until

__all__ = ["folder"]

LIMIT = 2.0  # seconds of a request; nothing here drips
TOKENS = 50
ROUNDS = 300  # of each kind of reply

STRANGE: list[Any] = [
    None, True, False, 0, 1, -1, 3_000_000_000, 10**40, 0.5, -0.0, 1e300, math.nan, math.inf, "", "stop", "length",
    "error", "\ud83d", "\ude00\ud83d", "\x00\x1b[2J\u2028", "7" * 200_000, [], {}, [[]], [None], {"": {}}, "[DONE]",
    {"message": "lost", "code": 502}, {"code": 400}, ["a", "b"], [1, 2, 3], {"text": "a"},
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value within a value."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in items:
        yield from places(each, (*path, key))


def mutated(reply: Any, dice: random.Random) -> Any:
    """A reply with one or a few of its values replaced, moved, deleted, repeated or put deeper."""
    reply = copy.deepcopy(reply)
    for _ in range(dice.choice((1, 1, 1, 2, 4))):
        if not (ways := [path for path in places(reply) if path]):
            break
        *way, last = dice.choice(ways)
        holder = reply
        for key in way:
            holder = holder[key]
        match dice.randrange(7):
            case 0 if isinstance(holder, dict):
                holder.pop(last, None)
            case 1:
                times = dice.choice((0, 1, 2, 300))
                holder[last] = [copy.deepcopy(holder[last]) for _ in range(times)]
            case 2 if isinstance(holder, dict):
                holder[dice.choice(("error", "object", "detail", "finish_reason", "usage"))] = copy.deepcopy(
                    dice.choice(STRANGE)
                )
            case 3:
                holder[last] = {"text": holder[last]}
            case _:
                holder[last] = copy.deepcopy(dice.choice(STRANGE))
    return reply


def written(reply: Any, dice: random.Random) -> bytes:
    """A reply as bytes, some of which are cut, changed, repeated or nested without end."""
    content = json.dumps(reply).encode()
    match dice.randrange(12):
        case 0:
            return content[: dice.randrange(len(content) + 1)]
        case 1:
            at = dice.randrange(len(content))
            return content[:at] + bytes([dice.randrange(256)]) + content[at + 1 :]
        case 2:
            return content * 2
        case 3:
            return b"\xef\xbb\xbf" + content
        case 4:
            at = dice.randrange(len(content))
            return content[:at] + dice.choice((b"[", b'{"a":')) * 20_000 + content[at:]
        case 5:
            return content.replace(b"1", b"1" * 5000).replace(b"null", b"NaN")
    return content


def streamed(replies: list[Any], dice: random.Random) -> Says:
    """A stream of events, of which one is mutated, lost, or sent twice, cut into pieces anywhere."""
    events = [b"data: " + json.dumps(reply).encode() + b"\n\n" for reply in replies]
    k = dice.randrange(len(events))
    match dice.randrange(6):
        case 0:
            del events[k]
        case 1:
            events.insert(k, events[k])
        case 2:
            events[k] = dice.choice(
                (b"event: error\n", b": ping\n\n", b"data:\n\n", b"data: [DONE]\n\n", b"\x00\xff\n")
            )
        case _:
            events[k] = b"data: " + written(mutated(replies[k], dice), dice) + dice.choice((b"\n\n", b"\r\n", b""))
    body = b"".join(events) + dice.choice((b"data: [DONE]\n\n", b""))
    at = dice.randrange(len(body) + 1)
    return Says([piece for piece in (body[:at], body[at:]) if piece])


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server is asked on, however often it failed."""
    monkeypatch.setattr("tts.engines.remote.client._STRIKES", 10**9)


def settle(work: Callable[[], Any]) -> Any:
    """What comes of a request, None for one sentence; anything else fails."""
    start = time.monotonic()
    sentence, result = "", None
    try:
        result = work()
    except TTSError as error:
        sentence = str(error)
    assert sentence.isprintable()
    assert len(sentence) < 1000
    assert time.monotonic() - start < LIMIT + 3
    return result


Fakes = Callable[..., FakeServer]
Connect = Callable[..., RemotePolicy]
USAGE = {"usage": {"completion_tokens": 12, "prompt_tokens": 9}}
IDS = {"index": 0, "text": "add 2.\n\n", "token_ids": [20, 22, 7], "stop_reason": "\n\n", "finish_reason": "stop"}
EVENTS = [raw("So two", None), raw(" and five", None), raw(".\n\n", None), raw("It is 7.", "stop"), USAGE]


def whole(reply: Any) -> Callable[[random.Random], Says]:
    return lambda dice: Says([written(mutated(reply, dice), dice)])


KINDS: dict[str, tuple[str, Until, Callable[[random.Random], Says]]] = {
    "chat": ("chat", Until.END, whole(chat("So two.\n\nIt is \\boxed{7}.", **USAGE))),
    "text": ("openai", Until.END, whole(raw("So two.\n\nIt is \\boxed{7}.", **USAGE))),
    "text for a stream": ("openai", Until.STEP, whole(raw("So two.\n\nIt is \\boxed{7}.", **USAGE))),
    "stream": ("openai", Until.STEP, lambda dice: streamed(EVENTS, dice)),
    "token ids": ("vllm", Until.STEP, whole({"choices": [IDS], **USAGE})),
}


@pytest.mark.parametrize("kind", KINDS)
def test_mutated_answers(kind: str, fakes: Fakes, connect: Connect, patient: None) -> None:
    variant, until, make = KINDS[kind]
    fake = fakes(variant)
    remote = connect(fake, timeout=LIMIT, retries=0)
    root = Node(remote.prompt(PROBLEM), "/")
    answers = 0
    for seed in range(ROUNDS):
        fake.failures = [make(random.Random(f"{kind} {seed}"))] * 4
        found = settle(lambda: asyncio.run(remote.generate(ask(root, until=until, tokens=TOKENS))))
        if found is not None:
            answers += 1
            assert sum(len(step.tokens) for step in found.steps) <= TOKENS
            assert all(type(token) is int and token >= 0 for step in found.steps for token in step.tokens)
            "".join(step.text for step in found.steps).encode()
    assert answers > ROUNDS // 20, "and most replies that still hold an answer give it"


def test_mutated_scores(folder: Path, patient: None) -> None:
    with Pooling(name="served") as server:
        reward = ENGINE.load_reward(
            find(f"{server.root}#served", "prm"), tokenizer=str(folder), backoff=0.0, retries=0, timeout=LIMIT
        )
        node = chain(["So 5.", "It is 5."])
        valid = {"data": [{"data": [[0.1]] * sum(reward.lengths(Problem("1?"), node))}], **USAGE}
        for seed in range(ROUNDS):
            server.failures = [whole(valid)(random.Random(seed))] * 2
            scores = settle(lambda: asyncio.run(reward.score(Problem("1?"), node, 0)))
            if scores is not None:
                assert len(scores) == 2
                assert all(0 <= score <= 1 for score in scores)
        reward.close()


@pytest.mark.parametrize("variant", ["vllm", "openai", "llama.cpp", "chat"])
def test_mutated_replies_while_a_model_is_met(variant: str, fakes: Fakes, connect: Connect, patient: None) -> None:
    listing = {"data": [{"id": "tiny", "max_model_len": 512}], "object": "list"}
    trial = {"choices": [{"text": "1", "token_ids": [3], "finish_reason": "length", "stop_reason": None}]}
    routes: list[Any] = [listing, trial, {"tokens": [1, 2, 3]}, {"prompt": "<s>1"}]
    fake = fakes(variant)
    for seed in range(80):
        dice = random.Random(f"{variant} {seed}")
        k = dice.randrange(4)
        fake.failures = [*[None] * k, whole(routes[k])(dice)]

        def meet() -> RemotePolicy:
            remote = connect(fake, timeout=LIMIT, retries=0)
            remote.prompt(PROBLEM)
            return remote

        remote = settle(meet)
        if remote is not None:
            assert 0 < remote.context <= 32768
            remote.close()
