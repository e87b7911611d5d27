"""Summary of a calibration as JSON and as tables."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.calibrate.build import Calibration, frontier
from benchmarks.stats.intervals import DIFFICULTIES
from tts.answers.aggregate import AGGREGATES, short
from tts.commands.console import table
from tts.records.words import count
from tts.search.variant import name_of
from tts.selection.profile import Profile


def as_row(found: Calibration, path: Path) -> dict[str, Any]:
    """Return the summary as JSON types."""
    profile = found.profile
    return {
        "profile": str(path),
        "policy": profile.policy,
        "prm": profile.prm,
        "problems": len(profile.problems),
        "plans": list(found.plans),
        "selector": frontier(found.held_out),
        "quality": [asdict(row) for row in found.quality],
        "notes": list(found.notes),
    }


def printed(found: Calibration, path: Path) -> str:
    """Format the summary as tables."""
    profile = found.profile
    models = profile.policy + (f" with {profile.prm}" if profile.prm else ", no reward model")
    plans = [
        {
            "plan": f"{row['strategy']} N = {row['n']}" + " greedy" * row["greedy"],
            "vote": row["vote"] + (f" {short(row['aggregate'])}" if row["vote"] != "majority" else ""),
            "right %": _percent(row["accuracy"]),
            **{f"{kind} %": _percent(row[kind]) for kind in DIFFICULTIES},
            "FLOPs": f"{row['flops']:.3g}",
        }
        for row in found.plans
    ]
    reached = [
        {
            "price of a FLOP": f"{row['price']:.1e}",
            "right %": _percent(row["accuracy"]),
            "FLOPs": f"{row['flops']:.3g}",
            "expected %": _percent(row["expected_accuracy"]),
            "expected FLOPs": f"{row['expected_flops']:.3g}",
        }
        for row in frontier(found.held_out)
    ]
    estimates = [
        {
            "after": f"{row.n} samples" + " scored" * row.scored,
            "Brier": f"{row.brier:.3f}",
            "of the mean": f"{row.ground:.3f}",
            "log loss": f"{row.log_loss:.3f}",
            "difficulty off by": f"{row.error:.3f}",
            "rank correlation": f"{row.rank:.2f}",
        }
        for row in found.quality
    ]
    size = path.stat().st_size / 1000
    return "\n".join(
        [
            f"{models}: {count(len(profile.problems), 'problem')} of {profile.dataset or 'recordings'}",
            "",
            "One plan for all problems (easy, medium, hard: pass@1 of 50, 10, 0 % and up):",
            table(plans),
            "",
            *_fitted(found),
            *_part(
                "The selector on problems its profile was not fitted to (five folds), and what it expected:", reached
            ),
            *_part("The estimates on such problems:", estimates),
            *_repeated(profile),
            f"Written to {path}, {size:.0f} kB.",
        ]
    )


def _fitted(found: Calibration) -> list[str]:
    """Return the lines about a fitted aggregation, for use with fixed strategies too."""
    names = {row["aggregate"] for row in found.plans if row["vote"] != "majority"} - AGGREGATES.keys()
    title = "The probability that a solution is right, fitted to its step scores:"
    return [title, *(f"  --aggregate {name}" for name in sorted(names)), ""] if names else []


def _repeated(profile: Profile) -> list[str]:
    """Return the lines about a search that the selector may run several times."""
    search = max((stage.searches for stage in profile.stages), key=lambda searches: searches.runs)
    if not search.runs:
        return []
    name = name_of(search.strategy, search.parameters)
    return [f"The selector may run {name} N = {search.n} up to {search.runs} times, with a look after each.", ""]


def _part(title: str, rows: list[dict[str, Any]]) -> list[str]:
    """Return the lines of a table; it has no rows if there were too few samples."""
    return [title, table(rows) if rows else "nothing: it takes four samples of a problem or more.", ""]


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"
