"""Clients that know nothing of this server: OpenAI's SDKs, curl, `llm`, LiteLLM, LangChain, and our own remote engine.

All but the first two pin other versions of what we use. Their tests run with an interpreter of their own, whose path
is in TTS_CLIENTS_PYTHON, and skip without one.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.serving import ASK, Toy, live, toy
from tests.tools.scripted import Scripted, asks
from tests.toy import ToyPolicy
from tts import Solver
from tts.engines.load import load_policy
from tts.protocols import Completion, Request

openai = pytest.importorskip("openai", reason="OpenAI's SDK is not installed")

MESSAGES: Any = ASK["messages"]
TEXT = "1\n\n2\n\n3\n\n\\boxed{3}"
OTHERS = os.environ.get("TTS_CLIENTS_PYTHON", "")
others = pytest.mark.skipif(not OTHERS, reason="TTS_CLIENTS_PYTHON names no interpreter with these clients")


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Toy, str]]:
    made = toy(ToyPolicy(slip=0.0, context=2000), key="secret")
    with live(made) as address:
        yield made, f"{address}/v1"


@pytest.fixture
def client(served: tuple[Toy, str]) -> Iterator[Any]:
    with openai.OpenAI(base_url=served[1], api_key="secret") as made:
        yield made


class Adds(Scripted):
    """Calls ``add`` with 40 and 2, and answers with the result once the conversation holds one."""

    async def generate(self, request: Request) -> Completion:
        found = [turn.text for turn in request.problem.turns if turn.role == "tool"]
        said = f"The sum is {found[-1]}." if found else asks("add", a=40, b=2)
        return await Scripted([said]).generate(request)


@pytest.fixture(scope="module")
def adding() -> Iterator[str]:
    with live(toy(Adds([]), key="secret")) as address:  # type: ignore[arg-type]
        yield f"{address}/v1"


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


def _script(code: str, address: str, home: Path) -> str:
    environment = {**os.environ, "ADDRESS": address, "OPENAI_API_KEY": "secret", "LLM_USER_PATH": str(home)}
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        [OTHERS, "-c", code], env=environment, cwd=home, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@others
@pytest.mark.slow
def test_litellm(served: tuple[Toy, str], tmp_path: Path) -> None:
    code = """
import os, litellm
given = dict(model="openai/dvts", api_base=os.environ["ADDRESS"], api_key="secret",
             messages=[{"role": "user", "content": "how far"}])
found = litellm.completion(**given)
print(repr(found.choices[0].message.content), found.usage.completion_tokens)
chunks = list(litellm.completion(**given, stream=True, stream_options={"include_usage": True}))
deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
print(repr("".join(delta.content or "" for delta in deltas)))
print(any("reasoning_content" in delta and delta.reasoning_content for delta in deltas))
"""
    whole, streamed, reasoned = _script(code, served[1], tmp_path).splitlines()[-3:]
    assert (whole, streamed, reasoned) == (f"{TEXT!r} {16 * 19 // 4}", repr(TEXT), "True")


@others
@pytest.mark.slow
def test_llm(served: tuple[Toy, str], tmp_path: Path) -> None:
    rows = f"- model_id: searched\n  model_name: dvts\n  api_base: {served[1]}\n  api_key_name: openai\n"
    (tmp_path / "extra-openai-models.yaml").write_text(rows, encoding="utf-8")
    code = "import llm.cli; llm.cli.cli(['prompt', '-m', 'searched', 'how far'{}])"
    for stream in ("", ", '--no-stream'"):
        assert _script(code.format(stream), served[1], tmp_path).strip() == TEXT


@others
@pytest.mark.slow
def test_openais_agents_go_on_behind_an_answer(served: tuple[Toy, str], tmp_path: Path) -> None:
    code = """
import asyncio, os
from agents import Agent, OpenAIResponsesModel, Runner, set_tracing_disabled
from openai import AsyncOpenAI
set_tracing_disabled(True)
async def main():
    client = AsyncOpenAI(base_url=os.environ["ADDRESS"], api_key="secret")
    model = OpenAIResponsesModel(model="dvts", openai_client=client)
    agent = Agent(name="solver", instructions="be brief", model=model)
    streamed = Runner.run_streamed(agent, "how far")
    kinds = [event.data.type async for event in streamed.stream_events() if event.type == "raw_response_event"]
    print(kinds[-1], repr(streamed.final_output))
    again = await Runner.run(agent, [*streamed.to_input_list(), {"role": "user", "content": "and on"}])
    print(repr(again.final_output))
