"""``python -m benchmarks.study.reward_noise``: what search gains over the weighted vote, by the reward model's AUC.

Searches with noisy oracles (:mod:`benchmarks.study.noisy_oracle`) are compared with the weighted vote of independent
samples that cost as many tokens, with the same oracle. The samples are drawn once; every oracle scores them again. An
oracle costs no FLOPs, so the cost is the policy's tokens. The column "ProcessBench F1" says which published reward
models an oracle compares with; it needs ProcessBench.

Differences are paired over problems, with a bootstrap. Results are kept in ``--out``: run the same command to go on.
The figure ``gains.svg`` shows all policies.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from benchmarks.report.svg import svg
from benchmarks.stats.candidates import OWN, Candidates
from benchmarks.stats.intervals import Interval, difference, mean
from benchmarks.stats.subsets import accuracy_between
from benchmarks.study.gain_plot import GainCurves
from benchmarks.study.noisy_oracle import SHARED, NoisyOracle, processbench_f1
from benchmarks.word_problems.generate import LabProblem, check_steps, load
from tts.answers.aggregate import aggregate
from tts.api import solve_many
from tts.commands.console import table
from tts.errors import BadInput, TTSError
from tts.files import jsonl
from tts.files.names import safe_name
from tts.files.text import write_atomically
from tts.types import Problem, Solution

AUCS = (0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 1.0)
SEARCHES = ("beam-search", "dvts", "rebase")
BY = "last"


@dataclass(frozen=True, slots=True)
class Setting:
    """One study: the policy, the problems, the width of the searches and the number of samples."""

    policy: str
    problems: Sequence[LabProblem]
    n: int
    samples: int
    seed: int
    shared: float = SHARED

    def oracle(self, auc: float) -> NoisyOracle:
        """Return the oracle of this study with that AUC."""
        by_text = {problem.problem: problem for problem in self.problems}
        return NoisyOracle(
            lambda text, steps: check_steps(by_text[text], "\n\n".join(steps)), auc, self.shared, self.seed
        )


def solved(setting: Setting, out: Path, name: str, **settings: Any) -> dict[str, dict[str, Any]]:
    """Solve all problems with these settings, or read the rows of an earlier run; by problem id."""
    file = out / f"{name}.jsonl"
    if file.is_file():
        return {row["id"]: row for _, row in jsonl.rows(file)}
    problems = [Problem(each.problem, id=each.id) for each in setting.problems]
    with tqdm(total=len(problems), desc=name, file=sys.stderr) as bar:
        solutions = solve_many(
            problems, policy=setting.policy, seed=setting.seed, engine="transformers", extract="boxed", aggregate=BY,
            on_solution=lambda *_: bar.update() and None, **settings,
        )  # fmt: skip
    rows = [_row(solution, problem) for solution, problem in zip(solutions, setting.problems, strict=True)]
    write_atomically(file, "".join(json.dumps(row) + "\n" for row in rows))
    return {row["id"]: row for row in rows}


def _row(solution: Solution, problem: LabProblem) -> dict[str, Any]:
    if solution.error:
        raise BadInput(f"{problem.id} failed: {solution.error}")
    return {
        "id": problem.id,
        "tokens": solution.usage.policy_tokens,
        "right": solution.answer == problem.answer,
        "candidates": [
            {"steps": list(c.steps), "answer": c.answer, "tokens": c.tokens} for c in solution.candidates
        ],
    }  # fmt: skip


def votes_at(
    setting: Setting, rows: Mapping[str, Mapping[str, Any]], oracle: NoisyOracle, tokens: float
) -> list[float]:
    """Estimate how often the oracle's weighted vote of samples that cost ``tokens`` a problem is right, by problem."""
    every = [candidate["tokens"] for row in rows.values() for candidate in row["candidates"]]
    n = tokens / float(np.mean(every))
    return [_vote(rows[problem.id]["candidates"], problem, oracle, n) for problem in setting.problems]


def _vote(samples: Sequence[Mapping[str, Any]], problem: LabProblem, oracle: NoisyOracle, n: float) -> float:
    answers: dict[str, int] = {}
    classes = [answers.setdefault(s["answer"], len(answers)) if s["answer"] is not None else -1 for s in samples]
    scores = [aggregate(oracle(problem.problem, s["steps"]), BY) if s["steps"] else 0.0 for s in samples]
    right = [sample["answer"] == problem.answer for sample in samples]
    found = Candidates.of(classes, {OWN: scores}, right, [sample["tokens"] for sample in samples])
    return accuracy_between(found, n, "weighted", OWN)


@dataclass(frozen=True, slots=True)
class Point:
    """A search with one oracle: its accuracy, the vote's for as many tokens, and the paired difference."""

    policy: str
    search: str
    auc: float
    tokens: float
    right: Interval
    vote: Interval
    gain: Interval


