"""The search interface: what is charged, recorded and shared."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from strategies.beam_search import BeamSearch
from strategies.dvts import DVTS
from tests.toy import SHAPE, OneByOne, ToyPolicy, ToyReward
from tts.answers.equivalence import LATE
from tts.answers.votes import Verdict
from tts.budget import Budget, Ledger
from tts.errors import BadInput, EngineError, PromptTooLong, StrategyError, UnknownName
from tts.registry import check_home
from tts.search.run import run
from tts.search.search import Search
from tts.search.strategy import build
from tts.trace import Trace, sort_key
from tts.types import Finish, Node, Plan, Problem, Until

PROBLEM = Problem("how far")


def start(policy: ToyPolicy | None = None, reward: ToyReward | None = None, budget: Budget | None = None) -> Search:
    budget = budget or Budget(8)
    return Search.start(PROBLEM, policy or ToyPolicy(slip=0.0), reward, Ledger.of(budget), Trace(), budget.n)


async def test_a_step_is_one_step_and_its_key_names_its_place() -> None:
    search = start()
    [[first, second]] = await search.expand([search.root], 2)
    [[below]] = await search.expand([second])
    assert [first.key, second.key, below.key] == ["/0", "/1", "/1.0"]
    assert (below.text, below.depth, below.finish) == ("1\n\n2\n\n", 2, Finish.STEP)
    assert below.tokens == [ord(c) for c in "how far1\n\n2\n\n"]


async def test_a_whole_solution_is_a_chain_of_its_steps() -> None:
    search = start()
    [[leaf]] = await search.expand([search.root], until=Until.END)
    assert [node.key for node in leaf.path] == ["/0", "/0+1", "/0+2", "/0+3"]
    assert leaf.text == "1\n\n2\n\n3\n\n\\boxed{3}"
    assert leaf.finished
    assert search.finished == [leaf]


async def test_several_steps_are_one_request_and_one_chain() -> None:
    policy = ToyPolicy(slip=0.0, depth=4)
    search = start(policy)
    [[leaf, other]] = await search.expand([search.root], 2, steps=3)
    [[below]] = await search.expand([leaf], steps=3)
    assert [node.key for node in below.path] == ["/0", "/0+1", "/0+2", "/0+2.0", "/0+2.0+1"]
    assert (leaf.text, leaf.finish, other.depth) == ("1\n\n2\n\n3\n\n", Finish.STEP, 3)
    assert below.finished
    assert len(policy.calls) == 3


async def test_an_engine_that_gives_fewer_steps_is_asked_for_the_others() -> None:
    policy = OneByOne(slip=0.0, depth=4)  # three tokens a step
    search = start(policy)
    [leaves] = await search.expand([search.root], 2, steps=3, max_tokens=10)
    assert [leaf.key for leaf in leaves] == ["/0.0.0", "/1.0.0"]
    assert leaves[0].text == "1\n\n2\n\n3\n\n"
    assert [call.max_tokens for call in policy.calls[::2]] == [10, 7, 4]
    assert search.usage.policy_tokens == 18


@pytest.mark.parametrize("kind", [ToyPolicy, OneByOne])
@pytest.mark.parametrize("tokens", range(1, 20))
async def test_steps_that_are_not_paid_for_are_left_out(kind: type[ToyPolicy], tokens: int) -> None:
    search = start(kind(slip=0.0, depth=4), budget=Budget(8, max_tokens=tokens))
    [leaves] = await search.expand([search.root], 2, steps=3)
    assert search.usage.policy_tokens <= tokens
    assert search.stopped == "max_tokens", "no request could be reserved at full length"
    assert all(0 < leaf.depth <= 3 for leaf in leaves)


async def test_equal_siblings_share_one_step_and_are_scored_once() -> None:
    reward = ToyReward()
    search = start(reward=reward)
    [children] = await search.expand([search.root], 4)
    assert len({id(child.step) for child in children}) == 1
    scores = await search.score(children)
    assert list(scores.values()) == [0.9] * 4
    assert reward.calls == [("/0", 0)]
    assert search.usage.prm_tokens == len("how far") + len("1\n\n") + 1


async def test_a_text_that_was_dropped_and_sampled_again_is_not_counted_again_whenever_its_memory_went() -> None:
    reward = ToyReward()
    search = start(reward=reward)
    kept, dropped = search.fork(2)
    [[node]] = await dropped.expand([search.root])
    await dropped.score([node])
    step, before = weakref.ref(node.step), search.usage.prm_tokens
    del node
    gc.collect()
    assert step() is None, "a pruned step is gone, and its scores with it"
    for branch in (dropped, kept):
        [[again]] = await branch.expand([search.root])
        await branch.score([again])
    assert search.usage.prm_tokens == before == len("how far") + len("1\n\n") + 1


async def test_scoring_again_costs_nothing_and_a_new_step_only_itself() -> None:
    reward = ToyReward()
    search = start(reward=reward)
    [[node]] = await search.expand([search.root])
    await search.score([node])
    before = search.usage
    await search.score([node])
    assert search.usage == before
    [[below]] = await search.expand([node])
    await search.score([below])
    assert reward.calls == [("/0", 0), ("/0.0", 1)]
    assert search.usage.prm_tokens - before.prm_tokens == len("2\n\n") + 1


async def test_flops_are_those_of_reading_each_prefix_once() -> None:
    # Prompt of 7 tokens, one solution of 3 x 3 + len("\boxed{3}") + 1 = 19 tokens behind it, by hand with the formula
    # 2 P t + 4 L d (c t + t (t + 1) / 2), P = 900, L = 2, d = 8.
    search = start()
    await search.expand([search.root], until=Until.END)
    prompt = 2 * 900 * 7 + 4 * 2 * 8 * (7 * 8 // 2)
    solution = 2 * 900 * 19 + 4 * 2 * 8 * (7 * 19 + 19 * 20 // 2)
    assert search.usage.policy_flops == prompt + solution
    assert search.usage.paper_flops == 2 * SHAPE.parameters * 19
    assert SHAPE.flops(26) == prompt + solution, "a pass costs the same whole or in parts"


async def test_more_width_than_the_budget_is_refused() -> None:
    search = start(budget=Budget(4))
    with pytest.raises(StrategyError, match="width of 4"):
        await search.expand([search.root], 5)


async def test_a_finished_node_cannot_go_on() -> None:
    search = start()
    [[leaf]] = await search.expand([search.root], until=Until.END)
    with pytest.raises(StrategyError, match="ended with stop"):
        await search.expand([leaf])


async def test_scoring_without_a_reward_model_says_so() -> None:
    search = start()
    [[node]] = await search.expand([search.root])
    with pytest.raises(StrategyError, match="no reward model"):
        await search.score([node])


async def test_forks_have_their_own_share_and_their_own_keys() -> None:
    search = start(budget=Budget(9, max_tokens=100))
    first, second = search.fork(2)
    assert (first.width, second.width) == (4, 4)
    [[a]], [[b]] = await first.expand([first.root]), await second.expand([second.root])
    assert [a.key, b.key] == ["0/0", "1/0"]
    assert first.ledger.tokens_left == 50 - 3
    assert search.ledger.tokens_left == 0, "what was split is no longer the parent's"


async def test_a_text_that_two_forks_come_by_at_once_is_read_once() -> None:
    reward = ToyReward(delay=0.01)
    forks = start(reward=reward).fork(2)
    leaves = [(await fork.expand([fork.root]))[0][0] for fork in forks]
    scores = await asyncio.gather(*(fork.score([leaf]) for fork, leaf in zip(forks, leaves, strict=True)))
    assert scores == [{leaves[0]: 0.9}, {leaves[1]: 0.9}]
    assert reward.calls == [("0/0", 0)]


async def test_who_waits_for_a_score_that_is_cut_off_asks_for_it_again() -> None:
    reward = ToyReward(delay=0.1)
    forks = start(reward=reward).fork(2)
    leaves = [(await fork.expand([fork.root]))[0][0] for fork in forks]
    first, second = (asyncio.create_task(fork.score([leaf])) for fork, leaf in zip(forks, leaves, strict=True))
    for _ in range(20):  # until one is being read and the other waits for it
        await asyncio.sleep(0)
    first.cancel()
    assert await second == {leaves[1]: 0.9}
    assert reward.calls == [("0/0", 0), ("1/0", 0)]


async def test_pruned_nodes_leave_nothing_behind() -> None:
    search = start(ToyPolicy(slip=0.5), ToyReward())
    [children] = await search.expand([search.root], 8)
    await search.score(children)
    steps = [weakref.ref(child.step) for child in children]
    del children
    await asyncio.sleep(0)  # the loop lets go of finished tasks
    gc.collect()
    assert all(step() is None for step in steps)


async def test_a_budget_that_cannot_pay_the_prompt_ends_before_it_begins() -> None:
    search = start(budget=Budget(4, max_flops=1.0))
    assert await search.expand([search.root], 4) == [[]]
    assert search.stopped == "max_flops"
    assert search.usage.flops == 0


async def test_a_full_context_ends_a_solution() -> None:
    search = start(ToyPolicy(slip=0.0, context=12))
    [[leaf]] = await search.expand([search.root], until=Until.END)
    assert leaf.finish is Finish.LENGTH
    assert leaf.length == 12
    assert not leaf.finished


def test_more_parts_than_width_are_refused() -> None:
    with pytest.raises(StrategyError, match="width of 3 cannot be split into 4"):
        start(budget=Budget(3)).fork(4)


async def test_a_search_within_a_smaller_width_goes_on_with_the_same_keys_and_ledger() -> None:
    search = start(budget=Budget(8))
    narrow = search.within(2)
    await search.expand([search.root], 3)
    [[child]] = await narrow.expand([narrow.root])
    assert (narrow.width, child.key) == (2, "/3")
    assert narrow.ledger is search.ledger
    with pytest.raises(StrategyError, match="more than the width of 2"):
        await narrow.expand([narrow.root], 3)


async def test_another_policy_searches_below_its_own_root_on_the_same_ledger_and_trace() -> None:
    second = ToyPolicy(depth=1, slip=0.0, name="second", shape=replace(SHAPE, active=300))
    search = start(reward=ToyReward(), budget=Budget(4, max_tokens=1000))
    [[mine]] = await search.expand([search.root], until=Until.END)
    there = await search.on(second)
    [[theirs]] = await there.expand([there.root], until=Until.END)
    assert (mine.text, theirs.text) == ("1\n\n2\n\n3\n\n\\boxed{3}", "1\n\n\\boxed{1}")
    assert (there.root.key, theirs.key, theirs.root) == ("0/", "0/0+1", there.root)
    assert list(await there.score([theirs])) == [theirs]
    assert search.finished == [mine, theirs]
    sampled = [mine.length - 7, theirs.length - 7]  # the prompt "how far" has 7 tokens
    assert search.usage.policy_tokens == sum(sampled)
    assert search.usage.prompt_tokens == 14
    assert search.ledger.spent.tokens == sum(sampled)
    first, other = SHAPE, second.shape
    flops = sum(shape.flops(7) + shape.flops(n, 7) for shape, n in zip((first, other), sampled, strict=True))
    assert search.usage.policy_flops == flops
    [root] = search.trace.of("root")
    assert (root["key"], root["policy"]["name"], root["prompt"]["text"]) == ("0/", "second", "how far")


async def test_another_policy_whose_prompt_is_too_much_samples_nothing() -> None:
    flops = SHAPE.flops(7) * 2
    search = Search.start(PROBLEM, ToyPolicy(), None, Ledger.of(Budget(4, max_flops=flops - 1)), Trace(), 4)
    there = await search.on(ToyPolicy(name="second"))
    assert await there.expand([there.root], 2) == [[]]
    assert search.stopped == "max_flops"


def test_a_prompt_longer_than_the_context_says_by_how_much() -> None:
    with pytest.raises(PromptTooLong, match="7 tokens, the context is 5"):
        start(ToyPolicy(context=5))


async def test_beam_search_keeps_the_best_and_beats_sampling_where_slips_are_seen() -> None:
    search = start(ToyPolicy(depth=8, slip=0.5), ToyReward(), Budget(16))
    leaves = await BeamSearch()(search)
    # A whole solution is right with probability 0.5 ** 8; in each round all 16 samples slip with probability 2 ** -16.
    assert [leaf.text.count("#") for leaf in leaves] == [0] * 16


async def test_lookahead_ranks_by_what_comes_after_the_step() -> None:
    reward = ToyReward()
    policy = ToyPolicy(depth=3, slip=0.0)
    leaves = await BeamSearch(beam_width=2, lookahead=1)(start(policy, reward, Budget(4)))
    assert leaves
    greedy = [request.key for request in policy.calls if request.temperature == 0]
    assert greedy, "it looked ahead"
    assert {key for key, _ in reward.calls} >= set(greedy[:1]), "and scored what it saw there"


async def test_dvts_returns_finished_solutions_only_one_subtree_each() -> None:
    search = start(ToyPolicy(slip=0.3), ToyReward(), Budget(12))
    leaves = await DVTS(beam_width=4)(search)
    assert all(leaf.finished for leaf in leaves)
    assert {leaf.key.partition("/")[0] for leaf in leaves} == {"0", "1", "2"}
    assert len(leaves) == 12


@pytest.mark.parametrize(("n", "width", "keep", "used"), [(16, 4, 4, 16), (10, 4, 2, 8), (1, 4, 1, 1), (3, 4, 1, 3)])
def test_a_beam_width_that_does_not_divide_says_what_is_used(n: int, width: int, keep: int, used: int) -> None:
    strategy = BeamSearch(beam_width=width)
    kept, branch = strategy.shape(n)
    assert (kept, kept * branch) == (keep, used)
    assert bool(strategy.note(n)) == (used != n)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n": 4}, "N is the budget, not a parameter of a strategy"),
        ({"temperature": -1.0}, "temperature must be 0 or more"),
        ({"top_p": 0.0}, "top_p must be above 0"),
        ({"beam_width": 0}, "beam_width must be"),
        ({"lookahead": -1}, "lookahead must be"),
    ],
)
def test_parameters_out_of_range_are_refused(parameters: dict[str, object], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        build(Plan("beam-search", parameters))


def test_an_unknown_parameter_gets_a_suggestion() -> None:
    with pytest.raises(UnknownName, match="did you mean 'beam_width'"):
        build(Plan("beam-search", {"beam_widht": 2}))


def test_an_unknown_strategy_gets_a_suggestion() -> None:
    with pytest.raises(UnknownName, match="did you mean 'beam-search'"):
        build(Plan("beam-serch"))


def test_keys_sort_as_a_person_counts() -> None:
    keys = ["0/10", "/2", "1/0", "0/2.1", "0/2", "/10", "0/2+1", "0.1/0", "0/2.0"]
    assert sorted(keys, key=sort_key) == ["/2", "/10", "0/2", "0/2.0", "0/2.1", "0/2+1", "0/10", "0.1/0", "1/0"]


async def test_side_by_side_failures_cancel_the_rest() -> None:
    from tts.aio import together

    gone = asyncio.Event()

    async def fails() -> None:
        await asyncio.sleep(0)
        raise ValueError("no")

    async def waits() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            gone.set()

    with pytest.raises(ValueError, match="no"):
        await together([fails(), waits()])
    assert gone.is_set()


async def test_a_solution_too_long_for_the_reward_model_is_left_unscored_and_said_so() -> None:
    class Short(ToyReward):
        async def score(self, problem: Problem, node: Node, seen: int) -> tuple[float, ...]:
            if len(node.text) > 8:
                raise PromptTooLong("the reward model reads 8 tokens.")
            return await super().score(problem, node, seen)

    search = start(reward=Short())
    [[step]] = await search.expand([search.root])
    [[leaf]] = await search.expand([step], until=Until.END)
    assert list(await search.score([step, leaf])) == [step]
    assert search.notes == ["a solution was left unscored: the reward model reads 8 tokens."]


def test_a_file_that_hides_one_of_our_packages_is_found_out_before_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "prm_like.py").write_text("raise SystemExit('it was run')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(BadInput, match="hides the package 'prm_like'"):
        check_home("prm_like.qwen")


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), None, "0.9"])
async def test_a_score_that_is_no_finite_number_is_refused_by_name(bad: object) -> None:
    class Broken(ToyReward):
        async def score(self, problem: Problem, node: Node, seen: int) -> tuple[float, ...]:
            return (bad,) * (node.depth - seen)  # type: ignore[return-value]

    search = start(reward=Broken())
    [[node]] = await search.expand([search.root])
    with pytest.raises(EngineError, match="as a score, which is not a finite number"):
        await search.score([node])


async def test_a_vote_gets_the_seconds_that_are_left_and_its_solution_says_where_they_were_too_few(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: list[float] = []

    def short(seconds: float, vote: Callable[..., Verdict], *candidates: object) -> tuple[Verdict, bool]:
        given.append(seconds)
        return vote(*candidates), True

    monkeypatch.setattr("tts.search.run.within", short)
    plan, budget = Plan("majority", vote="majority", n=2), Budget(2, max_seconds=50)
    solution = await run(PROBLEM, plan, ToyPolicy(slip=0.0), None, budget)
    assert solution.answer == "3"
    assert LATE in solution.warnings
    assert 0 < given[0] <= 50
