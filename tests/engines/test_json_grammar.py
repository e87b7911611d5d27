"""Samples that are held to a JSON schema by a grammar, in each engine."""

from __future__ import annotations

import asyncio
import importlib.util
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests import tiny
from tests.engines.fake_server import FakeServer
from tests.engines.vllm_processes import needs_vllm
from tests.toy import ToyPolicy, ToyReward
from tts import solve
from tts.engines.json_grammar import JsonGrammars
from tts.engines.load import Loading, load_policy
from tts.engines.remote.policy import RemotePolicy
from tts.engines.transformers.engine import ENGINE as TRANSFORMERS
from tts.models.find import find
from tts.protocols import Completion, Policy, Request
from tts.tools.schema import misfit
from tts.types import Finish, Node, Problem, Until

SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 8},
        "age": {"type": "integer", "minimum": 0, "maximum": 130},
        "kind": {"enum": ["cat", "dog"]},
        "tags": {"type": "array", "items": {"type": "boolean"}, "maxItems": 3},
    },
    "required": ["name", "age", "kind"],
    "additionalProperties": False,
}
TEXT = json.dumps(SCHEMA)
PROBLEM = Problem("who is it?", schema=TEXT)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make_policy(tmp_path_factory.mktemp("letters"), letters=True, width=64, heads=2, context=1500)


@pytest.fixture(scope="module")
def policy(folder: Path) -> Iterator[Policy]:
    made = TRANSFORMERS.load_policy(find(str(folder), "policy"), device="cpu")
    yield made
    made.close()


def ask(policy: Policy, seed: int, schema: str = TEXT, until: Until = Until.END) -> Request:
    node = Node(policy.prompt(PROBLEM), "/")
    return Request(PROBLEM, node, f"/{seed}", seed, until, 200, 1.0, schema=schema)


def text(completion: Completion) -> str:
    return "".join(step.text for step in completion.steps)


async def sampled(policy: Policy, count: int, schema: str = TEXT) -> list[Completion]:
    await policy.prepare(PROBLEM)
    return await asyncio.gather(*(policy.generate(ask(policy, seed, schema)) for seed in range(count)))


async def test_a_random_model_writes_nothing_but_json_that_fits(policy: Policy) -> None:
    found = await sampled(policy, 24)
    assert {completion.finish for completion in found} == {Finish.STOP}
    values = [json.loads(text(completion)) for completion in found]
    assert [misfit(value, SCHEMA) for value in values] == [""] * 24
    assert {value["kind"] for value in values} == {"cat", "dog"}
    assert any("tags" in value for value in values)
    assert policy.warn(PROBLEM) is None


async def test_without_the_schema_it_writes_none(policy: Policy) -> None:
    for completion in await sampled(policy, 8, schema=""):
        with pytest.raises(json.JSONDecodeError):
            json.loads(text(completion))


async def test_who_is_not_held_samples_beside_it_what_it_samples_alone(policy: Policy) -> None:
    alone = await policy.generate(ask(policy, 3, ""))
    beside, held, _ = await asyncio.gather(
        policy.generate(ask(policy, 3, "")), policy.generate(ask(policy, 4)), policy.generate(ask(policy, 5, ""))
    )
    assert text(beside) == text(alone)
    assert not misfit(json.loads(text(held)), SCHEMA)


async def test_greedy_json_fits_too(policy: Policy) -> None:
    node = Node(policy.prompt(PROBLEM), "/")
    request = Request(PROBLEM, node, "/0", 0, Until.END, 300, 0.0, schema=json.dumps({"enum": [[1, "two"], None]}))
    assert json.loads(text(await policy.generate(request))) in ([1, "two"], None)


