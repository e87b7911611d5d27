"""Majority: sample N whole solutions and count their answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from strategies.best_of_n import BestOfN


@dataclass(frozen=True, slots=True, kw_only=True)
class Majority(BestOfN):
    """Self-consistency (Wang et al., arXiv 2203.11171): N samples, no reward model; the most common answer wins."""

    needs_reward: ClassVar[bool] = False
    takes_reward: ClassVar[bool] = False
    vote: ClassVar[str] = "majority"
