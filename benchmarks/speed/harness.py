"""What every measurement works with: how large the run is, which models are up, and how a search is timed."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tqdm import tqdm

from benchmarks.speed.results_file import Record
from benchmarks.speed.table import Row
from benchmarks.speed.workloads import Load, load
from tts import Solver
from tts.engines.load import close_all
from tts.types import Problem, Solution, Usage


@dataclass(frozen=True, slots=True)
class Scale:
    """How large a run is.

    Attributes:
        problems: problems side by side.
        widths: the N of the search tax.
        control_widths, control_problems: of the comparison with the lock-step loop.
        growth: problems for the growth with N; few and many problems for the growth with their number, and its N.
        narrow, wide: the smaller and the larger N of the growth with N.
        overhead, queue: problems of the overhead, problems queued.
        peer_widths, peer_problems: of the comparison with its_hub.
    """

    problems: int = 64
    widths: tuple[int, ...] = (4, 16, 64)
    control_widths: tuple[int, ...] = (16, 64)
    control_problems: int = 500
    growth: int = 16
    few: int = 8
    many: int = 128
    n: int = 16
    narrow: int = 4
    wide: int = 64
    overhead: int = 64
    queue: int = 10_000
    peer_widths: tuple[int, ...] = (4, 16)
    peer_problems: int = 64


FULL = Scale()
QUICK = Scale(
    problems=4, widths=(4,), control_widths=(4,), control_problems=4, growth=2, few=2, many=4, n=4, wide=8, overhead=8,
    queue=1000, peer_widths=(4,), peer_problems=4,
)  # fmt: skip


@dataclass(slots=True)
class Bench:
    """The surroundings of the measurements.

    Attributes:
        scale: how large they are.
        work: a folder for what is made on the way.
        peer_python: an interpreter that has its_hub; None skips that part.
        control_prm: what scores the control's texts, ``vllm`` or ``transformers``.
        engine_args: arguments of the engines in this process, those of both sides.
    """

    scale: Scale
    work: Path
    peer_python: Path | None = None
    control_prm: str = "vllm"
    engine_args: dict[str, Any] = field(default_factory=dict)
    _load: Load | None = field(default=None)

    def settings(self) -> dict[str, Any]:
        """What two runs must share to be one, as JSON types."""
        scale = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self.scale).items()}
        return {"scale": scale, "control_prm": self.control_prm, "engine_args": self.engine_args}

    async def open(self, name: str) -> Load:
        """The load of this name with its engines running and warm; those of another are closed first."""
        if self._load is None or self._load.name != name:
            self.close()
            self._load = load(name, self.work, self.engine_args)
            await timed(self._load.solver("beam-search", 4), self._load.problems(2))
        return self._load

    def close(self) -> None:
        """End the engines' processes."""
        self._load = None
        close_all()


@dataclass(frozen=True, slots=True)
class Measurement:
    """One thing to be measured: its name, ``part/...``, and what measures it."""

    name: str
    run: Callable[[Bench], Awaitable[dict[str, Any]]]


class Part(Protocol):
    """A module of this package that measures something."""

    def measurements(self, scale: Scale) -> Iterator[Measurement]: ...

    def rows(self, record: Record) -> Iterator[Row]: ...


@dataclass(frozen=True, slots=True)
class Run:
    """A timed search: wall seconds, the solutions in the order of the problems, tokens the reward model really read."""

    seconds: float
    solutions: list[Solution]
    computed: int = 0

    @property
    def usage(self) -> Usage:
        return sum((solution.usage for solution in self.solutions), Usage())

    @property
    def step_requests(self) -> int:
        """Requests to the policy."""
        return sum(1 for solution in self.solutions for _ in solution.trace.of("sample"))

    @property
    def steps(self) -> int:
        """Steps sampled."""
        return sum(len(event["steps"]) for solution in self.solutions for event in solution.trace.of("sample"))

    @property
    def solution_tokens(self) -> float:
        """Mean length of a finished solution in tokens; of any, where none is finished."""
        lengths = [c.tokens for s in self.solutions for c in s.candidates if c.finished]
        lengths = lengths or [c.tokens for s in self.solutions for c in s.candidates] or [1]
        return sum(lengths) / len(lengths)

    @property
    def solution_steps(self) -> float:
        """Mean number of steps of a finished solution."""
        counts = [len(c.steps) for s in self.solutions for c in s.candidates if c.finished] or [0]
        return sum(counts) / len(counts)


async def timed(solver: Solver, problems: Sequence[Problem], title: str = "", concurrency: int = 0) -> Run:
    """Solve the problems side by side, all at once unless ``concurrency`` says otherwise; what was cached is forgotten.

    Raises RuntimeError when a problem fails: a figure over what is left would mean nothing.
    """
    await forget(solver)
    reward, solutions = solver.load()[1], dict[int, Solution]()
    before = getattr(reward, "computed", 0)
    begun = time.perf_counter()
    async with aclosing(solver.stream(problems, concurrency or len(problems))) as stream:
        with tqdm(total=len(problems), desc=title, unit="problem", disable=not title, leave=False) as bar:
            async for index, solution in stream:
                if solution.error:
                    raise RuntimeError(f"problem {solution.problem.id} failed: {solution.error}")
                solutions[index] = solution
                bar.update()
    seconds = time.perf_counter() - begun
    computed = getattr(reward, "computed", 0) - before
    return Run(seconds, [solutions[k] for k in sorted(solutions)], computed)


async def forget(solver: Solver) -> None:
    """Empty the prefix caches of a solver's vLLM engines, so that no measurement profits from the one before."""
    for model in solver.load():
        for service in getattr(model, "services", ()):
            service.thread.run(service.engine.reset_prefix_cache())
