"""What a server can do is asked once a day, and whole solutions without seeds are one request."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable

import pytest

from tests.command_line import Tts
from tests.engines.fake_server import FakeServer
from tests.engines.test_policy import PROBLEM, ask, below
from tts import Solution, Solver
from tts.engines.remote import probing
from tts.engines.remote.policy import RemotePolicy
from tts.files.cache import cache_folder
from tts.records.outcomes import usage_of
from tts.records.solution_json import as_row
from tts.types import Node, Until

Fakes = Callable[..., FakeServer]
Connect = Callable[..., RemotePolicy]


def asked(fake: FakeServer) -> Counter[str]:
    return Counter(path for path, _, _ in fake.requests)


@pytest.mark.parametrize("variant", ["vllm", "openai", "llama.cpp", "chat"])
def test_a_known_server_is_asked_for_its_list_and_one_token(fakes: Fakes, connect: Connect, variant: str) -> None:
    fake = fakes(variant)
    first = connect(fake)
    fake.requests.clear()
    second = connect(fake)
    way = "/v1/chat/completions" if variant == "chat" else "/v1/completions"
    assert asked(fake) == {"/v1/models": 1, way: 1}
    assert (second._dialect, second.context, second.shape) == (first._dialect, first.context, first.shape)


@pytest.mark.parametrize(("before", "after"), [("vllm", "openai"), ("vllm", "chat"), ("chat", "llama.cpp")])
def test_a_server_that_lost_an_ability_is_asked_anew(
    fakes: Fakes, connect: Connect, before: str, after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeServer, "models", lambda fake, _: (200, {"data": [{"id": fake.name}]}))
    fake = fakes(before)
    connect(fake)
    fake.variant = after  # type: ignore[assignment]
    changed = connect(fake)
    assert changed._dialect == connect(fakes(after))._dialect


def test_a_changed_entry_and_the_next_day_are_asked_anew(
    fakes: Fakes, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = fakes("llama.cpp")
    connect(fake)
    fake.requests.clear()
    fake.entry = {"meta": {"n_params": 134_515_008}}
    assert connect(fake).shape.parameters == 134_515_008
    assert asked(fake)["/props"] == 1
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + probing.DAY + 1)
    connect(fake)
    assert asked(fake)["/props"] == 2


def test_what_is_remembered_names_no_address_and_no_key(
    fakes: Fakes, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TTS_API_KEY", "sesame")
    fake = fakes(key="sesame")
    connect(fake)
    [file] = cache_folder("servers").iterdir()
    assert "sesame" not in file.read_text() + file.name
    assert "127.0.0.1" not in file.read_text() + file.name
    file.write_text("{")  # a damaged memory is none
    assert connect(fake)._dialect.ids


async def _whole(policy: RemotePolicy, count: int) -> list[str]:
    problem = PROBLEM
    root = Node(policy.prompt(problem), "/")
    requests = [ask(root, k, until=Until.END, tokens=12) for k in range(count)]
    completions = await asyncio.gather(*(policy.generate(request) for request in requests))
    return [below(root, completion).text for completion in completions]


@pytest.mark.parametrize(("variant", "way"), [("vllm", "completions"), ("openai", "completions")])
async def test_whole_solutions_are_one_request_without_seeds_and_one_each_with_them(
    fakes: Fakes, connect: Connect, variant: str, way: str
) -> None:
    fake = fakes(variant)
    free, seeded = connect(fake, seeds=False), connect(fake)
    fake.requests.clear()
    await _whole(free, 4)
    assert [body.get("n", 1) for body in fake.asked(f"/v1/{way}")] == [4]
    fake.requests.clear()
    four = await _whole(seeded, 4)
    assert [body.get("n", 1) for body in fake.asked(f"/v1/{way}")] == [1] * 4
    assert (await _whole(seeded, 6))[:4] == four


async def test_a_server_that_gives_one_choice_is_asked_for_several_once(fakes: Fakes, connect: Connect) -> None:
    fake = fakes("chat")
    policy = connect(fake, seeds=False)
    fake.requests.clear()
    assert len(await _whole(policy, 3)) == len(await _whole(policy, 3)) == 3
    assert sorted(body.get("n", 1) for body in fake.asked("/v1/chat/completions")) == [1] * 5 + [3]


def _solved(fake: FakeServer) -> Solution:
    solver = Solver(fake.url, prm=None, strategy="majority", budget=2, solution_tokens=8)
    return asyncio.run(solver.solve(PROBLEM))


def test_flops_that_are_not_counted_are_null_and_said(fakes: Fakes, fresh_models: None) -> None:
    from tts.commands.solution_text import summary

    solution = _solved(fakes("openai"))
    usage = as_row(solution)["usage"]
    assert (usage["flops"], usage["policy_flops"], usage["paper_flops"], usage["prm_flops"]) == (None, None, None, 0)
    assert usage["policy_tokens"] > 0
    assert usage_of(usage) == solution.usage
    assert dict(summary(solution))["Policy"].endswith("tokens, FLOPs not counted")


def test_a_size_that_the_server_reports_counts_flops(fakes: Fakes, fresh_models: None) -> None:
    solution = _solved(fakes("llama.cpp", entry={"meta": {"n_params": 1000}}))
    assert solution.usage.paper_flops == 2 * 1000 * solution.usage.policy_tokens


def test_the_doctor_says_what_a_server_can_do_and_whose_the_time_is(fakes: Fakes, tts: Tts, fresh_models: None) -> None:
    out = tts("doctor", fakes("llama.cpp", entry={"meta": {"n_params": 134_515_008}}).url).out
    assert "continue by text" in out
    assert "134,515,008 parameters" in out
    assert "8 solutions of at most 64 tokens" in " ".join(out.split())
    assert re.search(r"s of it, the other \d+\.\d\d s are ours \(\d+ requests\)", " ".join(out.split()))


def test_the_doctor_wants_an_address(tts: Tts) -> None:
    assert "lab-1m is no address" in tts("doctor", "lab-1m").sentence
