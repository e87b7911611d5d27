"""Clients that know nothing of this server: OpenAI's SDK, curl, and our own remote engine."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.server.serving import ASK, Toy, live, toy
from tests.tools.scripted import Scripted
from tests.toy import ToyPolicy
from tts import Solver
from tts.engines.load import load_policy

openai = pytest.importorskip("openai", reason="OpenAI's SDK is not installed")

MESSAGES: Any = ASK["messages"]
TEXT = "1\n\n2\n\n3\n\n\\boxed{3}"


@pytest.fixture
def client(served: tuple[Toy, str]) -> Iterator[Any]:
    with openai.OpenAI(base_url=served[1], api_key="secret") as made:
        yield made


NUMBERS = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a", "b"]}
ADD: Any = {"type": "function", "function": {"name": "add", "description": "Adds.", "parameters": NUMBERS}}


class TestOpenAI:
    def test_a_whole_answer(self, client: Any) -> None:
        found = client.chat.completions.create(
            model="dvts", messages=MESSAGES, n=2, max_tokens=500, temperature=0.7, extra_body={"tts": {"budget": 8}}
        )
        assert [choice.message.content for choice in found.choices] == [TEXT, TEXT]
        assert found.usage.completion_tokens_details.reasoning_tokens == found.usage.completion_tokens - 2 * 19
        assert found.tts["choices"][0]["plan"]["n"] == 8

    def test_a_stream_with_reasoning_and_usage(self, client: Any) -> None:
        stream = client.chat.completions.create(
            model="best-of-n", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
        )
        chunks = list(stream)
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == TEXT
        assert any(chunk.choices[0].delta.reasoning_content for chunk in chunks[1:2])
        assert (chunks[-1].choices, chunks[-1].usage.completion_tokens) == ([], 76)
        assert chunks[-2].choices[0].finish_reason == "stop"

    def test_a_response_and_a_conversation_that_goes_on_behind_it(self, client: Any) -> None:
        first = client.responses.create(model="dvts", input="how far", extra_body={"tts": {"budget": 8}})
        assert (first.status, first.output_text, first.tts["plan"]["n"]) == ("completed", TEXT, 8)
        reasoning = first.usage.output_tokens_details.reasoning_tokens
        assert first.usage.output_tokens - reasoning == 19, "the answer's own tokens"
        again = client.responses.create(
            model="majority",
            instructions="be brief",
            input=[*MESSAGES, *first.output, {"role": "user", "content": "on"}],
        )
        assert again.output_text == TEXT

    def test_a_streamed_response_adds_up_to_the_final_one(self, client: Any) -> None:
        with client.responses.stream(model="best-of-n", input=MESSAGES) as stream:
            kinds = [event.type for event in stream]
            final = stream.get_final_response()
        assert (kinds[0], kinds[-1]) == ("response.created", "response.completed")
        assert [item.type for item in final.output] == ["reasoning", "message"]
        assert final.output_text == TEXT
        again = client.responses.create(model="majority", input=[*MESSAGES, *final.output, *MESSAGES])
        assert again.output_text == TEXT, "reasoning is taken back, and no model reads it"

    async def test_concurrent_answers_and_a_stream(self, served: tuple[Toy, str]) -> None:
        async with openai.AsyncOpenAI(base_url=served[1], api_key="secret") as many:
            asked = (many.chat.completions.create(model="majority", messages=MESSAGES) for _ in range(8))
            assert [found.choices[0].message.content for found in await asyncio.gather(*asked)] == [TEXT] * 8
            stream = await many.chat.completions.create(model="majority", messages=MESSAGES, stream=True)
            assert "".join([chunk.choices[0].delta.content or "" async for chunk in stream]) == TEXT

    def test_its_own_message_is_taken_back_in_a_conversation(self, client: Any) -> None:
        first = client.chat.completions.create(model="majority", messages=MESSAGES).choices[0].message
        again = client.chat.completions.create(
            model="majority", messages=[*MESSAGES, first, {"role": "user", "content": "and on"}]
        )
        assert again.choices[0].message.content == TEXT

    def test_an_answer_is_parsed_as_the_class_that_was_asked_for(self) -> None:
        from pydantic import BaseModel

        class Person(BaseModel):
            name: str
            age: int

        made = toy(Scripted(['I think.\n{"name": "Mia", "age": 3}']), key="secret")  # type: ignore[arg-type]
        with live(made) as address, openai.OpenAI(base_url=f"{address}/v1", api_key="secret") as client:
            found = client.chat.completions.parse(model="majority", messages=MESSAGES, response_format=Person)
            assert found.choices[0].message.parsed == Person(name="Mia", age=3)
            response = client.responses.parse(model="majority", input=MESSAGES, text_format=Person)
            assert response.output_parsed == Person(name="Mia", age=3)

    def test_a_tool_is_called_and_its_result_answered_in_both_interfaces(self, adding: str) -> None:
        with openai.OpenAI(base_url=adding, api_key="secret") as client:
            first = client.chat.completions.create(model="majority", messages=MESSAGES, tools=[ADD]).choices[0]
            [call] = first.message.tool_calls
            assert (first.finish_reason, json.loads(call.function.arguments)) == ("tool_calls", {"a": 40, "b": 2})
            result = {"role": "tool", "tool_call_id": call.id, "content": "42"}
            second = client.chat.completions.create(
                model="majority", messages=[*MESSAGES, first.message, result], tools=[ADD]
            )
            assert second.choices[0].message.content == "The sum is 42."
            tools: Any = [{"type": "function", **ADD["function"]}]
            with client.responses.stream(model="majority", input=MESSAGES, tools=tools) as stream:
                response = stream.get_final_response()
            *_, asked = response.output
            answered = {"type": "function_call_output", "call_id": asked.call_id, "output": "42"}
            again = client.responses.create(
                model="majority", input=[*MESSAGES, *response.output, answered], tools=tools
            )
            assert again.output_text == "The sum is 42."

    def test_tools_are_refused_of_a_policy_that_calls_none_unless_none_is_to_be_called(self, client: Any) -> None:
        tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}]
        with pytest.raises(openai.BadRequestError, match="toy cannot call tools") as refused:
            client.chat.completions.create(model="majority", messages=MESSAGES, tools=tools)
        assert refused.value.param == "tools"
        found = client.chat.completions.create(model="majority", messages=MESSAGES, tools=tools, tool_choice="none")
        assert found.choices[0].message.tool_calls is None

    def test_models_and_completions(self, client: Any) -> None:
        assert "dvts" in [model.id for model in client.models.list()]
        assert client.models.retrieve("toy/dvts").id == "toy/dvts"
        assert client.completions.create(model="majority", prompt="how far").choices[0].text == TEXT
        stream = client.completions.create(model="majority", prompt="how far", stream=True)
        assert "".join(chunk.choices[0].text for chunk in stream) == TEXT

    def test_its_errors_are_of_its_kinds(self, served: tuple[Toy, str], client: Any) -> None:
        with pytest.raises(openai.NotFoundError):
            client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
        with pytest.raises(openai.AuthenticationError), openai.OpenAI(base_url=served[1], api_key="wrong") as stranger:
            stranger.models.list()

    def test_a_failed_search_is_not_repeated(self) -> None:
        from tests.server.test_streams import Failing

        made = toy(Failing(OSError("broken"), 0))
        with (
            live(made) as address,
            openai.OpenAI(base_url=f"{address}/v1", api_key="any") as asking,
            pytest.raises(openai.InternalServerError),
        ):
            asking.chat.completions.create(model="majority", messages=MESSAGES)
        assert [line.get("status") for line in made.log if "path" in line] == [500]

    def test_an_error_within_a_stream_is_raised(self) -> None:
        from tests.server.test_streams import Failing

        made = toy(Failing(OSError("broken"), 6))
        with live(made) as address, openai.OpenAI(base_url=f"{address}/v1", api_key="any") as asking:
            stream = asking.chat.completions.create(model="dvts", messages=MESSAGES, stream=True)
            with pytest.raises(openai.APIError, match="failed at this request"):
                list(stream)
            stream = asking.responses.create(model="dvts", input="how far", stream=True)
            with pytest.raises(openai.APIError, match="failed at this request"):
                list(stream)

    def test_closing_a_stream_ends_the_search(self) -> None:
        made = toy(ToyPolicy(delay=0.05, depth=60, context=3000))
        with live(made) as address, openai.OpenAI(base_url=f"{address}/v1", api_key="any") as asking:
            stream = asking.chat.completions.create(model="beam-search", messages=MESSAGES, stream=True)
            next(iter(stream))
            stream.close()
            _wait(lambda: not made.service.house.inside)
            sampled = len(made.policy.calls)
            time.sleep(0.15)
            assert (len(made.policy.calls), made.policy.in_flight) == (sampled, 0)


def test_200_clients_that_hang_up_midway_leave_nothing_running() -> None:
    import socket

    made = toy(ToyPolicy(delay=0.05, depth=60, context=3000))
    with live(made) as address:
        host, port = address.removeprefix("http://").split(":")
        body = json.dumps(ASK | {"model": "dvts", "stream": True}).encode()
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode()
        sockets = [socket.create_connection((host, int(port))) for _ in range(200)]
        for connection in sockets:
            connection.sendall(head + body)
        _wait(lambda: made.service.house.inside == 200, 30)
        for number, connection in enumerate(sockets):
            if number % 2:  # half of them without a word: a reset in place of an orderly end
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            connection.close()
        _wait(lambda: not made.service.house.inside, 30)
        sampled = len(made.policy.calls)
        time.sleep(0.2)
        assert (len(made.policy.calls), made.policy.in_flight) == (sampled, 0)


def test_a_body_of_20_megabytes_is_refused(served: tuple[Toy, str]) -> None:
    import urllib.error
    import urllib.request

    headers = {"Content-Type": "application/json", "Authorization": "Bearer secret"}
    asked = urllib.request.Request(f"{served[1]}/chat/completions", b" " * 20_000_000, headers)
    with pytest.raises((urllib.error.HTTPError, ConnectionError, urllib.error.URLError)) as refused:
        urllib.request.urlopen(asked, timeout=30)
    if isinstance(refused.value, urllib.error.HTTPError):
        assert refused.value.code == 413
        refused.value.close()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl(served: tuple[Toy, str]) -> None:
    done = subprocess.run(
        ["curl", "-sSN", f"{served[1]}/chat/completions", "-H", "Authorization: Bearer secret",
         "-H", "Content-Type: application/json", "-d", json.dumps(ASK | {"stream": True})],
        capture_output=True, text=True, timeout=30, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("data: {")
    assert done.stdout.endswith("data: [DONE]\n\n")


def test_a_server_of_servers(served: tuple[Toy, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Our remote engine asks a served strategy for whole solutions, in the words of the caller alone."""
    made, address = served
    monkeypatch.setenv("TTS_API_KEY", "secret")
    policy = load_policy(f"{address}#dvts")
    made.policy.calls.clear()
    found = asyncio.run(Solver(f"{address}#dvts", None, "majority", 2, temperature=0.7).solve("how far"))
    assert (found.answer, len(found.candidates)) == ("3", 2)
    assert found.usage.policy_tokens == 2 * 76  # what the searches below sampled
    assert made.policy.calls[0].problem.text == "how far"
    assert made.policy.calls[0].problem.turns == ()  # the server has its own system message
    assert not policy.steps
    policy.close()


def test_a_server_of_servers_counts_all_tokens_of_an_answer_where_one_solution_may_not_have_as_many() -> None:
    with live(toy(ToyPolicy(slip=0.0, context=60))) as address:
        policy = load_policy(f"{address}/v1#best-of-n")
        found = asyncio.run(Solver(f"{address}/v1#best-of-n", None, "majority", 2).solve("how far"))
        assert found.usage.policy_tokens == 2 * 76  # a solution has 53 at most
        policy.close()


def _wait(condition: Any, seconds: float = 10.0) -> None:
    waited = threading.Event()
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        waited.wait(0.01)
