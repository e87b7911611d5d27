"""The sentences of a report, as text. The page and the summary share them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.report.curves import Curve, shared, versus
from benchmarks.report.plot import power
from benchmarks.report.runs import Runs
from benchmarks.stats.intervals import Interval
from tts import __version__


def title_of(runs: Runs, curves: Sequence[Curve]) -> str:
    """Name the data and the policies."""
    return " · ".join([", ".join(datasets(runs)) or "problems", ", ".join(models(curves, "policy")) or "search"])


def datasets(runs: Runs) -> list[str]:
    """List the names of the data sets."""
    return sorted({outcome.dataset for outcome in runs.problems.values() if outcome.dataset})


def models(curves: Sequence[Curve], which: str) -> list[str]:
    """List the policies (``"policy"``) or reward models (``"prm"``) of a report."""
    names = (curve.arm.policy if which == "policy" else curve.arm.prm for curve in curves)
    return list(dict.fromkeys(filter(None, names)))


def lead(runs: Runs, curves: Sequence[Curve]) -> str:
    """Say what was run."""
    prms = models(curves, "prm")
    used = f"policy {', '.join(models(curves, 'policy'))}" + (f", reward model {', '.join(prms)}" if prms else "")
    return f"{', '.join(datasets(runs) or ['unnamed problems'])}, {len(runs.problems)} problems; {used}."


def headline(curves: Sequence[Curve]) -> str:
    """Name the highest method and its gain over a single sample of the same policy; empty without samples."""
    best = next((curve for curve in curves if not curve.bound), None)
    alone = [p for c in curves if best and c.arm.independent and c.arm.policy == best.arm.policy and (p := c.at(1))]
    if best is None or best.top.n == 1 or not alone or not shared([best.top, alone[0]]):
        return ""
    return (
        f"Highest is {best.name} at N = {best.top.n}: {best.top.accuracy.percent()} of the problems are right, "
        f"{versus(best.top, alone[0]).points()} against one sample ({alone[0].accuracy.percent()})."
    )


def warnings(runs: Runs, curves: Sequence[Curve]) -> Iterator[str]:
    """Yield what a reader must know before the figures."""
    if runs.part:
        yield f"This is a part of the data set ({runs.part}); results on the whole may differ."
    drawn = [curve.top for curve in curves]
    common = len(shared(drawn))
    most = max(len(point.ids) for point in drawn)
    if any(len(point.ids) < most for curve in curves for point in curve.points):
        yield (
            f"The methods were not run on the same problems: between {min(len(p.ids) for p in drawn)} and {most} each, "
            f"{common} in common. Differences are computed over those that two methods share."
        )
    failed = {curve.name: failures for curve in curves if (failures := curve.top.failed)}
    if failed:
        listed = ", ".join(f"{name} {count}" for name, count in failed.items())
        yield f"Problems that ended in an error count as wrong: {listed}."


def table_note(curves: Sequence[Curve]) -> str:
    """Explain the main table."""
    text = "Per cent of problems right, with 95 % intervals; cost a problem at the largest N. "
    if any(point.derived for curve in curves for point in curve.points):
        text += (
            "Best-of-n and majority were sampled once at their largest N; a smaller N is the unbiased mean over "
            "subsets of those samples, at the cost of that many samples. Searches were run at each N."
        )
    return text.strip()


DIFFERENCES = (
    "Difference in percentage points over the same problems, with the paired bootstrap's 95 % interval. An interval "
    "that holds zero shows no clear difference. The intervals are not adjusted for the number of pairs."
)


def cases_note(count: int) -> str:
    """Explain the list of problems."""
    return (
        f"The {count} problems on which correctness varies most over the methods. Each unfolds to the searches, each "
        "search to its tree. The bar before a step is the reward model's score."
    )


def paper_note(runs: Runs) -> str:
    """Name the source of the published figures."""
    part = " The paper's figures are of the whole data set, ours of a part." if runs.part else ""
    return (
        "Paper: arXiv 2502.06703, Tables 3 and 5. Its best search is compute-optimal: the best strategy, reward model "
        f"and N up to 512 for each difficulty.{part}"
    )


def method() -> str:
    """Explain how the figures were computed."""
    return (
        "Accuracy of runs has Wilson's interval; means over subsets have a bootstrap's over problems (10,000 draws). "
        "Difficulty is the share of the policy's own samples that are right: easy from 50 %, medium from 10 %, hard "
        "below. FLOPs are logical: those of the algorithm, with each prefix read once by each model. "
        f"Written by tts-search {__version__}."
    )


def cost(curve: Curve) -> tuple[str, str, str]:
    """Write the cost of a problem at the largest N: tokens, FLOPs, the papers' FLOPs; empty for a bound."""
    top = curve.top
    return ("", "", "") if curve.bound else (f"{top.tokens:,.0f}", power(top.flops), power(top.paper_flops))


def ranged(value: Interval) -> tuple[str, str]:
    """Write a share in per cent and its interval: ``74.8`` and ``[70.8, 78.4]``."""
    return f"{100 * value.value:.1f}", f"[{100 * value.low:.1f}, {100 * value.high:.1f}]"
