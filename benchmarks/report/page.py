"""The page of a report: one file, nothing fetched from elsewhere. Whatever comes from data or a model is escaped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import combinations
from typing import Any

from benchmarks.report import cases, chart, paper
from benchmarks.report.curves import Curve, Point, chances, shared, versus
from benchmarks.report.figures import Figure
from benchmarks.report.runs import Runs
from benchmarks.report.style import CHART, PAGE, VARIABLES
from benchmarks.statistics import Interval, difficulty
from tts import __version__
from tts.selector import SAMPLING

_PAIRS = 15


def html(title: str, body: str) -> str:
    """A whole page. ``title`` is text, ``body`` is HTML."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{VARIABLES}{PAGE}{CHART}</style></head>"
        f"<body><main>{body}</main></body></html>\n"
    )


def report(title: str, runs: Runs, curves: Sequence[Curve], figures: Sequence[Figure]) -> str:
    """The page of one or several runs."""
    parts = [f"<h1>{escape(title)}</h1>", _lead(runs, curves)]
    parts += _warnings(runs, curves)
    parts += ["<h2>Accuracy and cost</h2>", _main_table(curves), _main_note(runs)]
    for figure in figures:
        parts.append(f"<figure>{figure.wide}{figure.narrow}<figcaption>{escape(figure.caption)}</figcaption></figure>")
    parts += [_beside_paper(runs, curves), _differences(curves), _cases(runs, curves), _facts(runs), _method()]
    return html(title, "".join(parts))


def title_of(runs: Runs, curves: Sequence[Curve]) -> str:
    """The data and the policies, as a title."""
    data = sorted({o.dataset for o in runs.problems.values() if o.dataset})
    return " · ".join([", ".join(data) or "problems", ", ".join(_models(curves, "policy")) or "search"])


def groupings(runs: Runs) -> dict[str, dict[str, str | int]]:
    """What accuracy is broken down by: the data set's levels, and difficulty for the policy where it was sampled."""
    levels: dict[str, str | int] = {
        identity: outcome.level for identity, outcome in runs.problems.items() if outcome.level
    }
    bins: dict[str, str | int] = {identity: difficulty(value) for identity, value in chances(runs).items()}
    return {name: grouping for name, grouping in (("level", levels), ("difficulty", bins)) if grouping}


def _lead(runs: Runs, curves: Sequence[Curve]) -> str:
    problems = runs.problems
    data = sorted({o.dataset for o in problems.values() if o.dataset}) or ["unnamed problems"]
    policies, prms = _models(curves, "policy"), _models(curves, "prm")
    models = f"policy {', '.join(policies)}" + (f", reward model {', '.join(prms)}" if prms else "")
    return f'<p class="soft">{escape(", ".join(data))}, {len(problems)} problems; {escape(models)}.</p>'


def _models(curves: Sequence[Curve], which: str) -> list[str]:
    return list(dict.fromkeys(name for curve in curves if (name := getattr(curve.arm, which))))


def _warnings(runs: Runs, curves: Sequence[Curve]) -> Iterator[str]:
    if runs.part:
        yield _note(f"This is a part of the data set ({runs.part}): its figures are not those of the whole.")
    drawn = [curve.top for curve in curves]
    common = len(shared(drawn))
    most = max(len(point.ids) for point in drawn)
    if any(len(point.ids) < most for curve in curves for point in curve.points):
        yield _note(
            f"The methods were not run on the same problems: between {min(len(p.ids) for p in drawn)} and {most} each, "
            f"{common} in common. Differences are computed over those that two methods share."
        )
    failed = {curve.name: failures for curve in curves if (failures := curve.top.failed)}
    if failed:
        listed = ", ".join(f"{name} {count}" for name, count in failed.items())
        yield _note(f"Problems that ended in an error count as wrong: {listed}.")


def _note(text: str) -> str:
    return f'<p class="note">{escape(text)}</p>'


def _main_table(curves: Sequence[Curve]) -> str:
    sizes = sorted({point.n for curve in curves for point in curve.points})
    if len(sizes) > 7:  # a table of every power of two is not read
        sizes = [
            n
            for n in sizes
            if any(p.n == n and not p.derived for c in curves for p in c.points) or n in (1, 4, 16, 64, 256)
        ]
    head = ["<th>method</th>", *(f'<th class="n">N = {n}</th>' for n in sizes)]
    head += ['<th class="n">tokens</th>', '<th class="n">FLOPs</th>', '<th class="n">FLOPs, papers</th>']
    body: list[str] = []
    for at, curve in enumerate(curves):
        cells = [_cell(curve.at(n)) for n in sizes]
        top = curve.top
        cost = [f"{top.tokens:,.0f}", f"{top.flops:.2e}", f"{top.paper_flops:.2e}"] if not curve.bound else ["", "", ""]
        cells += [f'<td class="n">{text}</td>' for text in cost]
        key = f'<span class="key" style="background:var(--s{chart.colour(at, curve.bound)})"></span>'
        body.append(f"<tr><th>{key}{escape(curve.name)}</th>{''.join(cells)}</tr>")
    return _table(head, body, "stack")


def _cell(point: Point | None) -> str:
    if point is None:
        return '<td class="n soft">-</td>'
    a = point.accuracy
    return f'<td class="n">{100 * a.value:.1f} <span class="ci">[{100 * a.low:.1f}, {100 * a.high:.1f}]</span></td>'


def _main_note(runs: Runs) -> str:
    text = "Per cent of problems right, with 95 % intervals; cost a problem at the largest N. "
    if any(arm.strategy in SAMPLING for arm in runs.tables):
        text += (
            "Best-of-n and majority were sampled once at their largest N; a smaller N is the unbiased mean over "
            "subsets of those samples, at their share of the cost. Searches were run at each N."
        )
    return f'<p class="soft small">{escape(text)}</p>'


