"""What a part of a problem's samples would have cost: the prompt is paid once, and so is a step that several share.

A row of outcomes tells what all m samples cost together. The policy's part of n of them is the prompt and n in m of the
rest. The reward model reads a step once however many solutions begin with it, so n samples cost it more than n in m of
what m cost: in the mean over subsets a step that k samples share is read with the chance ``1 - C(m-k, n) / C(m, n)``.

Two things are taken for what rows do not say: a token costs the same wherever it stands (attention over texts of such
lengths is a small part), and of the reward model's tokens as many were its prompt as of the policy's.
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
    """All of it, with or without what the reward model cost."""
    read = (usage.prm_tokens, usage.prm_flops) if prm else (0, 0)
    return Cost(usage.policy_tokens, read[0], usage.policy_flops, read[1], usage.paper_flops)


def part(usage: Usage, n: int, of: int, sharing: NDArray[np.int64], *, prm: bool = True) -> Cost:
    """The cost of ``n`` of the samples that cost ``usage`` together, in the mean over subsets.

    Args:
        usage: of all ``of`` samples.
        n: 1 or more; from ``of`` on it is the whole.
        of: how many there are.
        sharing: how they share their steps, see :func:`sharing_of`.
        prm: whether the reward model reads them.
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
    """FLOPs of the policy's prompt."""
    return usage.policy_flops * usage.prompt_tokens / max(1, usage.prompt_tokens + usage.policy_tokens)


def prm_prompt_tokens(usage: Usage) -> int:
    """Tokens of the reward model's prompt."""
    return min(usage.prompt_tokens, usage.prm_tokens)


def prm_prompt(usage: Usage) -> float:
    """FLOPs of the reward model's prompt."""
    return usage.prm_flops * prm_prompt_tokens(usage) / max(1, usage.prm_tokens)


def sharing_of(solutions: Iterable[Sequence[str]]) -> NDArray[np.int64]:
    """How much text of m solutions is shared by how many of them, in characters [m + 1].

    Entry k holds the lengths of the steps that exactly k solutions have in common, all steps above included.
    """
    steps: dict[tuple[int, str], list[int]] = {}  # by the prefix above and the text: its number, how many share it
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
    """Of the distinct text of all ``of`` solutions, how much ``n`` of them hold in the mean over subsets, 0 to 1.

    Where their texts are not known, as much as they are of all.
    """
    total = int(sharing.sum())
    return float(_chances(of, n) @ sharing) / total if total else n / of


@lru_cache(maxsize=256)
def _chances(m: int, n: int) -> NDArray[np.float64]:
    """Of a step that k of m solutions share, the chance that n of them hold it [m + 1]."""
    return np.array([1 - math.comb(m - k, n) / math.comb(m, n) for k in range(m + 1)])
