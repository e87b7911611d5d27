"""A user's own models: inherited from the base classes, or written with the required members only."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tests.toy import SHAPE, ToyPolicy, ToyReward
from tts import Solver
from tts.errors import BadInput
from tts.protocols import Completion, Policy, Request, RewardModel, as_policy, as_reward
from tts.types import Node, Problem, Step


class PlainPolicy:
    """Inherits nothing and has what is required, no more."""

    name, shape, context = "plain", SHAPE, 200

    def prompt(self, problem: Problem) -> Step:
        return ToyPolicy().prompt(problem)

    async def generate(self, request: Request) -> Completion:
        return await ToyPolicy(slip=0.0).generate(request)


class PlainReward:
    name, shape = "plain-prm", SHAPE

    def lengths(self, problem: Problem, node: Node) -> list[int]:
        return ToyReward().lengths(problem, node)

    async def score(self, problem: Problem, node: Node, seen: int) -> tuple[float, ...]:
        return await ToyReward().score(problem, node, seen)


@pytest.mark.parametrize("strategy", ["majority", "best-of-n", "beam-search", "dvts", "auto"])
async def test_models_with_the_required_members_only_solve(strategy: str) -> None:
    policy: Any = PlainPolicy()
    reward: Any = PlainReward()
    solution = await Solver(policy, reward, strategy, 4).solve("how far")
    assert (solution.answer, solution.plan.policy) == ("3", "plain")


def test_a_model_with_the_required_members_only_gets_the_defaults_of_the_rest() -> None:
    policy, reward = as_policy(PlainPolicy()), as_reward(PlainReward())
    assert (policy.alive, policy.steps, policy.warn(Problem("how far"))) == (True, True, None)
    assert (reward.alive, reward.outcome, reward.concurrent) == (True, False, False)


def test_a_model_that_inherits_its_base_class_stays_the_same_object() -> None:
    policy, reward = ToyPolicy(), ToyReward()
    assert as_policy(policy) is policy
    assert as_reward(reward) is reward


def test_what_a_model_lacks_is_named_before_any_work() -> None:
    class Mute:
        name, shape = "mute", SHAPE

        def prompt(self, problem: Problem) -> Step:
            return Step("", ())

    model: Any = Mute()
    with pytest.raises(BadInput, match=r"Mute cannot serve as a policy, it has no context and no generate: inherit"):
        Solver(model, None, "majority")
    with pytest.raises(BadInput, match=r"Mute cannot serve as a reward model, it has no lengths and no score: inherit"):
        Solver(ToyPolicy(), model)


def test_a_subclass_that_forgets_an_attribute_is_named_too() -> None:
    class Nameless(RewardModel):
        shape = SHAPE

        def lengths(self, problem: Problem, node: Node) -> list[int]:
            return [1]

        async def score(self, problem: Problem, node: Node, seen: int) -> tuple[float, ...]:
            return ()

    with pytest.raises(BadInput, match="Nameless cannot serve as a reward model, it has no name"):
        Solver(ToyPolicy(), Nameless())


async def test_the_abilities_a_model_declares_are_used() -> None:
    class Prepared(ToyPolicy):
        seen = ""

        async def prepare(self, problem: Problem) -> None:
            self.seen = problem.text

        def warn(self, problem: Problem) -> str | None:
            return f"{problem.text} is far."

    policy = Prepared(slip=0.0)
    assert isinstance(policy, Policy)
    solution = await Solver(policy, None, "majority", 2).solve("how far")
    assert policy.seen == "how far"
    assert "how far is far." in solution.warnings


class Located(ToyPolicy):
    """Notes the thread that its requests are made on."""

    thread = 0

    async def generate(self, request: Request) -> Completion:
        self.thread = threading.get_ident()
        return await super().generate(request)


async def test_a_users_own_model_is_awaited_on_the_callers_event_loop() -> None:
    """It may use what belongs to that loop, such as an HTTP session."""
    policy = Located(slip=0.0)
    await Solver(policy, None, "majority", 2).solve("how far")
    assert policy.thread == threading.get_ident()


async def test_a_search_with_models_that_allow_it_runs_on_the_background_loop() -> None:
    class Background(Located):
        background = True

    policy, reward = Background(slip=0.0), ToyReward()
    solution = await Solver(policy, None, "majority", 2).solve("how far")
    assert solution.answer == "3"
    assert policy.thread != threading.get_ident()
    await Solver(policy, reward, "best-of-n", 2).solve("how far")
    assert policy.thread == threading.get_ident(), "the reward model may not"
