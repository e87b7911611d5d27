"""Consistency checks of a profile: parts that parse but that the selector could not work with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from tts.answers.aggregate import is_aggregation
from tts.selection.features import FEATURES, SCORE_FEATURES
from tts.selection.profile import Advance, Curve, Profile, Stage, StageKey

_SLACK = 1e-4  # tolerance of sums of shares, which are written with six digits


class Damaged(ValueError):
    """What is wrong with a profile, as the end of a sentence."""


def check(profile: Profile) -> None:
    """Raise Damaged if the parts of a profile are inconsistent."""
    seen: dict[StageKey, int] = {stage.key: k for k, stage in enumerate(profile.stages)}
    if not profile.stages or profile.stages[0].key != (0, False, 0) or len(seen) != len(profile.stages):
        raise Damaged("its stages must start with n = 0, each one once")
    first = profile.stages[0]
    if 1 not in [move.n for move in first.moves]:
        raise Damaged("its first stage has no move to a single sample")  # the smallest budget
    if profile.temperature < 0 or not 0 < profile.top_p <= 1:
        raise Damaged("its temperature or top_p is out of range")
    places = [
        f"stage {k} (n = {stage.n}{', scored' if stage.scored else ''})" for k, stage in enumerate(profile.stages)
    ]
    for stage, where in zip(profile.stages, places, strict=True):
        _check_stage(stage, where)
    for k, (stage, where) in enumerate(zip(profile.stages, places, strict=True)):
        for advance in stage.advances:
            at = seen.get(advance.key)
            if at is None or at <= k or advance.n < stage.n or (stage.scored and not advance.scored):
                raise Damaged(f"{where} leads to n = {advance.n}, which is not a later stage")
            after = profile.stages[at]
            _check_searches(advance, stage, after, where)
            _check_costs(advance.flops, stage, where)
            if len(advance.chance) != len(stage.share):
                raise Damaged(f"{where} has chances for a wrong number of bins")
            for chances in advance.chance:
                _check_shares(chances, len(after.share), f"the chances of {where}")


def _check_stage(stage: Stage, where: str) -> None:
    bins = len(stage.edges) + 1
    _check_shares(stage.share, bins, f"'share' of {where}")
    _check_edges(stage.edges, where)
    _check_rates(stage.right, bins, where)
    if stage.n == 0 and (bins > 1 or stage.belief is not None):
        raise Damaged(f"{where} is the first one and has more than one bin")
    if stage.n > 0 and stage.belief is None:
        raise Damaged(f"{where} lacks its belief")
    known = (*FEATURES, *SCORE_FEATURES) if stage.scored else FEATURES
    for estimator in (stage.belief, stage.difficulty, *(ending.estimate for ending in stage.endings)):
        if estimator is not None and (strange := sorted(set(estimator.weights) - set(known))):
            raise Damaged(f"{where} weighs {strange[0]!r}, which is not a feature of its samples")
    if (stage.difficulty is None) != (stage.scale is None):
        raise Damaged(f"{where} has only one of 'difficulty' and 'scale'")
    if stage.scale is not None:
        _check_edges(stage.scale.edges, where)
        _check_rates(stage.scale.found, len(stage.scale.edges) + 1, where)
    for ending in stage.endings:
        _check_costs(ending.flops, stage, where)
        _check_rates(ending.right, bins, where)
        if ending.n < 1:
            raise Damaged(f"{where} ends with {ending.strategy} of {ending.n} samples")
    for aggregate in (stage.aggregate, *(ending.aggregate for ending in stage.endings)):
        if not is_aggregation(aggregate):
            raise Damaged(f"{where} aggregates by {aggregate!r}, which is not an aggregation")


def _check_searches(move: Advance, stage: Stage, after: Stage, where: str) -> None:
    before, found = stage.searches, move.searches
    if found != after.searches or (before.runs and replace(before, runs=found.runs) != found):
        raise Damaged(f"{where} leads to other searches than those of the stage that it leads to")
    if found.runs - before.runs not in (0, 1) or (found.runs > before.runs and move.n != stage.n):
        raise Damaged(f"{where} leads to {found.runs} searches: a move is one search, or samples")
    if found.runs and (found.n < 1 or not after.scored):
        raise Damaged(f"{where} leads to searches that are not scored, or have no width")


def _check_edges(edges: Sequence[float], where: str) -> None:
    if any(a > b for a, b in pairwise(edges)):
        raise Damaged(f"the edges of {where} do not ascend")


def _check_shares(shares: Sequence[float], count: int, what: str) -> None:
    if len(shares) != count or min(shares) < 0 or abs(math.fsum(shares) - 1) > _SLACK:
        raise Damaged(f"{what} are not {count} shares of 1")


def _check_costs(flops: Sequence[float], stage: Stage, where: str) -> None:
    if len(flops) != len(stage.share) or min(flops) < 0:
        raise Damaged(f"{where} has costs that are not {len(stage.share)} numbers of FLOPs")


def _check_rates(curve: Curve, count: int, where: str) -> None:
    bins = list(zip(curve.mean, curve.low, curve.high, strict=False))
    if {len(curve.mean), len(curve.low), len(curve.high)} != {count}:
        raise Damaged(f"{where} does not have rates for {count} bins")
    if not all(0 <= low <= high <= 1 and low - _SLACK <= mean <= high + _SLACK for mean, low, high in bins):
        raise Damaged(f"{where} has rates that are not 0 <= low <= mean <= high <= 1")
