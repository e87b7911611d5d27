"""From a request to the searches that answer it."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from tts.errors import TTSError, UnknownName
from tts.files.shape import Misfit
from tts.search.parameters import check_parameter
from tts.search.strategy import AUTO, strategy_type
from tts.search.variant import split
from tts.server.catalogue import Catalogue, Entry
from tts.server.conversation import problem_of
from tts.server.refusals import Refusal, refusal_of
from tts.server.responses_request import ResponsesRequest
from tts.server.schemas import ChatRequest, CompletionRequest, Function, SearchRequest
from tts.solver import Solver
from tts.types import Problem


@dataclass(frozen=True, slots=True)
class Job:
    """A search that gives one choice of the answer."""

    problem: Problem
    solver: Solver


@dataclass(frozen=True, slots=True)
class Wish:
    """What a request asks for: which model, and one search a choice."""

    entry: Entry
    jobs: tuple[Job, ...]


def wish_of(request: SearchRequest, catalogue: Catalogue, max_budget: int) -> Wish:
    """Turn a request into searches; nothing but the operator's own models and files can be reached by it.

    Raises:
        Refusal: for what cannot be done, with the name of the field.
    """
    entry = _entry(request, catalogue)
    request = _named(request, entry, catalogue.divide(request.model)[1])
    problems = _problems(request)
    _check_budget(request, entry, len(problems) * request.choices, max_budget)
    if request.alternatives is not None and not entry.logprobs:
        sentence = f"{entry.id} gives no log-probabilities of its tokens: leave {request.logprobs_field} out."
        raise Refusal(400, sentence, request.logprobs_field, "unsupported_parameter")
    seed = secrets.randbelow(2**31) if request.seed is None else request.seed
    first = _solver(request, entry, seed)
    solvers = [first, *(first.variant(seed=_seed(seed, k)) for k in range(1, request.choices))]
    return Wish(entry, tuple(Job(problem, solver) for problem in problems for solver in solvers))


def _entry(request: SearchRequest, catalogue: Catalogue) -> Entry:
    entry, strategy = catalogue.find(request.model), request.extras.strategy
    if strategy is None or strategy == entry.strategy:
        return entry
    if entry.strategy != AUTO:
        sentence = f"the model {entry.strategy} names a strategy itself: leave tts.strategy out, or ask for auto."
        raise Refusal(400, sentence, "tts.strategy", "invalid_value")
    return catalogue.other(entry, strategy)


def _named(request: SearchRequest, entry: Entry, settings: str) -> SearchRequest:
    """Return the request with the settings behind its model id, ``beam_width=8:budget=64`` of ``dvts:...``, in ``tts``.

    A client that only lets its user type a model's name reaches the search so.
    """
    if not settings:
        return request
    pairs, extras = settings.split(":"), request.extras
    budgets = [pair.removeprefix(_BUDGET) for pair in pairs if pair.startswith(_BUDGET)]
    try:
        _, own = split(":".join([entry.strategy, *(pair for pair in pairs if not pair.startswith(_BUDGET))]))
    except TTSError as error:
        raise refusal_of(error, "model") from error
    twice = [*(own.keys() & extras.parameters.keys()), *["budget"] * (len(budgets) + bool(extras.budget) > 1)]
    if twice:
        raise Refusal(400, f"{twice[0]} is given twice: once is enough.", "model", "invalid_value")
    if not all(n.isascii() and n.isdigit() and 0 < int(n) < _MOST for n in budgets):
        raise Refusal(
            400, f"the budget of {request.model[:80]!r} is no whole number above 0.", "model", "invalid_value"
        )
    n = int(budgets[0]) if budgets else extras.budget
    tts = extras.model_copy(update={"parameters": {**extras.parameters, **own}, "budget": n})
    return request.model_copy(update={"tts": tts})


_BUDGET = "budget="
_MOST = 2**31


def _problems(request: SearchRequest) -> list[Problem]:
    field = "prompt" if isinstance(request, CompletionRequest) else "messages"
    try:
        if isinstance(request, ChatRequest):
            placed = [(f"messages[{k}]", message) for k, message in enumerate(request.messages)]
            return [problem_of(placed, _offered(request), request.answer_schema, bool(request.demanded))]
        if isinstance(request, ResponsesRequest):
            field = "input"
            return [problem_of(request.conversation, _offered(request), request.answer_schema, bool(request.demanded))]
        assert isinstance(request, CompletionRequest)
        problems = [Problem(prompt) for prompt in request.prompts]
    except TTSError as error:
        raise refusal_of(error, field) from error
    if not all(problem.text.strip() for problem in problems):
        raise Refusal(400, "the prompt is empty: give a question to be answered.", "prompt", "invalid_value")
    return problems


def _offered(request: SearchRequest) -> Sequence[Function]:
    """Return the functions that an answer may call. Raises Refusal for a demand that none of them meets."""
    wanted = request.demanded
    found = [function for function in request.functions if wanted in ("", "*", function.name)]
    if wanted and not found:
        raise Refusal(400, "tool_choice demands a call of what is not among the tools.", "tool_choice", "invalid_value")
    return found


def _check_budget(request: SearchRequest, entry: Entry, choices: int, most: int) -> None:
    n = request.extras.budget or entry.solver.budget.n
    if n * choices > most:
        times = f" for each of {choices} choices" if choices > 1 else ""
        field = "tts.budget" if request.extras.budget or choices == 1 else "n"
        sentence = f"a budget of {n}{times} is more than this server's limit of {most} for a request."
        raise Refusal(400, sentence, field, "budget_too_large")


def _solver(request: SearchRequest, entry: Entry, seed: int) -> Solver:
    """Return the entry's solver with the request's settings; the operator's ceilings can only be lowered."""
    base, extras = entry.solver.budget, request.extras
    budget = replace(
        base,
        n=extras.budget or base.n,
        max_tokens=_least(base.max_tokens, request.most_sampled),
        max_flops=_least(base.max_flops, extras.max_flops),
        max_seconds=_least(base.max_seconds, extras.max_seconds),
        max_cost=_least(base.max_cost, extras.max_cost),
        max_solution_tokens=_least(base.max_solution_tokens, request.most_in_solution),
    )
    named = {"vote": extras.vote, "aggregate": extras.aggregate, "extract": extras.extract}
    changes: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
    if request.alternatives is not None:
        changes["alternatives"] = max(request.alternatives, 1)
    parameters = _parameters(request, entry)
    try:
        return entry.solver.variant(budget, seed=seed, parameters=parameters, **changes)
    except UnknownName as error:
        raise refusal_of(error, f"tts.{_FIELDS.get(error.kind, 'parameters')}") from error
    except TTSError as error:
        raise refusal_of(error, "tts") from error


