"""Selector: time of a decision compared with its samples, with curves as large as those of a calibration.

No model takes part. The curves are random: their values do not affect the time.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.speed.harness import Bench, Measurement, Scale
from benchmarks.speed.results_file import Record
from benchmarks.speed.table import Row, at_most
from tts.selection.estimator import Estimator
from tts.selection.features import Evidence
from tts.selection.profile import Advance, Curve, Ending, Profile, Stage
from tts.selection.selector import Limits, best_moves, decide, price_for

_BINS = 10
_WIDTHS = (1, 2, 4, 8, 16, 32, 64)
_BAR = 1.0  # milliseconds


def made_up(seed: int = 0) -> Profile:
    """Build a profile of 15 stages of 10 bins, each with 11 to 21 moves."""
    draw = random.Random(seed)
    keys = [(0, False), *((n, scored) for n in _WIDTHS for scored in (False, True))]
    return Profile("made-up", "made-up", 0, 0, 1.0, 1.0, tuple(_stage(draw, n, scored) for n, scored in keys))


def _stage(draw: random.Random, n: int, scored: bool) -> Stage:
    bins = _BINS if n else 1
    further = [(m, s) for m in _WIDTHS[:4] for s in (False, True)] if not n else []
    further += [(2 * n, scored)] if n and 2 * n in _WIDTHS else []
    further += [(n, True)] if n and not scored else []
    return Stage(
        n, scored, tuple((k + 1) / bins for k in range(bins - 1)), _shares(draw, bins), _curve(draw, bins),
        belief=Estimator(0.0, {"agreement": 1.0, "rival": -1.0, "length": -0.1}) if n else None,
        advances=tuple(Advance(m, s, (1e8 * m,) * bins, (_shares(draw, _BINS),) * bins) for m, s in further),
        endings=tuple(
            Ending(strategy, m, _curve(draw, bins), (2e8 * m,) * bins)
            for strategy in ("beam-search", "dvts", "best-of-n")
            for m in (4, 16, 64)
        ),
    )  # fmt: skip


def _shares(draw: random.Random, count: int) -> tuple[float, ...]:
    weights = [draw.random() for _ in range(count)]
    return tuple(weight / sum(weights) for weight in weights)


def _curve(draw: random.Random, bins: int) -> Curve:
    rates = tuple(sorted(draw.random() for _ in range(bins)))
    return Curve(rates, rates, rates)


def measurements(scale: Scale) -> Iterator[Measurement]:
    yield Measurement("selector/decision", _measure)


async def _measure(bench: Bench) -> dict[str, Any]:
    profile, limits, evidence = made_up(), Limits(64), Evidence([0, 0, 1, 2], [0.9, 0.8, 0.2, 0.1], [50] * 4, 40)
    prices = iter(1e-12 * 1.01**k for k in range(10_000))

    def a_decision() -> object:
        return decide(profile, profile.by_key[4, True, 0], evidence, 1e-12, limits)

    a_decision()  # fill the caches
    return {
        "decision_ms": _milliseconds(a_decision, 200),
        "table_ms": _milliseconds(lambda: best_moves(profile, next(prices), limits), 20),
        "price_ms": _milliseconds(lambda: price_for(profile, 3e9, limits), 20),
    }


def _milliseconds(call: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        call()
        taken.append(time.perf_counter() - begun)
    return 1e3 * statistics.median(taken)


def rows(record: Record) -> Iterator[Row]:
    for _, found in record.of("selector"):
        bar, holds = at_most(found["decision_ms"], _BAR, " ms")
        note = "median; the grouping of answers, which the vote takes over, is not counted"
        yield Row("selector", "a decision", f"{found['decision_ms']:.3f} ms", bar, holds, note)
        note = f"once for each price and ceiling; a new pot's price {found['price_ms']:.2f} ms"
        yield Row("selector", "the table of best moves", f"{found['table_ms']:.2f} ms", note=note)
