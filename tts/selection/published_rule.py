"""The published rule: which strategy pays for which policy and difficulty, where nobody has measured it.

It is what the author of arXiv 2502.06703 gives in short (repository RyanLiu112/compute-optimal-tts, issue 4), for
policies of the Llama 3 and Qwen2.5 families. Difficulty is pass@1: easy from 50 %, medium from 10 %, hard below.

    MATH-like      policy under 7 B    best-of-n     beam search   beam search    (easy, medium, hard)
                   7 to 32 B           DVTS          DVTS          beam search
                   larger              best-of-n     best-of-n     best-of-n
    AIME-like      policy under 14 B   DVTS          DVTS          DVTS
                   larger              best-of-n     best-of-n     best-of-n

Search pays with the reward models of Skywork and Qwen; with Math-Shepherd's and RLHFlow's best-of-n does. Policies that
think at length are sampled whole. Without a reward model the majority decides.

Samples are drawn until their votes are settled, at most N: adaptive consistency (arXiv 2305.11860).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

EASY, HARD = 0.5, 0.1
"""Pass@1 from which a problem is easy, and below which it is hard."""

PROBE = 4
"""Samples that the difficulty is estimated from."""

SURE = 0.95
"""The chance of a lead that lasts at which the votes are settled; the published choice."""

SOUND = 0.5
"""The mean score that the leading answer's samples must have besides: a reward model that finds them wrong is heard."""

SEARCHED = ("qwen", "skywork")
"""Families of reward models with which a search by steps pays."""

_MATH = (  # parameters below which a row holds; the policies called 32 B have 32.8
    (7e9, ("best-of-n", "beam-search", "beam-search")),
    (34e9, ("dvts", "dvts", "beam-search")),
    (math.inf, ("best-of-n",) * 3),
)
_AIME = ((14e9, ("dvts",) * 3), (math.inf, ("best-of-n",) * 3))


@dataclass(frozen=True, slots=True)
class Rule:
    """The strategy for an easy, a medium and a hard problem, and why, as the end of a sentence."""

    easy: str
    medium: str
    hard: str
    why: str


def rule(parameters: int, family: str, *, prm: str, thinking: bool = False, dataset: str = "") -> Rule:
    """What the rule says.

    Args:
        parameters: of the policy; 0 where unknown, which counts as small.
        family: of the reward model, see :mod:`tts.models.descriptions`.
        prm: the reward model's name; empty where there is none.
        thinking: whether the policy thinks at length before it answers.
        dataset: where the problems come from; a name with "aime" in it is AIME-like, all else MATH-like.
    """
    if not prm:
        return _same("majority", "there is no reward model, so the majority of whole solutions decides")
    if thinking:
        return _same("best-of-n", "a policy that thinks at length is sampled whole")
    if family not in SEARCHED:
        return _same("best-of-n", f"nobody has published that a search by steps pays with {prm}")
    aime = "aime" in dataset.lower()
    strategies = next(row for below, row in (_AIME if aime else _MATH) if parameters < below)
    size = f"of {parameters / 1e9:.3g} B parameters" if parameters >= 1e8 else "as small as this"
    kind = "AIME" if aime else "MATH"
    return Rule(*strategies, f"so says the published rule for policies {size} on problems like those of {kind}")


def _same(strategy: str, why: str) -> Rule:
    return Rule(strategy, strategy, strategy, why)


def agreement(classes: list[int]) -> float:
    """The share of pairs of samples whose answers are equal: a rough, uncalibrated estimate of pass@1.

    It is an unbiased one of the chance that two samples agree.
    """
    pairs = len(classes) * (len(classes) - 1) / 2
    equal = sum(math.comb(classes.count(label), 2) for label in set(classes) if label >= 0)
    return equal / pairs if pairs else 0.0


def rounds(most: int) -> list[int]:
    """The numbers of samples at which it is asked whether the votes are settled: 4, 8, 16, ... and ``most``."""
    found = [min(PROBE, most)]
    while found[-1] < most:
        found.append(min(2 * found[-1], most))
    return found


def settled_confidence(classes: Sequence[int], scores: Sequence[float] | None = None) -> float | None:
    """The chance that the lead of the commonest answer lasts, where the votes are settled; None where they are not.

    With a votes for the commonest answer and b for the next, each as likely as not beforehand, it is the chance that a
    variable of Beta(a + 1, b + 1) is above one half (arXiv 2305.11860, its Beta criterion).

    Args:
        classes: of each sample's answer; equal answers share a number, -1 without a voice.
        scores: of each sample, where the reward model has read them.
    """
    ranked = Counter(label for label in classes if label >= 0).most_common(2)
    if not ranked:
        return None
    leader, a = ranked[0]
    b = ranked[1][1] if len(ranked) > 1 else 0
    lasts = sum(math.comb(a + b + 1, k) for k in range(a + 1)) / 2 ** (a + b + 1)
    mean = 1.0 if scores is None else sum(s for s, label in zip(scores, classes, strict=True) if label == leader) / a
    return lasts if lasts >= SURE and mean >= SOUND else None
