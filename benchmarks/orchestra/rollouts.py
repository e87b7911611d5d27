"""Rollouts: the engine's own orchestrations of tasks, with what each trajectory cost."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from transformers import LlamaForCausalLM

from benchmarks.orchestra.reward import Rollout
from benchmarks.orchestra.stories import MixedTask
from benchmarks.orchestra.tokenizer import build
from benchmarks.orchestra.tools import TOKEN_PRICE, Record, Shelf, seconds
from tts import Solver
from tts.engines.hf import shape_of
from tts.engines.transformers.device_thread import worker_for
from tts.engines.transformers.policy import TransformersPolicy
from tts.models.card import ModelCard
from tts.protocols import Policy
from tts.types import Problem, Solution

TURNS, TURN_TOKENS = 6, 240
_BYTES = 1 << 28  # of running rows, and of prefixes


@dataclass(frozen=True, slots=True)
class Trajectory:
    """One way through a task: token ids with the prompt, which of them were sampled, what came of it.

    Attributes:
        priced, paid: how many calls had a price, and their dollars.
    """

    tokens: tuple[int, ...]
    sampled: tuple[bool, ...]
    rollout: Rollout
    priced: int = 0
    paid: float = 0.0


@dataclass(frozen=True, slots=True)
class Wish:
    """What a user asks of an orchestration; the defaults ask nothing."""

    prefer: Mapping[str, float] = field(default_factory=dict)
    only: str = ""
    deny: str = ""
    max_cost: float | None = None


def served(model: LlamaForCausalLM, card: ModelCard) -> Policy:
    """Return a model in memory as a policy of the engine."""
    where = str(next(model.parameters()).device)
    return TransformersPolicy(
        card, model.eval(), build(), shape=shape_of(model), worker=worker_for(where),
        row_bytes=_BYTES, cache_bytes=_BYTES, threads=1,
    )  # fmt: skip


def roll(
    policy: Policy,
    tasks: Sequence[MixedTask],
    wishes: Sequence[Wish],
    shelf: Shelf,
    *,
    group: int = 1,
    temperature: float = 1.0,
    seed: int = 0,
    concurrency: int = 32,
) -> list[list[Trajectory]]:
    """Let a policy orchestrate each task `group` times; return the trajectories of each task."""
    return asyncio.run(_roll(policy, tasks, wishes, shelf, group, temperature, seed, concurrency))


async def _roll(
    policy: Policy, tasks: Sequence[MixedTask], wishes: Sequence[Wish], shelf: Shelf, group: int, temperature: float,
    seed: int, concurrency: int,
) -> list[list[Trajectory]]:  # fmt: skip
    limit = asyncio.Semaphore(concurrency)

    async def one(task: MixedTask, wish: Wish) -> list[Trajectory]:
        solver = Solver(
            policy, None, "orchestrate", group, seed=seed, tools=shelf.offered(task), kind="number",
            prefer=dict(wish.prefer) or None, only=wish.only, deny=wish.deny, max_cost=wish.max_cost,
            turns=TURNS, turn_tokens=TURN_TOKENS, temperature=temperature,
        )  # fmt: skip
        async with limit:
            solution = await solver.solve(Problem(task.task.question, task.id))
        return trajectories(solution, str(task.task.answer), shelf.records)

    return await asyncio.gather(*(one(task, wish) for task, wish in zip(tasks, wishes, strict=True)))


def trajectories(solution: Solution, answer: str, records: Mapping[str, Record]) -> list[Trajectory]:
    """Read the trajectories of a solution off its trace.

    A trajectory's cost are its priced calls and its own tokens, each read or sampled once; its seconds are those that
    its tools take by experience, so that a busy machine does not change a reward.
    """
    nodes, prompt = solution.trace.nodes(), next(solution.trace.of("start"))["prompt"]["tokens"]
    calls = {event["key"]: event["calls"] for event in solution.trace.of("call")}
    found = {candidate.key: candidate.answer for candidate in solution.candidates if candidate.finished}
    above = {node["parent"] for node in nodes.values()}
    return [
        _read(_path(nodes, key), prompt, calls, found.get(key) == answer, records) for key in nodes if key not in above
    ]


def _path(nodes: Mapping[str, Mapping[str, Any]], key: str) -> list[Mapping[str, Any]]:
    path: list[Mapping[str, Any]] = []
    while key in nodes:
        path.append(nodes[key])
        key = nodes[key]["parent"]
    return path[::-1]


def _read(
    path: Sequence[Mapping[str, Any]],
    prompt: Sequence[int],
    calls: Mapping[str, Any],
    solved: bool,
    records: Mapping[str, Record],
) -> Trajectory:
    tokens, sampled = list(prompt), [False] * len(prompt)
    for node in path:
        tokens += node["tokens"]
        sampled += [not node.get("read", False)] * len(node["tokens"])
    made = [call for node in path for call in calls.get(node["key"], ())]
    counts = Counter(call["tool"] for call in made)
    paid = sum(call["cost"] for call in made) / 1e9
    rollout = Rollout(solved, paid + TOKEN_PRICE * len(tokens), seconds(counts, records), counts)
    return Trajectory(tuple(tokens), tuple(sampled), rollout, sum(call["cost"] > 0 for call in made), paid)
