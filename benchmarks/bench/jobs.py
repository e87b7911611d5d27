"""Jobs of a run: which searches are run, and which lines of the table are estimated from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.datasets.dataset import DataSet
from benchmarks.stats.subsets import VOTES
from tts import registry
from tts.commands.options import PARAMETERS
from tts.errors import BadInput, UnknownName
from tts.search import variant
from tts.search.strategy import parameters_of, strategy_type
from tts.types import Plan

Make = Callable[..., Any]
"""Builds a solver from a strategy, a budget and settings, as :class:`tts.solver.Solver` does."""


@dataclass(frozen=True, slots=True)
class Job:
    """One search over all problems.

    Attributes:
        name: name in rows, such as ``dvts/64``.
        strategy, n: strategy, with parameters of a variant, and width.
        solver: the solver that runs it.
    """

    name: str
    strategy: str
    n: int
    solver: Any

    @property
    def plan(self) -> Plan:
        plan: Plan = self.solver.plan
        return plan


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table: a strategy at a width, and the job whose candidates it is computed from.

    ``run`` is true if the job is exactly this search; else the line is an estimate from subsets of the job's samples.
    """

    strategy: str
    n: int
    vote: str
    job: Job
    run: bool

    @property
    def how(self) -> str:
        return "run" if self.run else f"from the {self.job.n} samples of {self.job.strategy}"


def strategies_of(text: str, with_prm: bool) -> list[str]:
    """Parse ``--strategy``: names with commas; ``all`` means every fixed strategy of a single policy.

    A name may have parameters (:mod:`tts.search.variant`): ``dvts:granularity=2``.
    """
    kinds = {name: strategy_type(name) for name in registry.TABLE["strategy"]}
    fixed = [name for name, kind in kinds.items() if kind.single and not (kind.adaptive or kind.calls_tools)]
    known = registry.names("strategy")
    names = []
    for name in filter(None, (part.strip() for part in text.split(","))):
        if name.lower() == "all":
            names += [each for each in fixed if with_prm or not strategy_type(each).needs_reward]
            continue
        plain, parameters = variant.split(name)  # an unknown name raises with suggestions
        plain = plain if plain in known else plain.lower().replace("_", "-")
        if parameters and strategy_type(plain).independent:
            raise BadInput(f"{name}: {plain} shares its samples with other strategies: set its parameters by options.")
        names.append(variant.name_of(plain, parameters))
    if not names:
        raise BadInput("--strategy is empty: name strategies, which `tts strategies` lists, or all.")
    return list(dict.fromkeys(names))


def budgets_of(text: str) -> list[int]:
    """Parse ``--budget``: widths with commas such as ``4,16,64``; returns them ascending."""
    try:
        found = sorted({int(part) for part in text.split(",") if part.strip()})
    except ValueError as error:
        raise BadInput(f"--budget is a list of whole numbers such as 4,16,64, not {text!r}.") from error
    if not found or found[0] < 1:
        raise BadInput(f"--budget is a list of numbers of samples, each 1 or more, not {text!r}.")
    return found


def plan_run(make: Make, strategies: Sequence[str], budgets: Sequence[int], settings: dict[str, Any]) -> list[Line]:
    """Plan the lines of a run and the jobs they need.

    Strategies that draw independent samples run at the largest width only, and share one set of samples, scored if one
    of them needs scores. Under a ceiling of tokens, FLOPs or seconds each width is run: a smaller width would be cut
    off at another point.

    Raises UnknownName for a parameter that no strategy has.
    """
    known = {name: set(parameters_of(variant.base(name))) for name in strategies}
    kinds = {name: strategy_type(variant.base(name)) for name in strategies}
    parameters = set(PARAMETERS).union(*known.values()) - {"aggregate", "profile"}
    for name in PARAMETERS:
        if name in settings and not any(name in has for has in known.values()):
            raise UnknownName(f"parameter of {', '.join(strategies)}", name, set().union(*known.values()))
    if settings.get("profile") and not any(kind.adaptive for kind in kinds.values()):
        raise BadInput("--profile goes with the strategy auto: name it among the strategies, or leave the profile out.")
    bounded = any(settings.get(name) is not None for name in ("max_tokens", "max_flops", "max_seconds", "total_flops"))

    def job(strategy: str, n: int) -> Job:
        mine = {k: v for k, v in settings.items() if k not in parameters or k in known[strategy]}
        if not kinds[strategy].adaptive:
            mine.pop("profile", None)
        plain, own = variant.split(strategy)
        return Job(f"{strategy}/{n}", strategy, n, make(strategy=plain, budget=n, **mine | own))

    lines: list[Line] = []
    source: Job | None = None  # job whose scored samples the others share
    for strategy in sorted(strategies, key=lambda name: not kinds[name].needs_reward):
        kind = kinds[strategy]
        vote = settings.get("vote") or kind.vote
        if bounded or vote not in VOTES or not kind.independent:
            jobs = [job(strategy, n) for n in budgets]
            lines += [Line(strategy, each.n, each.plan.vote, each, True) for each in jobs]
            continue
        own = job(strategy, budgets[-1]) if source is None or kind.needs_reward else source
        if kind.needs_reward:
            source = own
        lines += [Line(strategy, n, vote, own, own.strategy == strategy and n == own.n) for n in budgets]
    return sorted(lines, key=lambda line: strategies.index(line.strategy))


def jobs_of(lines: Sequence[Line]) -> list[Job]:
    """Return the distinct jobs of these lines: samples first, then searches from narrow to wide."""
    jobs = {line.job.name: line.job for line in lines}
    return sorted(jobs.values(), key=lambda job: (job.solver.strategy.stepwise, job.n))


def overlaps(lines: Sequence[Line], data: DataSet) -> list[str]:
    """Warn of every profile that was fitted on problems of this data set."""
    found: dict[str, None] = {}
    for job in jobs_of(lines):
        count = sum(bool(job.solver.planned.known(item.problem)) for item in data.items)
        if count:
            found[
                f"{count} of these {len(data.items)} problems were used to fit the profile "
                f"{job.plan.parameters['profile']}: the figures of auto are too good."
            ] = None
    return list(found)
