"""The figures of a report: strings for the page, and files beside it.

The SVG files are the page's own figures. For PNG something must draw them: whichever of the programs below this machine
has. None of them is asked for: who needs PNG has a browser.
"""

from __future__ import annotations

import math
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import chart
from benchmarks.report.curves import Curve, Point
from benchmarks.report.marks import Dot, Series
from benchmarks.stats.intervals import DIFFICULTIES, Interval, by_group
from tts.errors import BadInput

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing in three forms (wide, for a phone, as a file of its own) and the sentence below it."""

    name: str
    wide: str
    narrow: str
    alone: str
    caption: str


def draw(curves: Sequence[Curve], groups: Mapping[str, Mapping[str, str | int]]) -> list[Figure]:
    """Accuracy over N, over FLOPs (ours, the papers'), and by each of ``groups``, a name and each problem's group."""
    figures = [
        _lines("accuracy-over-n", curves, "N", "samples, N", _over_n(curves)),
        _lines(
            "accuracy-over-flops", curves, "flops", "FLOPs a problem",
            "Accuracy over what a problem costs: FLOPs of policy and reward model together, cached prefixes counted "
            "once. Of two methods at the same height the one on the left is cheaper.",
        ),
        _lines(
            "accuracy-over-paper-flops", curves, "paper_flops", "FLOPs a problem as in the papers",
            "The same over the figure of the papers: 2 x parameters x sampled tokens, of the policy alone.",
        ),
    ]  # fmt: skip
    for name, grouping in groups.items():
        if len(set(grouping.values())) > 1:
            figures.append(_grouped(name, curves, grouping))
    return [figure for figure in figures if figure is not None]


def _over_n(curves: Sequence[Curve]) -> str:
    words = ["Accuracy over the number of samples N. Bars are 95 % intervals over the problems."]
    if any(point.derived for curve in curves for point in curve.points):
        words.append("Hollow marks are estimates, means over subsets of the samples of the largest N.")
    if any(curve.bound for curve in curves):
        words.append("Dotted: one of the N solutions at least is right, which no vote can pass.")
    return " ".join(words)


def _lines(name: str, curves: Sequence[Curve], what: str, label: str, caption: str) -> Figure | None:
    series = []
    for curve in curves:
        points = sorted((point for point in curve.points if _x(point, what) > 0), key=lambda point: _x(point, what))
        dots = tuple(_dot(_x(point, what), point.accuracy, point.derived and not curve.bound) for point in points)
        if dots and not (curve.bound and what != "N"):
            series.append(Series(curve.name, dots, curve.colour, curve.bound))
    if not series:
        return None
    forms = [
        chart.lines(series, label, caption, flops=what != "N", narrow=narrow, alone=alone)
        for narrow, alone in ((False, False), (True, False), (False, True))
    ]
    return Figure(name, forms[0], forms[1], forms[2], caption)


def _dot(x: float, value: Interval, hollow: bool = False) -> Dot:
    return Dot(x, value.value, value.low, value.high, hollow)


def _x(point: Point, what: str) -> float:
    return float(point.n if what == "N" else getattr(point, what))


def _grouped(name: str, curves: Sequence[Curve], grouping: Mapping[str, str | int]) -> Figure:
    names = sorted(set(grouping.values()), key=_rank)
    series = []
    for curve in curves:
        ids = [identity for identity in curve.top.ids if identity in grouping]
        right = dict(zip(curve.top.ids, curve.top.right, strict=True))
        found = by_group([right[i] for i in ids], [grouping[i] for i in ids])
        dots = [_dot(k, found[group][0]) for k, group in enumerate(names) if group in found]
        series.append(Series(curve.name, tuple(dots), curve.colour, curve.bound))
    counts = {g: sum(value == g for value in grouping.values()) for g in names}
    ticks = [f"{g} ({counts[g]})" for g in names]
    caption = f"Accuracy by {name} at each method's largest N, with 95 % intervals; the number of problems in brackets."
    if name == "difficulty":
        caption += " It is told from the same samples that vote, so it favours or rules out a majority by itself."
    forms = [
        chart.groups(series, ticks, name, caption, narrow=narrow, alone=alone)
        for narrow, alone in ((False, False), (True, False), (False, True))
    ]
    return Figure(f"accuracy-by-{name}", forms[0], forms[1], forms[2], caption)


def _rank(group: str | int) -> tuple[int, str]:
    """Difficulties from easy to hard, levels by number."""
    names = list(DIFFICULTIES)
    return (group, "") if isinstance(group, int) else (names.index(group) if group in names else 0, group)


def save(figures: Sequence[Figure], page: Path) -> list[Path]:
    """Write each as ``PAGE-NAME.svg`` and, where a program that draws is here, ``.png`` beside the page.

    Raises BadInput where the folder cannot be written.
    """
    written = []
    for figure in figures:
        file = page.with_name(f"{page.stem}-{figure.name}.svg")
        try:
            file.write_text(figure.alone, encoding="utf-8")
        except OSError as error:
            raise BadInput(f"{file} cannot be written: {error.strerror}.") from error
        written.append(file)
        picture = file.with_suffix(".png")
        if _png(file, picture, figure.alone):
            written.append(picture)
    return written


def browser() -> str | None:
    """The first browser found here that draws without a screen."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def screenshot(page: Path, picture: Path, width: int, height: int, *, scale: float = 1.0, dark: bool = False) -> bool:
    """A picture of a page as the browser shows it; False where there is no browser or it fails."""
    program = browser()
    if program is None:
        return False
    with tempfile.TemporaryDirectory() as home:
        command = [
            program, *_QUIET, f"--user-data-dir={home}", f"--force-device-scale-factor={scale}",
            f"--window-size={width},{height}", f"--blink-settings=preferredColorScheme={0 if dark else 1}",
            f"--screenshot={picture.resolve()}", page.resolve().as_uri(),
        ]  # fmt: skip
        try:
            done = subprocess.run(command, capture_output=True, timeout=60, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return False
    return done.returncode == 0 and picture.exists()


def _png(svg: Path, picture: Path, text: str) -> bool:
    width, height = (math.ceil(float(text.split(f'{name}="')[1].split('"')[0])) for name in ("width", "height"))
    if program := shutil.which("rsvg-convert"):
        done = subprocess.run([program, "--zoom", "2", "-o", picture, svg], capture_output=True, check=False)
        return done.returncode == 0
    return screenshot(svg, picture, width, height, scale=2.0)
