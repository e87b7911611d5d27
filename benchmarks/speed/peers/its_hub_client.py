"""Runner of its_hub, for an interpreter that has it: a job as JSON on standard input, figures on standard output.

On a failure the output holds the traceback, under ``error``: standard error is full of aiohttp's messages.

Imports nothing of this project. The reward model has the thinnest adapter that its_hub's interfaces allow: they pass
whole texts, which go to the server's pooling endpoint as a conversation; the server applies template and tokenizer.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
import time
import traceback
import warnings
from typing import Any

SYSTEM = "Please reason step by step, and put your final answer within \\boxed{}."


class Scorer:
    """Scores of texts' last steps from a vLLM pooling server; 0 for a text without steps or beyond its context."""

    def __init__(self, url: str, model: str, session: Any) -> None:
        self.requests = 0
        self._url, self._model, self._session = f"{url}/pooling", model, session

    async def all(self, question: str, answers: list[str]) -> list[float]:
        """Score the texts of one call concurrently."""
        return list(await asyncio.gather(*(self._one(question, answer) for answer in answers)))

    async def _one(self, question: str, answer: str) -> float:
        steps = [step.strip() for step in answer.strip().split("\n\n") if step.strip()]
        if not steps:
            return 0.0
        self.requests += 1
        turns = (("system", SYSTEM), ("user", question), ("assistant", "".join(f"{step}<extra_0>" for step in steps)))
        body = {
            "model": self._model,
            "messages": [{"role": role, "content": content} for role, content in turns],
            "task": "token_classify",
            "add_generation_prompt": False,
            "add_special_tokens": False,
        }
        async with self._session.post(self._url, json=body) as reply:
            found = await reply.json()
            if reply.status == 400 and "context length" in str(found):
                return 0.0
            if reply.status != 200:
                raise RuntimeError(f"the reward model's server answers {reply.status}: {found}")
        return float(found["data"][0]["data"][-1][1])


def process_model(scorer: Scorer) -> Any:
    """Wrap the scorer for its_hub's beam search."""
    base: Any = importlib.import_module("its_hub.api").AbstractProcessRewardModel

    class Model(base):  # type: ignore[misc]
        async def ascore(self, prompt_or_messages: Any, steps: Any) -> Any:
            return await scorer.all(prompt_or_messages, steps)

        def score(self, prompt_or_messages: Any, steps: Any) -> Any:
            return asyncio.run(self.ascore(prompt_or_messages, steps))

    return Model()


def outcome_model(scorer: Scorer) -> Any:
    """Wrap the scorer for its_hub's best-of-N."""
    base: Any = importlib.import_module("its_hub.api").AbstractOutcomeRewardModel

    class Model(base):  # type: ignore[misc]
        async def ascore(self, messages: Any, orchestrator: Any = None, **_: Any) -> Any:
            return await scorer.all(messages[0][0].content, [talk[-1].content for talk in messages])

        def score(self, messages: Any, **more: Any) -> Any:
            return asyncio.run(self.ascore(messages))

    return Model()


def algorithm(job: dict[str, Any], scorer: Scorer) -> Any:
    """Build its_hub's algorithm with the parameters of its benchmark script."""
    core = "its_hub.core.algorithms"
    if job["strategy"] == "best-of-n":
        return importlib.import_module(f"{core}.bon").BestOfN(outcome_model(scorer))
    generation: Any = importlib.import_module("its_hub.core.lms.step_generation").StepGeneration
    steps = generation(max_steps=40, step_token="\n\n", stop_token="\\boxed", temperature=job["temperature"])
    # Its beam width is the number of kept prefixes, ours the continuations of each.
    keep = max(1, job["n"] // 4)
    return importlib.import_module(f"{core}.beam_search").BeamSearch(steps, process_model(scorer), beam_width=keep)


async def solve(job: dict[str, Any]) -> dict[str, Any]:
    """Solve every problem, one after the other or all at once."""
    aiohttp: Any = importlib.import_module("aiohttp")
    language: Any = importlib.import_module("its_hub.core.lms.openai_lm").OpenAICompatibleLanguageModel
    model = language(job["policy_url"], "none", job["policy"], temperature=job["temperature"], max_tries=1)
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=4)  # the server closes idle connections after 5 seconds
    unlimited = aiohttp.ClientTimeout(total=None)
    async with model, aiohttp.ClientSession(connector=connector, timeout=unlimited) as session:
        scorer = Scorer(job["prm_url"], job["prm"], session)
        search = algorithm(job, scorer)

        async def one(question: str) -> str:
            reply = await search.ainfer(model, question, job["n"])
            return str(reply.get("content") or "")

        questions = job["questions"]
        await one(questions[0])  # warm-up
        scorer.requests = 0
        begun = time.perf_counter()
        if job["together"]:
            answers = list(await asyncio.gather(*map(one, questions)))
        else:
            answers = [await one(question) for question in questions]
        seconds = time.perf_counter() - begun
    return {"seconds": seconds, "answers": answers, "scored": scorer.requests}


def main() -> None:
    warnings.simplefilter("ignore")
    try:
        found = asyncio.run(solve(json.load(sys.stdin)))
    except Exception:
        found = {"error": traceback.format_exc()}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
