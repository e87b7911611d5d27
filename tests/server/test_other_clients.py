"""Clients that pin other versions of what we use: OpenAI's Agents SDK, LangChain, instructor, LiteLLM and `llm`.

Their tests run with an interpreter of their own, whose path is in TTS_CLIENTS_PYTHON, and skip without one.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.server.serving import Toy, live, toy
from tests.server.test_clients import TEXT
from tests.tools.scripted import Scripted, asks

OTHERS = os.environ.get("TTS_CLIENTS_PYTHON", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not OTHERS, reason="TTS_CLIENTS_PYTHON names no interpreter with these clients"),
]


def _script(code: str, address: str, home: Path) -> str:
    environment = {**os.environ, "ADDRESS": address, "OPENAI_API_KEY": "secret", "LLM_USER_PATH": str(home)}
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        [OTHERS, "-c", code], env=environment, cwd=home, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


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


def test_llm(served: tuple[Toy, str], tmp_path: Path) -> None:
    rows = f"- model_id: searched\n  model_name: dvts\n  api_base: {served[1]}\n  api_key_name: openai\n"
    (tmp_path / "extra-openai-models.yaml").write_text(rows, encoding="utf-8")
    code = "import llm.cli; llm.cli.cli(['prompt', '-m', 'searched', 'how far'{}])"
    for stream in ("", ", '--no-stream'"):
        assert _script(code.format(stream), served[1], tmp_path).strip() == TEXT


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


@pytest.mark.parametrize("mode", ["TOOLS", "JSON_SCHEMA"])
def test_instructor_gets_an_object(mode: str, tmp_path: Path) -> None:
    code = """
import os
import instructor
from openai import OpenAI
from pydantic import BaseModel
class Person(BaseModel):
    name: str
    age: int
asking = instructor.from_openai(
    OpenAI(base_url=os.environ["ADDRESS"], api_key="secret"), mode=getattr(instructor.Mode, "MODE")
)
print(repr(asking.chat.completions.create(
    model="majority", response_model=Person, messages=[{"role": "user", "content": "how far"}], max_retries=0
)))
""".replace('MODE"', f'{mode}"')
    said = asks("Person", name="Mia", age=3) if mode == "TOOLS" else '{"name": "Mia", "age": 3}'
    with live(toy(Scripted([said]), key="secret")) as address:  # type: ignore[arg-type]
        assert _script(code, f"{address}/v1", tmp_path).splitlines()[-1] == "Person(name='Mia', age=3)"
