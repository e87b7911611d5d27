"""One problem from plan to solution: start the search, run the strategy, extract answers, vote."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from tts.aio import Stop, aside
from tts.answers.aggregate import aggregate
from tts.answers.equivalence import LATE, within
from tts.answers.finding import How, strongest
from tts.answers.kinds.kind import Extraction, Kind
from tts.answers.kinds.mathematics import Mathematics
from tts.answers.kinds.named import kind_of
from tts.answers.votes import elect
from tts.budget import Budget, Ledger
from tts.protocols import Policy, RewardModel
from tts.records.solution_json import plan_dict
from tts.records.words import count
from tts.registry import resolve
from tts.search.scoping import of_profile, scoped, sentence, unlike
from tts.search.search import Search
from tts.search.strategy import AUTO, Strategy, build
from tts.search.tournament import TOURNAMENT, tournament
from tts.selection.explain import without_rates
from tts.selection.scope.scope import Scope
from tts.tools.next_turn import enforced
from tts.tools.toolbox import Tools
from tts.trace import Listener, Trace, sort_key
from tts.types import Candidate, Finish, Node, Plan, Problem, Scoped, Solution, Step

KindMaker = Callable[[Problem, Extraction], Kind]


async def run(
    problem: Problem,
    plan: Plan,
    policy: Policy,
    reward: RewardModel | None,
    budget: Budget,
    *,
    strategy: Strategy | None = None,
    clock: Callable[[], float] = time.monotonic,
    waited: float = 0.0,
    warnings: tuple[str, ...] = (),
    listener: Listener | None = None,
    made: KindMaker | None = None,
    tools: Tools | None = None,
    scope: Scope | None = None,
    alternatives: int = 0,
    stop: Stop | None = None,
) -> Solution:
    """Solve one problem with its plan.

    Args:
        problem: the question.
        plan: what to run; its strategy is built from it unless ``strategy`` is given.
        policy: writes the solutions.
        reward: scores their steps; None without a reward model.
        budget: its ceilings apply; the width is the plan's.
        strategy: the plan's strategy, already built.
        clock: returns seconds; constant in the replay engine.
        waited: seconds that the problem waited for its models, part of its ``max_seconds``.
        warnings: sentences to pass on with the solution.
        listener: called with each event of the trace as it is added.
        made: makes the kind of the answers, in place of the plan's.
        tools: those that the policy was offered.
        scope: of the policy; with it, or with a profile's rate, the confidence is the probability of a right answer.
        alternatives: likeliest tokens whose log-probabilities come with each token of a candidate; 0 keeps none.
        stop: ends the search with what it has, when the user asks for it.

    Raises:
        PromptTooLong: the problem does not fit the policy's context.
    """
    strategy = strategy or build(plan)
    scope = scope if _in_words(problem) else None
    begun, ledger, trace = clock(), Ledger.of(budget, clock, stop), Trace(listener=listener)
    ledger.deadline -= waited
    extract = resolve("extraction", plan.extract)
    judge = reward if reward is not None and reward.compares else None
    scorer = None if plan.vote == TOURNAMENT and strategy.independent else reward  # who compares needs no scores
    kind = made(problem, extract) if made else kind_of(plan.kind, problem, extract)
    search = Search.start(
        problem, policy, scorer, ledger, trace, plan.n, plan.seed, extract, judge, kind, tools,
        budget.max_solution_tokens, alternatives,
    )  # fmt: skip
    if strategy.stepwise and policy.schemas and enforced(problem):
        search.note(
            f"{plan.strategy} continues steps, which are held to no JSON: majority and best-of-n hold solutions to it."
        )
    trace.add("start", **_head(search, plan, policy, reward, budget))
    leaves = await strategy(search)
    if not any(leaf.finished for leaf in leaves):
        leaves = [*leaves, *sorted(search.finished, key=lambda node: sort_key(node.key))] or _longest(search)
    plan = _decided(plan, search)
    candidates = tuple(_candidate(search, leaf, plan.aggregate) for leaf in leaves)
    voters = _voters(search, candidates)
    if plan.vote == TOURNAMENT:
        voters = await _compared(search, leaves, voters)
    classes = None if type(kind) is Mathematics else kind.classes
    (verdict, votes), late = await aside(within, ledger.seconds_left, elect, plan.vote, voters, classes)
    if late:
        search.note(LATE)
    best = next((c for c in candidates if verdict.best and c.key == verdict.best.key), None)
    if alternatives and any(c.tokens and not c.logprobs for c in candidates):
        search.note(f"{policy.name} gave no log-probabilities of some tokens.")
    elected = best.key if best and verdict.answer is not None else None
    found = await scoped(scope, search, plan.prm, leaves, candidates, elected) if scope else None
    if found is None and elected:
        found = of_profile(search, scope)
    confidence, plan = _taken_in(search, scope, found, verdict.confidence, plan)
    usage = replace(search.usage, seconds=clock() - begun)
    trace.add(
        "end",
        answer=verdict.answer,
        confidence=confidence,
        right=found.right if found else None,
        share=votes[0].share if votes else None,
        best=best.key if best else None,
        stopped=search.stopped,
        usage=asdict(usage),
    )
    trace.listener = None
    return Solution(
        problem=problem,
        answer=verdict.answer,
        confidence=confidence,
        candidates=candidates,
        plan=plan,
        usage=usage,
        stopped=search.stopped,
        trace=trace,
        best=best,
        votes=votes,
        warnings=(*warnings, *search.notes),
        scope=found,
    )


def _longest(search: Search) -> list[Node]:
    """Return the longest text that was sampled for the problem's own prompt; nothing if there is none."""
    events, known = search.trace.nodes(), {search.root.key: search.root}

    def node_of(key: str) -> Node | None:
        if key not in known and key in events:
            event, above = events[key], node_of(events[key]["parent"])
            if above is not None:
                step = Step(event["text"], tuple(event["tokens"]), read=event.get("read", False))
                known[key] = Node(step, key, Finish(event["finish"]), above)
        return known.get(key)

    sampled = [node for key in events if (node := node_of(key)) is not None]
    return [max(sampled, key=lambda node: (node.length, node.key))] if sampled else []


