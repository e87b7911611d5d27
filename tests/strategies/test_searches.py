"""The searches of 2024 to 2026: each does what its paper says, by hand calculations and on the toy models."""

from __future__ import annotations

import asyncio
import math
import random
from collections import Counter
from typing import Any

import pytest

from strategies.ab_mcts import ABMCTS, Branch
from strategies.auto import Auto
from strategies.beliefs import Belief
from strategies.particle_filter import ParticleFilter
from strategies.rebase import Rebase, shares
from strategies.reject_early import survivors
from strategies.resampling import annealed, effective_size, logit, softmax, systematic
from tests.toy import ToyPolicy, ToyReward
from tts import Solution, Solver, solve
from tts.budget import Budget, Ledger
from tts.errors import BadInput, PromptTooLong, UnknownName
from tts.protocols import Completion, Request
from tts.search.search import Search
from tts.search.strategy import Strategy
from tts.trace import Trace
from tts.types import Finish, Node, Problem, Step

SEARCHES = ["rebase", "particle-filter", "reject-early", "mcts"]


def toy(strategy: str, budget: int = 16, depth: int = 6, slip: float = 0.3, **parameters: Any) -> Solution:
    policy, reward = ToyPolicy(depth=depth, slip=slip), ToyReward()
    return solve("how far", policy=policy, prm=reward, strategy=strategy, budget=budget, **parameters)


@pytest.mark.parametrize("strategy", SEARCHES)
def test_a_search_finds_what_samples_seldom_do(strategy: str) -> None:
    # A whole sample is right with probability 0.7 ** 6 = 12 %; a search sees each slip and goes on from better steps.
    solution = toy(strategy)
    assert solution.answer == "6"
    assert solution.confidence > 0.5


def test_rebase_shares_a_width_by_the_softmax_of_the_rewards_rounded_up() -> None:
    # e^2, e^1, e^0 = 7.389, 2.718, 1 of 11.107. Of 8: ceil(5.32) = 6; of the 2 left: ceil(2 x 2.718 / 3.718) = 2.
    assert shares(8, [2.0, 1.0, 0.0]) == [6, 2]
    assert shares(4, [0.5, 0.5, 0.5, 0.5]) == [1, 1, 1, 1]
    assert shares(0, [1.0]) == []
    assert sum(shares(64, [k / 7 for k in range(20, 0, -1)])) == 64


class CutOff(ToyPolicy):
    """Samples with an even index are cut off after their first step; the others take all their steps."""

    async def generate(self, request: Request) -> Completion:
        found = await super().generate(request)
        even = request.node.parent is None and int(request.key.rpartition("/")[2]) % 2 == 0
        return Completion(found.steps, Finish.LENGTH) if even else found


def test_rebase_gives_the_width_of_a_solution_that_was_cut_off_to_no_other() -> None:
    policy = CutOff(depth=2, slip=0.0)
    solution = asyncio.run(Solver(policy, ToyReward(), "rebase", 8).solve("how far"))
    depths = Counter(key.count(".") for key in solution.trace.nodes())
    assert [depths[k] for k in range(3)] == [8, 4, 4], "four of eight are cut off, with half of the width"


def test_rebase_gives_a_slip_fewer_continuations_than_a_good_step() -> None:
    solution = toy("rebase", depth=2)
    nodes = solution.trace.nodes()
    children = Counter(node["parent"] for node in nodes.values())
    slipped = [children[key] for key, node in nodes.items() if node["parent"] == "/" and "#" in node["text"]]
    good = [children[key] for key, node in nodes.items() if node["parent"] == "/" and "#" not in node["text"]]
    assert sum(slipped) / len(slipped) < sum(good) / len(good)


def test_systematic_resampling_takes_each_particle_its_weight_times_rounded_up_or_down() -> None:
    weights = [0.5, 0.3, 0.2]
    for uniform in (0.0, 0.25, 0.5, 0.999):
        picked = Counter(systematic(weights, 10, uniform))
        assert all(abs(picked[k] - 10 * weight) <= 1 for k, weight in enumerate(weights))
    assert systematic(weights, 4, 0.5) == [0, 0, 1, 2]  # at 0.125, 0.375, 0.625, 0.875


def test_weights_are_the_odds_of_the_scores_and_their_effective_size_counts_the_particles_that_matter() -> None:
    weights = softmax([logit(0.9), logit(0.5)])
    assert weights == pytest.approx([0.9, 0.1])  # odds of 9 and 1
    assert effective_size([0.25] * 4) == pytest.approx(4)
    assert effective_size([1.0, 0.0]) == pytest.approx(1)
    assert math.isfinite(logit(1.0))
    assert math.isfinite(logit(0.0))


