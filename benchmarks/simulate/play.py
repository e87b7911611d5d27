"""Plays: what a selector, or a strategy fixed beforehand, makes of the problems of a deck.

The selector begins at the beginning, looks at the bin of its belief, takes the move that its profile says is best
there, and so on until it stops or finishes, exactly as it does beside an engine.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.simulate.features import Floats, Ints
from benchmarks.simulate.simulator import BEGINNING, Deck
from tts.selection.profile import Advance, Finish, Profile, Stage
from tts.selection.selector import Limits, best_moves


@dataclass(frozen=True, slots=True)
class Played:
    """How the problems went [P, S]: the class of equal answers each ended with, -1 for none, its cost, its samples.

    ``ways`` counts how each ended: by the number of samples and the finish, such as ``"stop at 4 scored"``.
    """

    answers: Ints
    flops: Floats
    ways: dict[str, float]


def play(deck: Deck, profile: Profile, price: float, limits: Limits) -> Played:
    """Let the selector play every problem in every order, each FLOP at ``price``. No answer is known to be right."""
    moves = best_moves(profile, price, limits)
    shape = len(deck), deck.orders
    answers, flops = np.full(shape, -1), np.zeros(shape)
    at = {stage.key: np.zeros(shape, dtype=bool) for stage in profile.stages}
    at[profile.stages[0].key][:] = True
    ways: dict[str, float] = {}
    for stage in profile.stages:
        if not at[stage.key].any():
            continue
        found = deck.bins(stage)
        for bin, choice in enumerate(moves[stage.key].choices):
            here = at[stage.key] & (found == bin)
            if not here.any():
                continue
            flops[here] += deck.flops(stage, choice.move)[here]
            if isinstance(choice.move, Advance):
                at[choice.move.n, choice.move.scored] |= here
            else:
                answers[here] = deck.answers(stage, choice.move)[here]
                way = words(stage, choice.move)
                ways[way] = ways.get(way, 0.0) + float(here.mean())
    return Played(answers, flops, ways)


def fixed(deck: Deck, finish: Finish) -> Played:
    """One strategy for all problems, chosen beforehand."""
    return Played(deck.answers(BEGINNING, finish), deck.flops(BEGINNING, finish), {words(BEGINNING, finish): 1.0})


def words(stage: Stage, move: Finish | None) -> str:
    """How a play ended."""
    at = f"{stage.n}{' scored' if stage.scored else ''}"
    if move is None:
        return f"stop at {at}"
    return f"{move.strategy}@{move.n}" + (f" after {at}" if stage.n else "")