def _decided(plan: Plan, search: Search) -> Plan:
    """Return the plan with what its strategy decided, if the user left that to it.

    A profile's rates are of the profile's vote and of answers in words, so with another vote of the user's, and for a
    problem that brings tools or a schema, they are left out.
    """
    found = search.plan
    if found is None:
        return plan
    vote = found.vote if plan.vote == AUTO else plan.vote
    how = found.aggregate if plan.aggregate == AUTO else plan.aggregate
    counted = _in_words(search.problem) and vote == found.vote and (vote == "majority" or how == found.aggregate)
    if not counted:
        search.expect(None)
    return replace(plan, vote=vote, aggregate=how, reason=found.reason if counted else without_rates(found.reason))


def _in_words(problem: Problem) -> bool:
    """Return whether an answer is what profiles and scopes were measured on: no call, no JSON by a schema."""
    return not problem.tools and not problem.schema


def _taken_in(
    search: Search, scope: Scope | None, found: Scoped | None, share: float, plan: Plan
) -> tuple[float, Plan]:
    """Return confidence and plan with the scope taken in, and note that a problem is outside."""
    if found is None:
        if scope is not None and (said := unlike(scope, search.problem.text)):
            search.note(said)
            plan = replace(plan, reason=without_rates(plan.reason))
        return share, plan
    if found.doubtful:
        search.note(sentence(plan.policy, scope, found))
    shown = plan if found.inside is None else replace(plan, reason=without_rates(plan.reason))
    return found.confidence(share), shown


def _candidate(search: Search, leaf: Node, how: str) -> Candidate:
    scores = search.step_scores(leaf) if search.scored else ()
    answer, found = search.found(leaf)
    return Candidate(
        key=leaf.key,
        steps=tuple(step.text for step in leaf.steps),
        finish=leaf.finish,
        answer=answer,
        scores=scores,
        score=aggregate(scores, how) if scores else None,
        tokens=leaf.sampled,
        found=found or "",
        logprobs=search.logprobs(leaf),
    )


def _voters(search: Search, candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Return the candidates that vote: those whose answers were found in the strongest way. Note the others."""
    best = strongest(How(c.found) if c.found else None for c in candidates)
    if best is None:
        return tuple(candidates)
    weaker = sum(c.answer is not None and c.found != best for c in candidates)
    if best is How.LAST:
        search.note("No solution states its answer: the last quantity of each was taken for it.")
    elif weaker:
        search.note(f"{count(weaker, 'solution')} without {_MISSING[best]} did not vote.")
    return tuple(c for c in candidates if c.found == best)


async def _compared(search: Search, leaves: Sequence[Node], voters: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Return the voters with their rates in a tournament as scores."""
    nodes = {leaf.key: leaf for leaf in leaves}
    entered = [voter for voter in voters if voter.finished and voter.answer is not None]
    rates = await tournament(search, [nodes[voter.key] for voter in entered])
    return tuple(replace(voter, score=rates[nodes[voter.key]]) for voter in entered)


_MISSING = {How.BOXED: "a boxed answer", How.STATED: "a stated answer"}


def _problem(problem: Problem) -> dict[str, Any]:
    turns = [
        {name: value for name, value in asdict(turn).items() if name != "calls" or value} for turn in problem.turns
    ]
    more: dict[str, Any] = {
        "turns": turns, "kind": problem.kind, "tests": problem.tests, "instruction": problem.instruction,
        "tools": list(problem.tools), "schema": problem.schema,
    }  # fmt: skip
    return {"id": problem.id, "text": problem.text} | {name: value for name, value in more.items() if value}


def _head(search: Search, plan: Plan, policy: Policy, reward: RewardModel | None, budget: Budget) -> Mapping[str, Any]:
    prm = None
    if reward is not None:
        [prompt] = reward.lengths(search.problem, search.root)
        prm = {"name": reward.name, "shape": asdict(reward.shape), "prompt": prompt}
        if reward.outcome:
            prm["outcome"] = True
        if reward.compares:
            prm["compares"] = True
        if reward.prompts:
            prm["prompts"] = reward.prompts
    root = search.root.step
    return {
        "problem": _problem(search.problem),
        "plan": plan_dict(plan),
        "budget": asdict(budget),
        "prompt": {"text": root.text, "tokens": list(root.tokens)},
        "policy": {"name": policy.name, "context": policy.context, "shape": asdict(policy.shape)} | _prices(policy),
        "prm": prm,
    }


def _prices(policy: Policy) -> dict[str, Any]:
    return {} if policy.prices is None else {"prices": asdict(policy.prices)}