asyncio.run(main())
"""
    first, again = _script(code, served[1], tmp_path).splitlines()[-2:]
    assert (first, again) == (f"response.completed {TEXT!r}", repr(TEXT))


@others
@pytest.mark.slow
def test_openais_agents_call_a_function(adding: str, tmp_path: Path) -> None:
    code = """
import asyncio, os
from agents import Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel, Runner, function_tool, set_tracing_disabled
from openai import AsyncOpenAI
set_tracing_disabled(True)
@function_tool
def add(a: int, b: int) -> int:
    "Adds."
    return a + b
async def main():
    for kind in (OpenAIResponsesModel, OpenAIChatCompletionsModel):
        model = kind(model="majority", openai_client=AsyncOpenAI(base_url=os.environ["ADDRESS"], api_key="secret"))
        agent = Agent(name="adder", instructions="be brief", model=model, tools=[add])
        print((await Runner.run(agent, "how far")).final_output)
        streamed = Runner.run_streamed(agent, "how far")
        async for event in streamed.stream_events():
            pass
        print(streamed.final_output)
asyncio.run(main())
"""
    assert _script(code, adding, tmp_path).splitlines()[-4:] == ["The sum is 42."] * 4


@others
@pytest.mark.slow
@pytest.mark.parametrize("responses", [True, False])
def test_langchain_calls_a_function(responses: bool, adding: str, tmp_path: Path) -> None:
    code = """
import os
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
@tool
def add(a: int, b: int) -> int:
    "Adds."
    return a + b
model = ChatOpenAI(model="majority", base_url=os.environ["ADDRESS"], api_key="secret", use_responses_api=RESPONSES)
bound, said = model.bind_tools([add]), [HumanMessage("how far")]
said.append(bound.invoke(said))
said += [add.invoke(call) for call in said[-1].tool_calls]
print(bound.invoke(said).text)
""".replace("RESPONSES", str(responses))
    assert _script(code, adding, tmp_path).splitlines()[-1] == "The sum is 42."


@others
@pytest.mark.slow
@pytest.mark.parametrize("responses", [True, False])
def test_langchain_gets_a_structured_answer(responses: bool, tmp_path: Path) -> None:
    code = """
import os
from langchain_openai import ChatOpenAI
from pydantic import BaseModel
class Person(BaseModel):
    name: str
    age: int
model = ChatOpenAI(model="majority", base_url=os.environ["ADDRESS"], api_key="secret", use_responses_api=RESPONSES)
print(repr(model.with_structured_output(Person).invoke("how far")))
""".replace("RESPONSES", str(responses))
    made = toy(Scripted(['I think.\n{"name": "Mia", "age": 3}']), key="secret")  # type: ignore[arg-type]
    with live(made) as address:
        assert _script(code, f"{address}/v1", tmp_path).splitlines()[-1] == "Person(name='Mia', age=3)"


@others
@pytest.mark.slow
@pytest.mark.parametrize("responses", [True, False])
def test_langchain(responses: bool, served: tuple[Toy, str], tmp_path: Path) -> None:
    code = """
import os
from langchain_openai import ChatOpenAI
model = ChatOpenAI(model="dvts", base_url=os.environ["ADDRESS"], api_key="secret", use_responses_api=RESPONSES)
found = model.invoke("how far")
print(repr(found.text), found.usage_metadata["output_tokens"])
print(repr("".join(chunk.text for chunk in model.stream("how far"))))
print(repr(model.invoke([("user", "how far"), found, ("user", "and on")]).text))
""".replace("RESPONSES", str(responses))
    assert _script(code, served[1], tmp_path).splitlines()[-3:] == [f"{TEXT!r} {16 * 19 // 4}", repr(TEXT), repr(TEXT)]


def _wait(condition: Any, seconds: float = 10.0) -> None:
    waited = threading.Event()
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        waited.wait(0.01)
