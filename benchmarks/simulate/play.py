"""Plays of the selector, and of strategies chosen beforehand, on the problems of a simulator.

The selector starts at the first stage, computes the bin of its belief, takes the best move of the profile, and repeats
until it stops or ends with a search, exactly as it does with an engine.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.simulate.features import Floats, Ints
from benchmarks.simulate.simulator import BEGINNING, Simulator, key_of
from tts.selection.profile import Advance, Ending, Profile, Stage
from tts.selection.selector import Limits, best_moves


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
        found = simulator.bins(stage)
        for bin, choice in enumerate(moves[stage.key].choices):
            here = at[stage.key] & (found == bin)
            if not here.any():
                continue
            flops[here] += simulator.flops(stage, choice.move)[here]
            if isinstance(choice.move, Advance):
                at[choice.move.key] |= here
            else:
                answers[here] = simulator.answers(stage, choice.move)[here]
                way = words(stage, choice.move)
                endings[way] = endings.get(way, 0.0) + float(here.mean())
    return Played(answers, flops, endings)


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
