"""A pool behind the server: ``auto`` routes, ``route-and-vote`` is a vote of several models, others are its arms."""

from __future__ import annotations

from typing import Any

from tts.pool_solver import PoolSolver
from tts.routing.arms import Arm
from tts.search.strategy import AUTO, parameters_of
from tts.server.catalogue import Catalogue, Entry
from tts.server.wishes import Job

POOL = "pool"
"""The name under which ``/v1/models`` and the metrics have the pool itself."""

TOGETHER = "route-and-vote"

_TEAM = 3  # models that vote together, if the operator names no number


def pooled(solver: PoolSolver) -> Catalogue:
    """Return the catalogue of a pool. A model is loaded when a problem is first routed to it.

    Requests to ``auto`` may set the parameters that the strategies of all arms have.
    """
    arms = solver.pool.arms
    known = _shared(arms)
    entries = [Entry(f"{POOL}/{AUTO}", POOL, AUTO, solver, known, lazy=True)]
    voting = sum(arm.strategy == "majority" for arm in arms)
    if voting > 1:
        team = solver.variant(top=solver.top if solver.top > 1 else min(_TEAM, voting))
        own = {name: value for name, value in parameters_of(TOGETHER).items() if name in known}
        entries.append(Entry(f"{POOL}/{TOGETHER}", POOL, TOGETHER, team, own | {"top": team.top}, lazy=True))
    taken = {entry.id for entry in entries}
    for arm in arms:
        short = f"{arm.policy}/{arm.strategy}"
        name = short if short not in taken else f"{arm.policy}/{arm.name}"
        taken.add(name)
        entries.append(Entry(name, arm.policy, arm.strategy, solver.variant(arm=arm.name), lazy=True))
    return Catalogue(entries)


async def expectation(job: Job) -> dict[str, Any]:
    """Return what the pool expects of its arms for a problem, the one that it would ask first; no model runs."""
    solver = job.solver
    assert isinstance(solver, PoolSolver)
    decided = await solver.decide(job.problem.text)
    options = []
    for each in decided.order:
        n = min(solver.pool.arm(each.arm).n or solver.budget.n, solver.budget.n)
        option = {"plan": each.arm, "n": n, "right": each.quality, "low": each.low, "high": each.high}
        if each.cost is not None:
            option[decided.ceilings.unit.lower()] = each.cost
        options.append(option | {"chosen": each is decided.chosen})
    reason = f"routed to {decided.reason}"
    about = {"strategy": AUTO, "n": solver.budget.n, "reason": reason, "options": options}
    return {"object": "plan", "event": "plan", **about}


def _shared(arms: tuple[Arm, ...]) -> dict[str, Any]:
    """Return the parameters that the strategies of all arms have."""
    first, *others = [parameters_of(arm.strategy) for arm in arms]
    return {name: value for name, value in first.items() if all(name in other for other in others)}
