"""What a part of a problem's samples would have cost: the prompt is paid once, and so is a step that several share.

A row of outcomes tells what all m samples cost together. The policy's part of n of them is the prompt and n in m of the
rest. The reward model reads a step once however many solutions begin with it, so n samples cost it more than n in m of
what m cost: in the mean over subsets a step that k samples share is read with the chance ``1 - C(m-k, n) / C(m, n)``.

Two things are taken for what rows do not say: a token costs the same wherever it stands (attention over texts of such
lengths is a small part), and of the reward model's tokens as many were its prompt as of the policy's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tts.types import Usage

Steps = Sequence[str]
"""The texts of a solution's steps."""


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


def part(usage: Usage, solutions: Sequence[Steps], n: int, *, prm: bool = True) -> Cost:
    """The cost of ``n`` of the samples that cost ``usage`` together, in the mean over subsets.

    Args:
        usage: of all.
        solutions: the steps of each of the m samples; empty where the row does not hold them.
        n: 1 to m.
        prm: whether the reward model reads them.
    """
    m = max(1, len(solutions))
    if n >= m:
        return whole(usage, prm=prm)
    share = n / m
    prompt = policy_prompt(usage)
    policy = prompt + share * (usage.policy_flops - prompt)
    if not prm:
        return Cost(share * usage.policy_tokens, 0, policy, 0, share * usage.paper_flops)
    opening, read = prm_prompt(usage), share_read(solutions, n)
    opening_tokens = min(usage.prompt_tokens, usage.prm_tokens)
    return Cost(
        share * usage.policy_tokens,
        opening_tokens + read * (usage.prm_tokens - opening_tokens),
        policy,
        opening + read * (usage.prm_flops - opening),
        share * usage.paper_flops,
    )


def policy_prompt(usage: Usage) -> float:
    """FLOPs of the policy's prompt."""
    return usage.policy_flops * usage.prompt_tokens / max(1, usage.prompt_tokens + usage.policy_tokens)


def prm_prompt(usage: Usage) -> float:
    """FLOPs of the reward model's prompt."""
    return usage.prm_flops * min(1.0, usage.prompt_tokens / max(1, usage.prm_tokens))


def share_read(solutions: Sequence[Steps], n: int) -> float:
    """Of the distinct text of all solutions, how much ``n`` of them hold in the mean over subsets, 0 to 1."""
    m = len(solutions)
    shared: dict[
        tuple[int, str], list[int]
    ] = {}  # (number of the prefix above, text): its own number, how many share it
    for steps in solutions:
        above = -1
        for text in steps:
            found = shared.setdefault((above, text), [len(shared), 0])
            found[1] += 1
            above = found[0]
    total = sum(len(text) for _, text in shared)
    if not total:
        return n / m
    unread = [math.comb(m - k, n) / math.comb(m, n) for k in range(m + 1)]
    return sum(len(text) * (1 - unread[k]) for (_, text), (_, k) in shared.items()) / total
