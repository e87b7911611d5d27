"""Growth of wall time with N and with the number of problems; it should be less than linear, since batches fill.

For the number of problems: the time of all at once over the mean time of parts run one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.speed.harness import Bench, Measurement, Scale, timed
from benchmarks.speed.results_file import Record
from benchmarks.speed.table import Row, at_most

STRATEGIES = ("beam-search", "dvts")


def measurements(scale: Scale) -> Iterator[Measurement]:
    for strategy in STRATEGIES:
        yield Measurement(f"growth/{strategy}/N", _with_n(strategy))
        yield Measurement(f"growth/{strategy}/problems", _with_problems(strategy))


def _with_n(strategy: str) -> Any:
    async def run(bench: Bench) -> dict[str, Any]:
        scale, load = bench.scale, await bench.open("lab")
        problems = load.problems(scale.growth)
        few = await timed(load.solver(strategy, scale.narrow), problems, f"{strategy} N={scale.narrow}")
        many = await timed(load.solver(strategy, scale.wide), problems, f"{strategy} N={scale.wide}")
        what = f"N={scale.wide} over N={scale.narrow}, {scale.growth} problems"
        return _figures(what, few.seconds, many.seconds, scale.wide / scale.narrow)

    return run


def _with_problems(strategy: str) -> Any:
    async def run(bench: Bench) -> dict[str, Any]:
        scale, load = bench.scale, await bench.open("lab")
        solver, problems = load.solver(strategy, scale.n), load.problems(scale.many)
        groups = [problems[k : k + scale.few] for k in range(0, len(problems), scale.few)]
        # The same problems on both sides: a group of eight may be easier than all.
        few = [(await timed(solver, group, f"{strategy} {len(group)} problems")).seconds for group in groups]
        many = await timed(solver, problems, f"{strategy} {len(problems)} problems")
        what = f"{len(problems)} problems over {scale.few}, N={scale.n}"
        return _figures(what, sum(few) / len(few), many.seconds, len(groups))

    return run


def _figures(what: str, few: float, many: float, work: float) -> dict[str, Any]:
    return {"what": what, "few_seconds": few, "many_seconds": many, "time_ratio": many / few, "work_ratio": work}


def rows(record: Record) -> Iterator[Row]:
    for [strategy, _], found in record.of("growth"):
        bar, holds = at_most(found["time_ratio"], found["work_ratio"])
        yield Row(
            "growth",
            f"{strategy}, {found['what']}",
            f"{found['time_ratio']:.2f}",
            bar,
            holds,
            f"{found['many_seconds']:.2f} s over {found['few_seconds']:.2f} s",
        )
