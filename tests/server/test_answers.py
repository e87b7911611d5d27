"""What a client is answered: choices, usage, the search, and each of OpenAI's fields."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from tests.server.serving import ASK, JSON, Toy, get, post, toy
from tests.toy import ToyPolicy, ToyReward
from tts import Problem, Solver
from tts.server.answers import search_row, text_of, winner
from tts.server.app import app_of
from tts.server.catalogue import load
from tts.server.logprobs import by_part
from tts.server.service import Service
from tts.server.settings import Settings
from tts.types import Candidate, Finish, Standing, TokenLogprobs


@pytest.fixture
def made() -> Toy:
    return toy()


async def test_the_answer_is_the_winning_solution_and_the_usage_is_the_whole_search(made: Toy) -> None:
    """The toy writes 19 tokens a solution: three steps of 3, a box of 9, the end. Four solutions are 76."""
    reply = await post(made.app, ASK)
    assert reply.status == 200
    body = reply.json
    [choice] = body["choices"]
    assert choice["message"]["content"] == "1\n\n2\n\n3\n\n\\boxed{3}"
    assert (choice["finish_reason"], choice["message"]["role"], choice["index"]) == ("stop", "assistant", 0)
    assert body["usage"] == {
        "prompt_tokens": len("how far"), "completion_tokens": 76, "total_tokens": 83,
        "completion_tokens_details": {"reasoning_tokens": 57},
    }  # fmt: skip
    assert body["object"] == "chat.completion"
    assert body["id"] == reply.headers["x-request-id"]
    search = body["tts"]
    assert (search["answer"], search["confidence"], search["stopped"]) == ("3", 1.0, "complete")
    assert search["plan"]["strategy"] == "best-of-n"
    models = search["usage"]["models"]
    assert (models["toy"]["sampled"], models["toy"]["read"]) == (76, 7)
    assert models["toy-prm"]["read"] == 7 + 4 + 4 + 4 + 10  # equal solutions are read once, a mark a step
    assert search["usage"]["flops"] == sum(model["flops"] for model in models.values())


async def test_every_strategy_is_a_model_id_and_answers(made: Toy) -> None:
    rows = (await get(made.app, "/v1/models")).json["data"]
    ids = [row["id"] for row in rows]
    assert ids[0] == "auto"
    assert {"best-of-n", "majority", "dvts", "beam-search", "mcts", "rebase"} <= {*ids}
    assert "route-and-vote" not in ids  # it needs a pool
    assert "orchestrate" not in ids  # it needs tools
    for name in [*ids, "toy", "toy/dvts"]:
        reply = await post(made.app, ASK | {"model": name})
        assert (reply.status, reply.json["model"], reply.json["tts"]["answer"]) == (200, name, "3"), name
    one = (await get(made.app, "/v1/models/toy/dvts")).json
    assert (one["id"], one["object"], one["tts"]["policy"]) == ("toy/dvts", "model", "toy")


async def test_an_unknown_model_is_404_with_the_nearest_name(made: Toy) -> None:
    reply = await post(made.app, ASK | {"model": "best-of-m"})
    assert (reply.status, reply.error["code"], reply.error["param"]) == (404, "model_not_found", "model")
    assert "best-of-n" in reply.error["message"]
    assert (await get(made.app, "/v1/models/nothing/like/it")).status == 404


async def test_requests_set_budget_strategy_vote_and_parameters_and_change_nothing_for_others(made: Toy) -> None:
    extras = {"budget": 8, "strategy": "dvts", "vote": "best", "parameters": {"beam_width": 2}, "candidates": True}
    mine, other = await asyncio.gather(post(made.app, ASK | {"model": "auto", "tts": extras}), post(made.app, ASK))
    plan = mine.json["tts"]["plan"]
    assert (plan["strategy"], plan["n"], plan["vote"], plan["parameters"]["beam_width"]) == ("dvts", 8, "best", 2)
    assert len(mine.json["tts"]["candidates"]) == 8
    plan = other.json["tts"]["plan"]
    assert (plan["strategy"], plan["n"], plan["vote"]) == ("best-of-n", 4, "weighted")
    assert "candidates" not in other.json["tts"]


async def test_a_request_can_lower_the_operators_ceilings_and_not_raise_them() -> None:
    made = toy(base={"max_tokens": 60})
    asked = [post(made.app, ASK | {"tts": {"max_tokens": most}}) for most in (30, 10**6)]
    low, high = [reply.json for reply in await asyncio.gather(*asked)]
    assert (low["usage"]["completion_tokens"], low["tts"]["stopped"]) == (19 + 11, "max_tokens")
    assert high["usage"]["completion_tokens"] == 19 + 19 + 19 + 3


async def test_max_completion_tokens_limits_the_search_and_max_tokens_each_solution(made: Toy) -> None:
    whole = (await post(made.app, ASK | {"max_completion_tokens": 40})).json
    assert whole["usage"]["completion_tokens"] <= 40
    assert whole["choices"][0]["finish_reason"] == "stop"
    each = (await post(made.app, ASK | {"max_tokens": 10})).json
    assert each["usage"]["completion_tokens"] == 40  # four of ten
    assert each["choices"][0]["finish_reason"] == "length"
    assert each["choices"][0]["message"]["content"] == "1\n\n2\n\n3\n\n\\"


async def test_temperature_top_p_and_seed_reach_the_sampling() -> None:
    made = toy(ToyPolicy(slip=0.5))
    await post(made.app, ASK | {"temperature": 0.25, "top_p": 0.5})
    assert {(call.temperature, call.top_p) for call in made.policy.calls} == {(0.25, 0.5)}
    seeds = []
    for seed in (7, 7, 8):
        made.policy.calls.clear()
        await post(made.app, ASK | {"seed": seed})
        seeds.append([call.seed for call in made.policy.calls])
    assert seeds[0] == seeds[1] != seeds[2]


async def test_without_a_seed_two_requests_sample_anew(made: Toy) -> None:
    plans = [(await post(made.app, ASK)).json["tts"]["plan"] for _ in range(2)]
    assert plans[0]["seed"] != plans[1]["seed"]


async def test_n_gives_so_many_independent_searches_and_the_prompt_counts_once() -> None:
    made = toy(ToyPolicy(slip=0.5))
    body = (await post(made.app, ASK | {"n": 3, "seed": 1})).json
    assert [choice["index"] for choice in body["choices"]] == [0, 1, 2]
    searches = body["tts"]["choices"]
    assert len({search["plan"]["seed"] for search in searches}) == 3
    sampled = sum(search["usage"]["models"]["toy"]["sampled"] for search in searches)
    assert (body["usage"]["prompt_tokens"], body["usage"]["completion_tokens"]) == (7, sampled)


async def test_the_text_ends_before_a_stop_sequence(made: Toy) -> None:
    [choice] = (await post(made.app, ASK | {"stop": ["\\boxed", "3"]})).json["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("1\n\n2\n\n", "stop")
    [choice] = (await post(made.app, ASK | {"stop": "nowhere"})).json["choices"]
    assert choice["message"]["content"].endswith("\\boxed{3}")


async def test_a_conversation_and_list_form_content_reach_the_policy(made: Toy) -> None:
    messages = [
        {"role": "system", "content": "Count."}, {"role": "developer", "content": "Well."},
        {"role": "user", "content": [{"type": "text", "text": "to"}, {"type": "text", "text": " two"}]},
        {"role": "assistant", "content": "1, 2", "refusal": None, "tool_calls": [], "reasoning_content": "hm"},
        {"role": "user", "content": "and on"},
    ]  # fmt: skip
    await post(made.app, {"model": "majority", "messages": messages})
    problem = made.policy.calls[0].problem
    assert [(turn.role, turn.text) for turn in problem.turns] == [
        ("system", "Count.\n\nWell."), ("user", "to two"), ("assistant", "1, 2"), ("user", "and on"),
    ]  # fmt: skip
    assert problem.text == "User: to two\n\nAssistant: 1, 2\n\nUser: and on"


async def test_a_single_question_is_the_problem_that_tts_solve_would_take(made: Toy) -> None:
    await post(made.app, ASK)
    assert made.policy.calls[0].problem == Problem("how far")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tools", [{"type": "function", "function": {"name": "f"}}]),
        ("logit_bias", {"50256": -100}), ("frequency_penalty", 0.5),
        ("presence_penalty", 1), ("functions", [{"name": "f"}]), ("reasoning_effort", "high"), ("store", True),
        ("audio", {}), ("modalities", ["text", "audio"]), ("service_tier", "flex"),
    ],
)  # fmt: skip
async def test_what_cannot_be_honoured_is_refused_by_name(made: Toy, field: str, value: Any) -> None:
    reply = await post(made.app, ASK | {field: value})
    assert (reply.status, reply.error["param"], reply.error["code"]) == (400, field, "unsupported_parameter")
    assert made.policy.calls == []


async def test_fields_that_ask_for_nothing_are_taken(made: Toy) -> None:
    nothing = {
        "tools": [], "tool_choice": "auto", "logprobs": False, "response_format": {"type": "text"}, "logit_bias": {},
        "frequency_penalty": 0, "presence_penalty": 0.0, "user": "me", "metadata": {"a": "b"}, "n": 1, "stop": None,
        "stream": False, "parallel_tool_calls": True, "service_tier": "auto", "store": False, "max_tokens": None,
    }  # fmt: skip
    assert (await post(made.app, ASK | nothing)).status == 200
    tools = [{"type": "function", "function": {"name": "f"}}]
    assert (await post(made.app, ASK | {"tools": tools, "tool_choice": "none"})).status == 200


@pytest.mark.parametrize(
    ("change", "param", "code"),
    [
        ({"tts": {"budgit": 4}}, "tts.budgit", "unknown_parameter"),
        ({"tts": {"policy": "/etc/passwd"}}, "tts.policy", "unknown_parameter"),
        ({"tts": {"prm": "file.py:function"}}, "tts.prm", "unknown_parameter"),
        ({"tts": {"engine_args": {}}}, "tts.engine_args", "unknown_parameter"),
        ({"model": "auto", "tts": {"parameters": {"profile": "/x"}}}, "tts.parameters.profile", "unknown_parameter"),
        ({"tts": {"parameters": {"beam_width": 2}}}, "tts.parameters.beam_width", "unknown_parameter"),
        ({"tts": {"parameters": {"solution_tokens": "many"}}}, "tts.parameters.solution_tokens", "invalid_value"),
        ({"tts": {"parameters": {"solution_tokens": 0}}}, "tts", "invalid_value"),
        ({"tts": {"vote": "loudest"}}, "tts.vote", "invalid_value"),
        ({"tts": {"extract": "os:system"}}, "tts.extract", "invalid_value"),
        ({"tts": {"strategy": "dvts"}}, "tts.strategy", "invalid_value"),
        ({"model": "auto", "tts": {"strategy": "dvtz"}}, "tts.strategy", "invalid_value"),
        ({"tts": {"budget": 1000}}, "tts.budget", "budget_too_large"),
        ({"n": 65}, "n", "budget_too_large"),
        ({"tts": {"budget": 0}}, "tts.budget", "invalid_value"),
        ({"tts": {"max_seconds": -1}}, "tts.max_seconds", "invalid_value"),
        ({"model": 3}, "model", "invalid_value"),
        ({"tool_choice": "required"}, "tool_choice", "invalid_value"),
        ({"temperature": "hot"}, "temperature", "invalid_value"),
        ({"temperature": 3}, "temperature", "invalid_value"),
        ({"top_k": 5}, "top_k", "unknown_parameter"),
        ({"top_logprobs": 2}, "top_logprobs", "invalid_value"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs", "invalid_value"),
        ({"stop": ["a"] * 5}, "stop", "invalid_value"),
        ({"stream_options": {"include_usages": True}}, "stream_options.include_usages", "unknown_parameter"),
        ({"messages": []}, "messages", "invalid_value"),
        ({"messages": None}, "messages", "missing_required_parameter"),
        ({"messages": [{"role": "function", "content": "1"}]}, "messages[0].role", "invalid_value"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}]}]},
         "messages[0].content[0].type", "invalid_value"),
        ({"messages": [{"role": "user"}]}, "messages[0].content", "missing_required_parameter"),
        ({"messages": [{"role": "user", "content": "1", "name": "me"}]}, "messages[0].name", "unknown_parameter"),
        ({"messages": [{"role": "user", "content": "  "}]}, "messages[0]", "invalid_value"),
        ({"messages": [ASK["messages"][0], {"role": "assistant", "content": "2"}]}, "messages[1]", "invalid_value"),
        ({"messages": [ASK["messages"][0], {"role": "system", "content": "2"}]}, "messages[1]", "invalid_value"),
        ({"messages": [{"role": "assistant", "content": "2"}, ASK["messages"][0]]}, "messages[0]", "invalid_value"),
        ({"messages": [{"role": "user", "content": "\ud800"}]}, "messages", "invalid_value"),
        ({"messages": [{"role": "user", "content": "x" * 500}]}, "messages", "context_length_exceeded"),
        ({"messages": [{"role": "user", "content": "1"}] * 300}, "messages", "too_many_messages"),
    ],
)  # fmt: skip
async def test_a_mistake_is_named_where_it_is(made: Toy, change: dict[str, Any], param: str, code: str) -> None:
    reply = await post(made.app, ASK | change)
    assert (reply.status, reply.error["param"], reply.error["code"]) == (400, param, code)
    assert reply.error["type"] == "invalid_request_error"
    assert "x-should-retry" not in reply.headers


async def test_completions_take_a_prompt_as_the_problem_or_several(made: Toy) -> None:
    body = (
        await post(made.app, {"model": "majority", "prompt": ["how far", "and then"], "n": 2}, "/v1/completions")
    ).json
    assert body["object"] == "text_completion"
    assert [choice["text"] for choice in body["choices"]] == ["1\n\n2\n\n3\n\n\\boxed{3}"] * 4
    assert body["usage"]["prompt_tokens"] == len("how far") + len("and then")
    refused = await post(made.app, {"model": "majority", "prompt": "how far", "echo": True}, "/v1/completions")
    assert refused.error["param"] == "echo"
    refused = await post(made.app, {"model": "majority", "prompt": [1, 2, 3]}, "/v1/completions")
    assert (refused.status, refused.error["code"]) == (400, "invalid_value")


async def test_log_probabilities_are_those_of_the_answers_tokens_and_not_of_other_solutions(made: Toy) -> None:
    [choice] = (await post(made.app, ASK | {"logprobs": True, "top_logprobs": 1})).json["choices"]
    tokens = choice["logprobs"]["content"]
    assert "".join(token["token"] for token in tokens) == choice["message"]["content"]  # without the end's own token
    assert tokens[0] == {
        "token": "1", "logprob": -0.1, "bytes": [49], "top_logprobs": [{"token": "x", "logprob": -0.1, "bytes": [120]}]
    }  # fmt: skip
    [choice] = (await post(made.app, ASK | {"logprobs": True, "stop": "3"})).json["choices"]
    assert [token["token"] for token in choice["logprobs"]["content"]] == [*"1\n\n2\n\n"]
    assert choice["logprobs"]["content"][0]["top_logprobs"] == []
    assert (await post(made.app, ASK)).json["choices"][0]["logprobs"] is None
    body = {"model": "majority", "prompt": "how far", "logprobs": 2}
    [choice] = (await post(made.app, body, "/v1/completions")).json["choices"]
    assert "".join(choice["logprobs"]["tokens"]) == choice["text"]
    assert (choice["logprobs"]["text_offset"][-1], len(choice["logprobs"]["top_logprobs"][0])) == (17, 2)


async def test_a_stream_brings_the_log_probabilities_with_the_text() -> None:
    chunks = (await post(toy().app, ASK | {"model": "dvts", "logprobs": True, "stream": True})).events
    choices = [chunk["choices"][0] for chunk in chunks]
    assert [choice["delta"]["content"] for choice in choices if choice["logprobs"]] == [
        "".join(token["token"] for token in choice["logprobs"]["content"]) for choice in choices if choice["logprobs"]
    ]
    assert sum(bool(choice["logprobs"]) for choice in choices) == 4  # every part of the text, nothing else


async def test_a_policy_without_log_probabilities_refuses_them_by_name() -> None:
    made = toy(ToyPolicy(logprobs=0))
    reply = await post(made.app, ASK | {"logprobs": True})
    assert (reply.status, reply.error["param"], reply.error["code"]) == (400, "logprobs", "unsupported_parameter")
    assert "toy/best-of-n gives no log-probabilities" in reply.error["message"]


def test_characters_that_no_token_shows_belong_to_the_next_token() -> None:
    """SentencePiece joins a space to a word; a character of several bytes is several tokens that show nothing whole."""
    known = [TokenLogprobs(-1.0, (), text=text) for text in ("Two", "words", "\ufffd", "\ufffd", "!", "")]
    [first, second] = by_part(known, ["Two words", "\u20ac!"])
    assert [token.text for token in first] == ["Two", " words"]
    assert [(token.text, token.at) for token in second] == [("", 9), ("", 9), ("\u20ac!", 9)]


async def test_without_an_answer_the_best_finished_text_is_given() -> None:
    solution = await Solver(ToyPolicy(), None, "majority").solve("how far")
    told = [
        Candidate("/0", ("a poem",), Finish.STOP, score=0.2), Candidate("/1", ("a good poem",), Finish.STOP, score=0.9),
        Candidate("/2", ("cut",), Finish.LENGTH, score=1.0),
    ]  # fmt: skip
    assert text_of(replace(solution, best=None, candidates=tuple(told)), ()).whole == "a good poem"
    assert winner(replace(solution, best=None, candidates=())) is None
    nothing = text_of(replace(solution, best=None, candidates=()), ())
    assert (nothing.whole, nothing.finish) == ("", "length")


async def test_a_plan_is_what_auto_would_do(made: Toy) -> None:
    reply = await post(made.app, ASK | {"tts": {"budget": 16}}, "/v1/plan")
    assert reply.status == 200
    assert reply.json["reason"]
    assert reply.json["strategy"] == "best-of-n"  # the published rule, for a policy of this size
    assert made.policy.calls == []  # it is the same for all problems, so no sample is needed


async def test_a_trace_is_kept_under_its_id_until_newer_ones_push_it_out() -> None:
    made = toy(keep_traces=2)
    names = [(await post(made.app, ASK)).json["tts"]["trace"] for _ in range(3)]
    assert (await get(made.app, f"/v1/traces/{names[0]}")).status == 404
    found = (await get(made.app, f"/v1/traces/{names[2]}")).json
    assert found["solution"]["answer"] == "3"
    assert found["models"]["toy"] == {
        "role": "policy",
        "read": 7,
        "sampled": 76,
        "flops": found["models"]["toy"]["flops"],
    }
    assert found["events"][0]["event"] == "start"
    none = toy(keep_traces=0)
    assert (await post(none.app, ASK)).json["tts"]["trace"] is None
    small = toy(trace_bytes=1000)
    assert (await post(small.app, ASK)).json["tts"]["trace"] is None


async def test_votes_of_more_answers_are_told_than_a_file_keeps() -> None:
    solution = await Solver(ToyPolicy(), None, "majority").solve("how far")
    votes = tuple(Standing(str(k), 0.05, 1) for k in range(20))
    assert [vote["answer"] for vote in search_row(replace(solution, votes=votes), None)["votes"]] == [
        *map(str, range(12))
    ]


async def test_metrics_count_requests_tokens_and_flops_by_model_and_strategy(made: Toy) -> None:
    body = (await post(made.app, ASK)).json
    await post(made.app, ASK | {"model": "made-up"})
    await get(made.app, "/anything/at/all")
    page = (await get(made.app, "/metrics")).body.decode()
    assert 'tts_tokens_total{kind="sampled",model="toy",strategy="best-of-n"} 76.0' in page
    flops = body["tts"]["usage"]["models"]["toy"]["flops"]
    assert f'tts_flops_total{{model="toy",strategy="best-of-n"}} {float(flops)}' in page
    assert 'code="model_not_found",model="",path="/v1/chat/completions",status="404"' in page
    assert "made-up" not in page
    assert "anything" not in page
    assert 'tts_request_seconds_count{model="toy",strategy="best-of-n"} 1.0' in page
    assert 'tts_cache_hit_tokens_total{model="toy"} 0.0' in page


async def test_the_log_has_a_line_a_request_and_no_text_unless_asked_for(made: Toy) -> None:
    await post(made.app, ASK)
    await post(made.app, b"{")
    first, second = made.log
    assert (first["status"], first["model"], first["completion_tokens"]) == (200, "toy/best-of-n", 76)
    assert (second["status"], second["code"]) == (400, "invalid_json")
    assert "how far" not in "".join(made.lines)
    loud = toy(log_texts=True)
    await post(loud.app, ASK)
    assert (loud.log[0]["problem"], loud.log[0]["answers"]) == ("how far", ["3"])


async def test_health_says_whether_requests_can_be_answered(made: Toy) -> None:
    assert (await get(made.app, "/health")).json == {"status": "ok"}
    made.service.house.closing = True
    assert (await get(made.app, "/health")).status == 503
    refused = await post(made.app, ASK)
    assert (refused.status, refused.error["code"]) == (503, "shutting_down")


async def test_several_policies_are_named_by_policy_and_strategy() -> None:

    solvers = [
        Solver(ToyPolicy(name=name, depth=depth, slip=0.0), ToyReward(), budget=4)
        for name, depth in (("a", 1), ("b", 2))
    ]
    lines: list[str] = []
    app = app_of(Service(load(solvers, {})[0], Settings(), lines.append))
    ids = [row["id"] for row in (await get(app, "/v1/models")).json["data"]]
    assert {"dvts", "a/dvts", "b/dvts", "a/auto", "b/majority"} <= {*ids}
    for name, answer in (("dvts", "1"), ("a/dvts", "1"), ("b/dvts", "2"), ("b", "2")):
        assert (await post(app, ASK | {"model": name}, headers=JSON)).json["tts"]["answer"] == answer
