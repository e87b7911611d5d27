"""The page of a report: one file, nothing fetched from elsewhere. Whatever comes from data or a model is escaped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from benchmarks.report import cases, paper, words
from benchmarks.report.curves import Curve, Point, chances, gains, sizes
from benchmarks.report.figures import Figure
from benchmarks.report.runs import Runs
from benchmarks.report.style import CHART, PAGE, VARIABLES
from benchmarks.stats.intervals import difficulty

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


def report(
    title: str,
    runs: Runs,
    curves: Sequence[Curve],
    figures: Sequence[Figure],
    problems: int = cases.COUNT,
    leaves: int = cases.LEAVES,
) -> str:
    """The page of one or several runs; ``problems`` with their searches, and candidates of each, at most."""
    parts = [f"<h1>{escape(title)}</h1>", _soft(words.lead(runs, curves), small=False)]
    parts += [f"<p>{escape(sentence)}</p>" for sentence in [words.headline(curves)] if sentence]
    parts += [f'<p class="note">{escape(text)}</p>' for text in words.warnings(runs, curves)]
    parts += ["<h2>Accuracy and cost</h2>", _main_table(curves), _soft(words.table_note(curves))]
    for figure in figures:
        parts.append(f"<figure>{figure.wide}{figure.narrow}<figcaption>{escape(figure.caption)}</figcaption></figure>")
    parts += [_beside_paper(runs, curves), _differences(curves), _cases(runs, curves, problems, leaves), _facts(runs)]
    parts += ["<h2>How it was computed</h2>", _soft(words.method())]
    return html(title, "".join(parts))


def _soft(text: str, small: bool = True) -> str:
    return f'<p class="soft{" small" if small else ""}">{escape(text)}</p>'


def groupings(runs: Runs) -> dict[str, dict[str, str | int]]:
    """What accuracy is broken down by: the data set's levels, and difficulty for the policy where it was sampled."""
    levels: dict[str, str | int] = {
        identity: outcome.level for identity, outcome in runs.problems.items() if outcome.level
    }
    bins: dict[str, str | int] = {identity: difficulty(value) for identity, value in chances(runs).items()}
    return {name: grouping for name, grouping in (("level", levels), ("difficulty", bins)) if grouping}


def _main_table(curves: Sequence[Curve]) -> str:
    columns = sizes(curves)
    head = ["<th>method</th>", *(f'<th class="n">N = {n}</th>' for n in columns)]
    head += ['<th class="n">tokens</th>', '<th class="n">FLOPs</th>', '<th class="n">FLOPs, papers</th>']
    body: list[str] = []
    for curve in curves:
        cells = [_cell(curve.at(n)) for n in columns]
        cells += [f'<td class="n">{text}</td>' for text in words.cost(curve)]
        key = f'<span class="key" style="background:var(--s{curve.colour})"></span>'
        body.append(f"<tr><th>{key}{escape(curve.name)}</th>{''.join(cells)}</tr>")
    return _table(head, body, "stack")


def _cell(point: Point | None) -> str:
    if point is None:
        return '<td class="n soft">-</td>'
    value, interval = words.ranged(point.accuracy)
    return f'<td class="n">{value} <span class="ci">{interval}</span></td>'


def _table(head: Sequence[str], body: Sequence[str], css: str = "") -> str:
    table = f"<table class='{css}'><thead><tr>{''.join(head)}</tr></thead><tbody>{''.join(body)}</tbody></table>"
    return f'<div class="scroll">{table}</div>'


def _beside_paper(runs: Runs, curves: Sequence[Curve]) -> str:
    parts = []
    for dataset in words.datasets(runs):
        found = paper.rows(dataset, words.models(curves, "policy"))
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
    rows = []
    for gain in gains(curves)[:_PAIRS]:
        value, _, interval = gain.value.points().partition(" points ")
        sure = "" if gain.value.low > 0 else '<span class="tag">not told apart</span>'
        cells = f'<td class="n">{gain.n}</td><td class="n">{value} <span class="ci">{interval}</span></td>'
        rows.append(f"<tr><th>{escape(gain.above)}</th><td>{escape(gain.below)}</td>{cells}<td>{sure}</td></tr>")
    if not rows:
        return ""
    head = ["<th>method</th>", "<th>is above</th>", '<th class="n">N</th>', '<th class="n">points</th>', "<th></th>"]
    return f"<h2>Paired differences</h2>{_table(head, rows, 'flat')}{_soft(words.DIFFERENCES)}"


def _cases(runs: Runs, curves: Sequence[Curve], problems: int, leaves: int) -> str:
    chosen = cases.pick(runs, curves, problems)
    if not chosen:
        return ""
    traces = cases.Traces(runs.paths if leaves == cases.LEAVES else ())  # a trace is drawn whole
    drawn = "".join(cases.draw(case, traces, leaves) for case in chosen if case.outcomes)
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
    """A manifest as names and values: nested names joined by a blank, and what lies deepest on one line."""
    if isinstance(value, dict):
        flat = name and not any(isinstance(inner, dict | list) for inner in value.values())
        if flat and " " in name:
            value = ", ".join(f"{key} {inner}" for key, inner in value.items() if inner not in (None, ""))
            yield from _flat(value, name)
            return
        for key, inner in value.items():
            yield from _flat(inner, f"{name} {key}" if name else str(key))
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for index, item in enumerate(value, 1):
            yield from _flat(item, f"{name} {index}" if len(value) > 1 else name)
    elif isinstance(value, list):
        yield name, ", ".join(map(str, value))
    elif value not in (None, ""):
        yield name, str(value)
