"""A server whose models are on a cluster: a search on one replica, losses, and clients that hang up."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the server is not installed: pip install 'tts-search[serve]'")

from tests.cluster.fake_ray import FakeRay
from tests.cluster.simulated import SETTINGS, simulated
from tests.server.serving import ASK, Toy, asking, get, post, until
from tests.toy import ToyPolicy
from tts import Solver, solve_async
from tts.budget import Budget
from tts.cluster.placement import Placement
from tts.cluster.replicas import Replicas, ReplicaSolver
from tts.cluster.worker import DIED, SOLVED, TTSWorker, request
from tts.errors import BadInput, ModelError
from tts.selection.shared_budget import Share
from tts.server.app import app_of
from tts.server.catalogue import load
from tts.server.service import Service
from tts.server.settings import Settings
from tts.types import Problem, Turn

__all__ = ["simulated"]
pytestmark = pytest.mark.usefixtures("simulated")

BASE = {name: value for name, value in SETTINGS.items() if name != "strategy"}
QUESTION = {**ASK, "model": "majority", "seed": 0}


def served(ray: FakeRay, workers: int = 2, seconds: float = 0.0) -> tuple[Toy, list[str]]:
    notices: list[str] = []
    replicas = Replicas(Placement(workers=workers), "lab-1m", notices.append, ray)
    base = ReplicaSolver(replicas, **{**BASE, "engine_args": {"seconds": seconds}})
    lines: list[str] = []
    service = Service(load([base], {}, lambda solver: None)[0], Settings(), lines.append)
    return Toy(ToyPolicy(), service, lines, app_of(service)), notices


async def test_answers_are_those_of_this_process_and_searches_are_spread() -> None:
    made, _ = served(ray := FakeRay())
    replies = await asyncio.gather(*(post(made.app, QUESTION | {"seed": k}) for k in range(4)))
    here = await solve_async("how far", **{**SETTINGS, "seed": 3, "engine_args": {"seconds": 0.0}})
    found = replies[3].json
    assert (found["tts"]["answer"], found["tts"]["confidence"]) == (here.answer, here.confidence)
    assert found["choices"][0]["message"]["content"] == here.best.text  # type: ignore[union-attr]
    assert found["usage"]["completion_tokens"] == here.usage.policy_tokens
    assert [len(actor.answered) for actor in ray.actors] == [2, 2]
    trace = (await get(made.app, f"/v1/traces/{found['tts']['trace']}")).json
    assert {event["event"] for event in trace["events"]} >= {"start", "sample", "end"}
    assert (await get(made.app, "/health")).status == 200


async def test_a_stream_shows_the_tree_when_the_search_has_ended() -> None:
    made, _ = served(FakeRay())
    events = (await post(made.app, QUESTION | {"stream": True, "tts": {"events": True}})).events
    kinds = [each["event"] for chunk in events for each in chunk.get("tts", {}).get("events", [])]
    assert kinds.count("sample") == 4


async def test_a_search_whose_replica_is_lost_begins_anew_on_another() -> None:
    ray, lost = FakeRay(), list[TTSWorker]()

    async def once(worker: TTSWorker, *asked: str) -> Any:
        if not lost:
            lost.append(worker)
            return DIED, "the engine's process ended"
        return await TTSWorker.answer(worker, *asked)

    ray.answer = once
    made, notices = served(ray)
    assert (await post(made.app, QUESTION)).status == 200
    assert any("was lost (the engine's process ended): another one does its problems." in each for each in notices)
    assert len(ray.actors) == 3


async def test_a_client_that_hangs_up_cancels_its_search_on_the_replica() -> None:
    made, _ = served(ray := FakeRay(), seconds=30)
    async with asking(made.app, QUESTION) as (client, task):
        await until(lambda: any(actor.answered for actor in ray.actors))
        client.hang_up()
        await asyncio.wait_for(task, 5)
    assert ray.cancelled == 1
    assert made.service.house.inside == 0


async def test_what_the_caller_can_mend_is_4xx_and_the_rest_5xx() -> None:
    ray = FakeRay()
    made, _ = served(ray)

    for kind, status in (("input", 400), ("failed", 502)):

        async def refused(worker: TTSWorker, *asked: str, kind: str = kind) -> Any:
            return kind, "/a/path of the server."

        ray.answer = refused
        found = await post(made.app, QUESTION)
        assert found.status == status
        assert ("path" in found.error["message"]) == (status == 400)


def test_a_solver_that_cannot_run_on_a_replica_is_a_sentence() -> None:
    replicas = Replicas(Placement(workers=1), "lab-1m", lambda _: None, FakeRay())
    with pytest.raises(ModelError, match=r"^qwen2.5-1.5b is not on this machine: run `hf download"):
        replicas.check(Solver("qwen2.5-1.5b", None, "majority", 2, engine="transformers"))


def test_an_object_cannot_be_served_by_replicas() -> None:
    replicas = Replicas(Placement(), "toy", lambda _: None, FakeRay())
    with pytest.raises(BadInput, match="the policy is a Python object, which cannot be sent"):
        ReplicaSolver(replicas, ToyPolicy(), None, "majority")


async def test_a_worker_names_the_kind_of_an_error() -> None:
    recipe = Solver(**{**SETTINGS, "strategy": "majority", "engine_args": {"seconds": 0.0}}).recipe()
    asked = {"problem": {"text": "x", "turns": [], "tools": []}, "budget": {"n": 2}, "warning": "", "traced": False}
    worker = TTSWorker("worker", "/")
    kind, _ = await worker.answer(json.dumps({**recipe, "vote": "best of all"}), json.dumps(asked))
    assert kind == "input"


async def test_a_problem_arrives_with_its_calls_results_and_tools() -> None:
    look = json.dumps({"type": "function", "function": {"name": "look", "description": "", "parameters": {}}})
    call = json.dumps({"name": "look", "arguments": {}})
    turns = (Turn("user", "how far"), Turn("assistant", "", (call,)), Turn("tool", "84"))
    asked = request(Problem("how far", turns=turns, tools=(look,)), Share(Budget(2)), True)
    recipe = Solver("lab-orchestrator", None, "majority", 2, engine="transformers").recipe()
    kind, text = await TTSWorker("worker", "/").answer(json.dumps(recipe), asked)
    assert kind == SOLVED
    [start] = [event for event in json.loads(text)["trace"] if event["event"] == "start"]
    assert start["problem"]["tools"] == [look]
    assert [turn["role"] for turn in start["problem"]["turns"]] == ["user", "assistant", "tool"]
    assert start["problem"]["turns"][1]["calls"] == [call]
