"""Shared by all measurements: the scale of a run, the open engines, timed searches."""

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
from tts.aio import background
from tts.engines.load import close_all
from tts.types import Problem, Solution, Usage


@dataclass(frozen=True, slots=True)
class Scale:
    """The scale of a run.

    Attributes:
        problems: concurrent problems.
        widths: values of N of the search tax.
        control_widths, control_problems: values of N and problems of the comparison with the lock-step loop.
        growth: problems of the growth with N; few and many problems of the growth with their number, and its N.
        narrow, wide: smaller and larger N of the growth with N.
        overhead, queue: problems of the overhead measurement, and of the queue.
        peer_widths, peer_problems: values of N and problems of the comparison with its_hub.
        gateway_problems: problems of the comparison with the peers' servers.
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
    gateway_problems: int = 40


FULL = Scale()
QUICK = Scale(
    problems=4, widths=(4,), control_widths=(4,), control_problems=4, growth=2, few=2, many=4, n=4, wide=8, overhead=8,
    queue=1000, peer_widths=(4,), peer_problems=4, gateway_problems=4,
)  # fmt: skip


@dataclass(slots=True)
class Bench:
    """The context of the measurements.

    Attributes:
        scale: scale of the run.
        work: folder for intermediate files.
        peer_python: an interpreter with its_hub; None skips that part.
        control_prm: engine that scores the control's texts, ``vllm`` or ``transformers``.
        engine_args: arguments of the engines of both sides in this process.
    """

    scale: Scale
    work: Path
    peer_python: Path | None = None
    control_prm: str = "vllm"
    engine_args: dict[str, Any] = field(default_factory=dict)
    _load: Load | None = field(default=None)

    def settings(self) -> dict[str, Any]:
        """Return the settings that must be equal in two calls on one file, as JSON types."""
        scale = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self.scale).items()}
        return {"scale": scale, "control_prm": self.control_prm, "engine_args": self.engine_args}

    async def open(self, name: str) -> Load:
        """Return the load of this name with running, warm engines; engines of another load are closed first."""
        if self._load is None or self._load.name != name:
            self.close()
            self._load = load(name, self.work, self.engine_args)
            await timed(self._load.solver("beam-search", 4), self._load.problems(2))
        return self._load

    def close(self) -> None:
        """Stop the engines' processes."""
        self._load = None
        close_all()


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measurement: its name, ``part/...``, and the function that runs it."""

    name: str
    run: Callable[[Bench], Awaitable[dict[str, Any]]]


class Part(Protocol):
    """A module of this package that measures something."""

    def measurements(self, scale: Scale) -> Iterator[Measurement]: ...

    def rows(self, record: Record) -> Iterator[Row]: ...


@dataclass(frozen=True, slots=True)
class Run:
    """A timed search: wall seconds, the solutions in problem order, tokens that the reward model actually read.

    ``prompts_computed`` is what the policy read: the problem, and for each step what was not in the prefix cache.
    """

    seconds: float
    solutions: list[Solution]
    computed: int = 0
    prompts_computed: int = 0

    @property
    def usage(self) -> Usage:
        return sum((solution.usage for solution in self.solutions), Usage())

    @property
    def step_requests(self) -> int:
        """Return the number of requests to the policy."""
        return sum(1 for solution in self.solutions for _ in solution.trace.of("sample"))

    @property
    def steps(self) -> int:
        """Return the number of sampled steps."""
        return sum(len(event["steps"]) for solution in self.solutions for event in solution.trace.of("sample"))

    @property
    def solution_tokens(self) -> float:
        """Return the mean tokens of a finished solution, or of any if none is finished."""
        lengths = [c.tokens for s in self.solutions for c in s.candidates if c.finished]
        lengths = lengths or [c.tokens for s in self.solutions for c in s.candidates] or [1]
        return sum(lengths) / len(lengths)

    @property
    def solution_steps(self) -> float:
        """Return the mean number of steps of a finished solution."""
        counts = [len(c.steps) for s in self.solutions for c in s.candidates if c.finished] or [0]
        return sum(counts) / len(counts)


async def timed(solver: Solver, problems: Sequence[Problem], title: str = "", concurrency: int = 0) -> Run:
    """Solve the problems concurrently, all at once by default, with empty prefix caches.

    Raises RuntimeError if a problem fails: a figure over the others would be meaningless.
    """
    await forget(solver)
    models, solutions = solver.load(), dict[int, Solution]()
    before = [getattr(model, "computed", 0) for model in models]
    begun = time.perf_counter()
    async with aclosing(solver.stream(problems, concurrency or len(problems))) as stream:
        with tqdm(total=len(problems), desc=title, unit="problem", disable=not title, leave=False) as bar:
            async for index, solution in stream:
                if solution.error:
                    raise RuntimeError(f"problem {solution.problem.id} failed: {solution.error}")
                solutions[index] = solution
                bar.update()
    seconds = time.perf_counter() - begun
    prompts, scored = (getattr(model, "computed", 0) - old for model, old in zip(models, before, strict=True))
    return Run(seconds, [solutions[k] for k in sorted(solutions)], scored, prompts)


async def forget(solver: Solver) -> None:
    """Empty the prefix caches of a solver's vLLM engines, so that measurements are independent."""
    for model in solver.load():
        for service in getattr(model, "services", ()):
            await background().run(service.engine.reset_prefix_cache(reset_connector=True))
