"""Streams: chunks, signs of life, errors; clients that go away; the end of the server."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.server.serving import ASK, JSON, Client, asking, get, post, toy, until
from tests.toy import ToyPolicy
from tts.errors import EngineDied, EngineError
from tts.protocols import Completion, Request
from tts.server.traces import Traces

STREAM = ASK | {"stream": True}
SLOW: dict[str, Any] = {"delay": 0.05, "depth": 60, "context": 3000, "slip": 0.0}


async def test_a_stream_begins_with_the_role_and_brings_the_text_by_steps_and_the_search_last() -> None:
    reply = await post(toy().app, STREAM)
    assert reply.headers["content-type"].startswith("text/event-stream")
    chunks = reply.events
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk["id"] for chunk in chunks}) == 1
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert [delta["content"] for delta in deltas[1:] if "content" in delta] == ["1\n\n", "2\n\n", "3\n\n", "\\boxed{3}"]
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    assert chunks[-1]["tts"]["answer"] == "3"
    assert all("usage" not in chunk for chunk in chunks)


async def test_progress_comes_as_reasoning_under_both_names() -> None:
    deltas = [chunk["choices"][0]["delta"] for chunk in (await post(toy().app, STREAM)).events]
    thoughts = [delta["reasoning"] for delta in deltas if "reasoning" in delta]
    assert thoughts == [delta["reasoning_content"] for delta in deltas if "reasoning_content" in delta]
    assert thoughts[0] == "Search: best-of-n, N up to 4, with toy and toy-prm.\n"
    assert thoughts[1] == "4 steps sampled, 1 solution finished; in front is 3 with 1 of 1 votes.\n"


async def test_usage_comes_in_a_chunk_without_choices_only_where_it_is_asked_for() -> None:
    whole = (await post(toy().app, ASK)).json["usage"]
    chunks = (await post(toy().app, STREAM | {"stream_options": {"include_usage": True}})).events
    assert (chunks[-1]["choices"], chunks[-1]["usage"]) == ([], whole)
    assert all(chunk["usage"] is None for chunk in chunks[:-1])


async def test_choices_are_streamed_side_by_side() -> None:
    chunks = (await post(toy().app, STREAM | {"n": 2})).events
    for index in (0, 1):
        mine = [chunk["choices"][0] for chunk in chunks if chunk["choices"][0]["index"] == index]
        assert "".join(choice["delta"].get("content", "") for choice in mine) == "1\n\n2\n\n3\n\n\\boxed{3}"
        assert mine[-1]["finish_reason"] == "stop"


async def test_completions_are_streamed_as_text() -> None:
    reply = await post(toy().app, {"model": "majority", "prompt": "how far", "stream": True}, "/v1/completions")
    assert "".join(chunk["choices"][0]["text"] for chunk in reply.events) == "1\n\n2\n\n3\n\n\\boxed{3}"


async def test_events_of_the_tree_come_without_token_ids_and_with_answers() -> None:
    chunks = (await post(toy().app, STREAM | {"model": "dvts", "tts": {"events": True}})).events
    events = [event for chunk in chunks if not chunk["choices"] for event in chunk["tts"]["events"]]
    assert events[0]["event"] == "start"
    samples = [event for event in events if event["event"] == "sample"]
    assert len(samples) == 16  # four at each of four depths
    assert all(isinstance(step, str) for sample in samples for step in sample["steps"])
    assert [sample["answer"] for sample in samples if "answer" in sample] == ["3"] * 4
    assert {event["event"] for event in events} == {"start", "sample", "score"}


async def test_a_line_is_kept_alive_while_a_search_runs() -> None:
    made = toy(ToyPolicy(delay=0.05, slip=0.0), keep_alive=0.02)
    reply = await post(made.app, STREAM)
    assert reply.body.count(b"\n\n: the search goes on\n\n") >= 1
    assert reply.events[-1]["tts"]["answer"] == "3"


class Failing(ToyPolicy):
    """Samples a few times, then fails."""

    def __init__(self, error: Exception, after: int) -> None:
        super().__init__(slip=0.0)
        self.error, self.after = error, after

    async def generate(self, request: Request) -> Completion:
        if len(self.calls) >= self.after:
            raise self.error
        return await super().generate(request)


@pytest.mark.parametrize(
    ("error", "status"),
    [(EngineError("/secret/path is gone"), 502), (EngineDied("/secret/path died"), 503), (ValueError("a bug"), 500)],
)
async def test_a_failed_search_is_an_error_that_no_client_repeats_and_its_reason_is_logged(
    error: Exception, status: int
) -> None:
    made = toy(Failing(error, 2))
    reply = await post(made.app, ASK | {"model": "dvts"})
    assert (reply.status, reply.error["type"]) == (status, "server_error")
    assert reply.headers["x-should-retry"] == "false"
    assert "secret" not in reply.body.decode()
    assert str(error) in "".join(made.lines)
    assert made.service.house.inside == 0


async def test_an_error_within_a_stream_is_an_error_object_and_the_stream_ends() -> None:
    made = toy(Failing(EngineError("gone"), 6))
    reply = await post(made.app, STREAM | {"model": "dvts"})
    assert reply.status == 200
    *chunks, last = reply.events
    assert chunks
    assert set(last["error"]) == {"message", "type", "param", "code"}
    assert last["error"]["code"] == "engine_failed"
    assert made.log[-1]["code"] == "engine_failed"
    assert made.service.house.inside == 0


async def test_what_is_wrong_before_the_search_begins_is_a_status_and_no_stream() -> None:
    reply = await post(toy().app, STREAM | {"messages": [{"role": "user", "content": "x" * 500}]})
    assert (reply.status, reply.error["code"]) == (400, "context_length_exceeded")


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_goes_away_ends_its_search_at_once(stream: bool) -> None:
    made = toy(ToyPolicy(**SLOW))
    async with asking(made.app, ASK | {"model": "beam-search", "stream": stream}) as (client, task):
        await until(lambda: len(made.policy.calls) > 8)
        client.hang_up()
        await asyncio.wait_for(task, 1)
        sampled = len(made.policy.calls)
    assert (made.policy.in_flight, made.service.house.inside) == (0, 0)
    await asyncio.sleep(0.15)
    assert len(made.policy.calls) == sampled  # no token more
    assert made.log[-1]["code"] == "hung_up"


async def test_a_client_that_goes_away_ends_no_other_search() -> None:
    made = toy(ToyPolicy(delay=0.01, slip=0.0))
    async with asking(made.app, ASK | {"model": "dvts"}) as (client, _):
        other = asyncio.create_task(post(made.app, ASK | {"model": "dvts"}))
        await until(lambda: made.policy.calls)
        client.hang_up()
        assert (await other).json["tts"]["answer"] == "3"


async def test_a_full_house_sends_further_requests_away_with_a_time_to_come_back() -> None:
    made = toy(ToyPolicy(**SLOW), max_queue=2)
    async with asking(made.app, ASK) as (_, _), asking(made.app, STREAM) as (_, _):
        await until(lambda: made.service.house.inside == 2)
        reply = await post(made.app, ASK)
    assert (reply.status, reply.error["code"]) == (503, "queue_full")
    assert int(reply.headers["retry-after"]) > 0
    assert "x-should-retry" not in reply.headers  # it may come again


async def test_nothing_waits_for_anothers_search() -> None:
    made = toy(ToyPolicy(delay=0.02, slip=0.0))
    replies = await asyncio.gather(*(post(made.app, ASK) for _ in range(10)))
    assert [reply.json["tts"]["answer"] for reply in replies] == ["3"] * 10
    assert made.policy.peak == 40  # ten searches of four, all at once


async def test_a_reader_that_takes_nothing_is_given_up_and_holds_no_place_after_its_search() -> None:
    made = toy(patience=0.1)
    reader = Client(made.app, stuck=True)
    task = asyncio.create_task(reader.ask("POST", "/v1/chat/completions", json.dumps(STREAM).encode()))
    await until(lambda: made.policy.calls and made.service.house.inside == 0)
    assert not task.done()  # the search has ended, the answer has not
    await asyncio.wait_for(task, 2)
    assert made.log[-1]["code"] == "hung_up"


async def test_requests_inside_end_before_the_deadline_and_are_cancelled_after_it() -> None:
    quick = toy(ToyPolicy(delay=0.02, slip=0.0))
    async with asking(quick.app, ASK) as (_, task):
        await until(lambda: quick.policy.calls)
        await quick.service.house.close(5)
        assert (await task).json["tts"]["answer"] == "3"
    slow = toy(ToyPolicy(**SLOW))
    async with (
        asking(slow.app, ASK | {"model": "dvts"}) as (_, whole),
        asking(slow.app, STREAM | {"model": "dvts"}) as (_, part),
    ):
        await until(lambda: len(slow.policy.calls) >= 8)
        await slow.service.house.close(0.05)
        refused = await whole
        assert (refused.status, refused.error["code"]) == (503, "shutting_down")
        assert refused.headers["x-should-retry"] == "false"
        assert (await part).events[-1]["error"]["code"] == "shutting_down"
    assert slow.policy.in_flight == 0


async def test_a_key_is_wanted_everywhere_but_for_the_page_and_the_sign_of_life() -> None:
    made = toy(key="secret")
    key = {"authorization": "Bearer secret", **JSON}
    assert (await post(made.app, ASK, headers=key)).status == 200
    for headers in (JSON, JSON | {"authorization": "Bearer wrong"}, JSON | {"authorization": "secret"},
                    [*key.items(), ("authorization", "Bearer secret")]):  # fmt: skip
        reply = await post(made.app, ASK, headers=headers)
        assert (reply.status, reply.error["code"]) == (401, "invalid_api_key")
    for path in ("/v1/models", "/metrics", "/v1/traces/x", "/nowhere"):
        assert (await get(made.app, path)).status == 401
    for path in ("/", "/health", "/t/x"):
        assert (await get(made.app, path)).status == 200


async def test_a_server_without_a_key_answers_under_its_own_names_only() -> None:
    made = toy(hosts=frozenset({"localhost", "127.0.0.1", "::1"}))
    for host, status in (
        ("localhost:8080", 200),
        ("127.0.0.1", 200),
        ("[::1]:80", 200),
        ("evil.example", 421),
        ("[", 421),
    ):
        assert (await get(made.app, "/health", {"host": host})).status == status, host


async def test_bodies_are_bounded_before_they_are_parsed() -> None:
    made = toy(max_body=1000, patience=0.05)
    piece = b" " * 600
    assert (await post(made.app, [piece, piece, piece])).status == 413
    declared = await post(made.app, ASK, headers=JSON | {"content-length": "20000000"})
    assert (declared.status, declared.error["code"]) == (413, "request_too_large")
    half = await Client(made.app).ask("POST", "/v1/chat/completions", [b"{"], complete=False)
    assert (half.status, half.error["code"]) == (408, "too_slow")
    plain = await post(made.app, ASK, headers={"content-type": "text/plain"})
    assert (plain.status, plain.error["code"]) == (415, "not_json")


async def test_unknown_routes_and_methods_are_error_objects() -> None:
    made = toy()
    assert (await get(made.app, "/v1/embeddings")).error["code"] == "no_route"
    assert (await get(made.app, "/v1/chat/completions")).status == 405


async def test_an_engine_that_has_ended_is_loaded_again_by_the_next_request(monkeypatch: pytest.MonkeyPatch) -> None:
    made = toy()
    loads: list[int] = []
    alive = property(lambda self: bool(loads))
    monkeypatch.setattr(ToyPolicy, "alive", alive)
    for entry in made.service.catalogue.entries.values():
        monkeypatch.setattr(entry.solver, "load", lambda: loads.append(1))
    assert (await get(made.app, "/health")).status == 503
    assert (await post(made.app, ASK)).status == 200
    assert loads
    assert (await get(made.app, "/health")).status == 200


async def test_ten_thousand_kept_searches_take_no_more_room_than_a_few() -> None:
    made, body = toy(keep_traces=3), json.dumps(ASK).encode()
    await post(made.app, body)
    [(solution, size)] = made.service.traces._kept.values()
    traces = Traces(100, 10 * size)
    for _ in range(10_000):
        traces.keep(solution)
    assert (len(traces), traces.nbytes) == (10, 10 * size)