def test_annealing_flattens_the_weights_early_on_and_not_later() -> None:
    logits = [logit(0.99), *[logit(0.05)] * 7]  # nearly all the weight on one of eight
    early, late = annealed(logits, 1 / 40), annealed(logits, 30 / 40)
    assert effective_size(softmax(early)) > 2 * effective_size(softmax(logits))
    assert late == logits
    # N/ESS = 8 / 1.0011: at 1/40 the logits are divided by 7.79, at 19/40 by 4.20
    size = effective_size(softmax(logits))
    assert early[0] == pytest.approx(logits[0] / (8 / size * 39 / 40))
    assert annealed(logits, 19 / 40)[0] == pytest.approx(logits[0] / (8 / size * 21 / 40))


class Uneven(ToyPolicy):
    """Samples with an even index end at once; the others take all their steps."""

    async def generate(self, request: Request) -> Completion:
        if request.node.parent is None and int(request.key.rpartition("/")[2]) % 2 == 0:
            text = "\\boxed{3}"
            return Completion((Step(text, (*map(ord, text), 0)),), Finish.STOP)
        return await super().generate(request)


def test_a_finished_particle_is_kept_and_never_resampled() -> None:
    policy = Uneven(depth=3, slip=0.0)
    solution = asyncio.run(Solver(policy, ToyReward(), "particle-filter", 8).solve("how far"))
    early = [c for c in solution.candidates if len(c.steps) == 1]
    assert len(early) == 4, "half ended with their first step"
    assert len(solution.candidates) == 8, "and the other four went on, in their own places"
    depths = Counter(key.count(".") for key in solution.trace.nodes())
    assert [depths[k] for k in range(4)] == [8, 4, 4, 4]


def test_particles_of_one_first_step_divide_a_vote() -> None:
    """Several of 16 particles descend from one of the 16 first steps: a lineage weighs as much as its mean score."""
    solution = toy("particle-filter", depth=3, slip=0.6)
    voters = [candidate for candidate in solution.candidates if candidate.answer is not None]
    sizes = Counter(candidate.key.split(".")[0] for candidate in voters)
    assert max(sizes.values()) > 1
    shares = dict.fromkeys((str(candidate.answer) for candidate in voters), 0.0)
    for candidate in voters:
        shares[str(candidate.answer)] += (candidate.score or 0.0) / sizes[candidate.key.split(".")[0]]
    assert solution.plan.vote == "lineage"
    assert solution.confidence == pytest.approx(max(shares.values()) / sum(shares.values()))


def test_particle_gibbs_keeps_one_trajectory_from_run_to_run() -> None:
    solution = toy("particle-filter", budget=16, rounds=4)
    depths = Counter(key.count(".") for key in solution.trace.nodes())
    assert depths[0] == 4 + 3 * 3, "four particles, then three and the one that is kept, three times"
    assert solution.answer == "6"


def test_particle_gibbs_has_a_free_particle_in_every_round() -> None:
    solution = toy("particle-filter", budget=8, rounds=8)
    depths = Counter(key.count(".") for key in solution.trace.nodes())
    assert depths[0] == 2 + 3 * 1, "four rounds of two, one of which is kept after the first round"
    assert any("4 rounds of 2 particles" in sentence for sentence in solution.warnings)
    assert ParticleFilter(rounds=4).note(16) == ParticleFilter().note(5) == ""


async def test_the_kept_trajectory_of_particle_gibbs_can_be_kept_again() -> None:
    policy, reward = Uneven(depth=3, slip=0.0), ToyReward()
    search = Search.start(Problem("how far"), policy, reward, Ledger.of(Budget()), Trace(), width=2)
    filtering = ParticleFilter()
    kept = max(await filtering.run(search, 2, "0", None), key=lambda node: node.depth)
    assert kept.depth == 4
    again = await filtering.run(search, 2, "1", kept)
    assert sorted(node.depth for node in again) == [1, 4], "the free particle ended with its first step"
    assert kept in again


@pytest.mark.parametrize(
    ("count", "alpha", "left"), [(10, 0.7, 3), (10, 0.5, 5), (3, 0.5, 2), (1, 0.99, 1), (8, 0.0, 8)]
)
def test_the_share_that_stops_is_rounded_down(count: int, alpha: float, left: int) -> None:
    assert survivors(count, alpha) == left


