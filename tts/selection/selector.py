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
import operator
from dataclasses import dataclass, replace
from functools import lru_cache

from tts.selection.features import Evidence
from tts.selection.profile import Advance, Ending, Profile, Stage

INDIFFERENCE = 0.005
"""Without a pot the whole budget is worth half a point of accuracy: of plans as good as that the cheapest is taken."""

SAMPLING = ("best-of-n", "majority")
"""Strategies of independent samples, which go on from those at hand; any other searches beside them."""

_SHORTEST = 0.75  # the part of a search's width that it must have left to be taken for the one that was measured
_PRICES = 16  # steps from a price to its double
_CEILINGS = 4  # steps from a ceiling of FLOPs to its double: costs are means, so that a finer one would mean nothing

Move = Advance | Ending | None
"""What to do next; None is to stop."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What may not be passed, whatever it would be worth.

    Attributes:
        n: most samples of one problem, those of a search counted with those before it.
        flops: most expected FLOPs of one move; looking ahead, every later move is taken to have as much.
    """

    n: int = 256
    flops: float = math.inf

    @classmethod
    def of(cls, n: int, flops: float = math.inf) -> Limits:
        """Limits whose FLOPs are rounded down, so that many problems share what is computed for one."""
        if math.isinf(flops) or flops <= 0:
            return cls(n, max(flops, 0.0))
        return cls(n, 2.0 ** (math.floor(math.log2(flops) * _CEILINGS) / _CEILINGS))

    def width(self, stage: Stage, move: Advance | Ending) -> int:
        """How many samples a move may have, as its own ``n`` counts them; 0 where they are too few for it.

        A search beside the samples at hand has what these leave of the limit, where that is three quarters of the
        width that was measured.
        """
        room = self.n - (stage.n if separate_search(move) else 0)
        if room >= move.n:
            return move.n
        return room if separate_search(move) and room >= _SHORTEST * move.n else 0

    def allow(self, stage: Stage, move: Move, bin: int) -> bool:
        """Whether a move from a bin of a stage stays within the limits."""
        if move is None:
            return stage.n > 0
        return move.flops[bin] <= self.flops and self.width(stage, move) > 0


@dataclass(frozen=True, slots=True)
class Choice:
    """A way on from one bin of one stage, and what comes of it when all that follows is chosen best.

    Attributes:
        move: the next step.
        right: expected accuracy in the end, and ``low`` and ``high`` its 95 % interval.
        flops: expected cost from here on.
        worth: ``right`` less the price of ``flops``.
    """

    move: Move
    right: float
    low: float
    high: float
    flops: float
    worth: float


@dataclass(frozen=True, slots=True)
class Best:
    """The best way on from every bin of a stage, and their figures, each over the bins."""

    choices: tuple[Choice, ...]
    right: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    flops: tuple[float, ...]

    @classmethod
    def of(cls, choices: tuple[Choice, ...]) -> Best:
        figures = [(choice.right, choice.low, choice.high, choice.flops) for choice in choices]
        return cls(choices, *zip(*figures, strict=True))


Moves = dict[tuple[int, bool], Best]
"""The best ways on from every stage, by the stage's key."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided at a stage, and what it was decided from.

    Attributes:
        stage, bin: where the problem stands.
        belief: the estimated chance that the vote of the samples at hand is right; None before there are any.
        difficulty: the estimate of pass@1, and the interval that holds nine problems of ten.
        options: every way on within the limits, in the profile's order, and behind them the blind plans.
        choice: the one that is taken.
        price: accuracy a FLOP.
        within: False where nothing was within the limits, and the cheapest answer is taken all the same.
    """

    stage: Stage
    bin: int
    belief: float | None
    difficulty: tuple[float, float, float] | None
    options: tuple[Choice, ...]
    choice: Choice
    price: float
    within: bool = True


def decide(profile: Profile, stage: Stage, evidence: Evidence | None, price: float, limits: Limits) -> Decision:
    """The best way on from a stage.

    Args:
        profile: what was measured.
        stage: where the problem stands; one of the profile's.
        evidence: what the samples say; None at the beginning.
        price: accuracy a FLOP.
        limits: what may not be passed from here on.
    """
    belief, difficulty, bin = None, None, 0
    if evidence is not None and stage.belief is not None:
        features = evidence.features()
        belief = stage.belief(features)
        bin = bisect.bisect_right(stage.edges, belief)
        difficulty = _difficulty(stage, features)
    moves = best_moves(profile, price, limits)
    options = _options(stage, bin, moves, price, limits)
    blind = tuple(
        _outcome(stage, bin, move, moves, price)
        for move in stage.endings
        if move.blind and limits.allow(stage, move, bin)
    )
    best = moves[stage.key].choices[bin]
    if options:
        return Decision(stage, bin, belief, difficulty, (*options, *blind), best, price)
    poor = min((move for move in stage.moves if limits.width(stage, move)), key=lambda move: move.flops[bin])
    choice = _outcome(stage, bin, poor, best_moves(profile, price, Limits(limits.n)), price)
    return Decision(stage, bin, belief, difficulty, (choice,), choice, price, within=False)


