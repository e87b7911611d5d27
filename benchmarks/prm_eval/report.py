"""Report on a reward model, as data and as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.prm_eval.protocol import FirstError, StepScores
from benchmarks.prm_eval.published import PUBLISHED, SECOND_HAND
from benchmarks.prm_eval.ranking import Rankings
from benchmarks.prm_eval.sources import PROCESSBENCH
from benchmarks.stats.intervals import Interval
from benchmarks.stats.vote_rules import DEFAULT as DEFAULT_RULE
from tts.commands.console import fold, paragraph, table
from tts.records.words import count

DEFAULT = "last"  # aggregation of step scores
FEW = 20  # problems with right and wrong solutions that a verdict needs


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All figures, in 0..1; intervals are 95 % bootstraps over problems (see :mod:`benchmarks.prm_eval.protocol`).

    Attributes:
        part: which part of the data was used, in words.
        solutions, problems: numbers of those scored.
        not_scored: by subset, number of solutions too long for the model; no figure includes them.
        threshold: a step with a lower score counts as wrong; ``threshold_from`` is ``"gsm8k"``, ``"given"`` or
            ``"default"``.
        first_error: ProcessBench's accuracies and F1 by subset; ``average`` is the mean F1 of the subsets, and
            ``average_half`` that at a threshold of 0.5.
        best_threshold, best_f1: by subset, the threshold chosen on the subset itself and its F1: an upper bound.
        steps: AUC and calibration over all labelled steps, and by subset.
        ranking: ranking among solutions of the same problem; None if no problem has several.
    """

    prm: str
    data: str
    part: str
    solutions: int
    problems: int
    not_scored: Mapping[str, int]
    threshold: float
    threshold_from: str
    threshold_interval: Interval | None
    first_error: Mapping[str, FirstError]
    average: Interval | None
    average_half: Interval | None
    best_threshold: Mapping[str, float]
    best_f1: Mapping[str, float | None]
    steps_by_subset: Mapping[str, StepScores]
    steps: StepScores
    ranking: Rankings | None

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON types."""
        return asdict(self)

    def text(self) -> str:
        """Format the report for a terminal."""
        parts = [_head(self), _first_error(self), _steps(self), _ranking(self), _verdict(self), _rule(self)]
        parts.append(_published(self))
        return "\n".join(part for part in parts if part).rstrip()


def _head(report: Report) -> str:
    lines = [
        ("Reward model", report.prm),
        ("Data", f"{report.data}: {count(report.solutions, 'solution')} of {count(report.problems, 'problem')}"),
    ]
    if report.part:
        lines.append(("A part only", report.part))
    if report.not_scored:
        where = ", ".join(f"{number:,} of {name}" for name, number in report.not_scored.items())
        lines.append(("Not scored", f"{where}: too long for the model, in no figure"))
    return "\n".join(line for name, text in lines for line in fold(text, f"{name:<14}")) + "\n"


def _first_error(report: Report) -> str:
    rows: list[dict[str, Any]] = [
        {
            "subset": name,
            "cases": found.erroneous + found.correct,
            "error": _percent(found.error_accuracy),
            "correct": _percent(found.correct_accuracy),
            "F1 %": _with_ends(found.f1, 100, 1),
            "F1 % at 0.5": _with_ends(found.f1_half, 100, 1),
        }
        for name, found in report.first_error.items()
    ]
    if len(rows) > 1:
        rows.append(
            {"subset": "average", "cases": report.solutions, "error": "-", "correct": "-"}
            | {"F1 %": _with_ends(report.average, 100, 1), "F1 % at 0.5": _with_ends(report.average_half, 100, 1)}
        )
    origin = {"given": "as given", "default": "not chosen on any data", "gsm8k": "the best on gsm8k"}
    words = f"Threshold {report.threshold:.4g}, {origin[report.threshold_from]}"
    if report.threshold_interval:
        words += f" [{report.threshold_interval.low:.4g}, {report.threshold_interval.high:.4g}]"
    if report.threshold_from != "gsm8k":  # the two columns are equal
        rows = [{k: v for k, v in row.items() if k != "F1 % at 0.5" or report.threshold != 0.5} for row in rows]
    lines = ["Is the first wrong step found? (ProcessBench's protocol)", "", words, ""]
    lines += [table(rows), ""]
    if report.threshold_from == "default" and len(rows) == 1:
        [(name, best)] = report.best_f1.items()
        if best is not None:
            chosen = f"The best threshold for these solutions, {report.best_threshold[name]:.4g}, gives"
            lines += [f"{chosen} {100 * best:.1f}: an upper bound.", ""]
    return "\n".join(lines)


def _steps(report: Report) -> str:
    named = list(report.steps_by_subset.items())
    if len(named) > 1:
        named.append(("all", report.steps))
    rows = [
        {
            "subset": name,
            "steps": found.steps,
            "right %": round(100 * found.right, 1),
            "AUC": _with_ends(found.auc, 1, 3),
            "Brier": f"{found.brier.value:.3f}" if found.brier else "-",
            "ECE": _with_ends(found.ece, 1, 3),
        }
        for name, found in named
    ]
    bins = [
        {
            "score": f"{b.low:.1f} to {b.high:.1f}",
            "steps": b.steps,
            "mean score": f"{b.score:.3f}",
            "right": f"{b.right:.3f}",
        }
        for b in report.steps.bins
    ]
    base = f"A constant score, the share of right steps, has a Brier score of {report.steps.brier_base:.3f}."
    title = "Do right steps score above wrong ones, and are the scores probabilities?"
    return "\n".join([title, "", table(rows), "", base, "", table(bins), ""])


def _ranking(report: Report) -> str:
    ranking = report.ranking
    if ranking is None:
        return ""
    rows = [
        {
            "aggregate": name,
            "pairs": f"{found.pairs.value:.3f}" if found.pairs else "-",
            "best %": _percent(found.chosen),
            "over random": _with_ends(found.gain, 100, 1, sign="+"),
            "vote %": _percent(found.vote),
            "over majority": _with_ends(found.vote_gain, 100, 1, sign="+"),
        }
        for name, found in ranking.by.items()
    ]
    words = f"{count(ranking.problems, 'problem')} with several, {ranking.mixed:,} of them with right and wrong ones. "
    words += f"Right: {100 * ranking.random:.1f} % of all solutions"
    if ranking.majority is not None:
        words += f", {100 * ranking.majority:.1f} % of the majority votes"
    words += f", {100 * ranking.there:.1f} % with the best choice."
    return "\n".join(
        ["Solutions of the same problem: do scores choose the right one?", "", *fold(words), "", table(rows), ""]
    )


def _verdict(report: Report) -> str:
    """Answer whether search can gain from this model, as far as the data show."""
    title, ranking = "Can search with it pay?", report.ranking
    if ranking is None or ranking.mixed < FEW:
        mixed = ranking.mixed if ranking else 0
        return paragraph(
            title,
            f"Unknown: only {count(mixed, 'problem')} with both a right and a wrong solution. "
            "Best-of-n and weighted votes gain if right solutions score above wrong ones of the same "
            "problem: give a file with several solutions of each problem.",
        )
    found = ranking.by[DEFAULT]
    if found.vote is not None and found.vote_gain is not None and ranking.majority is not None:
        gain, how, without = found.vote_gain, "the vote weighted by", "the majority vote, which needs no reward model,"
        ours, theirs = found.vote.value, ranking.majority
    else:
        gain, how, without = found.gain, "the best solution by", "a random solution"
        ours, theirs = found.chosen.value, ranking.random
    answer = "yes" if gain.low > 0 else "no" if gain.high < 0 else "unclear"
    text = (
        f"On these solutions, {answer}: {how} the {DEFAULT} score is right in {100 * ours:.1f} % of the problems, "
        f"{without} in {100 * theirs:.1f} %. The difference is {gain.points()}. "
    )
    if report.data == "processbench":
        text += (
            "ProcessBench drew its solutions from twelve models, half of them with right answers: with the samples of "
            "one policy the gain differs."
        )
    else:
        text += "With another policy, other problems or more samples it differs."
    return paragraph(title, text)


def _rule(report: Report) -> str:
    """Name the vote and aggregation to use with this model."""
    ranking = report.ranking
    if ranking is None or ranking.mixed < FEW or ranking.rule is None or ranking.rule_gain is None:
        return ""
    if ranking.rule == DEFAULT_RULE:
        text = f"{DEFAULT_RULE}, the default: no other is significantly better on these solutions."
    else:
        text = (
            f"{ranking.rule}: {ranking.rule_gain.points()} over the default, {DEFAULT_RULE}. It was chosen on these "
            "solutions, so expect less on others."
        )
    return paragraph("Vote and aggregation", text)


def _published(report: Report) -> str:
    """Format the published figures, for a complete ProcessBench."""
    complete = set(report.first_error) == set(PROCESSBENCH) and not report.part and not report.not_scored
    if report.data != "processbench" or not complete or report.average is None:
        return ""
    ours = [100 * found.f1.value if found.f1 else 0.0 for found in report.first_error.values()]
    rows = {report.prm: (*ours, 100 * report.average.value), **PUBLISHED}
    names = (*PROCESSBENCH, "average")
    listed = [
        {"F1 %": name, **dict(zip(names, (round(value, 1) for value in figures), strict=True))}
        for name, figures in sorted(rows.items(), key=lambda row: row[1][-1])
    ]
    note = paragraph(
        "Published figures",
        f"arXiv 2412.06559, table 3; {SECOND_HAND} arXiv 2501.07301, read second hand. There Skywork's models have the "
        "threshold chosen on gsm8k, the others one of 0.5: compare with the column that fits. Beam search and DVTS "
        "were found to pay with the reward models of Skywork and Qwen, while best-of-n was better with "
        "Math-Shepherd's and RLHFlow's (arXiv 2502.06703, second hand).",
    )
    return "\n".join([table(listed), "", note])


def _percent(interval: Interval | None) -> float | str:
    return round(100 * interval.value, 1) if interval else "-"


def _with_ends(interval: Interval | None, scale: float, digits: int, sign: str = "") -> str:
    if interval is None:
        return "-"
    value, low, high = (f"{scale * x:{sign}.{digits}f}" for x in (interval.value, interval.low, interval.high))
    return f"{value} [{low}, {high}]"