def test_early_rejection_stops_the_worse_half_after_each_chunk() -> None:
    solution = toy("reject-early", budget=8, depth=3, slip=0.5, chunk=1)
    depths = Counter(key.count(".") for key in solution.trace.nodes())
    assert [depths[k] for k in range(4)] == [8, 4, 2, 1]


def test_without_rejection_it_is_best_of_n_by_steps() -> None:
    solution = toy("reject-early", budget=8, depth=3, slip=0.5, alpha=0.0, chunk=2)
    assert len(solution.candidates) == 8
    assert all(len(c.scores) == 4 for c in solution.candidates)


@pytest.mark.parametrize("strategy", ["beam-search", "dvts"])
def test_granularity_scores_every_gth_step_only(strategy: str) -> None:
    class Counting(ToyReward):
        async def score(self, problem: Problem, node: Node, seen: int) -> tuple[float, ...]:
            depths[node.depth] += 1
            return await super().score(problem, node, seen)

    depths: Counter[int] = Counter()
    policy = ToyPolicy(depth=6, slip=0.0)
    solver = Solver(policy, Counting(), strategy, 8, granularity=3)
    solution = asyncio.run(solver.solve("how far"))
    assert solution.answer == "6"
    assert set(depths) == {1, 4, 7}, "the first step, and every third one after it"


def test_adaptive_consistency_stops_when_the_lead_lasts() -> None:
    sure = toy("adaptive-consistency", budget=64, slip=0.0)
    assert len(sure.candidates) == 4  # four of four: Beta(5, 1) is above one half with 1 - 2 ** -5 = 97 %
    unsure = toy("adaptive-consistency", budget=16, depth=3, slip=0.5)
    assert len(unsure.candidates) > 4


