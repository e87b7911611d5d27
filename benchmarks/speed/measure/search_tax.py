"""Search tax: cost of a search over plainly sampling as many tokens and scoring them once.

The plain side is as favourable as possible: all requests run at once, none stops early, so none is left alone at the
end, and the texts are scored in one batch. Its requests are as long as the search's solutions on average, and add up
to the same number of tokens per problem. Both sides use the same engines; each text is read once in full.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.speed.harness import Bench, Measurement, Run, Scale, forget, timed
from benchmarks.speed.results_file import Record
from benchmarks.speed.table import Row, at_most
from benchmarks.speed.workloads import NAMES
from tts import Solver
from tts.aio import background, together
from tts.protocols import Request
from tts.types import Finish, Node, Problem, Solution, Until

SEARCHES = ("beam-search", "dvts")
NEWER = (
    "beam-search:granularity=2", "dvts:granularity=2", "rebase", "particle-filter", "mcts", "reject-early",
    "reject-early:refill=true", "ab-mcts", "deepconf:group=64:warmup=4", "adaptive-consistency",
)  # fmt: skip
"""Searches that are measured on 30m at the N of the bar alone."""

STRATEGIES = {"30m": SEARCHES, "lab": (*SEARCHES, "best-of-n", "auto")}
"""Strategies by load; without answers the selector cannot be measured."""

BAR, WANTED = 1.5, 1.3
SLACK = 1.1
"""Limit of the selector's tax over the smaller tax of the searches."""


def measurements(scale: Scale) -> Iterator[Measurement]:
    for load in NAMES:
        for n in scale.widths:
            for strategy in STRATEGIES[load]:
                yield Measurement(f"tax/{load}/{strategy}/{n}", _measure(load, strategy, n))
    for strategy in NEWER:
        yield Measurement(f"tax/30m/{strategy}/{scale.n}", _measure("30m", strategy, scale.n))


def _measure(load: str, strategy: str, n: int) -> Any:
    async def run(bench: Bench) -> dict[str, Any]:
        models = await bench.open(load)
        solver, problems = models.solver(strategy, n), models.problems(bench.scale.problems)
        search = await timed(solver, problems, f"{strategy} N={n}")
        sampling, scoring = await background().run(plain(solver, search, alike=load == "lab"))
        return figures(search, sampling, scoring)

    return run


def figures(search: Run, sampling: float, scoring: float) -> dict[str, Any]:
    """Return the measurement as JSON types; seconds are wall time."""
    usage = search.usage
    return {
        "problems": len(search.solutions),
        "search_seconds": search.seconds,
        "sampling_seconds": sampling,
        "scoring_seconds": scoring,
        "tax": search.seconds / (sampling + scoring),
        "tax_overlapped": search.seconds / max(sampling, scoring),
        "policy_tokens": usage.policy_tokens,
        "prompt_tokens_computed": search.prompts_computed,
        "prm_tokens": usage.prm_tokens,
        "prm_tokens_computed": search.computed,
        "step_requests": search.step_requests,
        "step_tokens": usage.policy_tokens / max(1, search.steps),
        "solution_steps": search.solution_steps,
        "solution_tokens": search.solution_tokens,
    }


