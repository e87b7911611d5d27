"""The transformers reward model against a plain pass over the whole text; each token is read once."""

from __future__ import annotations

import asyncio
import gc
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.nodes import chain
from tts.engines.transformers.reward import TransformersReward
from tts.errors import EngineError, PromptTooLong
from tts.models.card import BOXED
from tts.types import Finish, Problem

PROBLEM = Problem("take 2 + 3 is the sum ?")
TEXTS = {
    "one step": ["we add 2"],
    "trailing separators": ["we add 2\n\n", "so it is 5.\n\n", "answer 5\n\n"],
    "empty lines": ["\n\nwe add\n\n", "\n\n\n\nsum is 5\n\n", "answer"],
    "an empty step": ["we add\n\n", ""],
    "unicode": ["é数 = 3 🙂\n\n", "  数 is unknown: ß\n\n"],
    "fifty steps": [f"step {k} add {k}\n\n" for k in range(50)],
}


@pytest.fixture(scope="module")
def reference(prm_folder: Path) -> Callable[[Problem, Sequence[str]], list[float]]:
    """Scores from the weights alone, by another way: a plain Qwen2Model over the whole text at once."""
    from transformers import PreTrainedTokenizerFast, Qwen2Model

    tokenizer: Any = PreTrainedTokenizerFast.from_pretrained(prm_folder)
    weights = load_file(prm_folder / "model.safetensors")
    decoder = Qwen2Model.from_pretrained(prm_folder, dtype=torch.float32).eval()
    decoder.load_state_dict({k.removeprefix("model."): v for k, v in weights.items() if k.startswith("model.")})
    mark = tokenizer.convert_tokens_to_ids("<extra_0>")

    def score(problem: Problem, steps: Sequence[str]) -> list[float]:
        answer = "".join(step.strip() + "<extra_0>" for step in steps)
        text = f"<s>{BOXED}<|user|>{problem.text}<|assistant|>{answer}"
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        with torch.inference_mode():
            hidden: Any = decoder(torch.tensor([ids])).last_hidden_state[0]
            hidden = hidden[[k for k, token in enumerate(ids) if token == mark]]
            hidden = torch.relu(hidden @ weights["score.0.weight"].T + weights["score.0.bias"])
            logits = hidden @ weights["score.2.weight"].T + weights["score.2.bias"]
            scores: list[float] = logits.softmax(-1)[:, 1].tolist()
        return scores

    return score


@pytest.mark.parametrize("name", TEXTS)
async def test_scores_step_by_step_equal_those_of_the_whole_text(
    name: str, reward: TransformersReward, reference: Callable[..., list[float]]
) -> None:
    texts = TEXTS[name]
    node, scores = chain([]), list[float]()
    for seen, text in enumerate(texts):
        node = chain([text], node)
        new = await reward.score(PROBLEM, node, seen)
        assert len(new) == 1
        scores += new
    assert scores == pytest.approx(reference(PROBLEM, texts), abs=1e-4)
    assert reward.stats.score == sum(reward.lengths(PROBLEM, node)), "each token is read exactly once"


@pytest.mark.parametrize("name", TEXTS)
async def test_scores_of_all_steps_at_once_equal_those_of_the_whole_text(
    name: str, reward: TransformersReward, reference: Callable[..., list[float]]
) -> None:
    node = chain(TEXTS[name], finish=Finish.STOP)
    scores = await reward.score(PROBLEM, node, 0)
    assert list(scores) == pytest.approx(reference(PROBLEM, TEXTS[name]), abs=1e-4)
    assert await reward.score(PROBLEM, node, 1) == scores[1:]
    assert await reward.score(PROBLEM, node, len(scores)) == ()


async def test_texts_of_all_lengths_in_one_pass_equal_each_alone(
    reward: TransformersReward, reference: Callable[..., list[float]]
) -> None:
    root = chain([])
    problems = [PROBLEM, Problem("add 7 and 9 , more and more")]
    nodes = [(p, chain(texts, root if p is PROBLEM else chain([]))) for p in problems for texts in TEXTS.values()]
    found = await asyncio.gather(*(reward.score(problem, node, 0) for problem, node in nodes))
    for (problem, node), scores in zip(nodes, found, strict=True):
        assert list(scores) == pytest.approx(reference(problem, [s.text for s in node.steps]), abs=1e-4)


