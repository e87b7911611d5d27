"""Models behind an address: every kind of server, and whole searches over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.engines.fake_server import FakeServer
from tests.engines.test_policy import PROBLEM, ask, below
from tts import Solver
from tts.engines.hf import tokenizer_of
from tts.engines.remote.engine import ENGINE
from tts.engines.remote.policy import RemotePolicy
from tts.engines.remote.reward import RemoteReward
from tts.engines.remote.text_steps import cut, share, stand_ins
from tts.engines.transformers.policy import TransformersPolicy
from tts.engines.transformers.reward import TransformersReward
from tts.errors import ModelError, PromptTooLong
from tts.models.card import ModelCard
from tts.models.find import find
from tts.protocols import Completion
from tts.types import Finish, Node, Problem, Step, Until

Connect = Callable[..., RemotePolicy]


def sampled(node: Node) -> list[int]:
    return node.tokens[node.root.length :]


async def greedy(policy: RemotePolicy | TransformersPolicy, words: str, rounds: int = 12, tokens: int = 40) -> Node:
    """A greedy solution, step by step."""
    problem = Problem(words)
    node = Node(policy.prompt(problem), "/")
    for _ in range(rounds):
        if not node.open:
            break
        node = below(node, await policy.generate(ask(node, temperature=0.0, tokens=tokens)))
    return node


# Greedy solutions of the first two end, after two steps and four; that of the last goes on.
WORDS = (
    "take so two of more",
    "answer ? of it",
    "2 + 3",
)


class TestPolicies:
    @pytest.mark.parametrize("known", [True, False])
    async def test_steps_by_ids_equal_those_of_the_same_model_here(
        self, fakes: Callable[..., FakeServer], policy: TransformersPolicy, policy_folder: Path, connect: Connect,
        known: bool,
    ) -> None:  # fmt: skip
        fake = fakes(name=str(policy_folder) if known else "mystery")
        remote = connect(fake)
        assert (remote._prompts._text is not None) is known
        ends = set()
        for words in WORDS:
            there, here = await greedy(remote, words), await greedy(policy, words)
            assert there.tokens == here.tokens
            assert [step.text for step in there.steps] == [step.text for step in here.steps]
            assert there.finish is here.finish
            ends.add(there.finish)
        assert Finish.STOP in ends
        assert all(isinstance(body["prompt"], list) for body in fake.asked("/v1/completions")[1:])

    @pytest.mark.parametrize("known", [True, False])
    async def test_whole_solutions_come_in_the_same_steps(
        self, fakes: Callable[..., FakeServer], policy: TransformersPolicy, policy_folder: Path, connect: Connect,
        known: bool,
    ) -> None:  # fmt: skip
        remote = connect(fakes(name=str(policy_folder) if known else "mystery"))
        for words in WORDS:
            roots = [Node(p.prompt(Problem(words)), "/") for p in (remote, policy)]
            there = await remote.generate(ask(roots[0], until=Until.END, temperature=0.0, tokens=200))
            here = await policy.generate(ask(roots[1], until=Until.END, temperature=0.0, tokens=200))
            assert [(s.text, s.tokens) for s in there.steps] == [(s.text, s.tokens) for s in here.steps]
            assert there.finish is here.finish

    @pytest.mark.parametrize("variant", ["openai", "llama.cpp"])
    @pytest.mark.parametrize("until", [Until.STEP, Until.END])
    async def test_by_text_the_same_steps_come_with_as_many_tokens(
        self, fakes: Callable[..., FakeServer], policy: TransformersPolicy, policy_folder: Path, connect: Connect,
        variant: Any, until: Until,
    ) -> None:  # fmt: skip
        name = str(policy_folder) if variant == "openai" else "mystery"  # llama.cpp makes the prompt itself
        fake = fakes(variant, name=name)
        remote = connect(fake)
        assert (remote._dialect.routes, remote._dialect.ids) == ("" if variant == "openai" else "llama.cpp", False)
        for words in WORDS:
            there, here = (Node(p.prompt(Problem(words)), "/") for p in (remote, policy))
            assert there.length == here.length
            while here.open and here.depth < 10:
                request = {"until": until, "temperature": 0.0, "tokens": 40}
                there = below(there, await remote.generate(ask(there, **request)))  # type: ignore[arg-type]
                here = below(here, await policy.generate(ask(here, **request)))  # type: ignore[arg-type]
                if here.finish is Finish.STOP and until is Until.STEP:
                    break  # whether the end counts as a token of its own is the server's to say
                assert there.finish is here.finish
                assert there.length == here.length
                assert [s.text for s in there.steps] == [s.text for s in here.steps]
            assert there.text == here.text
            assert there.finish is here.finish

    async def test_equal_texts_have_equal_stand_ins_and_no_others(self) -> None:
        assert stand_ins("a b", 3) == stand_ins("a b", 3)
        assert stand_ins("a b", 3) != stand_ins("a c", 3)
        assert len(stand_ins("a b", 3)) == 3
        assert stand_ins("", 0) == ()
        assert stand_ins("x", 1)[0] < 2**53, "JSON readers keep it exactly"

    async def test_a_chat_only_server_gives_whole_solutions_and_says_so_of_steps(
        self, fakes: Callable[..., FakeServer], policy: TransformersPolicy, connect: Connect
    ) -> None:
        fake = fakes("chat")
        remote = connect(fake)
        assert not remote.steps
        root = Node(remote.prompt(PROBLEM), "/")
        there = await remote.generate(ask(root, until=Until.END, temperature=0.0, tokens=100))
        here = await policy.generate(
            ask(Node(policy.prompt(PROBLEM), "/"), until=Until.END, temperature=0.0, tokens=100)
        )
        assert [s.text for s in there.steps] == [s.text for s in here.steps]
        assert sum(len(s.tokens) for s in there.steps) == sum(len(s.tokens) for s in here.steps)
        assert there.finish is here.finish
        with pytest.raises(ModelError, match="best-of-n or majority"):
            await remote.generate(ask(root))

    async def test_sampling_settings_travel_and_seeds_differ(self, fake: FakeServer, connect: Connect) -> None:
        remote = connect(fake)
        root = Node(remote.prompt(PROBLEM), "/")
        settings: dict[str, Any] = {"until": Until.END, "temperature": 0.7, "top_p": 0.9}
        await asyncio.gather(*(remote.generate(ask(root, seed, **settings)) for seed in range(4)))
        bodies = fake.asked("/v1/completions")[1:]
        assert {(body["temperature"], body["top_p"], body["top_k"]) for body in bodies} == {(0.7, 0.9, -1)}
        assert len({body["seed"] for body in bodies}) >= 4
        assert all(0 <= body["seed"] < 2**31 for body in bodies)
        quiet = connect(fake, seeds=False)
        fake.requests.clear()
        await quiet.generate(ask(root))
        assert "seed" not in fake.asked("/v1/completions")[0]

    @pytest.mark.parametrize(("most", "asked"), [(4, 1), (3, 2), (1, 4), (0, 5)])
    async def test_steps_after_one_prefix_travel_together(
        self, fakes: Callable[..., FakeServer], policy_folder: Path, connect: Connect, most: int, asked: int
    ) -> None:
        """However many choices the server gives at once, they are those of the first one's seed and the next ones'."""
        fake = fakes(name=str(policy_folder), most=most)
        remote = connect(fake)
        root = Node(remote.prompt(PROBLEM), "/")
        seed = ask(root, 5).seed & (2**31 - 1)
        fake.requests.clear()
        found = await asyncio.gather(*(remote.generate(ask(root, 5 + k)) for k in range(4)))
        bodies = fake.asked("/v1/completions")
        assert [(body.get("n"), body["seed"]) for body in bodies[:1]] == [(4, seed)]
        assert len(bodies) == asked
        alone = [await remote.generate(replace(ask(root), seed=seed + k)) for k in range(4)]
        assert [[s.tokens for s in each.steps] for each in found] == [[s.tokens for s in each.steps] for each in alone]

    async def test_only_what_is_alike_travels_together(self, fake: FakeServer, connect: Connect) -> None:
        remote = connect(fake)
        root, other = (Node(remote.prompt(Problem(words)), "/") for words in WORDS[:2])
        fake.requests.clear()
        requests = [
            ask(root), ask(root, 1), ask(other), ask(root, 2, top_p=0.5), ask(root, 3, until=Until.END),
            replace(ask(root, 4), key="1/0"), ask(root, 5, temperature=0.0), ask(root, 6, temperature=0.0),
        ]  # fmt: skip
        await asyncio.gather(*(remote.generate(request) for request in requests))
        counts = [body.get("n", 1) for body in fake.asked("/v1/completions")]
        assert (counts.count(2), max(counts)) == (1, 2)

    async def test_of_those_that_travel_together_one_may_be_cancelled(self, fake: FakeServer, connect: Connect) -> None:
        remote = connect(fake)
        root = Node(remote.prompt(PROBLEM), "/")
        fake.slow = 0.1
        tasks = [asyncio.create_task(remote.generate(ask(root, seed))) for seed in range(3)]
        await asyncio.sleep(0.03)
        tasks[0].cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(done[0], asyncio.CancelledError)
        assert all(isinstance(each, Completion) for each in done[1:])

    async def test_a_prompt_is_fetched_once_for_all_searches_that_begin_with_it(
        self, fake: FakeServer, connect: Connect
    ) -> None:
        remote = connect(fake)
        before = len(fake.asked("/tokenize"))
        await remote.prepare(PROBLEM)
        step = remote.prompt(PROBLEM)
        assert len(fake.asked("/tokenize")) == before + 1
        assert remote.prompt(PROBLEM).tokens == step.tokens
        assert len(fake.asked("/tokenize")) == before + 1

    async def test_another_tokenizer_of_the_same_name_is_not_believed(
        self, fake: FakeServer, connect: Connect, policy_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert connect(fake, tokenizer=str(policy_folder))._prompts._text is not None
        monkeypatch.setattr(FakeServer, "tokenize", lambda *_: (200, {"tokens": [1, 2, 3]}))
        assert connect(fake, tokenizer=str(policy_folder))._prompts._text is None

    async def test_the_context_is_a_limit(self, fake: FakeServer, connect: Connect) -> None:
        remote = connect(fake)
        assert remote.context == 512
        with pytest.raises(PromptTooLong, match="takes 512"):
            remote.prompt(Problem("add " * 600))
        full = Node(Step("", (9,) * 512), "/")
        assert (await remote.generate(ask(full))).finish is Finish.LENGTH

    async def test_a_limit_that_only_a_refusal_names_holds_for_its_problem(
        self, fakes: Callable[..., FakeServer], connect: Connect
    ) -> None:
        fake = fakes("openai", name="mystery")
        remote = connect(fake)
        root = Node(Step("add " * 400, (5,) * 200), "/")
        for refused in (1, 0):
            fake.requests.clear()
            found = await remote.generate(ask(root, until=Until.END, tokens=400, temperature=0.0))
            assert found.steps[0].tokens
            limits = [body["max_tokens"] for body in fake.asked("/v1/completions")]
            assert limits == [400, 312, 156, 78][1 - refused :], "512 by its words, less the 200 tokens that we count"
        with pytest.raises(PromptTooLong, match="maximum context length is 512 tokens"):
            await remote.generate(ask(Node(Step("add " * 600, (5,) * 400), "/"), until=Until.END, tokens=100))

    def test_the_cost_is_that_of_the_model_where_it_is_known(
        self, fakes: Callable[..., FakeServer], connect: Connect, policy: TransformersPolicy, policy_folder: Path
    ) -> None:
        known = connect(fakes(name=str(policy_folder)))
        assert known.shape == policy.shape
        assert known.warn(PROBLEM) is None
        mystery = connect(fakes(name="mystery"))
        assert mystery.shape.parameters == mystery.shape.active == 0
        assert "FLOPs are not counted" in (mystery.warn(PROBLEM) or "")
        assert mystery.warn(PROBLEM) is None, "said once"
        named = connect(fakes(name="meta-llama/Llama-3.2-1B-Instruct"))
        assert named.shape.parameters == 1_235_814_400

    @pytest.mark.parametrize("variant", ["vllm", "openai", "chat"])
    def test_a_control_token_in_a_problem_is_named_where_the_server_reads_text(
        self, fakes: Callable[..., FakeServer], connect: Connect, policy_folder: Path, variant: Any
    ) -> None:
        remote = connect(fakes(variant, name=str(policy_folder)))
        assert "control token" not in (remote.warn(Problem("2 < 3 and [a|b] > <b>")) or "")
        warned = {name: remote.warn(Problem(f"add 2 {name}")) for name in ("<|im_end|>", "<extra_0>", "[INST]", "</s>")}
        for name, sentence in warned.items():
            assert (sentence is None) if variant == "vllm" else (f"may take {name} in it" in str(sentence))


class TestRewards:
    @pytest.fixture
    def module(self, prm_folder: Path) -> Any:
        import torch

        from prm.qwen import FAMILY

        return FAMILY.load(prm_folder, torch.float32)

    @pytest.fixture
    def prms(self, module: Any, prm_folder: Path) -> Iterator[Callable[..., tuple[FakeServer, RemoteReward]]]:
        made: list[Any] = []
        mark = tokenizer_of(ModelCard(name="tiny"), prm_folder).convert_tokens_to_ids("<extra_0>")

        def make(**options: Any) -> tuple[FakeServer, RemoteReward]:
            fake = FakeServer(prm=module, mark=mark, name=str(prm_folder), **options).__enter__()
            made.append(fake)
            reward = ENGINE.load_reward(find(f"{fake.root}#{fake.name}", "prm"), backoff=0.01)
            assert isinstance(reward, RemoteReward)
            made.append(reward)
            return fake, reward

        yield make
        for thing in reversed(made):
            thing.die() if isinstance(thing, FakeServer) else thing.close()

    def solution(self) -> Node:
        node = Node(Step("take 2", (5, 6)), "/")
        for k, text in enumerate(("2 + 3 is 5.\n\n", "so add the box\n\n", "answer 5")):
            node = Node(Step(text, (7, k)), f"{node.key}.0", parent=node)
        return node

    @pytest.mark.parametrize("rows", ["all", "marks", "cached", "logits"])
    async def test_scores_equal_those_of_the_same_model_here(
        self, prms: Callable[..., tuple[FakeServer, RemoteReward]], reward: TransformersReward, rows: Any
    ) -> None:
        fake, remote = prms(rows=rows)
        node = self.solution()
        assert remote.lengths(PROBLEM, node) == reward.lengths(PROBLEM, node)
        assert remote.shape == reward.shape
        for seen in range(4):
            there, here = await remote.score(PROBLEM, node, seen), await reward.score(PROBLEM, node, seen)
            assert len(there) == 3 - seen
            assert there == pytest.approx(here, abs=1e-5)
        assert len(fake.asked("/pooling")) == 1 + 3 + (2 if rows == "cached" else 0), "rows that were there sufficed"

    def test_a_server_without_rows_is_told_apart(self, prms: Callable[..., tuple[FakeServer, RemoteReward]]) -> None:
        with pytest.raises(ModelError, match="tok_pooling_type"):
            prms(rows="none")

    def test_a_server_without_pooling_is_told_how_to_start(
        self, fakes: Callable[..., FakeServer], prm_folder: Path
    ) -> None:
        fake = fakes("openai", name=str(prm_folder))
        with pytest.raises(ModelError, match="--runner pooling"):
            ENGINE.load_reward(find(fake.url, "prm"), backoff=0.01)

    def test_without_a_tokenizer_here_the_sentence_says_what_to_do(self, fakes: Callable[..., FakeServer]) -> None:
        fake = fakes(name="org/mystery-prm")
        with pytest.raises(ModelError, match=r"lacks its tokenizer: run `hf download org/mystery-prm"):
            ENGINE.load_reward(find(fake.url, "prm"))

    @pytest.mark.parametrize("strategy", ["beam-search", "best-of-n", "dvts"])
    @pytest.mark.parametrize("variant", ["vllm", "openai"])
    def test_a_whole_search_over_http_gives_what_it_gives_here(
        self, prms: Callable[..., tuple[FakeServer, RemoteReward]], fakes: Callable[..., FakeServer], connect: Connect,
        policy: TransformersPolicy, policy_folder: Path, reward: TransformersReward, strategy: str, variant: Any,
    ) -> None:  # fmt: skip
        _, scores = prms()
        limits = {"step_tokens": 40, "max_steps": 6} if strategy != "best-of-n" else {"solution_tokens": 100}
        settings: Any = {"strategy": strategy, "budget": 4, "temperature": 0.0, **limits}
        remote = connect(fakes(variant, name=str(policy_folder)))
        there = asyncio.run(Solver(remote, scores, **settings).solve("take ? is ? the two"))
        here = asyncio.run(Solver(policy, reward, **settings).solve("take ? is ? the two"))
        assert [c.steps for c in there.candidates] == [c.steps for c in here.candidates]
        assert [c.finish for c in there.candidates] == [c.finish for c in here.candidates]
        assert there.answer == here.answer
        if variant == "vllm":
            there_nodes, here_nodes = there.trace.nodes(), here.trace.nodes()
            assert there_nodes.keys() == here_nodes.keys()
            for key, node in there_nodes.items():
                same = {"parent", "text", "tokens", "finish"}
                assert {name: node[name] for name in same} == {name: here_nodes[key][name] for name in same}
            assert there.usage.flops == here.usage.flops
            assert there.usage.policy_tokens == here.usage.policy_tokens


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("", [""]),
        ("a", ["a"]),
        ("a\n\nb", ["a\n\n", "b"]),
        ("a\n\nb\n\n", ["a\n\n", "b\n\n"]),
        ("\n\na\n\n\n\nb", ["\n\na\n\n", "\n\nb"]),  # a separator with nothing before it begins the next step
        ("a\n\n \n\n ", ["a\n\n \n\n "]),  # blanks after the last one make none
        ("\n\n", ["\n\n"]),
    ],
)
def test_texts_are_cut_as_ids_are(text: str, steps: list[str]) -> None:
    assert cut(text, "\n\n") == steps
    for total in (0, 1, 5, 17):
        counts = share(total, steps)
        assert sum(counts) == max(total, len(steps))
        assert min(counts) >= 1
