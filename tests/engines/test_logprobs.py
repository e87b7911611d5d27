"""Log-probabilities in completions: the engines' against a plain pass, and servers that give some, few or none."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.engines.fake_http import Says
from tests.engines.fake_server import FakeServer
from tests.engines.test_policy import PROBLEM, root_of
from tts.engines.remote.logprobs import of_choice
from tts.engines.transformers.policy import TransformersPolicy
from tts.protocols import Completion, Policy, Request
from tts.types import Node, Until


def ask(node: Node, count: int, seed: int = 3, tokens: int = 12) -> Request:
    return Request(PROBLEM, node, "/0", seed, Until.END, tokens, 0.7, 0.9, logprobs=count)


def sampled(completion: Completion) -> list[int]:
    return [token for step in completion.steps for token in step.tokens]


@pytest.fixture(scope="module")
def plain(policy_folder: Path) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(policy_folder, dtype=torch.float32).eval()


def expected(plain: Any, node: Node, completion: Completion) -> torch.Tensor:
    """The log-softmax of one plain pass, a row a sampled token."""
    tokens = [*node.tokens, *sampled(completion)]
    with torch.inference_mode():
        logits: torch.Tensor = plain(torch.tensor([tokens])).logits[0, node.length - 1 : -1]
    return torch.log_softmax(logits.float(), -1)


async def test_log_probabilities_are_those_of_a_plain_pass_before_temperature(
    policy: TransformersPolicy, plain: Any
) -> None:
    node = root_of(policy)
    completion = await policy.generate(ask(node, 5))
    known = expected(plain, node, completion)
    size = known.shape[1]
    assert len(completion.logprobs) == len(sampled(completion)) == len(known)
    for row, token, found in zip(known, sampled(completion), completion.logprobs, strict=True):
        best = row.topk(5)
        assert found.sampled == pytest.approx(float(row[token]), abs=1e-4)
        assert [value for _, value in found.top] == pytest.approx(best.values.tolist(), abs=1e-4)
        assert [text for text, _ in found.top] == [policy._text.decode([i]) for i in best.indices.tolist()]
        # self-certainty, arXiv 2502.18581 equation 4: -1/V sum log(V p)
        assert found.certainty == pytest.approx(float(-(row + math.log(size)).mean()), abs=1e-4)


async def test_asking_changes_no_sample_and_none_come_without_asking(policy: TransformersPolicy) -> None:
    node = root_of(policy)
    without, with_them = await policy.generate(ask(node, 0)), await policy.generate(ask(node, 3))
    assert without.logprobs == ()
    assert sampled(without) == sampled(with_them)


@pytest.mark.parametrize("variant", ["vllm", "openai", "llama.cpp", "chat"])
async def test_every_kind_of_server_gives_those_of_the_model_behind_it(
    variant: Any, fakes: Callable[..., FakeServer], connect: Callable[..., Policy], policy: TransformersPolicy
) -> None:
    remote = connect(fakes(variant))
    await remote.prepare(PROBLEM)
    node = Node(remote.prompt(PROBLEM), "/")
    completion = await remote.generate(ask(node, 4))
    assert completion.logprobs
    for found in completion.logprobs:
        values = [value for _, value in found.top]
        assert len(values) == 4
        assert values == sorted(values, reverse=True)
        assert found.sampled <= values[0] <= 0
    assert (await remote.generate(ask(node, 0))).logprobs == ()


@pytest.mark.parametrize(
    ("variant", "most", "given"), [("vllm", 5, 5), ("vllm", 0, 0), ("vllm", -1, 0), ("chat", 0, 0), ("chat", -1, 0)]
)
async def test_a_server_with_fewer_or_none_is_asked_for_what_it_gives(
    variant: Any, most: int, given: int, fakes: Callable[..., FakeServer], connect: Callable[..., Policy]
) -> None:
    fake = fakes(variant, logprobs=most)
    remote = connect(fake)
    await remote.prepare(PROBLEM)
    node = Node(remote.prompt(PROBLEM), "/")
    completion = await remote.generate(ask(node, 20))
    assert sampled(completion)
    assert {len(each.top) for each in completion.logprobs} == ({given} if given else set())
    if most >= 0:
        assert remote.logprobs == given
        path = "/v1/chat/completions" if variant == "chat" else "/v1/completions"
        before = len(fake.asked(path))
        await remote.generate(ask(node, 20))
        assert len(fake.asked(path)) == before + 1, "what was refused is not asked for again"


@pytest.mark.parametrize(
    "given",
    [
        None, 3, [], {}, {"content": None}, {"content": [None]}, {"content": [{"logprob": "x"}]},
        {"token_logprobs": [None]}, {"token_logprobs": [True]}, {"token_logprobs": [7.0]},
        {"token_logprobs": [float("nan")], "top_logprobs": [{"a": -1.0}]}, {"content": [{"logprob": -1.0}, {}]},
    ],
)  # fmt: skip
def test_malformed_log_probabilities_count_as_none(given: Any) -> None:
    assert of_choice({"logprobs": given}) == ()


def test_an_impossible_token_has_a_finite_log_probability() -> None:
    [found] = of_choice({"logprobs": {"token_logprobs": [-math.inf], "top_logprobs": [{"a": 0.0, "b": -math.inf}]}})
    assert found.sampled == -1e4
    assert found.top == (("a", 0.0), ("b", -1e4))


async def test_an_answer_with_malformed_log_probabilities_is_still_an_answer(
    fakes: Callable[..., FakeServer], connect: Callable[..., Policy]
) -> None:
    fake = fakes("chat")
    remote = connect(fake)
    await remote.prepare(PROBLEM)
    choice = {"message": {"content": "so 5"}, "finish_reason": "stop", "logprobs": {"content": [{"logprob": []}]}}
    fake.failures.append(Says.json({"choices": [choice]}))
    completion = await remote.generate(ask(Node(remote.prompt(PROBLEM), "/"), 2))
    assert completion.steps[0].text == "so 5"
    assert completion.logprobs == ()
