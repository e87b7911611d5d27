"""The transformers policy against plain generation; memory, many requests, cancellation and failure."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests import tiny
from tts.engines.transformers.engine import ENGINE
from tts.engines.transformers.policy import TransformersPolicy
from tts.errors import BadInput, EngineError, PromptTooLong
from tts.models.find import find
from tts.protocols import Completion, Request
from tts.types import Finish, Node, Problem, Step, Until

PROBLEM = Problem("take 2 + 3 is the sum ?")


def ask(
    node: Node,
    seed: int = 0,
    *,
    until: Until = Until.STEP,
    tokens: int = 60,
    temperature: float = 1.0,
    top_p: float = 1.0,
) -> Request:
    return Request(PROBLEM, node, f"/{seed}", seed * 0x9E3779B97F4A7C15 % 2**64, until, tokens, temperature, top_p)


def root_of(policy: TransformersPolicy, problem: Problem = PROBLEM) -> Node:
    return Node(policy.prompt(problem), "/")


def below(node: Node, completion: Completion) -> Node:
    for step in completion.steps:
        node = Node(step, f"{node.key}.0", completion.finish if step is completion.steps[-1] else Finish.STEP, node)
    return node


async def walk(policy: TransformersPolicy, steps: int) -> Node:
    """A node so many steps deep and open, by the first seeds that lead there."""
    node = root_of(policy)
    for k in range(steps):
        for seed in range(50):
            found = below(node, await policy.generate(ask(node, 100 * k + seed)))
            if found.open:
                break
        node = found
    assert node.depth == steps
    assert node.open
    return node


@pytest.fixture(scope="module")
def plain(policy_folder: Path) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(policy_folder, dtype=torch.float32).eval()


async def test_greedy_steps_equal_plain_generation(policies: Callable[..., TransformersPolicy], plain: Any) -> None:
    policy = policies()
    for words in ("take 2 + 3 is the sum ?", "add the box of 7", "so we take half ? 9 9"):
        node = root_of(policy, Problem(words))
        prompt = list(node.step.tokens)
        while node.open and node.length < len(prompt) + 60:
            node = below(node, await policy.generate(ask(node, temperature=0.0, tokens=7 * (node.depth + 1))))
            if node.finish is Finish.LENGTH and node.length < len(prompt) + 60:  # go on in the middle of a step
                node = Node(node.step, node.key, Finish.STEP, node.parent)
        sampled = node.tokens[len(prompt) :]
        with torch.inference_mode():
            expected = plain.generate(
                torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
                max_new_tokens=len(sampled), do_sample=False, pad_token_id=0,
            )[0, len(prompt) :]  # fmt: skip
        assert sampled == expected.tolist()


async def test_until_end_gives_the_steps_that_step_by_step_gives(policy: TransformersPolicy) -> None:
    root = root_of(policy)
    whole = await policy.generate(ask(root, until=Until.END, tokens=120, temperature=0.0))
    node, texts = root, list[Step]()
    while node.open and len(texts) < len(whole.steps):
        left = 120 - (node.length - root.length)
        node = below(node, await policy.generate(ask(node, temperature=0.0, tokens=left)))
        texts.append(node.step)
    assert [s.tokens for s in whole.steps] == [s.tokens for s in texts]
    assert [s.text for s in whole.steps] == [s.text for s in texts]


async def test_several_steps_are_the_first_ones_of_the_whole_solution_and_are_not_read_again(
    policies: Callable[..., TransformersPolicy],
) -> None:
    policy, other = policies(), policies()
    root, finishes = root_of(policy), list[Finish]()
    for seed in range(12):
        asked = replace(ask(root, seed, tokens=400), steps=2)
        whole = await other.generate(replace(asked, until=Until.END))
        found = await policy.generate(asked)
        assert [s.tokens for s in found.steps] == [s.tokens for s in whole.steps[:2]]
        assert [s.text for s in found.steps] == [s.text for s in whole.steps[:2]]
        assert found.finish is (Finish.STEP if len(whole.steps) > 2 else whole.finish)
        finishes.append(found.finish)
        if found.finish is Finish.STEP:
            read = policy.stats.prefill
            await policy.generate(ask(below(root, found), tokens=3))
            assert policy.stats.prefill == read
    assert finishes.count(Finish.STEP) > 2
    assert finishes.count(Finish.STOP) > 2


async def test_a_sample_does_not_depend_on_its_companions(policies: Callable[..., TransformersPolicy]) -> None:
    policy = policies()
    root = root_of(policy)
    other = root_of(policy, Problem("add the box of 7 and more , more , more"))
    alone = [await policy.generate(ask(root, seed)) for seed in range(8)]
    crowd = await asyncio.gather(
        *(policy.generate(ask(root, seed)) for seed in range(8)),
        *(policy.generate(ask(other, seed + 50, until=Until.END, top_p=0.7)) for seed in range(30)),
    )
    assert [c.steps[0].tokens for c in alone] == [c.steps[0].tokens for c in crowd[:8]]
    assert [c.finish for c in alone] == [c.finish for c in crowd[:8]]
    assert len({c.steps[0].tokens for c in alone}) > 4


async def test_one_read_of_the_prompt_serves_all_samples(policy: TransformersPolicy) -> None:
    root = root_of(policy)
    await asyncio.gather(*(policy.generate(ask(root, seed, tokens=3)) for seed in range(20)))
    assert policy.stats.prefill == root.length - 1
    assert policy.stats.decode <= 60
    assert policy.stats.peak_rows == 20


async def test_a_continued_step_is_not_read_again(policy: TransformersPolicy) -> None:
    node = await walk(policy, 3)
    assert policy.stats.prefill == node.root.length - 1


async def test_what_was_evicted_is_computed_again_and_nothing_changes(
    policies: Callable[..., TransformersPolicy],
) -> None:
    kept, forgetful = policies(), policies(cache_bytes=0)
    assert forgetful.row_bytes == 0  # so only one row runs at a time, too
    a, b = await walk(kept, 3), await walk(forgetful, 3)
    assert a.tokens == b.tokens
    assert forgetful.nbytes == 0
    assert forgetful.stats.prefill > kept.stats.prefill


async def test_a_middle_step_alone_may_be_missing(policies: Callable[..., TransformersPolicy]) -> None:
    policy, again = policies(), policies()
    node = await walk(policy, 3)
    prefix = policy._prefixes[node.path[-2].step]
    prefix.kv = None
    before = policy.stats.prefill
    one = await policy.generate(ask(node, 9))
    assert policy.stats.prefill - before == len(prefix.tokens)
    assert one.steps[0].tokens == (await again.generate(ask(node, 9))).steps[0].tokens


async def test_memory_of_pruned_steps_goes_with_them(policy: TransformersPolicy) -> None:
    root = root_of(policy)
    found = await asyncio.gather(*(policy.generate(ask(root, seed)) for seed in range(30)))
    nodes = [below(root, c) for c in found if c.finish is Finish.STEP]
    del found
    full = policy.nbytes
    kept = nodes[0]
    size = policy._store.geometry.token_bytes
    del nodes
    await asyncio.sleep(0)  # until then the loop itself holds the gathered results
    gc.collect()
    assert full > policy.nbytes == (kept.length - 1) * size
    del kept, root
    gc.collect()
    assert policy.nbytes == 0


async def test_the_byte_bound_holds_and_the_oldest_goes_first(policies: Callable[..., TransformersPolicy]) -> None:
    policy = policies()
    policy._store.limit = 60 * policy._store.geometry.token_bytes
    root = root_of(policy)
    nodes = []
    for seed in range(30):
        nodes.append(below(root, await policy.generate(ask(root, seed))))
        assert policy.nbytes <= policy._store.limit
    assert policy._prefixes[root.step].kv is not None, "the prompt is used each time and must stay"


async def test_rows_wait_their_turn_when_the_batch_is_full(policies: Callable[..., TransformersPolicy]) -> None:
    policy = policies(max_rows=4)
    root = root_of(policy)
    found = await asyncio.gather(*(policy.generate(ask(root, seed)) for seed in range(12)))
    wide = policies()
    assert policy.stats.peak_rows == 4
    assert [c.steps[0].tokens for c in found] == [
        c.steps[0].tokens for c in await asyncio.gather(*(wide.generate(ask(root, seed)) for seed in range(12)))
    ]


async def test_rows_that_outgrow_the_memory_go_on_later_where_they_were(
    policies: Callable[..., TransformersPolicy],
) -> None:
    wide, tight = policies(), policies()
    root = root_of(wide)
    tight.row_bytes = 4 * (root.length + 70) * tight._store.geometry.token_bytes
    asks = [ask(root, seed, until=Until.END, tokens=150) for seed in range(10)]
    expected = await asyncio.gather(*(wide.generate(request) for request in asks))
    found = await asyncio.gather(*(tight.generate(request) for request in asks))
    assert max(sum(len(s.tokens) for s in c.steps) for c in expected) > 70, "none grew enough to be sent back"
    assert [[s.tokens for s in c.steps] for c in found] == [[s.tokens for s in c.steps] for c in expected]
    assert tight.stats.prefill > wide.stats.prefill, "nobody was sent back"


async def test_a_cancelled_request_frees_its_row(policies: Callable[..., TransformersPolicy]) -> None:
    policy = policies(max_rows=1)
    policy._splitter.ends = frozenset()
    root = root_of(policy)
    hog = asyncio.create_task(policy.generate(ask(root, 1, until=Until.END, tokens=480)))
    while not policy._rows.jobs:  # noqa: ASYNC110 - the worker is another thread
        await asyncio.sleep(0.001)
    waiting = asyncio.create_task(policy.generate(ask(root, 2, until=Until.END, tokens=3)))
    never = asyncio.create_task(policy.generate(ask(root, 3, until=Until.END, tokens=480)))
    await asyncio.sleep(0.005)
    hog.cancel()
    never.cancel()
    await waiting
    with pytest.raises(asyncio.CancelledError):
        await hog
    await policy.generate(ask(root, 4, tokens=3))
    assert policy.stats.decode < 480
    assert not policy.has_work()


async def test_no_sample_waits_for_another(policies: Callable[..., TransformersPolicy]) -> None:
    policy = policies()
    policy._splitter.ends = frozenset()
    root = root_of(policy)
    order: list[int] = []

    async def one(tokens: int) -> None:
        await policy.generate(ask(root, tokens, until=Until.END, tokens=tokens))
        order.append(tokens)

    await asyncio.gather(*(one(tokens) for tokens in (200, 5, 100, 1)))
    assert order == [1, 5, 100, 200]


async def test_a_failure_is_one_sentence_and_the_engine_goes_on(
    policy: TransformersPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = root_of(policy)

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the disk is on fire\nand more")

    with monkeypatch.context() as patch:
        patch.setattr(policy, "_head", broken)
        results = await asyncio.gather(*(policy.generate(ask(root, seed)) for seed in range(3)), return_exceptions=True)
    assert all(isinstance(r, EngineError) for r in results)
    assert "the disk is on fire" in str(results[0])
    assert "\n" not in str(results[0])
    assert isinstance(results[0].__cause__, RuntimeError)  # type: ignore[union-attr]
    with monkeypatch.context() as patch:
        patch.setattr(policy._store, "fill", broken)
        with pytest.raises(EngineError, match="reading a prompt"):
            await policy.generate(ask(root))
    assert (await policy.generate(ask(root))).steps


def test_loops_in_two_threads_and_one_after_another_share_an_engine(policy: TransformersPolicy) -> None:
    results: dict[int, list[tuple[int, ...]]] = {}

    async def sample() -> list[tuple[int, ...]]:
        root = root_of(policy)
        found = await asyncio.gather(*(policy.generate(ask(root, seed)) for seed in range(6)))
        return [c.steps[0].tokens for c in found]

    def work(name: int) -> None:
        results[name] = asyncio.run(sample())

    threads = [threading.Thread(target=work, args=(name,)) for name in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    work(2)
    assert results[0] == results[1] == results[2]


def test_a_loop_that_was_closed_with_requests_under_way_harms_nobody(policy: TransformersPolicy) -> None:
    loop = asyncio.new_event_loop()
    root = root_of(policy)

    async def start() -> None:
        loop.create_task(policy.generate(ask(root, 1, until=Until.END, tokens=300)))  # noqa: RUF006 - abandoned on purpose
        await asyncio.sleep(0.01)

    loop.run_until_complete(start())
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    assert asyncio.run(policy.generate(ask(root, 2))).steps


async def test_closing_fails_what_is_under_way(policies: Callable[..., TransformersPolicy]) -> None:
    policy = policies()
    policy._splitter.ends = frozenset()
    task = asyncio.create_task(policy.generate(ask(root_of(policy), until=Until.END, tokens=490)))
    await asyncio.sleep(0.02)
    policy.close()
    with pytest.raises(EngineError, match="closed"):
        await task
    with pytest.raises(EngineError, match="closed"):
        await policy.generate(ask(root_of(policy)))


async def test_the_context_is_a_limit(policies: Callable[..., TransformersPolicy]) -> None:
    policy = policies(context=44)
    policy._splitter.ends = frozenset()
    root = root_of(policy)
    found = await policy.generate(ask(root, until=Until.END, tokens=100))
    assert found.finish is Finish.LENGTH
    assert root.length + sum(len(step.tokens) for step in found.steps) == 44
    full = Node(Step("x", (9,) * (44 - root.length)), "/0", Finish.STEP, root)
    nothing = await policy.generate(ask(full))
    assert (nothing.finish, nothing.steps[0].tokens) == (Finish.LENGTH, ())
    with pytest.raises(PromptTooLong, match="takes 44"):
        policy.prompt(Problem("add " * 30))


def test_an_empty_problem_is_refused(policy: TransformersPolicy) -> None:
    with pytest.raises(BadInput, match="empty"):
        policy.prompt(Problem("  \n"))


def test_the_shape_counts_the_head_once_and_the_embedding_never(policy: TransformersPolicy, plain: Any) -> None:
    vocabulary, width = plain.lm_head.weight.shape
    layer = 2 * width * width + 2 * width * (width // 2) + 3 * width * 2 * width  # q, o; k, v with half the heads; MLP
    assert policy.shape.active == 2 * layer + vocabulary * width
    assert policy.shape.parameters == sum(p.numel() for p in plain.parameters())
    assert (policy.shape.layers, policy.shape.width) == (2, 32)


def test_a_tied_head_costs_as_much_as_one_of_its_own(tmp_path: Path, policy: TransformersPolicy) -> None:
    tied = ENGINE.load_policy(find(str(tiny.make_policy(tmp_path, tie_word_embeddings=True))), device="cpu")
    assert tied.shape.active == policy.shape.active
    assert tied.shape.parameters < policy.shape.parameters
    tied.close()
