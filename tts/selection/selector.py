"""The compute-optimal selector: chooses the next move from the features of the samples and a profile.

The worth of a stage's bin is the best of stopping there, of an ending, and of advancing to a later stage and choosing
again there, each FLOP at a price:

    worth(bin) = max( right(bin),
                      right(search | bin) - price * flops(search | bin),
                      sum over bins' of chance(bin' | bin) * worth(bin') - price * flops(bin) )

A profile may have an estimate for each ending, a regression over the problem's own features. Then a problem that has
samples is judged by these and not by its bin's rates:

    stop, unless   max over endings of estimate(ending) - price * flops(ending)   is above its belief

and the best ending is begun with a look on the way, if there is one. The bins still say what is expected at a price.

The worth of a bin is computed backwards from the last stage (optimal stopping by backward induction; compute-optimal
scaling in the sense of arXiv 2408.03314 and 2502.06703, with an estimated difficulty). One price for all problems
divides a shared budget best: a FLOP that gains less than its price on one problem is not spent there.
"""

from __future__ import annotations

import bisect
import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from tts.selection.features import Evidence
from tts.selection.profile import Advance, Ending, Profile, Searches, Stage, StageKey

INDIFFERENCE = 0.005
"""Without a shared budget the whole budget is worth half a point of accuracy: among equal plans the cheapest wins."""

SAMPLING = ("best-of-n", "majority")
"""Strategies of independent samples, which continue from existing samples; others start a separate search."""

_SHORTEST = 0.75  # share of its measured width that a search must have left to be allowed
_PRICES = 16  # steps per doubling of a price
_CEILINGS = 4  # steps per doubling of a ceiling of FLOPs; costs are means, so finer steps are meaningless

Move = Advance | Ending | None
"""The next move; None is to stop."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Hard limits of moves.

    Attributes:
        n: limit of samples per problem, those of a search and those before it together.
        flops: limit of expected FLOPs of one move; the same limit is assumed for later moves.
    """

    n: int = 256
    flops: float = math.inf

    @classmethod
    def of(cls, n: int, flops: float = math.inf) -> Limits:
        """Round the FLOPs down, so that many problems share cached results."""
        if math.isinf(flops) or flops <= 0:
            return cls(n, max(flops, 0.0))
        return cls(n, 2.0 ** (math.floor(math.log2(flops) * _CEILINGS) / _CEILINGS))

    def width(self, stage: Stage, move: Advance | Ending) -> int:
        """Return how many samples a move may have, as its ``n`` counts them; 0 if they are too few for it.

        A separate search gets what the samples leave of the limit, if that is at least three quarters of its measured
        width.
        """
        if isinstance(move, Advance):
            return move.n if move.total <= self.n else 0
        room = self.n - (stage.total if separate_search(move) else stage.searches.width)
        if room >= move.n:
            return move.n
        return room if separate_search(move) and room >= _SHORTEST * move.n else 0

    def allow(self, stage: Stage, move: Move, bin: int) -> bool:
        """Return whether a move from a bin of a stage is within the limits."""
        if move is None:
            return stage.n > 0
        return move.flops[bin] <= self.flops and self.width(stage, move) > 0


@dataclass(frozen=True, slots=True)
class Choice:
    """A move from one bin of one stage, and its outcome if all later moves are chosen best.

    Attributes:
        move: the move.
        right: expected final accuracy; ``low`` and ``high`` are its 95 % interval.
        flops: expected cost from here on.
        worth: ``right`` minus the price of ``flops``.
    """

    move: Move
    right: float
    low: float
    high: float
    flops: float
    worth: float


@dataclass(frozen=True, slots=True)
class Best:
    """The best move from every bin of a stage, and its figures by bin."""

    choices: tuple[Choice, ...]
    right: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    flops: tuple[float, ...]

    @classmethod
    def of(cls, choices: tuple[Choice, ...]) -> Best:
        figures = [(choice.right, choice.low, choice.high, choice.flops) for choice in choices]
        return cls(choices, *zip(*figures, strict=True))


