"""A pool behind the server: routing, several models that vote, one model by name, and the usage of each."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.routing.samples import outcomes
from tests.server.serving import Toy, get, post
from tests.tools.scripted import Scripted, asks
from tests.toy import ToyPolicy
from tts import Pool
from tts.errors import EngineDied
from tts.pool_solver import PoolSolver
from tts.protocols import Completion, Policy, Request
from tts.routing.arms import Arm
from tts.server.app import app_of
from tts.server.pooled import pooled
from tts.server.service import Service
from tts.server.settings import Settings

pytest.importorskip("sklearn", reason="fitting a pool needs scikit-learn")
NEW_SUM, NEW_WORD = "What is 30 plus 41 in total?", "Spell the word meadow backwards, letter 3."
DEPTHS = {"adder": 3, "speller": 4, "generalist": 5}  # the answer of each, too


@pytest.fixture(scope="module")
def pool() -> Pool:
    return asyncio.run(Pool.fit(outcomes(), arms=[Arm("generalist", "generalist", "majority", 2)]))


class Down(ToyPolicy):
    async def generate(self, request: Request) -> Completion:
        raise EngineDied("its process ended.")


def served(pool: Pool, **policies: Policy) -> Toy:
    toys: dict[str, Policy] = {name: ToyPolicy(depth, 0.0, name=name) for name, depth in DEPTHS.items()}
    lines: list[str] = []
    solver = PoolSolver(pool, 4, policies={**toys, **policies})
    service = Service(pooled(solver), Settings(), lines.append)
    return Toy(ToyPolicy(), service, lines, app_of(service))


def ask(model: str, problem: str = NEW_SUM, **fields: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": problem}], **fields}


async def test_the_models_are_those_of_the_pool_and_none_is_loaded_before_it_is_asked(pool: Pool) -> None:
    made = served(pool)
    ids = [row["id"] for row in (await get(made.app, "/v1/models")).json["data"]]
    assert ids[:2] == ["auto", "route-and-vote"]
    assert {"adder/majority", "speller/majority", "generalist/majority"} <= {*ids}
    assert made.service.catalogue.models == []
    assert (await get(made.app, "/health")).status == 200
    await post(made.app, ask("speller"))
    assert [model.name for model in made.service.catalogue.models] == ["speller"]


async def test_auto_routes_each_problem_and_says_so(pool: Pool) -> None:
    made = served(pool)
    for problem, name in ((NEW_SUM, "adder"), (NEW_WORD, "speller")):
        search = (await post(made.app, ask("auto", problem))).json["tts"]
        assert (search["answer"], search["plan"]["policy"]) == (str(DEPTHS[name]), name)
        assert search["plan"]["reason"].startswith(f"routed to {name}: ")
        assert list(search["usage"]["models"]) == [name]
    page = (await get(made.app, "/metrics")).body.decode()
    assert 'tts_request_seconds_count{model="pool",strategy="auto"} 2.0' in page
    assert 'tts_tokens_total{kind="sampled",model="speller",strategy="auto"}' in page


async def test_one_model_is_asked_by_its_name_with_the_budget_of_the_request(pool: Pool) -> None:
    made = served(pool)
    for name in ("generalist/majority", "generalist"):
        search = (await post(made.app, ask(name, NEW_WORD))).json["tts"]
        assert (search["answer"], search["plan"]["n"]) == ("5", 2)  # the arm's own N
    wider = (await post(made.app, ask("generalist", NEW_WORD, tts={"budget": 3, "candidates": True}))).json["tts"]
    assert len(wider["candidates"]) == 3


async def test_several_models_vote_and_the_usage_of_each_is_exact(pool: Pool) -> None:
    made = served(pool)
    body = (await post(made.app, ask("route-and-vote", tts={"budget": 12, "parameters": {"top": 3}}))).json
    models = body["tts"]["usage"]["models"]
    assert set(models) > {"adder"}
    assert sum(model["sampled"] for model in models.values()) == body["usage"]["completion_tokens"]
    assert sum(model["read"] for model in models.values()) == body["usage"]["prompt_tokens"]
    assert sum(model["flops"] for model in models.values()) == body["tts"]["usage"]["flops"]
    per = {name: (model["sampled"], model["read"]) for name, model in models.items()}
    assert {name: read for name, (_, read) in per.items()} == dict.fromkeys(per, len(NEW_SUM))
    lengths = {name: 3 * depth + 10 for name, depth in DEPTHS.items()}  # the steps, the box, the end
    counts = {name: sampled / lengths[name] for name, (sampled, _) in per.items()}
    assert all(count == int(count) > 0 for count in counts.values())
    assert sum(counts.values()) == 12


async def test_the_plan_is_what_the_pool_expects_and_nothing_is_sampled(pool: Pool) -> None:
    made = served(pool)
    for name in ("auto", "speller/majority"):
        plan = (await post(made.app, ask(name), "/v1/plan")).json
        assert (plan["object"], plan["options"][0]["plan"], plan["options"][0]["chosen"]) == ("plan", "adder", True)
        assert len(plan["options"]) == 3
    assert made.service.catalogue.models == []


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tts": {"parameters": {"team": 1}}}, "tts.parameters.team"),
        ({"tts": {"parameters": {"beam_width": 2}}}, "tts.parameters.beam_width"),
        ({"tts": {"strategy": "dvts"}}, "tts.strategy"),
        ({"tts": {"max_cost": 0.1}}, "tts"),
    ],
)
async def test_what_a_pool_cannot_honour_is_refused(pool: Pool, fields: dict[str, Any], param: str) -> None:
    reply = await post(served(pool).app, ask("auto", **fields))
    assert (reply.status, reply.error["param"]) == (400, param)


async def test_a_model_that_is_down_is_passed_over(pool: Pool) -> None:
    made = served(pool, adder=Down(name="adder"))
    found = (await post(made.app, ask("auto"))).json["tts"]
    assert found["answer"] == "5"
    assert "adder could not be used" in found["warnings"][0]
    assert (await post(made.app, ask("adder"))).status == 503


class Caller(ToyPolicy):
    """Calls a tool that it was offered."""

    def offered(self, tools: Sequence[Mapping[str, Any]], guide: str) -> Policy:
        return Scripted([asks(tools[0]["function"]["name"])], name=self.name)


async def test_a_model_that_calls_no_tools_is_passed_over_for_one_that_does(pool: Pool) -> None:
    tools = [{"type": "function", "function": {"name": "look"}}]
    made = served(pool, speller=Caller(name="speller"))
    found = (await post(made.app, ask("auto", tools=tools))).json  # the problem of the adder
    assert [call["function"]["name"] for call in found["choices"][0]["message"]["tool_calls"]] == ["look"]
    assert "adder could not be used" in found["tts"]["warnings"][0]
    team = ask("route-and-vote", tools=tools, tts={"budget": 4, "parameters": {"top": 2}})
    made = served(pool, **{name: Caller(name=name) for name in DEPTHS})
    [vote] = (await post(made.app, team)).json["tts"]["votes"]
    assert (vote["count"], vote["share"]) == (4, 1.0), "every model of a vote is offered the tools"
    refused = await post(served(pool).app, ask("auto", tools=tools))
    assert (refused.status, refused.error["param"]) == (400, "tools")
