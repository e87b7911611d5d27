"""From the log-probabilities of a completion to the confidence of its steps."""

from __future__ import annotations

import math

from tts.protocols import Completion
from tts.types import TokenConfidence


def confidences(completion: Completion) -> list[TokenConfidence | None]:
    """Return the confidence of each step; None of each without log-probabilities.

    A server may count another number of tokens than it gives log-probabilities of; the last step has what is left.
    """
    steps, given = completion.steps, completion.logprobs
    if not given:
        return [None] * len(steps)
    tokens = [-math.fsum(value for _, value in each.top) / len(each.top) if each.top else -each.sampled
              for each in given]  # fmt: skip
    certain = [each.certainty for each in given]
    found, start = list[TokenConfidence | None](), 0
    for k, step in enumerate(steps):
        end = start + len(step.tokens) if k < len(steps) - 1 else len(given)
        sure = [value for value in certain[start:end] if value is not None]
        whole = tuple(sure) if len(sure) == len(certain[start:end]) else None
        found.append(TokenConfidence(tuple(tokens[start:end]), whole))
        start = end
    return found
