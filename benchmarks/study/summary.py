"""Output of the study: tables and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from benchmarks.stats.intervals import Interval, percentile
from benchmarks.study.claims import Claim, Row
from benchmarks.study.policy_study import PolicyStudy
from tts.commands.console import table
from tts.records.words import count
from tts.selection.selector import INDIFFERENCE


def printed(study: PolicyStudy) -> str:
    """Format the tables of one policy, and its claims."""
    compared, measured = study.compared, study.measured
    over = f"{len(measured.ids)} problems, {count(measured.seeds, 'seed')}"
    parts = [f"{measured.policy} with {measured.prm or 'no reward model'}, {over}", ""]
    parts += [table([_line(row, study) for row in study.rows]), ""]
    gains = [
        {
            "strategy": strategy,
            "N": n,
            "accuracy": f"{100 * right:.1f}",
            "FLOPs over the selector's": _times(ratio),
            "within half a point": _times(near),
        }
        for strategy in compared.fixed
        for (n, right, ratio), (_, _, near) in zip(
            compared.gains(strategy), compared.gains(strategy, INDIFFERENCE), strict=True
        )
    ]
    parts += [table(gains), ""]
    fewer = [p for each in measured.fixed.values() for p in each if p.seeds < measured.seeds]
    parts += [f"Of fewer seeds: {', '.join(f'{p.name} ({p.seeds})' for p in fewer)}.", ""] if fewer else []
    for each in study.difficulty:
        parts.append(
            f"Predicted pass@1 after {each.n} samples{', scored' if each.scored else ''}: rank correlation "
            f"{_plain(each.correlation)}, mean error {each.error.points().lstrip('+')}"
        )
        predicted = "  ".join(f"{100 * value:5.1f}" for value in each.predicted)
        parts += [f"  predicted  {predicted}", "  true       " + "  ".join(f"{100 * t.value:5.1f}" for t in each.true)]
    return "\n".join([*parts, "", verdicts(study.claims)])


def verdicts(claims: Sequence[Claim]) -> str:
    """Format one line per claim."""
    return "\n".join(f"{'holds ' if claim.holds else 'MISSED'}  {claim.what}: {claim.measured}" for claim in claims)


def recorded(study: PolicyStudy) -> dict[str, Any]:
    """Return the results of one policy as JSON types."""
    compared = study.compared
    fixed = {
        name: [
            {
                "name": point.name,
                "seeds": point.seeds,
                "flops": float(drawn.flops[0, k]),
                **_interval(percentile(drawn.right[:, k])),
            }
            for k, point in enumerate(sorted(study.measured.fixed[name], key=lambda p: float(p.flops.mean())))
        ]
        for name, drawn in compared.fixed.items()
    }
    return {
        "policy": study.measured.policy,
        "prm": study.measured.prm,
        "problems": len(study.measured.ids),
        "seeds": study.measured.seeds,
        "fixed": fixed,
        "selector": [asdict(row) for row in study.rows],
        "oracle": [{"right": float(p.right.mean()), "flops": float(p.flops.mean())} for p in study.oracle],
        "gains": {
            name: [{"n": n, "accuracy": right, **_interval(ratio)} for n, right, ratio in compared.gains(name)]
            for name in compared.fixed
        },
        "difficulty": [asdict(each) for each in study.difficulty],
        "claims": [asdict(claim) for claim in study.claims],
    }


def _line(row: Row, study: PolicyStudy) -> dict[str, Any]:
    gap = row.best.gain
    found: dict[str, Any] = {
        "budget": f"{row.budget:.2g}",
        "spent": f"{row.flops:.2g}",
        "right": f"{100 * row.accuracy.value:.1f}",
        "best fixed": row.best.strategy,
        "difference": "-" if gap is None else gap.points(),
    }
    by = {each.strategy: each.gain for each in row.gaps}
    for name in ("majority", "best-of-n"):
        gain = by.get(name)
        found[f"over {name}"] = "-" if gain is None else f"{100 * gain.value:+.1f}"
    oracle = study.oracle[study.rows.index(row)]
    found["oracle"] = f"{100 * oracle.right.mean():.1f} at {oracle.flops.mean():.2g}"
    top = sorted(row.endings.items(), key=lambda pair: -pair[1])[:3]
    return found | {"ends": ", ".join(f"{way} {100 * share:.0f} %" for way, share in top)}


def _times(ratio: Interval | None) -> str:
    return "never reached" if ratio is None else f"{ratio.value:.1f} [{ratio.low:.1f}, {ratio.high:.1f}]"


def _plain(value: Interval) -> str:
    return f"{value.value:.2f} [{value.low:.2f}, {value.high:.2f}]"


def _interval(found: Interval | None) -> dict[str, float | None]:
    return asdict(found) if found is not None else {"value": None, "low": None, "high": None}
