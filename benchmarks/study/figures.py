"""Figures of the study as SVG."""

from __future__ import annotations

from benchmarks.report.colours import palette
from benchmarks.report.drawing import Dot, Series
from benchmarks.report.plot import Groups, Lines
from benchmarks.report.svg import svg
from benchmarks.stats.intervals import percentile
from benchmarks.study.claims import Comparison
from benchmarks.study.compare import Drawn
from benchmarks.study.difficulty import DifficultyEstimate

ORDER = ("majority", "best-of-n", "beam-search", "dvts", "greedy")
"""Order of the fixed strategies in the legend; others follow."""


def over_flops(compared: Comparison, label: str) -> str:
    """Draw accuracy over FLOPs of the selector and of every fixed strategy, with 95 % intervals."""
    name = compared.measured.policy
    order = [name for name in dict.fromkeys([*ORDER, *compared.fixed]) if name in compared.fixed]
    rows = [("selector", compared.selector), *((name, compared.fixed[name]) for name in order)]
    colours = palette(["auto", *(title for title, _ in rows[1:])], [False] * len(rows))
    series = [Series(title, _dots(drawn), k) for k, (title, drawn) in zip(colours, rows, strict=True)]
    caption = f"{name} on {label}: accuracy over FLOPs a problem, policy and reward model. Bars are 95 % intervals."
    return svg(Lines(series, "FLOPs a problem", flops=True), caption, alone=True)


def difficulty(name: str, estimate: DifficultyEstimate) -> str:
    """Draw predicted and true pass@1 of the problems in groups of equal size, the hardest predicted first."""
    predicted = tuple(Dot(k, value, value, value) for k, value in enumerate(estimate.predicted))
    true = tuple(Dot(k, each.value, each.low, each.high) for k, each in enumerate(estimate.true))
    series = [Series("predicted", predicted, 0), Series("true", true, 1)]
    after = f"{estimate.n} sample{'s' if estimate.n > 1 else ''}{', scored' if estimate.scored else ''}"
    caption = f"{name}: pass@1 as predicted after {after}, and as it is, with 95 % intervals."
    names = [f"{k + 1}" for k in range(len(true))]
    return svg(Groups(series, names, "problems by predicted pass@1"), caption, alone=True)


def _dots(drawn: Drawn) -> tuple[Dot, ...]:
    dots = []
    for flops, right in zip(drawn.flops[0].tolist(), drawn.right.T, strict=True):
        if found := percentile(right):
            dots.append(Dot(flops, found.value, found.low, found.high))
    return tuple(dots)
