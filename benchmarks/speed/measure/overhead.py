"""Overhead: our own Python time per step request, with an engine that answers at once.

Everything is real but the two ``AsyncLLM`` front ends: Solver, strategy, search, ledger, trace, the vLLM policy and
reward model, the client with its thread. A step request is one sampled continuation and, if it differs from its
siblings, its score. Needs vLLM for its request classes; no engine is started.
"""

from __future__ import annotations

import cProfile
import pstats
import random
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from benchmarks.speed.harness import Bench, Measurement, Scale, timed
from benchmarks.speed.results_file import Record
from benchmarks.speed.table import Row
from benchmarks.speed.workloads import lab
from tts import Solver
from tts.aio import background
from tts.engines.vllm.client import Service
from tts.models.find import find

STRATEGIES = ("beam-search", "dvts")
_STEP = "Take away 2: 105-2=10{}.\n\n"
_LAST = "The answer is \\boxed{{10{}}}."
_DEPTH = 5  # steps of a solution


class InstantEngine:
    """Replacement of an ``AsyncLLM``: the policy's answers are prepared steps, the reward model's rows are noise."""

    errored = False

    def __init__(self, steps: list[list[int]], lasts: list[list[int]], vocabulary: int) -> None:
        self.model_config = SimpleNamespace(
            get_vocab_size=lambda: vocabulary, max_model_len=512, skip_tokenizer_init=True
        )
        self.asked = 0
        self._steps, self._lasts = steps, lasts
        self._draw = random.Random(0)

    async def generate(self, prompt: Any, params: Any, name: str, priority: int = 0) -> AsyncGenerator[Any, None]:
        self.asked += 1
        last = self._draw.random() < 1 / _DEPTH
        tokens = self._draw.choice(self._lasts if last else self._steps)
        sampled = SimpleNamespace(token_ids=tokens, finish_reason="stop")
        yield SimpleNamespace(outputs=[sampled], num_cached_tokens=len(prompt["prompt_token_ids"]) - 1)

    async def encode(self, prompt: Any, params: Any, name: str) -> AsyncGenerator[Any, None]:
        import torch

        self.asked += 1
        fresh = min(len(prompt["prompt_token_ids"]), 40)  # a step, and the part of a cache block before it
        yield SimpleNamespace(outputs=SimpleNamespace(data=torch.rand(fresh, 2)))

    async def reset_prefix_cache(self, reset_connector: bool = False) -> bool:
        """Do nothing: this engine has no cache."""
        return True

    def shutdown(self, timeout: float | None = None) -> None:
        """Do nothing: this engine has no process."""


def instant_solver(strategy: str, n: int) -> Solver:
    """Build a solver with the lab models' prompts and formats whose engines answer at once."""
    from benchmarks.speed.peers.lockstep_models import tokenizer_of
    from prm.qwen import FAMILY
    from tts.cost import ModelShape
    from tts.engines.vllm.policy import VLLMPolicy
    from tts.engines.vllm.reward import VLLMReward

    shape = ModelShape(parameters=1_000_000, active=900_000, layers=4, width=128)
    cards = find("lab-1m"), find("lab-prm")
    tokenizer = tokenizer_of(SimpleNamespace(card=cards[0]))
    end = int(tokenizer.eos_token_id)
    steps = [tokenizer.encode(_STEP.format(k), add_special_tokens=False) for k in range(10)]
    lasts = [[*tokenizer.encode(_LAST.format(k), add_special_tokens=False), end] for k in range(10)]
    engine = InstantEngine(steps, lasts, len(tokenizer))
    policy = VLLMPolicy(
        cards[0], [Service("instant-policy", engine)], tokenizer, shape=shape, context=512, ends={end}
    )  # fmt: skip
    form = FAMILY.format(tokenizer_of(SimpleNamespace(card=cards[1])))
    reward = VLLMReward(
        cards[1], Service("instant-prm", engine), form, FAMILY.pooling, shape=shape, context=512
    )  # fmt: skip
    return Solver(policy, reward, strategy, n, temperature=1.0)


def measurements(scale: Scale) -> Iterator[Measurement]:
    for strategy in STRATEGIES:
        yield Measurement(f"overhead/{strategy}", _measure(strategy))


def _measure(strategy: str) -> Any:
    async def run(bench: Bench) -> dict[str, Any]:
        solver, problems = instant_solver(strategy, bench.scale.n), lab().problems(bench.scale.overhead)
        await timed(solver, problems[:4])
        processor = time.process_time()
        search = await timed(solver, problems)
        processor = time.process_time() - processor
        top = await profiled(solver, problems)
        for model in solver.load():
            cast("Any", model).close()
        return {
            "step_requests": search.step_requests,
            "wall_microseconds": 1e6 * search.seconds / search.step_requests,
            "processor_microseconds": 1e6 * processor / search.step_requests,
            "top": top,
        }

    return run


async def profiled(solver: Solver, problems: Any, entries: int = 12) -> list[dict[str, Any]]:
    """Return the functions with the most own time on both threads, as shares of all time."""
    ours, theirs = cProfile.Profile(), cProfile.Profile()
    _there(theirs.enable)
    ours.enable()
    try:
        await timed(solver, problems)
    finally:
        ours.disable()
        _there(theirs.disable)
    stats: Any = pstats.Stats(ours)
    stats.add(theirs)
    # A loop that waits for the other thread does no work.
    own = {place: row[2] for place, row in stats.stats.items() if "select.epoll" not in place[2]}
    total = sum(own.values())
    order = sorted(own, key=lambda place: own[place], reverse=True)[:entries]
    return [
        {"where": _place(place), "calls": stats.stats[place][1], "own_share": own[place] / total,
         "cumulative_share": stats.stats[place][3] / total}
        for place in order
    ]  # fmt: skip


def _there(call: Callable[[], None]) -> None:
    """Call a function on a service's thread, and wait for it."""
    called = threading.Event()
    loop = background().loop
    loop.call_soon_threadsafe(call)
    loop.call_soon_threadsafe(called.set)
    called.wait()


def _place(place: tuple[str, int, str]) -> str:
    """Format a function's location without the folders of this machine."""
    file, line, name = place
    parts = Path(file).parts
    return f"{'/'.join(parts[-2:])}:{line} {name}" if line else name


def rows(record: Record) -> Iterator[Row]:
    for [strategy], found in record.of("overhead"):
        top = ", ".join(f"{entry['where']} {100 * entry['own_share']:.0f} %" for entry in found["top"][:4])
        yield Row(
            "overhead",
            f"{strategy}, a step request",
            f"{found['processor_microseconds']:.0f} us",
            note=f"processor time, both threads ({found['wall_microseconds']:.0f} us wall); most in {top}",
        )
