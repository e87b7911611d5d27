"""vLLM on a CPU: samples and scores against plain references, tokens read, shutdown."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import fields, replace
from functools import partial, wraps
from pathlib import Path
from typing import Any

import pytest

from prm.judge import Judge
from prm.judge_prompt import LETTERS
from tests.engines.test_reward import PROBLEM, TEXTS
from tests.engines.vllm_processes import all_gone, engines_below, needs_vllm
from tests.nodes import chain
from tests.tiny import make_policy
from tests.toy import ToyPolicy
from tts import solve
from tts.engines.load import Loading, load_both, load_policy
from tts.engines.transformers.engine import ENGINE as TRANSFORMERS
from tts.engines.vllm.engine import VLLMEngine, _declared
from tts.engines.vllm.loading import _divided
from tts.errors import BadInput, EngineDied, ModelError, PromptTooLong, UnknownName
from tts.models.find import find
from tts.protocols import Policy, Request
from tts.types import Finish, Node, Problem, Until

pytestmark = needs_vllm


def request(
    policy: Policy, *, until: Until = Until.STEP, temperature: float = 1.0, seed: int = 7, most: int = 40
) -> Request:
    node = Node(policy.prompt(PROBLEM), "/")
    return Request(PROBLEM, node, "/0", seed, until, most, temperature)


class TestPolicy:
    @pytest.fixture
    def policy(self, vllm_models: tuple[Any, Any]) -> Any:
        return vllm_models[0]

    @pytest.fixture
    def twin(self, policy: Any) -> Iterator[Any]:
        """The same checkpoint on the transformers engine."""
        other = TRANSFORMERS.load_policy(policy.card, device="cpu")
        yield other
        other.close()

    @pytest.mark.parametrize("until", Until)
    async def test_greedy_continuations_equal_those_of_the_transformers_engine(
        self, policy: Any, twin: Any, until: Until
    ) -> None:
        ours = await policy.generate(request(policy, until=until, temperature=0.0))
        theirs = await twin.generate(request(twin, until=until, temperature=0.0))
        assert [(s.text, s.tokens) for s in ours.steps] == [(s.text, s.tokens) for s in theirs.steps]
        assert ours.finish is theirs.finish

    @pytest.mark.parametrize(("temperature", "top_p"), [(1.0, 1.0), (0.7, 1.0), (1.0, 0.8)])
    async def test_the_same_seed_samples_what_the_transformers_engine_does(
        self, policy: Any, twin: Any, temperature: float, top_p: float
    ) -> None:
        like = replace(request(policy, until=Until.END, temperature=temperature), top_p=top_p)
        asked = [replace(like, seed=number) for number in range(8)]
        ours = await asyncio.gather(*(policy.generate(each) for each in asked))
        theirs = await asyncio.gather(*(twin.generate(each) for each in asked))
        tokens = [[step.tokens for step in completion.steps] for completion in ours]
        assert tokens == [[step.tokens for step in completion.steps] for completion in theirs]
        assert len({str(each) for each in tokens}) > 1

    @pytest.mark.parametrize("seed", range(4))
    async def test_several_steps_of_one_request_equal_those_of_the_transformers_engine_and_end_it(
        self, policy: Any, twin: Any, seed: int
    ) -> None:
        first = await policy.generate(request(policy, seed=seed))
        node = Node(first.steps[0], "/0", Finish.STEP, request(policy).node)
        asked = replace(request(policy, temperature=0.0), node=node, steps=3, logprobs=2)
        ours, theirs = await policy.generate(asked), await twin.generate(asked)
        assert [(s.text, s.tokens) for s in ours.steps] == [(s.text, s.tokens) for s in theirs.steps]
        assert ours.finish is theirs.finish
        assert len(ours.logprobs) == sum(len(step.tokens) for step in ours.steps)
        assert not policy.services[0].engine.output_processor.has_unfinished_requests()

    async def test_log_probabilities_equal_those_of_the_transformers_engine(self, policy: Any, twin: Any) -> None:
        ours = await policy.generate(replace(request(policy, temperature=0.0), logprobs=3))
        theirs = await twin.generate(replace(request(twin, temperature=0.0), logprobs=3))
        assert len(ours.logprobs) == len(ours.steps[0].tokens)
        for one, other in zip(ours.logprobs, theirs.logprobs, strict=True):
            assert one.sampled == pytest.approx(other.sampled, abs=1e-3)
            assert [value for _, value in one.top] == pytest.approx([value for _, value in other.top], abs=1e-3)
            assert one.certainty is None, "vLLM gives the likeliest tokens only"

    async def test_surprisals_equal_those_of_the_transformers_engine(self, policy: Any, twin: Any) -> None:
        ours = await policy.surprisal(PROBLEM, request(policy).node)
        theirs = await twin.surprisal(PROBLEM, request(twin).node)
        assert ours == pytest.approx(theirs, abs=1e-3)
        assert len(ours) == len(request(policy).node.tokens) - 1

    def test_cost_and_prompt_are_those_of_the_transformers_engine(self, policy: Any, twin: Any) -> None:
        assert policy.shape == twin.shape
        assert policy.prompt(PROBLEM).tokens == twin.prompt(PROBLEM).tokens
        assert policy.context == twin.context

    async def test_a_request_samples_the_same_again_whatever_else_is_in_flight(self, policy: Any) -> None:
        alone = await policy.generate(request(policy))
        crowd = await asyncio.gather(*(policy.generate(request(policy, seed=seed)) for seed in (1, 2, 7, 9)))
        assert crowd[2].steps[0].tokens == alone.steps[0].tokens
        assert len({c.steps[0].tokens for c in crowd}) > 1

    async def test_a_step_ends_with_the_token_that_completes_its_separator(self, policy: Any) -> None:
        for done in await asyncio.gather(*(policy.generate(request(policy, seed=seed)) for seed in range(30))):
            assert len(done.steps) == 1
            text, tokens = done.steps[0].text, done.steps[0].tokens
            if done.finish is Finish.STEP:
                assert text.endswith("\n\n")
                assert "\n\n" not in text[:-2].lstrip("\n")
            elif done.finish is Finish.STOP:
                assert tokens[-1] == 2, "the tiny models' end of sequence"
            else:
                assert len(tokens) == 40

    async def test_continuations_after_unfinished_blocks_are_those_of_one_request_and_read_one_token_each(
        self, policy: Any
    ) -> None:
        whole = await policy.generate(request(policy, until=Until.END, temperature=0.0, most=80))
        node, sampled = Node(policy.prompt(PROBLEM), "/"), list[int]()
        await policy.generate(Request(PROBLEM, node, "/first", 0, Until.END, 1, 0.0))
        for k in range(16):
            before = policy.computed
            completion = await policy.generate(Request(PROBLEM, node, f"/{k}", k, Until.END, 5, 0.0))
            assert policy.computed - before == 1
            for step in completion.steps:
                sampled += step.tokens
                node = Node(step, f"{node.key}.{k}", Finish.STEP, node)
            if completion.finish is not Finish.LENGTH:
                break
        assert sampled == [token for step in whole.steps for token in step.tokens]

    async def test_a_length_limit_is_no_finish(self, policy: Any) -> None:
        done = await policy.generate(request(policy, until=Until.END, most=3))
        assert sum(len(step.tokens) for step in done.steps) <= 3
        assert done.finish in (Finish.LENGTH, Finish.STOP)

    async def test_several_steps_are_the_first_ones_of_the_whole_solution(self, policy: Any) -> None:
        finishes = set()
        seeds = range(30)
        wholes = await asyncio.gather(*(policy.generate(request(policy, until=Until.END, seed=seed)) for seed in seeds))
        parts = await asyncio.gather(*(policy.generate(replace(request(policy, seed=seed), steps=2)) for seed in seeds))
        for whole, found in zip(wholes, parts, strict=True):
            assert [s.text for s in found.steps] == [s.text for s in whole.steps[:2]]
            # The end of a solution behind step 2 belongs to that step in the whole, and was not asked for in the part.
            sampled = [token for step in whole.steps for token in step.tokens]
            asked = [token for step in found.steps for token in step.tokens]
            assert asked == sampled[: len(asked)]
            assert (found.finish is Finish.STOP) == (whole.finish is Finish.STOP and asked == sampled)
            finishes.add(found.finish)
        assert finishes == set(Finish)

    @pytest.mark.parametrize("until", Until)
    async def test_cancelling_takes_the_request_out_of_the_engine(self, policy: Any, until: Until) -> None:
        [engine] = [service.engine for service in policy.services]
        asked = replace(request(policy, until=until, most=40), steps=40)
        task = asyncio.create_task(policy.generate(asked))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        for _ in range(200):
            if not engine.output_processor.has_unfinished_requests():
                return
            await asyncio.sleep(0.01)
        raise AssertionError("the request is still in the engine")

    def test_it_serves_one_event_loop_after_another(self, policy: Any) -> None:
        for _ in range(2):
            assert asyncio.run(policy.generate(request(policy))).steps

    def test_a_prompt_beyond_the_context_is_refused(self, policy: Any) -> None:
        with pytest.raises(PromptTooLong, match="84 together"):
            policy.prompt(Problem("add " * 80))


class TestTokenClassification:
    @pytest.fixture
    def reward(self, vllm_models: tuple[Any, Any]) -> Any:
        return vllm_models[1]

    @pytest.fixture
    def twin(self, reward: Any) -> Iterator[Any]:
        other = TRANSFORMERS.load_reward(reward.card, device="cpu")
        yield other
        other.close()

    @pytest.mark.parametrize("name", TEXTS)
    async def test_scores_step_by_step_equal_those_of_the_whole_text(self, name: str, reward: Any, twin: Any) -> None:
        problem, node, scores = Problem(f"by step {name}"), chain([]), list[float]()
        for seen, text in enumerate(TEXTS[name]):
            node = chain([text], node)
            scores += await reward.score(problem, node, seen)
        assert scores == pytest.approx(await twin.score(problem, node, 0), abs=1e-4)

    @pytest.mark.parametrize("name", TEXTS)
    async def test_scores_of_all_steps_at_once_equal_them_too(self, name: str, reward: Any, twin: Any) -> None:
        problem, node = Problem(f"at once {name}"), chain(TEXTS[name])
        scores = await reward.score(problem, node, 0)
        assert scores == pytest.approx(await twin.score(problem, node, 0), abs=1e-4)
        again = await reward.score(problem, chain(TEXTS[name]), 0)  # all of it lies in the cache now
        assert again == pytest.approx(scores, abs=1e-4)

    async def test_a_step_costs_its_own_tokens(self, reward: Any) -> None:
        texts = [f"step {k} add {k} to the sum and take it two more\n\n" for k in range(20)]
        node = chain([])
        for seen, text in enumerate(texts):
            node = chain([text], node)
            before = reward.computed
            await reward.score(PROBLEM, node, seen)
            *_, new = lengths = reward.lengths(PROBLEM, node)
            read = reward.computed - before
            assert read == new if seen else read <= sum(lengths)

    def test_cost_is_that_of_the_transformers_engine(self, reward: Any, twin: Any) -> None:
        assert reward.shape == twin.shape
        node = chain(TEXTS["fifty steps"])
        assert reward.lengths(PROBLEM, node) == twin.lengths(PROBLEM, node)

    async def test_a_text_beyond_the_context_is_refused(self, reward: Any) -> None:
        with pytest.raises(PromptTooLong, match="2048"):
            await reward.score(PROBLEM, chain(["add " * 3000]), 0)


class TestLoading:
    def test_an_unknown_engine_argument_is_named_with_the_nearest(self, vllm_models: tuple[Any, Any]) -> None:
        with pytest.raises(UnknownName, match="did you mean 'max_model_len'"):
            load_policy(vllm_models[0].card.folder, engine="vllm", arguments={"max_modellen": 64})

    def test_the_arguments_read_in_the_source_of_vllm_are_the_fields_of_its_class(self) -> None:
        from vllm.engine.arg_utils import AsyncEngineArgs

        assert _declared() == {field.name for field in fields(AsyncEngineArgs)}

    def test_a_model_that_cannot_start_says_why_and_where_its_log_is(self, vllm_models: tuple[Any, Any]) -> None:
        with pytest.raises(ModelError, match=r"cannot start .*its log is"):
            load_policy(vllm_models[0].card.folder, engine="vllm", arguments={"kv_cache_memory_bytes": 1})

    def test_an_argument_of_a_wrong_type_is_named_with_what_it_should_be(self, vllm_models: tuple[Any, Any]) -> None:
        with pytest.raises(ModelError, match=r"cannot be loaded: kv_transfer_config: Input should be a dictionary"):
            load_policy(vllm_models[0].card.folder, engine="vllm", arguments={"kv_transfer_config": "none"})

    def test_a_model_is_loaded_once(self, vllm_models: tuple[Any, Any]) -> None:
        policy, reward = (model.card.folder for model in vllm_models)
        loading = Loading(engine="vllm", arguments={"policy.replicas": 1})
        assert load_both(policy, reward, loading) == vllm_models

    def test_auto_means_vllm_for_a_folder_and_transformers_for_what_is_built_in(
        self, vllm_models: tuple[Any, Any]
    ) -> None:
        from tts.engines.load import _engine_for

        assert _engine_for(find(vllm_models[0].card.folder), "auto").name == "vllm"
        assert _engine_for(find("lab-1m"), "auto").name == "transformers"
        assert _engine_for(find("llama-3.2-3b"), "auto").name == "vllm"


@pytest.mark.usefixtures("fresh_models")
class TestJudge:
    def test_the_policy_judges_its_own_solutions_with_the_scores_of_the_transformers_engine(
        self, tmp_path: Path
    ) -> None:
        folder = make_policy(tmp_path / "policy", context=1024, width=64, heads=2, kv_heads=1, more=LETTERS)
        problem = Problem("take two and add three")
        solution = solve(
            problem, policy=str(folder), prm=f"judge:{folder}", strategy="best-of-n", budget=3, engine="vllm",
            engine_args={"policy.replicas": 1, "policy.kv_cache_memory_bytes": 1 << 28}, prm_parameters={"repeats": 2},
        )  # fmt: skip
        assert solution.error is None
        finished = [each for each in solution.candidates if each.finished]
        assert len({each.scores[-1] for each in finished}) > 1, "the judge tells solutions apart"
        assert solution.usage.prm_tokens > 100 * len(finished)  # two prompts each
        assert not any("log-probabilities" in warning for warning in solution.warnings)
        judge = Judge(load_policy(str(folder), engine="transformers", device="cpu"), repeats=2)
        for each in finished:
            [expected] = asyncio.run(judge.score(problem, chain([each.text], finish=Finish.STOP), 0))
            assert each.scores[-1] == pytest.approx(expected, abs=1e-3)


class Started(ToyPolicy):
    """In place of an engine that a test need not wait for."""

    def close(self) -> None:
        pass


class TestReplicas:
    def test_searches_are_shared_out_and_sampled_as_on_one_until_a_replica_dies_and_then_all_are_replaced(
        self, vllm_models: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = set(engines_below(os.getpid()))
        arguments = {"policy.replicas": 2, "policy.kv_cache_memory_bytes": 1 << 28}
        load = partial(load_policy, vllm_models[0].card.folder, engine="vllm", arguments=arguments)
        policy: Any = load()
        processes = [pid for pid in engines_below(os.getpid()) if pid not in before]
        assert len(processes) == 2
        requests = [request(policy, seed=seed) for seed in range(6)]
        served = [policy._places.of(each.node.root.step).replica for each in requests]
        assert served == [*policy.services] * 3

        async def sampled(by: Any) -> list[Any]:
            found = await asyncio.gather(*map(by.generate, requests))
            return [done.steps[0].tokens for done in found]

        assert asyncio.run(sampled(policy)) == asyncio.run(sampled(vllm_models[0]))
        os.kill(processes[0], signal.SIGKILL)
        end = time.monotonic() + 20
        while policy.alive:  # nobody needs to ask it first
            assert time.monotonic() < end
            time.sleep(0.05)
        with pytest.raises(EngineDied):
            asyncio.run(sampled(policy))
        started = Started()
        monkeypatch.setattr(VLLMEngine, "load_policy", wraps(VLLMEngine.load_policy)(lambda *_, **__: started))
        assert load() is started
        assert all_gone(processes)

    def test_devices_are_divided_among_replicas(self) -> None:
        assert _divided("cuda:0,cuda:1,cuda:2,cuda:3", 2) == ["cuda:0,cuda:1", "cuda:2,cuda:3"]
        assert _divided("cuda:0", 2) == ["cuda:0", "cuda:0"]
        with pytest.raises(BadInput, match="3 devices cannot be divided among 2 replicas"):
            _divided("cuda:0,cuda:1,cuda:2", 2)

    @pytest.mark.parametrize("replicas", [0, "two", True, 1.5])
    def test_what_is_no_number_of_replicas_is_refused(self, replicas: Any, vllm_models: tuple[Any, Any]) -> None:
        with pytest.raises(BadInput, match="a whole number of replicas"):
            load_policy(vllm_models[0].card.folder, engine="vllm", arguments={"policy.replicas": replicas})