def measured(setting: Setting, out: Path, aucs: Sequence[float], searches: Sequence[str]) -> list[Point]:
    """Run what is missing, and compare every search with the vote."""
    samples = solved(setting, out, "samples", strategy="majority", budget=setting.samples, prm=None)
    points = []
    for auc in aucs:
        oracle = setting.oracle(auc)
        for search in searches:
            rows = solved(setting, out, f"{search}-{auc:g}", strategy=search, budget=setting.n, prm=oracle)
            tokens = float(np.mean([row["tokens"] for row in rows.values()]))
            ours = [float(rows[problem.id]["right"]) for problem in setting.problems]
            theirs = votes_at(setting, samples, oracle, tokens)
            points.append(
                Point(setting.policy, search, auc, tokens, mean(ours), mean(theirs), difference(ours, theirs))
            )
    return points


def printed(points: Sequence[Point], f1: Mapping[float, float]) -> str:
    """Return the points as a table."""
    return table(
        [
            {
                "policy": point.policy,
                "AUC": f"{point.auc:g}",
                **({"ProcessBench F1": f"{f1[point.auc]:.1f}"} if f1 else {}),
                "search": point.search,
                "tokens": f"{point.tokens:.0f}",
                "right": point.right.percent(),
                "vote, as many tokens": point.vote.percent(),
                "gain": point.gain.points(),
            }
            for point in points
        ]
    )


def drawn(points: Sequence[Point]) -> GainCurves:
    """Return the figure: a curve for each policy and search over the AUC."""
    curves: dict[str, dict[float, Interval]] = {}
    for point in points:
        curves.setdefault(f"{point.policy}, {point.search}", {})[point.auc] = point.gain
    return GainCurves(curves, "AUC of the step scores", "points over the weighted vote of as many tokens")


def problems_of(split: str, levels: Sequence[int], limit: int | None) -> list[LabProblem]:
    """Return the problems of these levels, at most ``limit`` of each."""
    found = load(split)
    return [problem for level in levels for problem in [p for p in found if p.level == level][:limit]]


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    made = argparse.ArgumentParser(prog="python -m benchmarks.study.reward_noise", description=__doc__)
    add = made.add_argument
    add("--policy", default="lab-1m", help="one or several with commas between (default: %(default)s)")
    add("--data", default="lab-500", help="lab-500 or lab-validation (default: %(default)s)")
    add("--levels", default="4,5", help="(default: %(default)s)")
    add("--limit", type=int, default=None, help="problems of each level")
    add("--n", type=int, default=16, help="width of the searches (default: %(default)s)")
    add("--samples", type=int, default=64, help="samples of each problem for the votes (default: %(default)s)")
    add("--aucs", default=",".join(f"{auc:g}" for auc in AUCS), help="(default: %(default)s)")
    add("--searches", default=",".join(SEARCHES), help="(default: %(default)s)")
    add("--shared", type=float, default=SHARED, help="share of noise common after an error (default: %(default)s)")
    add("--seed", type=int, default=0, help="(default: %(default)s)")
    add("--out", type=Path, default=Path("runs/reward-noise"), help="(default: %(default)s)")
    return made


def main(argv: list[str] | None = None) -> int:
    """Print the table, and write it to ``--out``. Returns 2 for a mistake."""
    args = parser().parse_args(argv)
    aucs = [float(auc) for auc in args.aucs.split(",")]
    try:
        problems = problems_of(args.data, [int(level) for level in args.levels.split(",")], args.limit)
        about = f"{args.policy} on {args.data}, levels {args.levels}: {len(problems)} problems, N = {args.n}"
        points = []
        for policy in args.policy.split(","):
            out = args.out / safe_name(policy)
            out.mkdir(parents=True, exist_ok=True)
            _same(out / "about.json", {**vars(args), "policy": policy, "aucs": None, "searches": None, "out": None})
            setting = Setting(policy, problems, args.n, args.samples, args.seed, args.shared)
            points += measured(setting, out, aucs, args.searches.split(","))
        try:
            f1 = {auc: processbench_f1(auc, shared=args.shared) for auc in aucs}
        except BadInput as error:
            print(f"tts: no column of ProcessBench: {error}", file=sys.stderr)
            f1 = {}
    except TTSError as error:
        print(f"tts: {error}", file=sys.stderr)
        return 2
    text = f"{about}\n\n{printed(points, f1)}\n"
    write_atomically(args.out / "table.txt", text)
    write_atomically(args.out / "gains.svg", svg(drawn(points), about, alone=True))
    print(text)
    return 0


def _same(file: Path, about: Mapping[str, Any]) -> None:
    """Raise BadInput if the folder holds the results of other settings."""
    text = json.dumps(about, sort_keys=True)
    if file.is_file() and file.read_text(encoding="utf-8") != text:
        raise BadInput(f"{file.parent} holds results of other settings: choose another --out.")
    write_atomically(file, text)


if __name__ == "__main__":
    sys.exit(main())
