"""Building of a profile from a pool, with figures on how good it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from importlib.metadata import version
from typing import Any

import numpy as np

from benchmarks.calibrate.evaluate import HeldOut, Quality, choose, quality
from benchmarks.calibrate.fit import Fit
from benchmarks.calibrate.optimism import lowered
from benchmarks.calibrate.reach import measured_scope
from benchmarks.calibrate.vote_choice import unmeasured_stage
from benchmarks.recordings.pool import Pool
from benchmarks.simulate.simulator import ORDERS, GradedSimulator, key_of
from benchmarks.stats.intervals import DIFFICULTIES, difficulty
from tts.errors import BadInput
from tts.records.words import count
from tts.selection.profile import Ending, Profile, Stage

FEWEST = 20
"""Smallest number of problems for a profile."""

WANTED = 200
"""Number of problems below which a note says that the profile is rough."""

NARROWEST = 2
"""Smallest number of samples per problem for a profile."""

DIGITS = 4
"""Digits of rates, probabilities and costs in a profile; two are significant. Bin borders keep more digits."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A profile and the figures of its fit.

    Attributes:
        profile: fitted to all problems.
        quality: quality of the estimates on held-out problems.
        held_out: accuracy and cost of the selector on held-out problems.
        plans: accuracy of every fixed plan, by difficulty and overall, and its mean FLOPs.
        notes: what a user should know, in sentences.
    """

    profile: Profile
    quality: tuple[Quality, ...]
    held_out: HeldOut
    plans: tuple[Mapping[str, Any], ...]
    notes: tuple[str, ...]


def calibrate(
    pool: Pool,
    *,
    policy: str = "",
    prm: str | None = None,
    orders: int = ORDERS,
    seed: int = 0,
    about: Mapping[str, Any] | None = None,
) -> Calibration:
    """Fit a profile to a pool.

    Args:
        pool: pool of a calibration split.
        policy: name of the policy, for recordings without one.
        prm: the reward model; ``""`` for a profile without one, whatever the pool has; None for that of the pool.
        orders, seed: see :class:`GradedSimulator`.
        about: further facts for the profile's ``about``.

    Raises:
        BadInput: too few problems or samples, or a model that is not the pool's.
    """
    _check(pool, policy, prm)
    scored = pool.scored and prm != ""
    graded = GradedSimulator.of(pool, orders, seed)
    shape, by, held_out = choose(graded, scored)
    fit = Fit(graded, scored=scored, shape=shape)
    found = quality(graded, scored)
    names = pool.policy or policy, (pool.prm if pool.prm not in ("", "unknown") else prm or "") if scored else ""
    facts = {
        **(about or {}),
        "version": version("tts-search"),
        "orders": orders,
        "seed": seed,
        "samples": pool.width,
        "shape": asdict(shape),
        "lowered": round(by, 3),
        "sampling": dict(pool.sampling),
        "runs": [_run(manifest) for manifest in pool.manifests if manifest],
        "quality": [{k: _round(v) for k, v in asdict(row).items()} for row in found],
        "notes": list(pool.notes),
    }
    profile = Profile(
        policy=names[0], prm=names[1],
        policy_parameters=pool.policy_parameters, prm_parameters=0,  # rows do not hold the reward model's size
        temperature=float(pool.sampling.get("temperature", 0.8)), top_p=float(pool.sampling.get("top_p", 1.0)),
        stages=fit.stages(), greedy=pool.greedy,
        dataset=pool.dataset, sha256=pool.sha256, problems=frozenset(entry.id for entry in pool.entries), about=facts,
        scope=measured_scope(pool.texts, *names),
    )  # fmt: skip
    profile = lowered(profile, by)
    profile = replace(profile, stages=tuple(map(rounded, profile.stages)))
    notes = pool.notes
    if len(pool.entries) < WANTED:
        notes = (*notes, f"{len(pool.entries)} problems make a rough profile: {WANTED} or more are better")
    return Calibration(profile, tuple(found), held_out, tuple(_plans(graded, profile)), notes)


def frontier(held_out: HeldOut) -> list[dict[str, float]]:
    """Return the selector's accuracy and cost at several prices, from high to low, and what its profile expected."""
    right, flops = held_out.right.mean(axis=1).tolist(), held_out.flops.mean(axis=1).tolist()
    expected = held_out.expected_right.tolist(), held_out.expected_flops.tolist()
    names = ("price", "accuracy", "flops", "expected_accuracy", "expected_flops")
    return [dict(zip(names, row, strict=True)) for row in zip(held_out.prices, right, flops, *expected, strict=True)]