_FIELDS = {"vote": "vote", "aggregation": "aggregate", "extraction": "extract"}


def _parameters(request: SearchRequest, entry: Entry) -> dict[str, Any]:
    """Return the strategy's parameters that a request sets, checked by kind."""
    strategy, known = entry.strategy, entry.known
    trusted = strategy_type(strategy).trusted
    found: dict[str, Any] = {}
    for name, number in (("temperature", request.temperature), ("top_p", request.top_p)):
        if number is not None:
            if name not in known:
                raise Refusal(400, f"{strategy} has no {name}: leave it out.", name, "unsupported_parameter")
            found[name] = number
    for name, value in request.extras.parameters.items():
        field = f"tts.parameters.{name}"
        if name in trusted or name not in known:
            error = UnknownName(f"parameter of {strategy}", name, known.keys() - trusted)
            raise Refusal(400, str(error), field, "unknown_parameter")
        try:
            check_parameter(name, value, known[name])
        except Misfit as misfit:
            raise Refusal(400, f"{misfit}.", field, "invalid_value") from misfit
        found[name] = value
    return found


def _seed(seed: int, choice: int) -> int:
    """Derive the seed of a further choice; consecutive seeds of a caller never meet."""
    digest = hashlib.blake2b(f"{seed}|choice {choice}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big")


N = TypeVar("N", int, float)


def _least(one: N | None, other: N | None) -> N | None:
    return min((value for value in (one, other) if value is not None), default=None)
