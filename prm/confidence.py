"""Confidence of the policy in its own tokens as a reward model (DeepConf, arXiv 2508.15260)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

from tts.cost import ModelShape
from tts.errors import BadInput, EngineError, UnknownName
from tts.protocols import RewardModel
from tts.types import Node, Problem

GROUP = 2048
"""Tokens of a group in the paper."""

LARGEST = 50.0
"""Confidences are divided by this, so that scores lie in 0 to 1; it changes no vote and no rank."""


class Confidence(RewardModel):
    """A reward model that scores each prefix by how the policy sampled it; it costs nothing.

    The confidence of a token is minus the mean log-probability of its 20 likeliest alternatives: large where one of
    them has most of the probability.

    Args:
        kind: ``mean`` of all tokens; ``tail``, the mean of the last ``window``; ``lowest-group``, the least mean of
            any ``window`` successive tokens; ``bottom``, the mean of the lowest tenth of these; ``self-certainty``
            over the whole vocabulary (arXiv 2502.18581), where the engine knows it.
        window: tokens of a group; a shorter prefix is one group.

    Raises:
        UnknownName: an unknown kind. BadInput: a window that is not a whole number of at least 1.
    """

    background = True
    concurrent = True
    counted = True
    logprobs = 20

    def __init__(self, kind: str, window: int = GROUP) -> None:
        if kind not in KINDS:
            raise UnknownName("confidence", kind, KINDS)
        if isinstance(window, bool) or not isinstance(window, int) or window < 1:
            raise BadInput(f"the window of a confidence must be a whole number of tokens, 1 or more, not {window!r}.")
        self.kind, self.window, self.whole_vocabulary = kind, window, kind == "self-certainty"
        self.name = f"confidence:{kind}" + (f":{window}" if window != GROUP else "")
        self.shape = ModelShape(parameters=0, active=0, layers=0, width=0)

    def lengths(self, problem: Problem, node: Node) -> list[int]:
        return [0] * (1 + node.depth)

    async def score(self, problem: Problem, node: Node, seen: int) -> tuple[float, ...]:
        """Score the prefix up to each step. Raises EngineError where the policy gave no log-probabilities."""
        values, ends = list[float](), list[int]()
        for above in node.path:
            known = above.confidence
            tokens = None
            if known is not None:
                tokens = known.certainty if self.kind == "self-certainty" else known.tokens
            if tokens is None:
                raise EngineError(self._missing())
            values += tokens
            ends.append(len(values))
        read = KINDS[self.kind]
        scores = [read(values[:end], self.window) if end else 0.0 for end in ends[seen:]]
        return tuple(min(max(score / LARGEST, 0.0), 1.0) for score in scores)

    def _missing(self) -> str:
        if self.kind == "self-certainty":
            return (
                f"{self.name} needs the whole vocabulary, which only the transformers engine knows: choose "
                "confidence:mean."
            )
        return (
            f"the policy's server gives no log-probabilities, which {self.name} needs: use majority, or another server."
        )


def groups(values: Sequence[float], window: int) -> list[float]:
    """Return the mean of every ``window`` successive values; of all of them if they are fewer."""
    size = min(window, len(values))
    sums = [0.0, *accumulate(values)]
    return [(sums[k + size] - sums[k]) / size for k in range(len(values) - size + 1)]


def bottom(values: Sequence[float], window: int) -> float:
    """Return the mean of the lowest tenth of the groups, at least one."""
    ordered = sorted(groups(values, window))
    lowest = ordered[: max(1, len(ordered) // 10)]
    return math.fsum(lowest) / len(lowest)


def mean(values: Sequence[float], window: int) -> float:
    return math.fsum(values) / len(values)


KINDS: dict[str, Callable[[Sequence[float], int], float]] = {
    "mean": mean,
    "tail": lambda values, window: mean(values[-window:], window),
    "lowest-group": lambda values, window: min(groups(values, window)),
    "bottom": bottom,
    "self-certainty": mean,
}


def load(text: str, **parameters: Any) -> Confidence:
    """Return the reward model of ``confidence:KIND`` or ``confidence:KIND:WINDOW``. Raises UnknownName or BadInput."""
    for parameter in parameters:
        if parameter != "window":
            raise UnknownName("parameter of a confidence", parameter, ("window",))
    kind, colon, window = text.partition(":")
    if colon:
        if not window.isdecimal():
            raise BadInput(f"the window {window!r} is no number of tokens: write confidence:{kind}:256.")
        parameters = {"window": int(window), **parameters}
    return Confidence(kind, **parameters)
