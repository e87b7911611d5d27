"""Costs of a subset of a problem's samples: the prompt and each shared step count once.

A row of outcomes holds the cost of all m samples together. For n of them, the policy costs the prompt and n/m of the
rest. The reward model reads a shared step once, so n samples cost it more than n/m: averaged over subsets, it reads
a step that k samples share with probability ``1 - C(m-k, n) / C(m, n)``.

Two assumptions fill what rows do not hold. A token costs the same at every position: attention over such short texts
is a small part. The prompt has as many tokens for the reward model as for the policy.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tts.types import Usage


@dataclass(frozen=True, slots=True)
class Cost:
    """Tokens and FLOPs, in the mean over subsets; see :class:`tts.types.Usage`."""

    policy_tokens: float
    prm_tokens: float
    policy_flops: float
    prm_flops: float
    paper_flops: float

    @property
    def flops(self) -> float:
        """Policy and reward model together."""
        return self.policy_flops + self.prm_flops


def whole(usage: Usage, *, prm: bool = True) -> Cost:
    """Return the cost of all samples, with or without the reward model."""
    read = (usage.prm_tokens, usage.prm_flops) if prm else (0, 0)
    return Cost(usage.policy_tokens, read[0], usage.policy_flops, read[1], usage.paper_flops)


def part(usage: Usage, n: int, of: int, sharing: NDArray[np.int64], *, prm: bool = True) -> Cost:
    """Estimate the cost of ``n`` of the samples that cost ``usage`` together: the mean over subsets.

    Args:
        usage: cost of all ``of`` samples.
        n: 1 or more; the whole cost if ``n >= of``.
        of: number of samples.
        sharing: lengths of shared steps, see :func:`sharing_of`.
        prm: whether the reward model reads the samples.
    """
    if n >= of:
        return whole(usage, prm=prm)
    share = n / of
    prompt = policy_prompt(usage)
    policy = prompt + share * (usage.policy_flops - prompt)
    read, read_flops = 0.0, 0.0
    if prm:
        opening, tokens, distinct = prm_prompt(usage), prm_prompt_tokens(usage), share_read(sharing, n, of)
        read = tokens + distinct * (usage.prm_tokens - tokens)
        read_flops = opening + distinct * (usage.prm_flops - opening)
    return Cost(share * usage.policy_tokens, read, policy, read_flops, share * usage.paper_flops)


def policy_prompt(usage: Usage) -> float:
    """Estimate the FLOPs of the policy's prompt."""
    return usage.policy_flops * usage.prompt_tokens / max(1, usage.prompt_tokens + usage.policy_tokens)


def prm_prompt_tokens(usage: Usage) -> int:
    """Estimate the tokens of the reward model's prompt."""
    return min(usage.prompt_tokens, usage.prm_tokens)


def prm_prompt(usage: Usage) -> float:
    """Estimate the FLOPs of the reward model's prompt."""
    return usage.prm_flops * prm_prompt_tokens(usage) / max(1, usage.prm_tokens)


def sharing_of(solutions: Iterable[Sequence[str]]) -> NDArray[np.int64]:
    """Count the characters of steps by the number of m solutions that share them [m + 1].

    Entry k is the total length of the steps that exactly k solutions share. Two solutions share a step if they also
    share all steps before it.
    """
    steps: dict[tuple[int, str], list[int]] = {}  # (number of the prefix, text) -> [number, solutions that share it]
    m = 0
    for solution in solutions:
        m += 1
        above = -1
        for text in solution:
            found = steps.setdefault((above, text), [len(steps), 0])
            found[1] += 1
            above = found[0]
    lengths = np.zeros(m + 1, dtype=np.int64)
    for (_, text), (_, count) in steps.items():
        lengths[count] += len(text)
    return lengths


def share_read(sharing: NDArray[np.int64], n: int, of: int) -> float:
    """Return the share (0 to 1) of the distinct text of ``of`` solutions that ``n`` hold, averaged over subsets.

    Without texts this is n / of.
    """
    total = int(sharing.sum())
    return float(_chances(of, n) @ sharing) / total if total else n / of


@lru_cache(maxsize=256)
def _chances(m: int, n: int) -> NDArray[np.float64]:
    """Return, for a step that k of m solutions share, the probability that n of them contain it [m + 1]."""
    return np.array([1 - math.comb(m - k, n) / math.comb(m, n) for k in range(m + 1)])
