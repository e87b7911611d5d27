"""The report of a run as a folder small enough to commit.

report.html      the page, with fewer search trees until it is below half a megabyte
summary.md       the same without the trees, for places that show Markdown
table.json       every point of every curve, the paired differences and the confidences, with the settings of the run
accuracy-*.svg   the figures of summary.md; they follow the reader's light or dark mode
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from benchmarks.report.confidence import ABOUT, confidences
from benchmarks.report.curves import Curve, gains, sizes
from benchmarks.report.figures import Figure
from benchmarks.report.html import page, words
from benchmarks.report.html.cases import COUNT, LEAVES
from benchmarks.report.runs import Runs
from tts import __version__
from tts.errors import BadInput
from tts.files.json_text import dump
from tts.files.names import safe_name
from tts.files.text import write_atomically

LIGHT = 500_000
"""Bytes that the page may have."""

_THINNER = ((COUNT, LEAVES), (COUNT, 16), (COUNT, 4), (5, 2), (2, 1))  # problems, and candidates of each search


def save(folder: Path, title: str, runs: Runs, curves: Sequence[Curve], figures: Sequence[Figure]) -> list[Path]:
    """Write the files into a folder and make it if need be; files of these names are replaced.

    The same runs give the same bytes. Raises BadInput where the folder cannot be written.
    """
    files = {
        "report.html": _page(title, runs, curves, figures),
        "summary.md": _markdown(title, runs, curves, figures),
        "table.json": dump(table(runs, curves), indent=1) + "\n",
        **{f"{safe_name(figure.name)}.svg": figure.alone + "\n" for figure in figures},
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"the folder {folder} cannot be written: {error.strerror}.") from error
    for name, text in files.items():
        write_atomically(folder / name, text)
    return [folder / name for name in files]


def table(runs: Runs, curves: Sequence[Curve]) -> dict[str, Any]:
    """Collect the figures as JSON types; shares are 0 to 1, costs are means over the problems."""
    return {
        "format": 1,
        "written by": f"tts-search {__version__}",
        "data": words.datasets(runs),
        "problems": len(runs.problems),
        "part": runs.part,
        "runs": runs.settings,
        "points": [row for curve in curves for row in _points(curve)],
        "differences": [
            {"above": gain.above, "below": gain.below, "n": gain.n, **_interval(gain.value, "difference")}
            for gain in gains(curves)
        ],
        "confidence": [
            {"method": each.method, "n": each.n, "answers": each.answers, "stated": round(each.stated, 6),
             **_interval(each.right, "right"), "calibration_error": round(each.error, 6),
             "brier": round(each.brier, 6)}
            for each in confidences(runs, curves)
        ],
    }  # fmt: skip


def _points(curve: Curve) -> list[dict[str, Any]]:
    arm = curve.arm
    about = {"method": curve.name, "policy": arm.policy, "prm": arm.prm, "seed": arm.seed, "bound": curve.bound}
    return [
        {
            **about,
            "n": point.n,
            "how": "estimated" if point.derived or curve.bound else "run",
            **_interval(point.accuracy, "accuracy"),
            "tokens": round(point.tokens, 2),
            "flops": float(f"{point.flops:.6g}"),
            "paper_flops": float(f"{point.paper_flops:.6g}"),
            "problems": len(point.ids),
            "failed": point.failed,
        }
        for point in curve.points
    ]


def _interval(value: Any, name: str) -> dict[str, float]:
    return {name: round(value.value, 6), "low": round(value.low, 6), "high": round(value.high, 6)}


def _page(title: str, runs: Runs, curves: Sequence[Curve], figures: Sequence[Figure]) -> str:
    text = ""
    for problems, leaves in _THINNER:
        text = page.report(title, runs, curves, figures, problems, leaves)
        if len(text.encode()) <= LIGHT:
            break
    return text


def _markdown(title: str, runs: Runs, curves: Sequence[Curve], figures: Sequence[Figure]) -> str:
    parts = [f"# {plain(title)}", plain(words.lead(runs, curves)), plain(words.headline(curves))]
    parts += [f"> {plain(text)}" for text in words.warnings(runs, curves)]
    parts += ["## Accuracy and cost", _main_table(curves), plain(words.table_note(curves))]
    for figure in figures:
        about = figure.name.replace("-", " ")
        parts += [f"![{about}]({figure.name}.svg)", f"*{plain(figure.caption)}*"]
    if found := gains(curves):
        rows = [[plain(g.above), plain(g.below), str(g.n), g.value.points().replace(" points", "")] for g in found]
        head = ["method", "against", "N", "points"]
        parts += ["## Paired differences", _rows(head, rows), plain(words.DIFFERENCES)]
    if known := list(confidences(runs, curves)):
        rows = [
            [plain(each.method), str(each.n), str(each.answers), f"{100 * each.stated:.1f}",
             " ".join(words.ranged(each.right)), f"{each.error:.3f}", f"{each.brier:.3f}"]
            for each in known
        ]  # fmt: skip
        head = ["method", "N", "answers", "stated, %", "right, %", "calibration error", "Brier score"]
        parts += ["## Confidence", _rows(head, rows), plain(ABOUT)]
    commands = dict.fromkeys(str(call["command"]) for call in runs.calls if call.get("command"))
    if commands:
        parts += ["## How it was run", "\n".join(["```sh", *(_line(command) for command in commands), "```"])]
    parts += ["## How it was computed", plain(words.method())]
    parts.append(
        "[report.html](report.html) also shows the searches of the problems on which the methods differ most; "
        "[table.json](table.json) holds the numbers."
    )
    return "\n\n".join(filter(None, parts)) + "\n"


def _main_table(curves: Sequence[Curve]) -> str:
    columns = sizes(curves)
    rows = []
    for curve in curves:
        points = [curve.at(n) for n in columns]
        cells = ["-" if point is None else " ".join(words.ranged(point.accuracy)) for point in points]
        rows.append([plain(curve.name), *cells, *words.cost(curve)])
    return _rows(["method", *(f"N = {n}" for n in columns), "tokens", "FLOPs", "FLOPs, papers"], rows)


def _rows(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def plain(text: str) -> str:
    """Escape text for Markdown, on one line, so that markup in data or a model's text is shown and not used."""
    return re.sub(r"([\\`*|]|\](?=\())", r"\\\1", escape(_line(text), quote=False))


def _line(text: str) -> str:
    return " ".join(text.replace("```", "'''").split())
