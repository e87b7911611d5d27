"""Log-probabilities of a completion by step, and the confidence of a step."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tts.protocols import Completion
from tts.types import TokenConfidence, TokenLogprobs


def by_step(completion: Completion) -> list[tuple[TokenLogprobs, ...]]:
    """Return the log-probabilities of each step's tokens; empty without any.

    A server may count another number of tokens than it gives log-probabilities of; the last step has what is left.
    """
    steps, given = completion.steps, completion.logprobs
    found, start = list[tuple[TokenLogprobs, ...]](), 0
    for k, step in enumerate(steps):
        end = start + len(step.tokens) if k < len(steps) - 1 else len(given)
        found.append(given[start:end])
        start = end
    return found


def confidence(given: Sequence[TokenLogprobs], count: int) -> TokenConfidence:
    """Return the confidence of a step by the ``count`` likeliest alternatives at each of its tokens."""
    certain = [each.certainty for each in given if each.certainty is not None]
    tokens = tuple(_confidence(each, each.top[:count]) for each in given)
    return TokenConfidence(tokens, tuple(certain) if len(certain) == len(given) else None)


def _confidence(at: TokenLogprobs, top: Sequence[tuple[str, float]]) -> float:
    return -math.fsum(value for _, value in top) / len(top) if top else -at.sampled


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value below which so many percent lie, interpolated linearly; 0 without values."""
    ordered = sorted(values) or [0.0]
    part, low = math.modf((len(ordered) - 1) * percent / 100)
    below, above = ordered[int(low)], ordered[math.ceil(low + part)]
    return below + (above - below) * part