def test_the_thoughts_of_a_model_that_thinks_first_are_free_and_what_follows_is_json(folder: Path) -> None:
    tokenizer = TRANSFORMERS.load_policy(find(str(folder), "policy"), device="cpu")._text
    size, end = len(tokenizer.tokenizer), tokenizer.tokenizer.eos_token_id
    grammars = JsonGrammars(tokenizer.core, size, [end], thinks=True)
    thoughts, closed = 'She is 3, {"name"?\n<think> or 4', "</think>\n\n"
    held = grammars.start(TEXT)
    assert held

    def said(text: str) -> set[str]:
        """What may come behind a text, which itself may."""
        for token in tokenizer.encode(text):
            assert held.allowed()[token]
            held.take(token)
        return {tokenizer.core.id_to_token(int(token)) for token in held.allowed().nonzero()[0]}

    assert len(said(thoughts)) > 90
    assert "{" in said(closed)
    assert not {"a", "[", "</s>"} & said("")
    assert said('{"name": "Mia", "age": 3, "kind": "cat"') == {"}", ","}
    assert said("}") == {"</s>"}


async def test_a_model_that_thinks_is_not_held_while_it_does(folder: Path) -> None:
    card = replace(find(str(folder), "policy"), thinking=True)
    thinker = TRANSFORMERS.load_policy(card, device="cpu")
    try:
        [found] = await sampled(thinker, 1)
        with pytest.raises(json.JSONDecodeError):
            json.loads(text(found))
        assert found.finish is Finish.LENGTH, "a random one thinks on and on"
    finally:
        thinker.close()


def test_a_search_answers_with_such_json(folder: Path) -> None:
    solution = solve(PROBLEM, policy=str(folder), prm="none", strategy="majority", budget=4, engine="transformers")
    assert all(candidate.answer for candidate in solution.candidates)
    assert not misfit(json.loads(solution.answer or ""), SCHEMA)


def test_a_call_that_is_demanded_is_made(folder: Path) -> None:
    tool = json.dumps({"type": "function", "function": {"name": "register", "parameters": SCHEMA}})
    other = json.dumps({"type": "function", "function": {"name": "wait", "parameters": {"type": "object"}}})
    problem = Problem("who is it?", kind="tool", tools=(tool, other))
    solution = solve(problem, policy=str(folder), prm="none", strategy="majority", budget=6, engine="transformers")
    calls = [call for candidate in solution.candidates if candidate.answer for call in json.loads(candidate.answer)]
    assert len(calls) >= 5, "one may run out of tokens"
    assert any(call["name"] == "register" and not misfit(call["arguments"], SCHEMA) for call in calls)
    free = solve(replace(problem, kind=""), policy=str(folder), prm="none", strategy="majority", budget=6)
    assert "register" not in (free.answer or "")


def test_a_schema_without_a_grammar_is_named_and_nothing_is_held(policy: Policy) -> None:
    odd = Problem("who is it?", schema=json.dumps({"type": "string", "pattern": "(?=a)b"}))
    asyncio.run(policy.prepare(odd))
    assert "is not held to the JSON schema" in (policy.warn(odd) or "")
    assert asyncio.run(policy.generate(ask(policy, 1, odd.schema))).steps


def test_a_keyword_that_llguidance_does_not_know_is_left_out(policy: Policy) -> None:
    odd = Problem("who is it?", schema=json.dumps({"type": "integer", "not": {"const": 3}}))
    assert policy.warn(odd) is None


def test_without_llguidance_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr("tts.engines.json_grammar.find_spec", lambda name: None)
    grammars = JsonGrammars(None, 10, [2])
    assert "pip install 'tts-search[json]'" in grammars.check(TEXT)
    assert grammars.start(TEXT) is None


@pytest.mark.parametrize("engine", ["transformers", pytest.param("vllm", marks=needs_vllm)])
def test_a_model_without_braces_in_its_vocabulary_is_not_held(engine: str) -> None:
    problem = Problem("Mia has 17 marbles. She wins 25 more. How many has she now?", schema=TEXT)
    solution = solve(problem, policy="lab-1m", prm="none", strategy="majority", budget=2, engine=engine)
    assert any("llguidance cannot read its tokenizer" in warning for warning in solution.warnings)


class Keeping(ToyPolicy):
    schemas = True


