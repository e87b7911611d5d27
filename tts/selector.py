"""The compute-optimal selector: from what the samples so far say to the next move, by a profile's measured curves.

The worth of a stage's bin is the best of stopping there, of finishing with a search, and of advancing to a later stage
and choosing again there, each FLOP at a price:

    worth(bin) = max( right(bin),
                      right(search | bin) - price * flops(search | bin),
                      sum over bins' of chance(bin' | bin) * worth(bin') - price * flops(bin) )

computed backwards from the last stage (optimal stopping by backward induction; compute-optimal scaling in the sense of
arXiv 2408.03314 and 2502.06703, with the difficulty estimated rather than known). One price for every problem is how a
pot of FLOPs is divided best: where a further FLOP would buy less than its price anywhere, it is not spent.
"""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass
from functools import lru_cache

from tts.profile import Advance, Finish, Profile, Stage

INDIFFERENCE = 0.005
"""Without a pot the whole budget is worth half a point of accuracy: of plans as good as that the cheapest is taken."""

Move = Advance | Finish | None
"""What to do next; None is to stop."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What may not be passed, whatever it would be worth.

    Attributes:
        n: most samples of one problem, those of a search counted with those before it.
        flops: most expected FLOPs from here on.
    """

    n: int = 256
    flops: float = math.inf

    def allow(self, stage: Stage, move: Move, bin: int) -> bool:
        """Whether a move from a bin of a stage stays within the limits."""
        if move is None:
            return stage.n > 0
        return samples(stage, move) <= self.n and move.flops[bin] <= self.flops


@dataclass(frozen=True, slots=True)
class Choice:
    """The best way on from one bin of one stage.

    Attributes:
        move: the next step.
        right: expected accuracy in the end.
        flops: expected cost from here on.
        worth: ``right`` less the price of ``flops``.
    """

    move: Move
    right: float
    flops: float
    worth: float


Policy = dict[tuple[int, bool], tuple[Choice, ...]]
"""The best way on from every bin of every stage, by the stage's key."""


def samples(stage: Stage, move: Advance | Finish) -> int:
    """How many samples there are after a move, a search's width counted as so many."""
    own = isinstance(move, Finish) and move.strategy not in ("best-of-n", "majority")
    return stage.n + move.n if own else move.n


def ways(stage: Stage) -> tuple[Advance | Finish, ...]:
    """The ways on from a stage."""
    return (*stage.advances, *stage.finishes)


def bin_of(edges: tuple[float, ...], value: float) -> int:
    """The bin that a value falls into."""
    return bisect.bisect_right(edges, value)


@lru_cache(maxsize=512)
def best_moves(profile: Profile, price: float, limits: Limits) -> Policy:
    """The best way on from everywhere, at a price of ``price`` (accuracy per FLOP), by backward induction.

    A stage that nothing leads on from, and that cannot be stopped at, has choices of worth minus infinity.
    """
    policy: Policy = {}
    for stage in reversed(profile.stages):
        policy[stage.key] = tuple(_best(stage, bin, policy, price, limits) for bin in range(len(stage.share)))
    return policy


def _best(stage: Stage, bin: int, policy: Policy, price: float, limits: Limits) -> Choice:
    best = Choice(None, 0.0, 0.0, -math.inf)
    for move in (None, *ways(stage)):
        if limits.allow(stage, move, bin):
            choice = _outcome(stage, bin, move, policy, price)
            if choice.worth > best.worth:
                best = choice
    return best


def _outcome(stage: Stage, bin: int, move: Move, policy: Policy, price: float) -> Choice:
    if move is None:
        return Choice(None, stage.right.mean[bin], 0.0, stage.right.mean[bin])
    right, flops = 0.0, move.flops[bin]
    if isinstance(move, Finish):
        right = move.right.mean[bin]
    else:
        for chance, after in zip(move.chance[bin], policy[move.n, move.scored], strict=True):
            if chance:
                right += chance * after.right
                flops += chance * after.flops
    return Choice(move, right, flops, right - price * flops)


def expected(profile: Profile, price: float, limits: Limits) -> Choice:
    """What a problem of the calibration data's kind comes to from the beginning, at that price."""
    first = profile.stages[0]
    return best_moves(profile, price, limits)[first.key][0]


@lru_cache(maxsize=512)
def price_for(profile: Profile, flops: float, limits: Limits) -> float:
    """The price at which a problem is expected to cost ``flops`` or just less, by bisection.

    Zero where even free FLOPs would not be spent beyond that.
    """
    if expected(profile, 0.0, limits).flops <= flops:
        return 0.0
    low, high = 0.0, 1.0 / cheapest(profile)  # at this price an answer that is surely right is not worth its cost
    for _ in range(60):
        middle = math.sqrt(max(low, high * 1e-12) * high)
        if expected(profile, middle, limits).flops > flops:
            low = middle
        else:
            high = middle
    return high


def cheapest(profile: Profile) -> float:
    """Expected FLOPs of the cheapest way to any answer."""
    return min(move.flops[0] for move in ways(profile.stages[0]))


def price_of_budget(profile: Profile, limits: Limits) -> float:
    """The price where nothing but the limits is given: the dearest single way within them costs INDIFFERENCE."""
    first = profile.stages[0]
    within = [move.flops[0] for move in ways(first) if limits.allow(first, move, 0)]
    return INDIFFERENCE / max(within, default=cheapest(profile))