Moves = dict[StageKey, Best]
"""The best moves from every stage, by the stage's key."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision at a stage, and its basis.

    Attributes:
        stage, bin: stage and bin of the problem.
        belief: estimated probability that the vote of the samples is right; None without samples.
        difficulty: estimate of pass@1, and the interval of 90 % of the problems.
        options: every move within the limits, in the profile's order, then the blind endings.
        choice: the selected one.
        price: accuracy per FLOP.
        within: False if nothing was within the limits; the cheapest answer is selected nevertheless.
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
    """Select the best move from a stage.

    Args:
        profile: the measurements.
        stage: current stage, one of the profile's.
        evidence: the samples; None at the first stage.
        price: accuracy per FLOP.
        limits: limits from here on.
    """
    belief, difficulty, bin = None, None, 0
    if evidence is not None and stage.belief is not None:
        features = evidence.features()
        belief = stage.belief(features)
        bin = bisect.bisect_right(stage.edges, belief)
        difficulty = _difficulty(stage, features)
    moves = best_moves(profile, price, limits)
    options = _options(stage, bin, moves, price, limits)
    best = moves[stage.key].choices[bin]
    if belief is not None and estimated(stage):
        options = _own(stage, bin, options, belief, features, price)
        best = _best_of(stage, options, best)
    blind = tuple(
        _outcome(stage, bin, move, moves, price)
        for move in stage.endings
        if move.blind and limits.allow(stage, move, bin)
    )
    if options:
        return Decision(stage, bin, belief, difficulty, (*options, *blind), best, price)
    poor = min((move for move in stage.moves if limits.width(stage, move)), key=lambda move: move.flops[bin])
    choice = _outcome(stage, bin, poor, best_moves(profile, price, Limits(limits.n)), price)
    return Decision(stage, bin, belief, difficulty, (choice,), choice, price, within=False)


def rate(stage: Stage, evidence: Evidence) -> float | None:
    """Return how often the vote of such samples was right, as counted at that stage; None where nothing was."""
    if stage.belief is None:
        return None
    return stage.right.mean[bisect.bisect_right(stage.edges, stage.belief(evidence.features()))]


def estimated(stage: Stage) -> bool:
    """Return whether the endings of a stage have estimates for single problems."""
    return any(ending.estimate is not None for ending in stage.endings)


def _own(
    stage: Stage, bin: int, options: Sequence[Choice], belief: float, features: Mapping[str, float], price: float
) -> tuple[Choice, ...]:
    """Return the options with the rates of a problem with these features; a look has those of what it leads to.

    Stopping keeps the rate of its bin, which was counted. An ending has that rate plus what it gains by the estimates.
    """
    base = stage.right.mean[bin]
    own: list[float | None] = [_gain(choice.move, belief, features) for choice in options]
    known = [(option.move, rate) for option, rate in zip(options, own, strict=True) if isinstance(option.move, Ending)]
    for k, look in enumerate(options):
        if isinstance(look.move, Advance):
            ahead = [rate for move, rate in known if rate is not None and is_look(stage, look.move, move)]
            own[k] = max(ahead, default=None)
    pairs = zip(options, own, strict=True)
    return tuple(choice if gain is None else _moved(choice, base + gain, price) for choice, gain in pairs)


def _gain(move: Move, belief: float, features: Mapping[str, float]) -> float | None:
    """Return what a move gains over stopping by its estimate for these features; None if it has none."""
    if move is None:
        return 0.0
    return move.estimate(features) - belief if isinstance(move, Ending) and move.estimate is not None else None


def _moved(choice: Choice, right: float, price: float) -> Choice:
    """Return the choice with another rate, within 0..1, and an interval as wide as its bin's."""
    ends = right + choice.low - choice.right, right, right + choice.high - choice.right
    low, mean, high = (min(1.0, max(0.0, end)) for end in ends)
    return replace(choice, right=mean, low=low, high=high, worth=right - price * choice.flops)


