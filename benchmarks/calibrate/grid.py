"""The runs of a calibration: one wide run of samples, searches at every width, and one greedy answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.bench.jobs import budgets_of, plan_run, strategies_of
from benchmarks.datasets import dataset
from benchmarks.datasets.dataset import DataSet
from benchmarks.datasets.known import BUILT_IN_SETS, KNOWN, VALIDATION
from benchmarks.word_problems.fresh import FRESH
from tts.commands.options import PARAMETERS
from tts.errors import BadInput, UnknownName
from tts.protocols import RewardModel
from tts.search.strategy import Strategy, parameters_of, strategy_type
from tts.search.variant import base

if TYPE_CHECKING:
    from benchmarks.bench.jobs import Line

USUAL = "beam-search,dvts"
"""The searches of the grid, if none are named."""


def data_of(path: Path) -> DataSet:
    """Load the calibration data.

    Raises BadInput for a test set and for a file that is not a data set, and UnknownName for what is neither.
    """
    if not path.exists():
        refuse_tests(str(path), "")
        if str(path) in VALIDATION:
            return dataset.load(str(path))
        if not path.suffix:
            raise UnknownName("data set to calibrate on", str(path), VALIDATION)
    found = dataset.read(path)
    refuse_tests(found.name, found.sha256)
    return found


def refuse_tests(name: str, sha256: str) -> None:
    """Raise BadInput for a data set that results are reported on."""
    test = next((part for part in name.lower().split(", ") if part in KNOWN or part in BUILT_IN_SETS), None)
    if test is None and sha256:
        hashes = {known.sha256: test for test, known in KNOWN.items()}
        hashes |= {FRESH[test].sha256 if test in FRESH else dataset.load(test).sha256: test for test in BUILT_IN_SETS}
        test = hashes.get(sha256)
    if test:
        raise BadInput(
            f"{test} is a test set, and a profile fitted to it cannot be evaluated on it: calibrate on "
            "other problems, such as a training split."
        )


def plan(solver: dict[str, Any], strategy: str | None, budget: str) -> tuple[list[str], list[Line]]:
    """Return the strategies of the grid and the searches to run.

    Without a ``strategy`` they are the usual ones, or none if the reward model scores only whole solutions.
    """
    from tts.solver import Solver

    budgets, with_prm = budgets_of(budget), solver["prm"] is not None
    strategy = strategy or ("none" if _scores_wholes(solver) else USUAL)
    named = [] if strategy.strip().lower() == "none" else strategies_of(strategy, with_prm)
    kinds = {name: strategy_type(base(name)) for name in named}
    if (own := next((name for name in named if kinds[name]().own_reward), None)) and "all" not in strategy.lower():
        raise BadInput(f"{own} has scores of its own, which do not vote with those of the samples: leave it out.")
    searches = [name for name in named if _measured(kinds[name], with_prm)]
    sampler = "best-of-n" if with_prm else "majority"
    lines = [line for line in plan_run(Solver, [sampler, *searches], budgets, solver) if line.run]
    if solver.get("temperature") != 0:
        known = parameters_of(sampler)
        greedy = {name: value for name, value in solver.items() if name not in PARAMETERS or name in known}
        lines += plan_run(Solver, [sampler], [1], {**greedy, "temperature": 0.0})
    else:
        raise BadInput("at temperature 0 all samples are equal: leave --temperature out, or set it above 0.")
    return [sampler, *searches], lines


def _scores_wholes(solver: dict[str, Any]) -> bool:
    """Return whether the reward model has no scores of steps, such as a function of solutions."""
    from tts.planning import is_outcome, reward_of

    if solver["prm"] in (None, "auto"):
        return False
    made = reward_of(solver["prm"], solver.get("allow_code", False), solver.get("prm_parameters"))
    return is_outcome(made.for_steps(True) if isinstance(made, RewardModel) else made)


def _measured(kind: type[Strategy], with_prm: bool) -> bool:
    """Return whether a strategy is a search of the grid."""
    return not (kind.independent or kind().own_reward) and (with_prm or not kind.needs_reward)
