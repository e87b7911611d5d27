"""Plays of the selector, and of strategies chosen beforehand, on the problems of a simulator.

The selector starts at the first stage, computes the bin of its belief, takes the best move of the profile, and repeats
until it stops or ends with a search, exactly as it does with an engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.simulate.features import Floats, Ints
from benchmarks.simulate.simulator import BEGINNING, Simulator, estimate, key_of
from tts.selection.profile import Advance, Ending, Profile, Stage
from tts.selection.selector import Limits, Move, Moves, best_moves, estimated, is_look


@dataclass(frozen=True, slots=True)
class Played:
    """Results of all problems and orders [P, S]: class of the final answer (-1 for none), cost.

    ``endings`` is the share of plays that ended in each way, such as ``"stop at 4 scored"``.
    """

    answers: Ints
    flops: Floats
    endings: dict[str, float]


def play(simulator: Simulator, profile: Profile, price: float, limits: Limits) -> Played:
    """Play every problem in every order with the selector, at ``price`` per FLOP. Right answers are not visible."""
    moves = best_moves(profile, price, limits)
    shape = len(simulator), simulator.orders
    answers, flops = np.full(shape, -1), np.zeros(shape)
    at = {stage.key: np.zeros(shape, dtype=bool) for stage in profile.stages}
    at[profile.stages[0].key][:] = True
    endings: dict[str, float] = {}
    for stage in profile.stages:
        if not at[stage.key].any():
            continue
        for move, chosen in _chosen(simulator, stage, moves, price, limits):
            here = at[stage.key] & chosen
            if not here.any():
                continue
            flops[here] += simulator.flops(stage, move)[here]
            if isinstance(move, Advance):
                at[move.key] |= here
            else:
                answers[here] = simulator.answers(stage, move)[here]
                way = words(stage, move)
                endings[way] = endings.get(way, 0.0) + float(here.mean())
    return Played(answers, flops, endings)


def _chosen(
    simulator: Simulator, stage: Stage, moves: Moves, price: float, limits: Limits
) -> Iterator[tuple[Move, NDArray[np.bool_]]]:
    """Yield moves from a stage, each with the problems and orders [P, S] that take it, as ``decide`` chooses them."""
    bins = simulator.bins(stage)
    if stage.belief is None or not estimated(stage):
        for bin, choice in enumerate(moves[stage.key].choices):
            yield choice.move, bins == bin
        return
    features, allowed = simulator.features(stage), range(len(stage.share))
    best, taken = simulator.beliefs(stage), np.zeros(bins.shape, dtype=np.int64)
    endings = [ending for ending in stage.endings if ending.estimate is not None and not ending.blind]
    for k, ending in enumerate(endings, 1):
        assert ending.estimate is not None
        within = np.array([limits.allow(stage, ending, bin) for bin in allowed])[bins]
        worth = estimate(ending.estimate, features) - price * np.array(ending.flops)[bins]
        better = within & (worth > best)
        best, taken = np.where(better, worth, best), np.where(better, k, taken)
    yield None, taken == 0
    for k, ending in enumerate(endings, 1):
        looks = (each for each in stage.advances if is_look(stage, each, ending))
        yield next(looks, ending), taken == k


def fixed(simulator: Simulator, ending: Ending) -> Played:
    """Play one strategy, chosen beforehand, on all problems."""
    return Played(
        simulator.answers(BEGINNING, ending), simulator.flops(BEGINNING, ending), {words(BEGINNING, ending): 1.0}
    )


def words(stage: Stage, move: Ending | None) -> str:
    """Describe how a play ended."""
    at = f"{stage.n}{' scored' if stage.scored else ''}"
    if stage.searches.runs:
        at += f" and {stage.searches.runs} of {'@'.join(map(str, key_of(stage.searches)))}"
    if move is None:
        return f"stop at {at}"
    return "@".join(map(str, key_of(move))) + (f" after {at}" if stage.n else "")