async def test_the_prompt_is_read_once_for_all_that_share_it(reward: TransformersReward) -> None:
    root = chain([])
    nodes = [chain([f"add {k}\n\n", f"answer {k}"], root) for k in range(10)]
    lengths = [reward.lengths(PROBLEM, node) for node in nodes]
    await asyncio.gather(*(reward.score(PROBLEM, node, 0) for node in nodes))
    assert reward.stats.score == lengths[0][0] + sum(sum(length[1:]) for length in lengths)


async def test_equal_texts_are_read_once_whoever_asks(reward: TransformersReward) -> None:
    root = chain([])
    node = chain(["add 2\n\n", "answer 5"], root)
    twins = [chain(["add 2\n\n", "answer 5"], root) for _ in range(5)]
    apart = chain(["add 2\n\n", "answer 5"])
    found = await asyncio.gather(*(reward.score(PROBLEM, n, 0) for n in [node, node, *twins]))
    found.append(await reward.score(PROBLEM, apart, 0))
    assert len(set(found)) == 1
    assert reward.stats.score == sum(reward.lengths(PROBLEM, node))


async def test_scores_survive_the_loss_of_the_cache(
    rewards: Callable[..., TransformersReward], reference: Callable[..., list[float]]
) -> None:
    reward = rewards(cache_bytes=0)
    texts = TEXTS["trailing separators"]
    node, scores = chain([]), list[float]()
    for seen, text in enumerate(texts):
        node = chain([text], node)
        scores += await reward.score(PROBLEM, node, seen)
        assert reward.nbytes == 0
    assert scores == pytest.approx(reference(PROBLEM, texts), abs=1e-4)
    assert reward.stats.score > sum(reward.lengths(PROBLEM, node))


async def settled_bytes(reward: TransformersReward, expected: int) -> int:
    """Return the bytes in use once they are as expected, after two seconds at most.

    The device's thread hands a result over before it has left the step that holds the node.
    """
    for _ in range(100):
        gc.collect()
        if reward.nbytes == expected:
            break
        await asyncio.sleep(0.02)
    return reward.nbytes


async def test_memory_goes_with_the_steps_and_finished_solutions_keep_none(reward: TransformersReward) -> None:
    root = chain([])
    done = chain(["add 2\n\n", "answer 5"], root, Finish.STOP)
    await reward.score(PROBLEM, done, 0)
    prompt_only = reward.nbytes
    assert prompt_only == reward.lengths(PROBLEM, root)[0] * reward._store.geometry.token_bytes
    node = chain(["add 3\n\n"], root)
    await reward.score(PROBLEM, node, 0)
    assert reward.nbytes > prompt_only
    del node
    assert await settled_bytes(reward, prompt_only) == prompt_only
    del root, done
    assert await settled_bytes(reward, 0) == 0


async def test_lengths_are_exact_and_run_no_model(reward: TransformersReward) -> None:
    node = chain(TEXTS["unicode"])
    lengths = reward.lengths(PROBLEM, node)
    assert reward.stats.passes == 0
    assert len(lengths) == 3
    await reward.score(PROBLEM, node, 0)
    assert reward.stats.score == sum(lengths)
    assert reward.lengths(PROBLEM, node.root) == lengths[:1]


async def test_a_failure_is_one_sentence_and_the_engine_goes_on(
    reward: TransformersReward, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("out of memory, says the device")

    node = chain(["add 2\n\n"])
    with monkeypatch.context() as patch:
        patch.setattr(reward._store, "_head", broken)
        with pytest.raises(EngineError, match=r"out of memory.*cache_bytes"):
            await reward.score(PROBLEM, node, 0)
    (score,) = await reward.score(PROBLEM, node, 0)
    assert math.isfinite(score)


async def test_a_text_longer_than_the_context_is_refused(reward: TransformersReward) -> None:
    with pytest.raises(PromptTooLong, match="reads 2048"):
        await reward.score(PROBLEM, chain(["add " * 2100]), 0)


async def test_a_cancelled_request_is_not_read(reward: TransformersReward) -> None:
    task = asyncio.create_task(reward.score(PROBLEM, chain(["add 2"]), 0))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert reward.stats.score == 0