def refuse_few(problems: int) -> None:
    """Raise BadInput for fewer problems than a profile needs."""
    if problems < FEWEST:
        few = f"{count(problems, 'problem')} {'is' if problems == 1 else 'are'} too few to calibrate on"
        raise BadInput(f"{few}: take {WANTED} or more, {FEWEST} at least.")


def _check(pool: Pool, policy: str, prm: str | None) -> None:
    refuse_few(len(pool.entries))
    if pool.width < NARROWEST:
        raise BadInput("one sample per problem is too few to calibrate on: draw 16 or more (--budget 16).")
    for kind, known, asked in (("policy", pool.policy, policy), ("reward model", pool.prm, prm)):
        if asked and asked != "auto" and known not in ("", "unknown", asked):
            raise BadInput(f"these runs are of the {kind} {known}, not of {asked}: name the runs of {asked}.")
    if prm and prm != "auto" and not pool.scored:
        raise BadInput(f"the samples of these runs have no scores: run best-of-n with --prm {prm} first.")
    if not (pool.policy or policy):
        raise BadInput("these recordings do not name their model: name it with --policy.")


def _run(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a run that a profile keeps: enough to repeat it."""
    settings = manifest.get("settings", {})
    wanted = ("policy sha256", "prm sha256", "strategies", "budget", "seed", "engine", "extract")
    return {name: settings[name] for name in wanted if settings.get(name) is not None}


def _plans(graded: GradedSimulator, profile: Profile) -> list[dict[str, Any]]:
    """Measure the fixed plans of the first stage."""
    start = unmeasured_stage(0, False)
    kinds = np.array([difficulty(entry.pass_at_1) for entry in graded.entries])
    rows = []
    for move in profile.stages[0].endings:
        right = graded.right(start, move).mean(axis=1)
        by = {kind: float(right[kinds == kind].mean()) if (kinds == kind).any() else None for kind in DIFFICULTIES}
        rows.append(
            {"strategy": key_of(move)[0], "n": move.n, "vote": move.vote, "aggregate": move.aggregate,
             "greedy": move.parameters.get("temperature") == 0,
             "accuracy": float(right.mean()), **by, "flops": float(graded.flops(start, move).mean())}
        )  # fmt: skip
    return rows


def rounded(stage: Stage) -> Stage:
    """Round the numbers of a stage; shares still sum to 1."""
    advances = tuple(
        replace(each, flops=_round(each.flops), chance=tuple(map(_shares, each.chance))) for each in stage.advances
    )
    endings: tuple[Ending, ...] = tuple(_round(each) for each in stage.endings)
    return replace(
        stage, share=_shares(stage.share),
        right=_round(stage.right),
        scale=_round(stage.scale), advances=advances, endings=endings,
    )  # fmt: skip


def _round(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if abs(value) > 1 else round(value, DIGITS)
    if isinstance(value, tuple):
        return tuple(map(_round, value))
    if isinstance(value, dict):
        return {key: _round(each) for key, each in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: _round(getattr(value, f.name)) for f in fields(value)})
    return value


def _shares(values: tuple[float, ...]) -> tuple[float, ...]:
    units = [round(value * 10**DIGITS) for value in values]
    units[units.index(max(units))] += 10**DIGITS - sum(units)
    return tuple(unit / 10**DIGITS for unit in units)
