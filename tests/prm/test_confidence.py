"""Confidence as a reward model, and DeepConf: by hand calculations, in searches and in replays."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from prm.confidence import LARGEST, Confidence, bottom, groups, load
from tests.toy import ToyPolicy, ToyReward
from tts import Solution, Solver, solve
from tts.errors import BadInput, UnknownName
from tts.protocols import Completion, Request
from tts.search.confidence import by_step, confidence, percentile
from tts.types import Finish, Node, Problem, Step, TokenConfidence, TokenLogprobs

PROBLEM = Problem("how far")


def node(*steps: tuple[float, ...]) -> Node:
    """A finished solution whose tokens have these confidences, step by step."""
    here = Node(Step("", (1,)), "/")
    for k, values in enumerate(steps):
        known = TokenConfidence(values, tuple(value / 10 for value in values))
        here = Node(Step("x", tuple(range(len(values)))), f"/{k}", Finish.STEP, here, known)
    return here


def score(kind: str, window: int, here: Node, seen: int = 0) -> list[float]:
    return [value * LARGEST for value in asyncio.run(Confidence(kind, window).score(PROBLEM, here, seen))]


def test_each_kind_by_hand() -> None:
    here = node((10.0, 4.0), (2.0, 6.0, 8.0))
    assert score("mean", 2, here) == pytest.approx([7.0, 6.0])
    assert score("tail", 2, here) == pytest.approx([7.0, 7.0])
    assert score("lowest-group", 2, here) == pytest.approx([7.0, 3.0])  # groups 7, 3, 4, 7
    assert score("bottom", 2, here) == pytest.approx([7.0, 3.0])
    assert score("self-certainty", 2, here) == pytest.approx([0.7, 0.6])
    assert score("lowest-group", 100, here) == pytest.approx([7.0, 6.0]), "a shorter prefix is one group"
    assert score("mean", 2, here, seen=1) == pytest.approx([6.0])


def test_the_bottom_is_the_mean_of_the_lowest_tenth_of_the_groups() -> None:
    values = [float(k) for k in range(21)]
    assert groups(values, 2) == [k + 0.5 for k in range(20)]
    assert bottom(values, 2) == pytest.approx(1.0)  # two of twenty groups: 0.5 and 1.5


def test_a_tokens_confidence_is_minus_the_mean_of_its_alternatives() -> None:
    steps = (Step("ab", (1, 2)), Step("c", (3,)))
    known = tuple(TokenLogprobs(-0.5, (("a", -1.0), ("b", -3.0 - k)), None) for k in range(3))
    given = by_step(Completion(steps, Finish.STOP, logprobs=known))
    assert [confidence(step, 20) for step in given] == [TokenConfidence((2.0, 2.5)), TokenConfidence((3.0,))]
    assert confidence(given[0], 1) == TokenConfidence((1.0, 1.0))  # what others ask for beyond does not count
    assert by_step(Completion(steps, Finish.STOP)) == [(), ()]


def confident(kind: str = "mean", **settings: Any) -> Solution:
    policy = settings.pop("policy", ToyPolicy(slip=0.6))
    settings = {"strategy": "best-of-n", "budget": 16, **settings}
    return solve("how far", policy=policy, prm=f"confidence:{kind}", **settings)


@pytest.mark.parametrize("kind", ["mean", "tail", "lowest-group", "bottom", "self-certainty"])
@pytest.mark.parametrize("vote", ["weighted", "best", "borda"])
def test_confidences_weigh_votes_cost_nothing_and_replay(kind: str, vote: str) -> None:
    solution = confident(kind, vote=vote, prm_parameters={"window": 12})
    assert solution.usage.prm_flops == solution.usage.prm_tokens == 0
    assert len({candidate.score for candidate in solution.candidates}) > 1
    again = asyncio.run(Solver.replay(solution.trace).solve("how far"))
    assert again.trace.lines()[:-1] == solution.trace.lines()[:-1]
    if vote == "best" and kind != "tail":
        assert solution.answer == "3", "the solution without a slip is the most confident one"


def test_a_confidence_of_prefixes_steers_a_step_search() -> None:
    solution = confident(strategy="beam-search", policy=ToyPolicy(depth=6, slip=0.4))
    assert solution.answer == "6"


def test_no_log_probabilities_are_asked_for_without_a_confidence() -> None:
    policy = ToyPolicy()
    solve("how far", policy=policy, prm=ToyReward(), strategy="best-of-n", budget=2)
    assert {request.logprobs for request in policy.calls} == {0}


class Silent(ToyPolicy):
    """Says that it gives log-probabilities and gives none, as some servers do."""

    async def generate(self, request: Request) -> Completion:
        return await self._generate(request)


def test_self_certainty_is_refused_before_loading_where_the_engine_does_not_know_the_whole_vocabulary() -> None:
    solver = Solver("lab-200k", "confidence:self-certainty", "best-of-n", 2, engine="vllm")
    with pytest.raises(BadInput, match="needs the log-probabilities of the whole vocabulary, which the engine vllm"):
        solver.load()
    assert solver.models == ()


@pytest.mark.parametrize("settings", [{"prm": "confidence:mean", "strategy": "best-of-n"}, {"strategy": "deepconf"}])
def test_missing_log_probabilities_are_one_sentence(settings: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="toy gives no log-probabilities, which confidence"):
        solve("how far", policy=ToyPolicy(logprobs=0), budget=2, **settings)
    with pytest.raises(Exception, match="the policy's server gives no log-probabilities, which confidence"):
        solve("how far", policy=Silent(), budget=2, **settings)


@pytest.mark.parametrize(
    ("text", "parameters", "error", "words"),
    [
        ("median", {}, UnknownName, "no confidence named 'median'"),
        ("mean:x", {}, BadInput, "write confidence:mean:256"),
        ("mean", {"window": 0}, BadInput, "must be a whole number of tokens"),
        ("mean", {"repeats": 2}, UnknownName, "no parameter of a confidence named 'repeats'"),
    ],
)
def test_mistakes_are_named(text: str, parameters: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        load(text, **parameters)


# -- DeepConf ----------------------------------------------------------------------------------------------------------


def deepconf(budget: int = 64, **settings: Any) -> Solution:
    parameters = {"eta": 50, "warmup": 8, "group": 3, "chunk": 1, **settings}
    return solve("how far", policy=ToyPolicy(depth=4, slip=0.3), strategy="deepconf", budget=budget, **parameters)


def test_the_bar_is_an_interpolated_percentile() -> None:
    assert percentile([1.0, 2.0, 3.0, 4.0], 50) == 2.5
    assert percentile([4.0, 1.0, 3.0, 2.0, 5.0], 90) == pytest.approx(4.6)
    assert percentile([], 90) == 0.0


def test_unsure_samples_stop_and_only_the_sure_ones_vote() -> None:
    solution = deepconf()
    assert solution.answer == "4"
    assert solution.plan.prm == "confidence:lowest-group:3"
    warm = [key for key in solution.trace.nodes() if key.startswith("/") and key[1:].isdigit()]
    assert len(warm) == 8
    stopped = [n for n in solution.trace.nodes().values() if "#" in n["text"] and n["finish"] == "step"]
    begun = sum(n["parent"] == "/" for n in solution.trace.nodes().values())
    assert begun == 64
    assert len(solution.trace.nodes()) < 64 * 5, "a whole solution has five steps"
    assert stopped
    scores = [candidate.score or 0.0 for candidate in solution.candidates]
    assert min(scores) >= 9 / LARGEST, "no solution with a slip votes"


def test_a_group_that_is_not_whole_stops_nothing() -> None:
    solution = deepconf(group=1000)
    assert all(n["finish"] == "stop" or "\n\n" in n["text"] for n in solution.trace.nodes().values())
    ends = sum(n["finish"] == "stop" for n in solution.trace.nodes().values())
    assert ends == 64


def test_a_budget_of_the_warm_up_alone_filters_it() -> None:
    solution = deepconf(budget=8)
    assert 0 < len(solution.candidates) < 8
    assert any("set the bar" in warning for warning in solution.warnings)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [({"eta": 0}, "eta must be"), ({"warmup": 0}, "warmup must be"), ({"group": 0}, "group must be")],
)
def test_parameters_out_of_range_are_refused(parameters: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        deepconf(**parameters)