async def plain(solver: Solver, search: Run, *, alike: bool) -> tuple[float, float]:
    """Measure the seconds to sample as many tokens as the search did, and to score those texts.

    ``alike``: the texts of a problem share prefixes. A reward model with a prefix cache would read most of them once,
    so the cache is not used; otherwise it saves reading the prompt. The share of a problem's texts that is scored is
    that of the search's solutions. A search that no model scores has nothing to score.
    """
    from tts.engines.vllm.policy import VLLMPolicy
    from tts.engines.vllm.reward import VLLMReward

    policy, reward = solver.load()
    assert isinstance(policy, VLLMPolicy)
    endless = VLLMPolicy(
        policy.card, policy.services, policy._text.tokenizer, shape=policy.shape, context=policy.context, ends=set(),
        seeds=policy.seeds,
    )  # fmt: skip
    length = max(1, round(search.solution_tokens))
    requests = [
        _request(solution.problem, root, k, tokens, search.solutions[0].plan.parameters["temperature"])
        for solution in search.solutions
        for root in [Node(policy.prompt(solution.problem), "/")]
        for k, tokens in enumerate(parts(solution.usage.policy_tokens, min(length, policy.context - root.length)))
    ]
    await forget(solver)
    begun = time.perf_counter()
    completions = await together(endless.generate(request) for request in requests)
    sampled = time.perf_counter()
    if not isinstance(reward, VLLMReward):
        return sampled - begun, 0.0
    leaves = [_leaf(request, completion.steps) for request, completion in zip(requests, completions, strict=True)]
    texts = [text for solution in search.solutions for text in _to_score(solution, leaves)]
    ready = time.perf_counter()
    await _score(reward, texts, cached=not alike)
    return sampled - begun, time.perf_counter() - ready


def parts(total: int, length: int) -> list[int]:
    """Split ``total`` tokens into requests of ``length``, and one of the rest."""
    whole, rest = divmod(total, length)
    return [length] * whole + [rest] * (rest > 0)


def _request(problem: Problem, root: Node, index: int, tokens: int, temperature: float) -> Request:
    digest = hashlib.blake2b(f"{problem.id}|{index}".encode(), digest_size=8).digest()
    return Request(problem, root, f"/{index}", int.from_bytes(digest, "big"), Until.END, tokens, temperature)


def _to_score(solution: Solution, leaves: Sequence[tuple[Problem, Node]]) -> Sequence[tuple[Problem, Node]]:
    mine = [leaf for leaf in leaves if leaf[0] is solution.problem]
    scored = sum(candidate.score is not None for candidate in solution.candidates)
    return mine[: round(len(mine) * scored / max(1, len(solution.candidates)))]


def _leaf(request: Request, steps: Sequence[Any]) -> tuple[Problem, Node]:
    node = request.node
    for k, step in enumerate(steps):
        node = Node(step, f"{request.key}+{k}", Finish.STEP, node)
    return request.problem, node


async def _score(reward: Any, texts: Sequence[tuple[Problem, Node]], *, cached: bool) -> None:
    """Score each text in one pass; a text beyond the model's context is cut."""
    jobs = []
    for problem, node in texts:
        while node.parent is not None and sum(reward.lengths(problem, node)) > reward.context:
            node = node.parent
        tokens = [token for read in reward._reader.read(problem, node) for token in read.tokens]
        jobs.append(reward.score(problem, node, 0) if cached else reward._rows(tokens, cached=False))
    await together(jobs)


def rows(record: Record) -> Iterator[Row]:
    known = {(load, strategy, n): found for [load, strategy, n], found in record.of("tax")}
    for (load, strategy, n), found in known.items():
        bar = _bar(known, load, strategy, n)
        yield Row(
            "tax",
            f"{strategy} N={n}, {load}",
            f"{found['tax']:.2f}",
            *bar,
            f"{found['search_seconds']:.1f} s over {found['sampling_seconds']:.1f} + {found['scoring_seconds']:.1f} s; "
            f"{found['policy_tokens']} tokens, {found['step_tokens']:.1f} a step, "
            f"{found.get('prompt_tokens_computed', 0)} of prompts read, "
            f"{found['solution_steps']:.1f} steps a solution",
        )


def _bar(known: Mapping[tuple[str, str, str], Any], load: str, strategy: str, n: str) -> tuple[str, bool | None]:
    tax = known[load, strategy, n]["tax"]
    if load == "30m" and n == "16":
        text, holds = at_most(tax, BAR)
        return f"{text} ({WANTED} wanted)", holds
    fixed = [known[load, name, n]["tax"] for name in SEARCHES if (load, name, n) in known]
    if strategy != "auto" or not fixed:
        return "", None
    text, holds = at_most(tax, round(SLACK * min(fixed), 2))
    return f"{text} ({SLACK:g} times the least of the searches)", holds
