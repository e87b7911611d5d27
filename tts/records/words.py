"""Numbers in words."""

from __future__ import annotations


def likely(probability: float) -> str:
    """Format a probability; never as certain, for it is an estimate."""
    if probability < 0.01:
        return "less than 1 %"
    return "more than 99 %" if probability > 0.99 else f"{probability:.0%}"


def count(number: int, noun: str) -> str:
    """Format a count, such as "1 problem" or "1,000 problems"."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