@pytest.mark.parametrize(
    ("strategy", "given"), [("best-of-n", {TEXT}), ("majority", {TEXT}), ("beam-search", {""}), ("ab-mcts", {TEXT})]
)
def test_whole_solutions_are_held_and_steps_are_not(strategy: str, given: set[str]) -> None:
    policy = Keeping()
    solution = solve(PROBLEM, policy=policy, prm=ToyReward(), strategy=strategy, budget=4)
    assert {request.schema for request in policy.calls} == given
    assert any("held to no JSON" in warning for warning in solution.warnings) == (given == {""})
    free = ToyPolicy()
    solve(PROBLEM, policy=free, prm=ToyReward(), strategy=strategy, budget=4)
    assert {request.schema for request in free.calls} == {""}


def test_auto_takes_whole_solutions_for_an_answer_by_a_schema() -> None:
    rule = dict.fromkeys(("easy", "medium", "hard"), "beam-search")
    for problem, chosen in ((Problem("who is it?"), "beam-search"), (PROBLEM, "best-of-n")):
        solution = solve(problem, policy=Keeping(), prm=ToyReward(), budget=16, strategy="auto", **rule)
        assert next(solution.trace.of("plan"))["strategy"] == chosen


def test_a_turn_may_be_a_call_where_a_search_makes_the_calls_whatever_the_answer_has_to_be(folder: Path) -> None:
    def double(n: int) -> int:
        """Double it."""
        return 2 * n

    settings: dict[str, Any] = {"policy": str(folder), "engine": "transformers", "budget": 2, "max_tokens": 600}
    assert solve(PROBLEM, tools=[double], **settings).answer is None, "a random model writes no JSON unless it is held"
    assert solve(PROBLEM, prm="none", strategy="majority", **settings).answer


FORMAT = {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}}


class TestServers:
    @pytest.mark.parametrize(
        ("variant", "expected"),
        [("vllm", FORMAT), ("openai", FORMAT), ("chat", FORMAT), ("llama.cpp", {"json_schema": SCHEMA})],
    )
    async def test_each_gets_the_schema_in_its_own_form_and_no_stop(
        self, fakes: Callable[..., FakeServer], connect: Callable[..., RemotePolicy], variant: str, expected: Any
    ) -> None:
        fake = fakes(variant)
        policy = connect(fake)
        fake.requests.clear()
        await policy.generate(ask(policy, 1))
        path, body, _ = fake.requests[-1]
        assert path == ("/v1/chat/completions" if variant == "chat" else "/v1/completions")
        assert {name: body[name] for name in expected} == expected
        assert "stop" not in body

    @pytest.mark.parametrize("variant", ["vllm", "chat"])
    async def test_one_that_refuses_it_is_asked_without_and_the_user_is_told(
        self, fakes: Callable[..., FakeServer], connect: Callable[..., RemotePolicy], variant: str
    ) -> None:
        fake = fakes(variant)
        policy = connect(fake)
        free = await policy.generate(ask(policy, 1, ""))
        fake.refused = "response_format"
        found = await policy.generate(ask(policy, 1))
        assert text(found) == text(free)
        assert "the server refuses it" in " ".join(found.warnings)
        assert not policy.schemas

    async def test_a_demand_of_a_call_is_passed_on_until_it_is_refused(
        self, fakes: Callable[..., FakeServer], connect: Callable[..., RemotePolicy]
    ) -> None:
        fake = fakes("chat")
        policy = connect(fake)
        caller = policy.offered([{"type": "function", "function": {"name": "wait", "parameters": {}}}], "")
        demanded = [TEXT, "", TEXT, TEXT]
        fake.requests.clear()
        for seed, schema in enumerate(demanded):
            if seed == 2:
                fake.refused = "tool_choice"
            await caller.generate(ask(caller, seed, schema))
        asked = [body.get("tool_choice") for body in fake.asked("/v1/chat/completions")]
        assert asked == ["required", None, "required", None, None]


@needs_vllm
async def test_vllm_writes_the_same_json_as_the_transformers_engine(folder: Path, policy: Policy) -> None:
    other = load_policy(str(folder), Loading(engine="vllm", arguments={"replicas": 1}))
    try:
        assert other.schemas
        theirs = await sampled(other, 4)
        assert [text(completion) for completion in theirs] == [text(each) for each in await sampled(policy, 4)]
        assert not any(misfit(json.loads(text(completion)), SCHEMA) for completion in theirs)
    finally:
        other.close()