@pytest.mark.parametrize(
    ("strategy", "parameters", "sentence"),
    [
        ("rebase", {"balance": 0}, "balance must be a number from 0.01 to 100"),
        ("particle-filter", {"ess": 2}, "ess must be a number from 0 to 1"),
        ("particle-filter", {"rounds": 0}, "rounds must be a whole number, 1 or more"),
        ("reject-early", {"alpha": 1.0}, "alpha must be a number from 0 to 0.99"),
        ("reject-early", {"chunk": 0}, "chunk must be a whole number"),
        ("reject-early", {"refill": "yes"}, "refill must be true or false"),
        ("ab-mcts", {"solution_tokens": 0}, "solution_tokens must be a whole number"),
        ("dvts", {"granularity": 0}, "granularity must be a whole number"),
        ("rebase", {"temperature": math.nan}, "temperature must be 0 or more, not nan"),
        ("mcts", {"temperature": math.inf}, "temperature must be 0 or more, not inf"),
    ],
)
def test_parameters_out_of_range_are_refused(strategy: str, parameters: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        toy(strategy, **parameters)


@pytest.mark.parametrize("strategy", [Rebase, ABMCTS])
def test_an_unknown_aggregation_is_refused_before_any_search(strategy: type[Strategy]) -> None:
    with pytest.raises(
        UnknownName, match=r"no aggregation named 'median'.*known are last, logistic:\.\.\., mean, min, prod"
    ):
        strategy(aggregate="median")  # type: ignore[call-arg]


def test_only_an_adaptive_strategy_leaves_the_aggregation_open() -> None:
    assert Auto().aggregate == "auto"
    with pytest.raises(UnknownName, match="no aggregation named 'auto'"):
        Rebase(aggregate="auto")


# -- AB-MCTS -----------------------------------------------------------------------------------------------------------


def test_the_belief_about_a_score_is_the_papers_normal_inverse_gamma() -> None:
    assert Belief().parameters() == pytest.approx((0.0, 1, 1, 0.1))
    # n = 2, mean 0.6, squares about it 0.08: kappa = 3, nu = 3, m = 1.2/3; tau^2 = (0.1 + 0.08 + 2 x 0.36 / 3) / 3
    assert Belief([0.8, 0.4]).parameters() == pytest.approx((0.4, 3, 3, 0.14))


def test_draws_of_a_belief_have_its_mean_and_variance() -> None:
    numbers = random.Random(5)
    belief = Belief([0.7, 0.9, 0.8, 0.6, 0.7, 0.8, 0.7])
    m, kappa, nu, tau = belief.parameters()
    draws = [belief.draw(numbers.random) for _ in range(4000)]
    # a t distribution with nu = 8 degrees of freedom: variance tau^2 / kappa x nu / (nu - 2)
    variance = tau / kappa * nu / (nu - 2)
    assert math.fsum(draws) / 4000 == pytest.approx(m, abs=4 * math.sqrt(variance / 4000))
    assert math.fsum((draw - m) ** 2 for draw in draws) / 4000 == pytest.approx(variance, rel=0.15)


def test_a_score_counts_for_the_new_child_and_along_its_path() -> None:
    root = Branch()
    root.grow([root], first := Branch(), 0.5)
    first.grow([root, first], second := Branch(), 0.9)
    second.grow([root, first, second], third := Branch(), 0.2)
    assert (root.new.scores, root.old.scores) == ([0.5], [0.9, 0.2])
    assert first.own.scores == [0.5, 0.9, 0.2]
    assert (first.new.scores, first.old.scores) == ([0.9], [0.2])
    assert (second.own.scores, second.new.scores, second.old.scores) == ([0.9, 0.2], [0.2], [])
    assert third.own.scores == [0.2]


class Improver(ToyPolicy):
    """Slips in new solutions, and corrects every slip that it is shown."""

    async def generate(self, request: Request) -> Completion:
        shown = request.problem.turns
        if shown:
            assert [turn.role for turn in shown] == ["user", "assistant", "user"]
            assert request.problem.id == Problem("how far").id
        slip = 0.0 if shown else 1.0
        other = ToyPolicy(depth=self.depth, slip=slip)
        self.calls.append(request)
        return await other.generate(request)


def test_ab_mcts_improves_solutions_where_that_pays() -> None:
    policy = Improver()
    solution = solve("how far", policy=policy, prm=ToyReward(), strategy="ab-mcts", budget=16)
    assert solution.answer == "3", "no new solution is right"
    assert len(solution.candidates) == 16
    shown = [call.problem.turns[1].text for call in policy.calls if call.problem.turns]
    roots = list(solution.trace.of("root"))
    assert 0 < len(roots) <= len(shown) < 16
    nodes = solution.trace.nodes()
    assert {root["refines"] for root in roots} <= set(nodes)
    assert solution.usage.prompt_tokens == len("how far") * (1 + len(roots)), "each prompt is charged once"


def test_ab_mcts_asks_for_an_improvement_in_the_form_that_the_problem_prescribes() -> None:
    policy = Improver()
    problem = Problem("how far", Problem("how far").id, instruction="Write a number.", schema='{"type": "integer"}')
    solve(problem, policy=policy, prm=ToyReward(), strategy="ab-mcts", budget=16)
    asked = [call.problem for call in policy.calls if call.problem.turns]
    assert asked
    assert {(each.instruction, each.schema) for each in asked} == {("Write a number.", '{"type": "integer"}')}


def test_ab_mcts_leaves_a_solution_alone_that_does_not_fit_the_prompt() -> None:
    class Short(ToyPolicy):
        def prompt(self, problem: Problem) -> Step:
            if problem.turns:
                raise PromptTooLong("too long.")
            return super().prompt(problem)

    solution = solve("how far", policy=Short(), prm=ToyReward(), strategy="ab-mcts", budget=8)
    assert len(solution.candidates) == 8
    again = asyncio.run(Solver.replay(solution.trace).solve("how far"))
    assert again.trace.lines()[:-1] == solution.trace.lines()[:-1]


# -- early rejection ---------------------------------------------------------------------------------------------------


def test_a_refill_samples_as_many_steps_as_whole_solutions_have_and_finds_more_of_them() -> None:
    plain, more = (toy("reject-early", budget=8, depth=5, chunk=2, refill=refill) for refill in (False, True))
    steps = [len(solution.trace.nodes()) for solution in (plain, more)]
    assert len(more.candidates) > len(plain.candidates)
    assert steps[0] < steps[1] <= 8 * 6, "a whole solution has six steps"
    # what is left pays for no further sample at the mean price of those before
    started = sum(node["parent"] == "/" for node in more.trace.nodes().values())
    assert 8 * 6 - steps[1] < steps[1] / started
    again = asyncio.run(Solver.replay(more.trace).solve("how far"))
    assert again.trace.lines()[:-1] == more.trace.lines()[:-1]


def test_a_refill_without_rejection_adds_nothing() -> None:
    plain, more = (toy("reject-early", budget=8, depth=3, alpha=0.0, refill=refill) for refill in (False, True))
    assert len(plain.candidates) == len(more.candidates) == 8
