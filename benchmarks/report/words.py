"""The sentences of a report, as text: the page and the summary say the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.report.curves import Curve, shared, versus
from benchmarks.report.marks import power
from benchmarks.report.runs import Runs
from benchmarks.stats.intervals import Interval
from tts import __version__


def title_of(runs: Runs, curves: Sequence[Curve]) -> str:
    """The data and the policies, as a title."""
    return " · ".join([", ".join(datasets(runs)) or "problems", ", ".join(models(curves, "policy")) or "search"])


def datasets(runs: Runs) -> list[str]:
    return sorted({outcome.dataset for outcome in runs.problems.values() if outcome.dataset})


def models(curves: Sequence[Curve], which: str) -> list[str]:
    """The policies (``"policy"``) or reward models (``"prm"``) of a report."""
    return list(dict.fromkeys(name for curve in curves if (name := getattr(curve.arm, which))))


def lead(runs: Runs, curves: Sequence[Curve]) -> str:
    """What was run, in a sentence."""
    prms = models(curves, "prm")
    used = f"policy {', '.join(models(curves, 'policy'))}" + (f", reward model {', '.join(prms)}" if prms else "")
    return f"{', '.join(datasets(runs) or ['unnamed problems'])}, {len(runs.problems)} problems; {used}."


def headline(curves: Sequence[Curve]) -> str:
    """The highest method, and what it adds to a single sample of the same policy; empty where nothing was sampled."""
    best = next((curve for curve in curves if not curve.bound), None)
    alone = [p for c in curves if best and c.arm.independent and c.arm.policy == best.arm.policy and (p := c.at(1))]
    if best is None or best.top.n == 1 or not alone or not shared([best.top, alone[0]]):
        return ""
    return (
        f"Highest is {best.name} at N = {best.top.n}: {best.top.accuracy.percent()} of the problems are right, "
        f"{versus(best.top, alone[0]).points()} against one sample ({alone[0].accuracy.percent()})."
    )


def warnings(runs: Runs, curves: Sequence[Curve]) -> Iterator[str]:
    """What a reader must know before the figures."""
    if runs.part:
        yield f"This is a part of the data set ({runs.part}): its figures are not those of the whole."
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
    """How to read the main table."""
    text = "Per cent of problems right, with 95 % intervals; cost a problem at the largest N. "
    if any(point.derived for curve in curves for point in curve.points):
        text += (
            "Best-of-n and majority were sampled once at their largest N; a smaller N is the unbiased mean over "
            "subsets of those samples, at what so many would have cost. Searches were run at each N."
        )
    return text.strip()


DIFFERENCES = (
    "Difference in percentage points over the same problems, with the paired bootstrap's 95 % interval; where it holds "
    "zero the two were not told apart. The intervals are not adjusted for the number of pairs."
)


def method() -> str:
    """How the figures were computed."""
    return (
        "Accuracy where every problem is right or wrong has Wilson's interval, means over subsets a bootstrap's over "
        "problems (10,000 draws). Difficulty is the share of the policy's own samples that are right: easy from 50 %, "
        "medium from 10 %, hard below. FLOPs are logical: those of the algorithm, each prefix read once by each model. "
        f"Written by tts-search {__version__}."
    )


def cost(curve: Curve) -> tuple[str, str, str]:
    """What a problem costs at the largest N: tokens, FLOPs and the papers' FLOPs; a bound costs nothing of its own."""
    top = curve.top
    return ("", "", "") if curve.bound else (f"{top.tokens:,.0f}", power(top.flops), power(top.paper_flops))


def ranged(value: Interval) -> tuple[str, str]:
    """A share in per cent and its interval: ``74.8`` and ``[70.8, 78.4]``."""
    return f"{100 * value.value:.1f}", f"[{100 * value.low:.1f}, {100 * value.high:.1f}]"
