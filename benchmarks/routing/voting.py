"""Claim 5: routing and then voting, against voting over all models and the best single one, on recorded outputs."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.routing.choosing import FOLDS
from benchmarks.stats.intervals import Interval, difference, mean
from tts.files import json_text, jsonl
from tts.routing.outcomes import ArmOutcomes, Entry
from tts.routing.router import Router

TOP = 3  # models that vote after routing


@dataclass(frozen=True, slots=True)
class Votes:
    """The class of the answer of every problem and model; -1 is none.

    Attributes:
        table: right and wrong [q, a].
        classes: equal answers of a problem share a number [q, a].
    """

    table: ArmOutcomes
    classes: np.ndarray


@dataclass(frozen=True, slots=True)
class Row:
    """One method: accuracy and its gain over the best single model, which is chosen on the other folds."""

    name: str
    accuracy: Interval
    gain: Interval


def recorded(folder: Path, name: str) -> Votes:
    """Read the first output of each model that answered every problem of a data set."""
    rows = [row for _, row in jsonl.rows(folder / f"{name}.jsonl.gz")]
    graded = json_text.read(folder / f"{name}.mv.json")
    entries, classes = [], defaultdict[str, list[int]](list)
    for row, verdict in zip(rows, graded, strict=True):
        seen = set()
        for sample, right, label in zip(row["samples"], verdict["correct"], verdict["cluster"], strict=True):
            if sample["model"] not in seen:
                seen.add(sample["model"])
                entries.append(Entry(row["problem"], sample["model"], float(right), group=name))
                classes[sample["model"]].append(-1 if label is None else int(label))
    table = ArmOutcomes.gathered(entries)
    return Votes(table, np.array([classes[arm] for arm in table.arms]).T)


def measure(votes: Votes, vectors: np.ndarray, router: Router, seed: int = 0) -> list[Row]:
    """Cross-fit: everything fitted or chosen for a problem comes from the other folds."""
    table = votes.table
    fold = np.random.default_rng(seed).permutation(len(table)) % FOLDS
    ways: dict[str, np.ndarray] = {name: np.zeros(len(table)) for name in _NAMES}
    for k in range(FOLDS):
        mine, rest = fold == k, fold != k
        fitted = router.fit(vectors[rest], table.rows(rest))
        order = np.argsort(-table.quality[rest].mean(0), kind="stable")
        found = fitted.predict(vectors[mine])
        for q, quality, score in zip(np.flatnonzero(mine), found.quality, found.score, strict=True):
            routed = np.argsort(-score, kind="stable")
            ways["best single model"][q] = table.quality[q, order[0]]
            ways["routed to one model"][q] = table.quality[q, routed[0]]
            ways["vote over all models"][q] = _voted(votes, q, order, np.ones(len(order)))
            ways[f"vote of the best {TOP}"][q] = _voted(votes, q, order[:TOP], np.ones(TOP))
            ways[f"routed to {TOP}, then vote"][q] = _voted(votes, q, routed[:TOP], np.ones(TOP))
            odds = np.log(np.clip(quality, 0.02, 0.98) / (1 - np.clip(quality, 0.02, 0.98)))
            ways["vote over all, weighted by the router"][q] = _voted(votes, q, routed, np.maximum(odds[routed], 0.01))
    ways["oracle"] = table.quality.max(1)
    single = ways["best single model"].tolist()
    return [Row(name, mean(v.tolist()), difference(v.tolist(), single)) for name, v in ways.items()]


_NAMES = (
    "best single model", "routed to one model", "vote over all models", f"vote of the best {TOP}",
    f"routed to {TOP}, then vote", "vote over all, weighted by the router",
)  # fmt: skip


def _voted(votes: Votes, q: int, arms: np.ndarray, weights: np.ndarray) -> float:
    """Return whether the answer with the most weight is right; ties go to the arm named first."""
    totals: dict[int, float] = {}
    for arm, weight in zip(arms, weights, strict=True):
        label = int(votes.classes[q, arm])
        if label >= 0:
            totals[label] = totals.get(label, 0.0) + float(weight)
    if not totals:
        return 0.0
    winner = max(totals, key=lambda label: totals[label])
    return float(votes.table.quality[q, np.argmax(votes.classes[q] == winner)])
