"""Samples of the built-in policies on the word problems: run once, kept in run folders, read as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.bench.command import settings_of
from benchmarks.bench.jobs import jobs_of, plan_run
from benchmarks.bench.runner import Bench
from benchmarks.datasets.dataset import DataSet, read
from benchmarks.provenance import machine
from benchmarks.stats.candidates import Candidates
from benchmarks.stats.costs import part
from benchmarks.stats.subsets import accuracy_at, elected
from benchmarks.word_problems.generate import DATA
from tts import Solver
from tts.errors import BadInput
from tts.files.jsonl import rows
from tts.records.outcomes import OUTCOMES, usage_of
from tts.records.words import count
from tts.types import Usage

DRAWS = 100  # of the samples of several policies that vote together
_CONCURRENCY = 128  # problems at a time: small models are fast in large batches
_SHORT = 2  # problems of each level in a short run


@dataclass(frozen=True, slots=True)
class Samples:
    """The samples of several policies on the same problems.

    Attributes:
        texts: the problems [q].
        policies: names; each has drawn ``n`` samples of every problem.
        n: number of samples by policy.
        candidates: the samples by policy, one entry per problem; a class is the same answer in every policy.
        usages: their cost by policy, one entry per problem.
    """

    texts: tuple[str, ...]
    policies: tuple[str, ...]
    n: Mapping[str, int]
    candidates: Mapping[str, Sequence[Candidates]]
    usages: Mapping[str, Sequence[Usage]]

    def voted(self, policy: str, n: int) -> np.ndarray:
        """Compute how often the vote of ``n`` samples is right [q], in the mean over subsets."""
        return np.array([accuracy_at(found, n, "majority") for found in self.candidates[policy]])

    def flops(self, policy: str, n: int) -> np.ndarray:
        """Compute the FLOPs of ``n`` samples [q]: the prompt once, and each sample."""
        known, nothing = self.n[policy], np.zeros(0, dtype=np.int64)
        return np.array([part(usage, n, known, nothing, prm=False).flops for usage in self.usages[policy]], dtype=float)

    def together(self, problem: int, shares: Mapping[str, int], seed: int = 0) -> float:
        """Compute how often the joint vote of some samples of each policy is right, over random draws."""
        random = np.random.default_rng((seed, problem))
        classes: list[np.ndarray] = []
        right: list[np.ndarray] = []
        for policy, n in shares.items():
            found = self.candidates[policy][problem]
            drawn = np.argsort(random.random((DRAWS, len(found))), axis=1)[:, :n]
            classes.append(found.classes[drawn])
            right.append(found.right[drawn])
        shuffled = np.argsort(random.random((DRAWS, sum(shares.values()))), axis=1)  # ties favour no policy
        ballots = np.take_along_axis(np.concatenate(classes, axis=1), shuffled, axis=1)
        correct = np.take_along_axis(np.concatenate(right, axis=1), shuffled, axis=1)
        winner = elected(ballots, np.full(ballots.shape, np.nan), "majority")
        chosen = np.take_along_axis(correct, np.maximum(winner, 0)[:, None], axis=1)[:, 0]
        return float((chosen & (winner >= 0)).mean())


def recorded(
    name: str, policies: Mapping[str, int], folder: Path, short: bool = False, greedy: bool = False
) -> Samples:
    """Draw the missing samples of every policy on a data set of the package, and return them all.

    Args:
        name: ``lab-500`` or ``lab-validation``.
        policies: number of samples of each.
        folder: one run folder for each policy and data set.
        short: a few problems of each level only, to try it.
        greedy: at temperature 0; one sample of each policy is all there is.
    """
    data = read(DATA / f"{name}.jsonl", name, source="built in")
    if short:
        data = data.choose(ids=tuple(item.problem.id for k, item in enumerate(data.items) if k % 100 < _SHORT))
    found = {
        policy: _rows(data, policy, n, folder / f"{name}.{policy}{'.greedy' * greedy}", greedy)
        for policy, n in policies.items()
    }
    numbers: list[dict[str, int]] = [{} for _ in data.items]
    candidates, usages = {}, {}
    for policy, mine in found.items():
        candidates[policy] = [_candidates(row, known) for row, known in zip(mine, numbers, strict=True)]
        usages[policy] = [usage_of(row["usage"]) for row in mine]
    texts = tuple(item.problem.text for item in data.items)
    return Samples(texts, tuple(policies), dict(policies), candidates, usages)


def _rows(data: DataSet, policy: str, n: int, folder: Path, greedy: bool) -> list[dict[str, Any]]:
    """Run what is missing, and return the rows in the order of the problems."""
    settings: dict[str, Any] = {
        "policy": policy, "prm": None, "extract": "boxed", "kind": "math", "engine": "auto",
    }  # fmt: skip
    settings |= {"temperature": 0.0} if greedy else {}
    lines = plan_run(Solver, ["majority"], [n], settings)
    fixed = settings_of(data, ["majority"], str(n), settings, lines)
    with Bench(data, lines, folder, fixed, {"machine": machine()}, retry=True, concurrency=_CONCURRENCY) as run:
        run.run()
    for job in jobs_of(lines):
        job.solver.unload()
    if run.folder.failed:
        raise BadInput(f"{count(run.folder.failed, 'row')} of {folder} failed: the same command tries them again.")
    known = {row["id"]: row for _, row in rows(folder / OUTCOMES)}
    return [known[item.problem.id] for item in data.items]


def _candidates(row: Mapping[str, Any], numbers: dict[str, int]) -> Candidates:
    """Read the samples of a row. The answers are digits, so equal ones are spelled alike."""
    found = row["candidates"]
    answers = [c["answer"] for c in found]
    classes = [-1 if answer is None else numbers.setdefault(str(answer), len(numbers)) for answer in answers]
    return Candidates.of(classes, {}, [bool(c["correct"]) for c in found], [c["tokens"] for c in found])