def _table(head: Sequence[str], body: Sequence[str], css: str = "") -> str:
    table = f"<table class='{css}'><thead><tr>{''.join(head)}</tr></thead><tbody>{''.join(body)}</tbody></table>"
    return f'<div class="scroll">{table}</div>'


def _beside_paper(runs: Runs, curves: Sequence[Curve]) -> str:
    data = sorted({o.dataset for o in runs.problems.values()})
    parts = []
    for dataset in data:
        found = paper.rows(dataset, _models(curves, "policy"))
        if found:
            parts.append(_paper_table(dataset, found, curves))
    if not parts:
        return ""
    note = "" if not runs.part else " The paper's are of the whole data set, ours of a part."
    return (
        "<h2>Beside the paper</h2>" + "".join(parts) + '<p class="soft small">Paper: arXiv 2502.06703, Tables 3 and 5; '
        "its compute-optimal figure takes the best strategy, reward model and N up to 512 for each difficulty."
        f"{escape(note)}</p>"
    )


def _paper_table(dataset: str, found: Sequence[tuple[str, paper.Row]], curves: Sequence[Curve]) -> str:
    head = [
        "<th>model</th>",
        '<th class="n">one sample</th>',
        '<th class="n">majority</th>',
        '<th class="n">best search</th>',
    ]
    body = []
    for policy, row in found:
        mine = [curve for curve in curves if curve.arm.policy == policy]
        single = next((p for c in mine if (p := c.at(1))), None)
        majority = next((c.top for c in mine if c.name.startswith("majority")), None)
        best = max((c.top for c in mine if not c.bound), key=lambda p: p.accuracy.value, default=None)
        cells = [_cell(single), _cell(majority), _cell(best)]
        body.append(f"<tr><th>{escape(policy)}, here</th>{''.join(cells)}</tr>")
        theirs = [
            f'<td class="n">{"-" if v is None else f"{v:.1f}"}</td>' for v in (row.cot, row.majority, row.optimal)
        ]
        body.append(f"<tr><th>{escape(row.policy)}, paper</th>{''.join(theirs)}</tr>")
    for name, value in paper.LARGE[paper.dataset_key(dataset)]:
        body.append(
            f'<tr><th>{name}, paper</th><td class="n">{value:.1f}</td><td class="n">-</td><td class="n">-</td></tr>'
        )
    return f"<h3>{escape(dataset)}</h3>" + _table(head, body)


def _differences(curves: Sequence[Curve]) -> str:
    rows: list[tuple[Interval, str]] = []
    for one, other in combinations([curve for curve in curves if not curve.bound], 2):
        n = max({p.n for p in one.points} & {p.n for p in other.points}, default=0)
        ours, theirs = one.at(n), other.at(n)
        if ours is None or theirs is None or not shared([ours, theirs]):
            continue
        gain = versus(ours, theirs)
        first, second = (one, other) if gain.value >= 0 else (other, one)
        gain = gain if gain.value >= 0 else Interval(-gain.value, -gain.high, -gain.low)
        sure = "" if gain.low > 0 else '<span class="tag">not told apart</span>'
        value, _, interval = gain.points().partition(" points ")
        cells = f'<td class="n">{n}</td><td class="n">{value} <span class="ci">{interval}</span></td>'
        rows.append(
            (gain, f"<tr><th>{escape(first.name)}</th><td>{escape(second.name)}</td>{cells}<td>{sure}</td></tr>")
        )
    if not rows:
        return ""
    rows.sort(key=lambda row: -row[0].value)
    head = ["<th>method</th>", "<th>is above</th>", '<th class="n">N</th>', '<th class="n">points</th>', "<th></th>"]
    note = "Difference in percentage points over the same problems, with the paired bootstrap's 95 % interval."
    return (
        "<h2>Paired differences</h2>"
        + _table(head, [row for _, row in rows[:_PAIRS]])
        + f'<p class="soft small">{note}</p>'
    )


def _cases(runs: Runs, curves: Sequence[Curve]) -> str:
    chosen = cases.pick(runs, curves)
    if not chosen:
        return ""
    traces = cases.Traces(runs.paths)
    drawn = "".join(cases.draw(case, traces) for case in chosen if case.outcomes)
    note = (
        f"The {len(chosen)} problems with the greatest spread of correctness over the methods. Each unfolds to the "
        "searches, each search to its tree: the bar before a step is the reward model's score."
    )
    return f'<h2>Where the methods differ most</h2><p class="soft small">{note}</p>{drawn}'


def _facts(runs: Runs) -> str:
    rows = []
    for path, manifest in zip(runs.paths, runs.manifests, strict=True):
        rows.append(f"<tr><th>run</th><td>{escape(path.name or str(path))}</td></tr>")
        for name, value in _flat(manifest):
            rows.append(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>")
    return (
        f'<h2>How it was run</h2><div class="scroll"><table class="facts"><tbody>{"".join(rows)}</tbody></table></div>'
    )


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """A manifest as names and values, nested names joined by dots."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for index, item in enumerate(value, 1):
            yield from _flat(item, f"{name} {index}")
    elif isinstance(value, list):
        yield name, ", ".join(map(str, value))
    elif value not in (None, ""):
        yield name, str(value)


def _method() -> str:
    text = (
        "Accuracy where every problem is right or wrong has Wilson's interval, means over subsets a bootstrap's over "
        "problems (10,000 draws). Difficulty is the share of the policy's own samples that are right: easy from 50 %, "
        "medium from 10 %, hard below. FLOPs are logical: those of the algorithm, each prefix read once by each model. "
        f"Written by tts-search {__version__}."
    )
    return f'<h2>How it was computed</h2><p class="soft small">{escape(text)}</p>'
