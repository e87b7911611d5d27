"""A profile small enough to calculate by hand.

Every problem is easy or hard, half of each. One sample costs 10 FLOPs, scoring what is at hand 1 a sample. The belief
after one sample is 0.5 for all; after two it tells easy problems (bin 1) from hard ones (bin 0).

    vote of 1 sample     0.6 right                    easy 0.9, hard 0.3
    vote of 2 samples    easy 0.95, hard 0.3
    vote of 4 samples    easy 0.97, hard 0.4
    beam-search, N = 4   easy 0.96, hard 0.7          100 FLOPs in addition
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tts.selection.estimator import Estimator
from tts.selection.profile import NO_SEARCHES, Advance, Curve, Ending, Profile, Scale, Searches, Stage


def curve(*rates: float, slack: float = 0.02) -> Curve:
    low, high = ([min(1.0, max(0.0, round(rate + by, 6))) for rate in rates] for by in (-slack, slack))
    return Curve(rates, tuple(low), tuple(high))


AGREES = Estimator(0.0, {"agreement": 2.0})
SCALE = Scale((0.5,), Curve((0.3, 0.9), (0.1, 0.7), (0.5, 1.0)))
KNOWN: dict[str, Any] = {"belief": AGREES, "difficulty": AGREES, "scale": SCALE}


def toy_profile(**changes: Any) -> Profile:
    beam: dict[str, Any] = {"strategy": "beam-search", "n": 4, "parameters": {"beam_width": 2}}
    stages = (
        Stage(
            0, False, (), (1.0,), curve(0.0, slack=0.0),
            advances=(Advance(1, False, (10.0,), ((1.0,),)), Advance(2, False, (20.0,), ((0.5, 0.5),))),
            endings=(Ending(right=curve(0.83), flops=(100.0,), **beam),),
        ),
        Stage(
            1, False, (), (1.0,), curve(0.6), **KNOWN,
            advances=(Advance(2, False, (10.0,), ((0.5, 0.5),)),),
        ),
        Stage(
            2, False, (0.5,), (0.5, 0.5), curve(0.3, 0.95), **KNOWN,
            advances=(Advance(4, False, (20.0, 20.0), ((0.9, 0.1), (0.1, 0.9))),),
            endings=(Ending(right=curve(0.7, 0.96), flops=(100.0, 100.0), **beam),),
        ),
        Stage(4, False, (0.5,), (0.5, 0.5), curve(0.4, 0.97), **KNOWN),
    )  # fmt: skip
    settings: dict[str, Any] = {
        "policy": "toy", "prm": "toy-prm", "policy_parameters": 1000, "prm_parameters": 1000, "temperature": 0.8,
        "top_p": 1.0, "stages": stages, "dataset": "by hand",
    }  # fmt: skip
    return Profile(**settings | changes)


def ladder(policy: str, prm: str) -> Profile:
    """A profile that leads everywhere, in FLOPs of the tests' tiny models: looks, scores, searches, stops.

    Beyond the samples' agreement there is nothing behind its figures.
    """

    def search(strategy: str, n: int, *right: float) -> Ending:
        flops = tuple(1e5 * n for _ in right)
        parameters = {} if strategy == "best-of-n" else {"beam_width": 2, "max_steps": 12}
        return Ending(strategy, n, curve(*right), flops, parameters=parameters)

    scored: dict[str, Any] = {"vote": "weighted", "aggregate": "min"}
    halves, rates = (0.5, 0.5), curve(0.3, 0.9)
    greedy = Ending("majority", 1, curve(0.4), (5e4,), "majority", parameters={"temperature": 0.0})
    stages = (
        Stage(
            0, False, (), (1.0,), curve(0.0, slack=0.0),
            advances=(Advance(1, False, (9e4,), ((1.0,),)), Advance(2, False, (2e5,), (halves,))),
            endings=(greedy, search("best-of-n", 8, 0.7)),
        ),
        Stage(1, False, (), (1.0,), curve(0.5), **KNOWN, advances=(Advance(2, False, (1e5,), (halves,)),)),
        Stage(
            2, False, (0.6,), halves, rates, **KNOWN,
            advances=(Advance(2, True, (1e4, 1e4), ((0.9, 0.1), (0.1, 0.9))),),
        ),
        Stage(
            2, True, (0.6,), halves, rates, **KNOWN, **scored,
            advances=(Advance(4, True, (2e5, 2e5), ((0.9, 0.1), (0.1, 0.9))),),
            endings=(search("dvts", 4, 0.5, 0.9),),
        ),
        Stage(4, True, (0.6,), halves, rates, **KNOWN, **scored, endings=(search("beam-search", 4, 0.8, 0.9),)),
    )  # fmt: skip
    return toy_profile(policy=policy, prm=prm, stages=stages, policy_parameters=0, prm_parameters=0)


def repeating(policy: str, prm: str, runs: int = 2) -> Profile:
    """A profile whose only way on from two scored samples is a particle filter of two, again and again.

    What agrees is stopped: it is surely right. What does not is right more often after each run.
    """
    scored: dict[str, Any] = {"vote": "weighted", "aggregate": "last"}
    start = Stage(
        0, False, (), (1.0,), curve(0.0, slack=0.0), advances=(Advance(2, True, (2e5,), ((0.5, 0.5),)),),
        endings=(Ending("majority", 1, curve(0.2), (5e4,), "majority"),),
    )  # fmt: skip
    stages = [start]
    for done in range(runs + 1):
        after = Searches("particle-filter", 2, {"max_steps": 12}, done + 1)
        more = Advance(2, True, (1e5, 1e5), ((0.5, 0.5), (0.0, 1.0)), after)
        found: dict[str, Any] = {
            "searches": replace(after, runs=done) if done else NO_SEARCHES,
            "advances": (more,) if done < runs else (),
        }
        rates = curve(round(0.1 + 0.1 * done, 6), 0.9)
        stages.append(Stage(2, True, (0.6,), (0.5, 0.5), rates, **KNOWN, **scored, **found))
    return toy_profile(policy=policy, prm=prm, stages=tuple(stages), policy_parameters=0, prm_parameters=0)
