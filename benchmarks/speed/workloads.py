"""Loads: two models, problems for them, and the settings of the search."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.speed import random_models
from benchmarks.word_problems.generate import DATA
from tts import Solver
from tts.files import jsonl
from tts.search.strategy import parameters_of
from tts.search.variant import split
from tts.types import Problem

NAMES = ("lab", "30m")


@dataclass(frozen=True, slots=True)
class Load:
    """Two models, problems and settings.

    Attributes:
        name: ``lab`` or ``30m``.
        policy, prm: names or folders, as in :class:`tts.Solver`.
        problems: function that returns the first ``count`` problems.
        golds: right answers by problem id; empty if there are none.
        settings: further arguments of Solver.
    """

    name: str
    policy: str
    prm: str
    problems: Callable[[int], list[Problem]]
    golds: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    def solver(self, strategy: str, n: int, **changes: Any) -> Solver:
        """Build a solver on vLLM in this process; all solvers of a load share its engines.

        The strategy's name may have parameters (:mod:`tts.search.variant`).
        """
        settings = {"policy": self.policy, "prm": self.prm, "engine": "vllm", **self.settings, **changes}
        name, own = split(strategy)
        if "step_tokens" not in parameters_of(name):
            settings.pop("step_tokens", None)
        return Solver(strategy=name, budget=n, **settings | own)


def lab() -> Load:
    """Build the load of the lab models on lab-500: steps of about 12 tokens, solutions of 2 to 12 steps."""
    rows = [row for _, row in jsonl.rows(DATA / "lab-500.jsonl")]
    # Levels alternate, so that the first few problems are as hard as all of them.
    levels = {level: [row for row in rows if row["level"] == level] for level in sorted({row["level"] for row in rows})}
    mixed = [row for group in zip(*levels.values(), strict=False) for row in group]
    mixed += [row for row in rows if row not in mixed]

    def problems(count: int) -> list[Problem]:
        return [Problem(row["problem"], row["id"]) for row in mixed[:count]]

    golds = {row["id"]: str(row["answer"]) for row in rows}
    return Load("lab", "lab-1m", "lab-prm", problems, golds)


def shape_30m(work: Path) -> Load:
    """Build the load of random models below ``work``: steps of 40 tokens, solutions of 8 steps, no answers."""
    policy, prm = random_models.make(work / "shape-30m")
    settings = {
        "temperature": 1.0,
        "step_tokens": 256,  # one step in 600 is longer, and could delay its whole problem
        "engine_args": {"kv_cache_memory_bytes": 2 << 30},  # enough for the prefixes of 64 problems at N=64
    }
    return Load("30m", str(policy), str(prm), random_models.problems, settings=settings)


def load(name: str, work: Path, engine_args: Mapping[str, Any]) -> Load:
    """Build the load of this name, with further arguments of its engines."""
    found = lab() if name == "lab" else shape_30m(work)
    arguments = {**found.settings.get("engine_args", {}), **engine_args}
    return replace(found, settings={**found.settings, "engine_args": arguments})
