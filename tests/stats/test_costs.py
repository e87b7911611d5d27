"""Costs of subsets against enumeration and against a real run at that width."""

from __future__ import annotations

import asyncio
import itertools

import numpy as np
import pytest

from benchmarks.stats.costs import part, share_read, sharing_of, whole
from tts import Solver
from tts.types import Usage

SOLUTIONS = [("a", "bb"), ("a", "ccc"), ("a", "bb"), ("dddd",)]


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_the_share_read_is_the_mean_over_all_subsets_of_their_distinct_prefixes(n: int) -> None:
    def distinct(chosen: tuple[tuple[str, ...], ...]) -> int:
        return sum(len(prefix[-1]) for prefix in {s[: k + 1] for s in chosen for k in range(len(s))})

    subsets = list(itertools.combinations(SOLUTIONS, n))
    mean = sum(map(distinct, subsets)) / len(subsets)
    assert share_read(sharing_of(SOLUTIONS), n, 4) == pytest.approx(mean / distinct(tuple(SOLUTIONS)))


def test_the_prompt_is_paid_once() -> None:
    usage = Usage(policy_tokens=80, prompt_tokens=20, policy_flops=1000, paper_flops=800)
    cost = part(usage, 1, 4, np.zeros(0, dtype=np.int64), prm=False)
    assert cost.policy_flops == pytest.approx(200 + 800 / 4)  # 1000 x 20 / 100 for the prompt
    assert (cost.policy_tokens, cost.paper_flops, cost.prm_flops) == (20, 200, 0)


def test_all_of_the_samples_cost_what_they_cost() -> None:
    usage = Usage(80, 20, 50, 1000, 700, 800)
    assert part(usage, 4, 4, sharing_of(SOLUTIONS)) == whole(usage)


def test_an_estimate_comes_near_what_a_run_of_fewer_samples_costs() -> None:
    """The samples of a smaller N are the first of the larger's, so the same problem is run at both."""
    problem = "Mia has 17 marbles. She wins 25 more, then triples what she has, and gives 9 away. How many are left?"
    wide = Solver(policy="lab-1m", prm="lab-prm", strategy="best-of-n", budget=32)
    solution = asyncio.run(wide.solve(problem))
    sharing = sharing_of(candidate.steps for candidate in solution.candidates)
    runs = [
        asyncio.run(Solver(policy="lab-1m", prm="lab-prm", strategy="best-of-n", budget=2, seed=seed).solve(problem))
        for seed in range(8)
    ]
    mean = sum(run.usage.flops for run in runs) / len(runs)
    assert part(solution.usage, 2, 32, sharing).flops == pytest.approx(mean, rel=0.15)
    assert 2 / 32 * solution.usage.flops < 0.7 * mean, "an equal share of all would be far too little"