def _best_of(stage: Stage, options: Sequence[Choice], spare: Choice) -> Choice:
    """Return the best of stopping and the estimated endings; the look on the way to an ending, where there is one."""
    known = [c for c in options if c.move is None or (isinstance(c.move, Ending) and c.move.estimate is not None)]
    best = max(known, key=lambda choice: (choice.worth, -choice.flops), default=spare)
    if not isinstance(best.move, Ending):
        return best
    return next((choice for choice in options if is_look(stage, choice.move, best.move)), best)


def is_look(stage: Stage, move: Move, ending: Ending) -> bool:
    """Return whether a move from a stage does what an ending would do first, and then looks."""
    if not isinstance(move, Advance):
        return False
    again = move.searches.runs > stage.searches.runs
    if separate_search(ending):
        return again and replace(move.searches, runs=0) == Searches(ending.strategy, ending.n, ending.parameters)
    return not again and move.scored == (ending.strategy == "best-of-n") and move.n <= ending.n


def separate_search(move: Advance | Ending) -> bool:
    """Return true if the move starts a separate search."""
    return isinstance(move, Ending) and move.strategy not in SAMPLING


@lru_cache(maxsize=32)
def without_searches(profile: Profile) -> Profile:
    """Return the profile without separate searches, for policies that only sample whole solutions."""
    return replace(profile, stages=tuple(_sampling_only(s) for s in profile.stages if not s.searches.runs))


def _sampling_only(stage: Stage) -> Stage:
    return replace(
        stage,
        advances=tuple(move for move in stage.advances if not move.searches.runs),
        endings=tuple(move for move in stage.endings if not separate_search(move)),
    )


@lru_cache(maxsize=32)
def without_unscored(profile: Profile) -> Profile:
    """Return the profile without unscored answers at its first stage; they stay as baselines."""
    first, *others = profile.stages
    endings = tuple(replace(m, blind=True) if m.strategy == "majority" else m for m in first.endings)
    return replace(profile, stages=(replace(first, endings=endings), *others))


@lru_cache(maxsize=2048)
def best_moves(profile: Profile, price: float, limits: Limits) -> Moves:
    """Compute the best move from every stage and bin at a ``price`` (accuracy per FLOP), by backward induction.

    Of moves of equal worth the cheaper one wins. If nothing is within the limits, not even stopping, the worth is minus
    infinity.
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
        chance, after = move.chance[bin], moves[move.key]
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
    """Return the expected result of a problem like the calibration data, from the first stage, at that price."""
    return best_moves(profile, price, limits)[profile.stages[0].key].choices[0]


def cheapest(profile: Profile) -> float:
    """Return the expected FLOPs of the cheapest answer."""
    return min(move.flops[0] for move in profile.stages[0].moves)


def price_for(profile: Profile, flops: float, limits: Limits) -> float:
    """Find the smallest price at which a problem is expected to cost at most ``flops``, by bisection.

    Prices are a sixteenth of a doubling apart. Returns 0 if even free FLOPs would not exceed ``flops``, and the highest
    price, which buys only the cheapest answer, if ``flops`` buy no answer.
    """
    if expected(profile, 0.0, limits).flops <= flops:
        return 0.0
    highest = 64 / cheapest(profile)  # at this price a certain answer is worth a 64th of the cheapest one's FLOPs
    low, high = 0, 64 * _PRICES  # steps down from the highest price
    while low < high:
        middle = (low + high + 1) // 2
        exceeds = expected(profile, _stepped(highest, middle), limits).flops > flops
        low, high = (low, middle - 1) if exceeds else (middle, high)
    return _stepped(highest, low)


def _stepped(highest: float, steps: int) -> float:
    return float(highest * 2.0 ** (-steps / _PRICES))


def price_of_budget(profile: Profile, limits: Limits) -> float:
    """Return the price for limits alone: the most expensive single move within them costs INDIFFERENCE."""
    first = profile.stages[0]
    plans: tuple[Advance | Ending, ...] = (*first.advances, *first.endings)
    within = [plan.flops[0] for plan in plans if limits.allow(first, plan, 0)]
    return INDIFFERENCE / max(within, default=cheapest(profile))