def separate_search(move: Advance | Ending) -> bool:
    """Whether a move is a search of its own, which the samples at hand only stand beside."""
    return isinstance(move, Ending) and move.strategy not in SAMPLING


@lru_cache(maxsize=32)
def without_searches(profile: Profile) -> Profile:
    """The profile for one who can only sample whole solutions."""
    stages = (
        replace(s, endings=tuple(move for move in s.endings if not separate_search(move))) for s in profile.stages
    )
    return replace(profile, stages=tuple(stages))


@lru_cache(maxsize=2048)
def best_moves(profile: Profile, price: float, limits: Limits) -> Moves:
    """The best way on from everywhere, at a price of ``price`` (accuracy per FLOP), by backward induction.

    Of ways of equal worth the cheaper one is taken. Where nothing is within the limits, not even to stop, the choice
    has a worth of minus infinity.
    """
    moves: Moves = {}
    for stage in reversed(profile.stages):
        bins = range(len(stage.share))
        moves[stage.key] = Best.of(tuple(_best(stage, bin, moves, price, limits) for bin in bins))
    return moves


def _best(stage: Stage, bin: int, moves: Moves, price: float, limits: Limits) -> Choice:
    options = _options(stage, bin, moves, price, limits)
    nothing = Choice(None, 0.0, 0.0, 0.0, 0.0, -math.inf)
    return max(options, key=lambda choice: (choice.worth, -choice.flops), default=nothing)


def _options(stage: Stage, bin: int, moves: Moves, price: float, limits: Limits) -> tuple[Choice, ...]:
    every: tuple[Move, ...] = (None, *stage.moves)
    return tuple(_outcome(stage, bin, move, moves, price) for move in every if limits.allow(stage, move, bin))


def _outcome(stage: Stage, bin: int, move: Move, moves: Moves, price: float) -> Choice:
    if isinstance(move, Advance):
        chance, after = move.chance[bin], moves[move.n, move.scored]
        right, low, high = _mean(chance, after.right), _mean(chance, after.low), _mean(chance, after.high)
        flops = move.flops[bin] + _mean(chance, after.flops)
    else:
        curve, flops = (stage.right, 0.0) if move is None else (move.right, move.flops[bin])
        right, low, high = curve.mean[bin], curve.low[bin], curve.high[bin]
    return Choice(move, right, low, high, flops, right - price * flops)


def _mean(chance: tuple[float, ...], values: tuple[float, ...]) -> float:
    return float(sum(map(operator.mul, chance, values)))


def _difficulty(stage: Stage, features: dict[str, float]) -> tuple[float, float, float] | None:
    if stage.difficulty is None or stage.scale is None:
        return None
    found = stage.scale.found
    at = bisect.bisect_right(stage.scale.edges, stage.difficulty(features))
    return found.mean[at], found.low[at], found.high[at]


# --------------------------------------------------------------------------------------------------------- the prices


def expected(profile: Profile, price: float, limits: Limits) -> Choice:
    """What a problem of the calibration data's kind comes to from the beginning, at that price."""
    return best_moves(profile, price, limits)[profile.stages[0].key].choices[0]


def cheapest(profile: Profile) -> float:
    """Expected FLOPs of the cheapest way to any answer."""
    return min(move.flops[0] for move in profile.stages[0].moves)


def price_for(profile: Profile, flops: float, limits: Limits) -> float:
    """The least price at which a problem is expected to cost no more than ``flops``, by bisection.

    Prices are a sixteenth of a doubling apart. Zero where even free FLOPs would not be spent beyond ``flops``; where
    these buy no answer at all the price is the highest, at which only the cheapest answer is bought.
    """
    if expected(profile, 0.0, limits).flops <= flops:
        return 0.0
    highest = 64 / cheapest(profile)  # a sure answer is not worth a sixty-fourth of the cheapest one's FLOPs
    low, high = 0, 64 * _PRICES  # steps down from the highest price: dear ones first
    while low < high:
        middle = (low + high + 1) // 2
        dear = expected(profile, _stepped(highest, middle), limits).flops > flops
        low, high = (low, middle - 1) if dear else (middle, high)
    return _stepped(highest, low)


def _stepped(highest: float, steps: int) -> float:
    return float(highest * 2.0 ** (-steps / _PRICES))


def price_of_budget(profile: Profile, limits: Limits) -> float:
    """The price where nothing but the limits is given: the dearest single way within them costs INDIFFERENCE."""
    first = profile.stages[0]
    plans: tuple[Advance | Ending, ...] = (*first.advances, *first.endings)
    within = [plan.flops[0] for plan in plans if limits.allow(first, plan, 0)]
    return INDIFFERENCE / max(within, default=cheapest(profile))
