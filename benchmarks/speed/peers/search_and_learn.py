"""Compare with the published loop (:mod:`benchmarks.speed.peers.lockstep`): seconds, accuracy, the same engines."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tqdm import tqdm

from benchmarks.speed.harness import Bench, Measurement, Run, Scale, forget, timed
from benchmarks.speed.peers.lockstep import Lockstep, candidates
from benchmarks.speed.peers.lockstep_models import EngineJudge, TransformersJudge, Writer, chat, tokenizer_of
from benchmarks.speed.results_file import Figures, Record
from benchmarks.speed.table import Row, at_least
from benchmarks.stats.intervals import Interval, difference, mean
from tts import Solver
from tts.answers.equivalence import equivalent
from tts.registry import resolve
from tts.types import Problem

STRATEGIES = ("beam-search", "dvts")
SIDES = {"beam-search": ("ours", "published", "at-n"), "dvts": ("ours", "published", "granularity-2")}
"""What is measured of each strategy; the last side of DVTS is ours that scores every second step."""

BAR = 6.0


def measurements(scale: Scale) -> Iterator[Measurement]:
    for n in scale.control_widths:
        for strategy in STRATEGIES:
            for side in SIDES[strategy]:
                yield Measurement(f"control/{strategy}/{n}/{side}", _measure(strategy, n, side))


def _measure(strategy: str, n: int, side: str) -> Any:
    async def run(bench: Bench) -> dict[str, Any]:
        load = await bench.open("lab")
        name = f"{strategy}:granularity=2" if side == "granularity-2" else strategy
        problems, solver = load.problems(bench.scale.control_problems), load.solver(name, n)
        title = f"{strategy} N={n} {side}"
        if side in ("ours", "granularity-2"):
            ours = await timed(solver, problems, title, concurrency=bench.scale.problems)
            return _ours(ours, load.golds)
        loop = Lockstep(n, enough=n if side == "at-n" else None)
        return await _control(loop, solver, problems, load.golds, bench.control_prm, title)

    return run


def _ours(run: Run, golds: Mapping[str, str]) -> dict[str, Any]:
    right = [float(is_right(s.answer, golds[s.problem.id])) for s in run.solutions]
    return {
        "seconds": run.seconds, "right": right, "policy_tokens": run.usage.policy_tokens, "prm_tokens": run.computed,
    }  # fmt: skip


async def _control(
    loop: Lockstep, solver: Solver, problems: Sequence[Problem], golds: Mapping[str, str], prm: str, title: str
) -> dict[str, Any]:
    """Solve one problem after the other with the lock-step loop."""
    policy, reward = solver.load()
    settings = solver.plan.parameters
    sampling = {name: settings[name] for name in ("temperature", "top_p")} | {"max_tokens": settings["step_tokens"]}
    write = Writer(policy, chat(tokenizer_of(policy)), **sampling)
    judge = TransformersJudge(reward) if prm == "transformers" else EngineJudge(reward)
    search = loop.dvts if solver.plan.strategy == "dvts" else loop.beam_search
    vote, right = resolve("vote", solver.plan.vote), []
    await forget(solver)
    begun = time.perf_counter()
    for problem in tqdm(problems, desc=title, unit="problem", leave=False):
        beams = await search(problem.text, write, judge)
        right.append(float(is_right(vote(candidates(beams)).answer, golds[problem.id])))
    seconds = time.perf_counter() - begun
    return {"seconds": seconds, "right": right, "policy_tokens": write.tokens, "prm_tokens": judge.tokens}


def is_right(answer: str | None, gold: str) -> bool:
    return answer is not None and equivalent(gold, answer)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Results of both sides over the same problems."""

    ours: Figures
    control: Figures

    @property
    def speedup(self) -> float:
        return float(self.control["seconds"] / self.ours["seconds"])

    @property
    def gain(self) -> Interval:
        """Return our accuracy minus the control's, with the paired bootstrap interval over problems."""
        return difference(self.ours["right"], self.control["right"])

    def note(self) -> str:
        ours, control = self.ours, self.control
        return (
            f"{control['seconds']:.1f} s over {ours['seconds']:.1f} s, {len(ours['right'])} problems; "
            f"policy tokens {control['policy_tokens'] / ours['policy_tokens']:.1f}x, "
            f"reward-model tokens {control['prm_tokens'] / ours['prm_tokens']:.1f}x ours; "
            f"right {mean(ours['right']).percent()}, control {mean(control['right']).percent()}"
        )


def rows(record: Record) -> Iterator[Row]:
    found = {tuple(name): figures for name, figures in record.of("control")}
    for (strategy, n, side), figures in found.items():
        ours = found.get((strategy, n, "ours"))
        if side == "granularity-2" and (published := found.get((strategy, n, "published"))):
            pair = Comparison(figures, published)
            what = f"{strategy} N={n}, granularity 2, over the published loop"
            yield Row("control", what, f"{pair.speedup:.1f}x", "", None, f"{pair.note()}; {pair.gain.points()}")
        if side in ("ours", "granularity-2") or ours is None:
            continue
        pair = Comparison(ours, figures)
        what = f"{strategy} N={n} over " + ("the published loop" if side == "published" else "that loop ended at N")
        bar: tuple[str, bool | None] = at_least(pair.speedup, BAR, "x") if side == "published" else ("", None)
        yield Row("control", what, f"{pair.speedup:.1f}x", *bar, pair.note())
        if side == "published":
            gain = pair.gain
            yield Row("control", f"{strategy} N={n}, accuracy", gain.points(), "within noise", gain.high >= 0)
