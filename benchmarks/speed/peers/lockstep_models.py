"""The models of the lock-step loop: they take texts, and tokenize everything again each round."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.speed.peers.lockstep import Piece, split
from prm.qwen import STEP_TOKEN, SYSTEM
from tts.aio import together
from tts.protocols import Policy, Request
from tts.types import Node, Problem, Step, Until

Tokenize = Callable[[str, str], list[int]]
"""(question, answer so far) -> the ids of the whole conversation."""


class Writer:
    """Samples one step for each text, all of a round at once.

    Args:
        policy: the policy of the search under test.
        tokenize: template and tokenizer.
        seed: seed of the run.
        settings: limits and temperature of the requests.
    """

    def __init__(self, policy: Policy, tokenize: Tokenize, seed: int = 0, **settings: Any) -> None:
        self.requests = 0
        self.tokens = 0
        self._policy, self._tokenize, self._seed, self._settings = policy, tokenize, seed, settings

    async def __call__(self, question: str, answers: Sequence[str], whole: bool) -> list[Piece]:
        prompts = [self._tokenize(question, answer) for answer in answers]
        problem = Problem(question)
        completions = await together(self._policy.generate(self._request(problem, ids, whole)) for ids in prompts)
        self.tokens += sum(len(step.tokens) for completion in completions for step in completion.steps)
        return [Piece("".join(step.text for step in done.steps), done.finish) for done in completions]

    def _request(self, problem: Problem, ids: list[int], whole: bool) -> Request:
        self.requests += 1
        key = f"/{self.requests}"
        node = Node(Step("", tuple(ids)), "/")
        seed = hash((self._seed, self.requests)) & (2**63 - 1)
        return Request(problem, node, key, seed, Until.END if whole else Until.STEP, **self._settings)


def chat(tokenizer: Any) -> Tokenize:
    """Build a function that applies a policy's chat template and its tokenizer."""

    def tokenize(question: str, answer: str) -> list[int]:
        turns = [{"role": "user", "content": question}]
        if answer:
            turns.append({"role": "assistant", "content": answer})
        text = tokenizer.apply_chat_template(
            turns, tokenize=False, add_generation_prompt=not answer, continue_final_message=bool(answer)
        )
        ids: list[int] = tokenizer.encode(text, add_special_tokens=False)
        return ids

    return tokenize


def reward_text(tokenizer: Any, question: str, answer: str) -> list[int]:
    """Tokenize the whole conversation as Qwen's reward models expect it."""
    content = "".join(step.strip() + STEP_TOKEN for step in split(answer))
    turns = [("system", SYSTEM), ("user", question), ("assistant", content)]
    text = tokenizer.apply_chat_template(
        [{"role": role, "content": text} for role, text in turns], tokenize=False, continue_final_message=True
    )
    ids: list[int] = tokenizer.encode(text, add_special_tokens=False)
    return ids


class EngineJudge:
    """Scorer of whole texts on the vLLM engine of the search under test, without its prefix cache.

    A text beyond the model's context is cut; the steps after the cut score 0.
    """

    def __init__(self, reward: Any) -> None:
        self.tokens = 0
        self._reward = reward
        self._tokenizer = tokenizer_of(reward)
        self._mark: int = self._tokenizer.convert_tokens_to_ids(STEP_TOKEN)

    async def __call__(self, question: str, answers: Sequence[str]) -> list[tuple[float, ...]]:
        texts = [reward_text(self._tokenizer, question, answer) for answer in answers]
        self.tokens += sum(map(len, texts))
        read = [ids[: self._reward.context] for ids in texts]
        rows = await together(self._reward._rows(ids, cached=False) for ids in read)
        return [
            tuple(score for token, score in zip(ids, [*found, *[0.0] * len(ids)], strict=False) if token == self._mark)
            for ids, found in zip(texts, rows, strict=True)
        ]


class TransformersJudge:
    """Scorer of whole texts with transformers, four at a time as in search-and-learn."""

    def __init__(self, reward: Any, batch: int = 4) -> None:
        from pathlib import Path

        import torch

        from prm.qwen_module import load
        from tts.models.files import folder_of

        self.tokens = 0
        self._batch = batch
        self._tokenizer = tokenizer_of(reward)
        self._mark: int = self._tokenizer.convert_tokens_to_ids(STEP_TOKEN)
        self._module = load(Path(str(folder_of(reward.card))), torch.float32)

    async def __call__(self, question: str, answers: Sequence[str]) -> list[tuple[float, ...]]:
        texts = [reward_text(self._tokenizer, question, answer) for answer in answers]
        self.tokens += sum(map(len, texts))
        groups = [texts[k : k + self._batch] for k in range(0, len(texts), self._batch)]
        return [scores for group in groups for scores in await asyncio.to_thread(self._scores, group)]

    def _scores(self, texts: list[list[int]]) -> list[tuple[float, ...]]:
        import torch

        longest = max(map(len, texts))
        # Padding is on the right, where it does not affect a causal model's scores.
        ids = torch.tensor([text + [0] * (longest - len(text)) for text in texts])
        with torch.inference_mode():
            good = self._module(ids).float().softmax(-1)[..., 1]
        return [
            tuple(float(good[k, place]) for place, token in enumerate(text) if token == self._mark)
            for k, text in enumerate(texts)
        ]


def tokenizer_of(model: Any) -> Any:
    """Load transformers' tokenizer, as search-and-learn does, from the folder of a loaded model."""
    from transformers import PreTrainedTokenizerFast

    from tts.models.files import folder_of

    return PreTrainedTokenizerFast.from_pretrained(str(folder_of(model.card)), local_files_only=True)
