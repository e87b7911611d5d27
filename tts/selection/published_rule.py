"""The published rule: which strategy to use for a policy and a difficulty, without measurements.

Source: the author of arXiv 2502.06703 (repository RyanLiu112/compute-optimal-tts, issue 4), for policies of the Llama 3
and Qwen2.5 families. Difficulty is pass@1: easy from 50 %, medium from 10 %, hard below.

    MATH-like      policy under 7 B    best-of-n     beam search   beam search    (easy, medium, hard)
                   7 to 32 B           DVTS          DVTS          beam search
                   larger              best-of-n     best-of-n     best-of-n
    AIME-like      policy under 14 B   DVTS          DVTS          DVTS
                   larger              best-of-n     best-of-n     best-of-n

Search pays with the reward models of Skywork and Qwen; with those of Math-Shepherd and RLHFlow best-of-n does.
Reasoning policies are sampled whole. Without a reward model the majority decides.

Sampling stops when the votes are settled, at N at the latest: adaptive consistency (arXiv 2305.11860).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

EASY, HARD = 0.5, 0.1
"""A problem is easy from the first pass@1 on, and hard below the second."""

PROBE = 4
"""Number of samples for the estimate of difficulty."""

SURE = 0.95
"""Confidence at which the votes are settled; the published choice."""

SOUND = 0.5
"""Smallest mean score of the leading answer's samples: a reward model that rejects them prevents a stop."""

SEARCHED = ("qwen", "skywork")
"""Families of reward models with which step search pays."""

_MATH = (  # (parameters below which the row holds, strategies); "32 B" policies have 32.8
    (7e9, ("best-of-n", "beam-search", "beam-search")),
    (34e9, ("dvts", "dvts", "beam-search")),
    (math.inf, ("best-of-n",) * 3),
)
_AIME = ((14e9, ("dvts",) * 3), (math.inf, ("best-of-n",) * 3))


@dataclass(frozen=True, slots=True)
class Rule:
    """The strategy for an easy, a medium and a hard problem, and the reason as the end of a sentence."""

    easy: str
    medium: str
    hard: str
    why: str


def rule(parameters: int, family: str, *, prm: str, thinking: bool = False, dataset: str = "") -> Rule:
    """Apply the published rule.

    Args:
        parameters: size of the policy; 0 if unknown, which counts as small.
        family: family of the reward model, see :mod:`tts.models.descriptions`.
        prm: name of the reward model; empty for none.
        thinking: whether the policy is a reasoning model.
        dataset: name of the data set; one with "aime" in it is AIME-like, others are MATH-like.
    """
    if not prm:
        return _same(
            "majority",
            "without a reward model the majority of whole solutions wins; --prm judge:POLICY and a profile of "
            "`tts calibrate` would help",
        )
    if thinking:
        return _same("best-of-n", "a reasoning policy is sampled whole")
    if family not in SEARCHED:
        return _same("best-of-n", f"no published result shows that step search pays with {prm}")
    aime = "aime" in dataset.lower()
    strategies = next(row for below, row in (_AIME if aime else _MATH) if parameters < below)
    size = f"of {parameters / 1e9:.3g} B parameters" if parameters >= 1e8 else "as small as this"
    kind = "AIME" if aime else "MATH"
    return Rule(*strategies, f"for policies {size} on problems like those of {kind}")


def _same(strategy: str, why: str) -> Rule:
    return Rule(strategy, strategy, strategy, why)


def agreement(classes: list[int]) -> float:
    """Compute the share of pairs of samples with equal answers, a rough and uncalibrated estimate of pass@1.

    It is an unbiased estimate of the probability that two samples agree.
    """
    pairs = len(classes) * (len(classes) - 1) / 2
    equal = sum(math.comb(classes.count(label), 2) for label in set(classes) if label >= 0)
    return equal / pairs if pairs else 0.0


def rounds(most: int) -> list[int]:
    """Return the numbers of samples at which to check whether the votes are settled: 4, 8, 16, ... and ``most``."""
    found = [min(PROBE, most)]
    while found[-1] < most:
        found.append(min(2 * found[-1], most))
    return found


def settled_confidence(classes: Sequence[int], scores: Sequence[float] | None = None) -> float | None:
    """Return the probability that the most common answer stays ahead if the votes are settled, else None.

    With a votes for the most common answer and b for the next, it is the probability that a variable of
    Beta(a + 1, b + 1) is above one half (arXiv 2305.11860, the Beta criterion).

    Args:
        classes: class of each sample's answer; equal answers share a number, -1 casts no vote.
        scores: score of each sample, if a reward model scored them.
    """
    ranked = Counter(label for label in classes if label >= 0).most_common(2)
    if not ranked:
        return None
    leader, a = ranked[0]
    b = ranked[1][1] if len(ranked) > 1 else 0
    lasts = sum(math.comb(a + b + 1, k) for k in range(a + 1)) / 2 ** (a + b + 1)
    mean = 1.0 if scores is None else sum(s for s, label in zip(scores, classes, strict=True) if label == leader) / a
    return lasts if lasts >= SURE and mean >= SOUND else None
