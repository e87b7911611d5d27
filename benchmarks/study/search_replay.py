"""Searches replayed on recorded, scored samples: those that continue each prefix at most once.

A sample that stops early loses its recorded rest, so a replay of rejection or of early stopping has the distribution of
a run. It is averaged over random orders of a problem's samples. Other searches branch, and have to be run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.recordings.pool import Entry
from benchmarks.simulate.features import Ints
from benchmarks.stats.subsets import elected
from benchmarks.study.early_rejection import Rule, grown_steps
from tts.records.outcomes import Outcome
from tts.search.variant import split
from tts.selection.published_rule import rounds, settled_confidence

ORDERS = 64
"""Random orders that a replay is averaged over."""


@dataclass(frozen=True, slots=True)
class Samples:
    """The scored samples of a problem: as arrays, and the scores of their steps."""

    entry: Entry
    scores: Sequence[Sequence[float]]

    @classmethod
    def of(cls, entry: Entry, outcome: Outcome) -> Samples:
        return cls(entry, [candidate.scores for candidate in outcome.candidates])

    def flops(self, order: Ints, grown: Ints) -> tuple[float, float]:
        """Return what the policy and the reward model spend on the first ``grown`` steps of these samples [n]."""
        entry, samples = self.entry, self.entry.samples
        steps = samples.steps[order]
        there = steps >= 0
        lengths = np.where(there, samples.step_flops[steps], 0.0)
        kept = there & (np.arange(steps.shape[1]) < grown[:, None])
        share = (lengths * kept).sum(axis=1) / np.maximum(lengths.sum(axis=1), 1e-9)
        policy = entry.policy_prompt_flops + float((samples.policy_flops[order] * share).sum())
        return policy, entry.prm_prompt_flops + float(samples.step_flops[np.unique(steps[kept])].sum())

    def right(self, order: Ints, vote: str) -> float:
        """Return 1 if the vote of these samples is right."""
        candidates = self.entry.samples.candidates
        if not len(order):
            return 0.0
        winner = int(elected(candidates.classes[order][None], candidates.scores["last"][order][None], vote)[0])
        return float(winner >= 0 and candidates.right[order[winner]])


Replay = Callable[[Samples, Ints], tuple[float, float]]
"""Plays the samples in one order; returns whether the answer is right, and the FLOPs."""


def replay_of(search: str) -> Replay | None:
    """Return how a search is replayed; None if it has to be run."""
    name, parameters = split(search)
    if name == "reject-early" and not parameters.get("refill"):
        rule = Rule(parameters.get("chunk", 4), alpha=parameters.get("alpha", 0.5))
        return lambda samples, order: _rejecting(samples, order, rule)
    return {"majority": _majority, "adaptive-consistency": _adaptive}.get(name)


def replayed(samples: Samples, replay: Replay, n: int, orders: int = ORDERS, seed: int = 0) -> tuple[float, float]:
    """Return how often a replay at N = ``n`` is right and its mean FLOPs, over random orders of the samples."""
    rng = np.random.default_rng(seed)
    many = len(samples.scores)
    played = [replay(samples, rng.permutation(many)[:n]) for _ in range(orders)]
    return float(np.mean([right for right, _ in played])), float(np.mean([flops for _, flops in played]))


def _rejecting(samples: Samples, order: Ints, rule: Rule) -> tuple[float, float]:
    scores = [samples.scores[k] for k in order]
    grown = grown_steps(scores, rule)
    left = order[grown == np.array([len(steps) for steps in scores])]
    return samples.right(left, "weighted"), sum(samples.flops(order, grown))


def _majority(samples: Samples, order: Ints) -> tuple[float, float]:
    whole = np.full(len(order), samples.entry.samples.steps.shape[1])
    return samples.right(order, "majority"), samples.flops(order, whole)[0]


def _adaptive(samples: Samples, order: Ints) -> tuple[float, float]:
    classes = samples.entry.samples.candidates.classes
    for n in rounds(len(order)):
        if settled_confidence(classes[order[:n]].tolist()):
            return _majority(samples, order[:n])
    return _majority(samples, order)
