"""One recorded search as a page of its own."""

from __future__ import annotations

from html import escape
from typing import Any

from benchmarks.report import tree
from benchmarks.report.page import html
from tts.answers import extract
from tts.errors import BadInput
from tts.trace import Trace


def page_of(trace: Trace) -> str:
    """The page. Raises BadInput for a trace whose events lack what a tree needs."""
    try:
        return _page(trace)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise BadInput(f"the trace cannot be drawn: an event lacks what it should hold ({error}).") from error


def _page(trace: Trace) -> str:
    start, end = next(trace.of("start"), None), next(trace.of("end"), None)
    if start is None:
        raise BadInput("the trace has no start event: it was cut off before anything was sampled.")
    problem = start["problem"]["text"]
    verdicts = {
        key: (extract(_text(trace, key)), None) for key, node in trace.nodes().items() if node["finish"] == "stop"
    }
    best = end.get("best") if end else None
    facts = _facts(start, end)
    drawn = tree.draw(tree.from_trace(trace, verdicts))
    winner = f'<p class="soft small">The answer is that of node {escape(str(best))}.</p>' if best else ""
    body = (
        f'<h1 class="plain">{escape(problem)}</h1>'
        f'<div class="scroll"><table class="facts"><tbody>{facts}</tbody></table></div>'
        f"<h2>The search</h2>{winner}{drawn}"
    )
    return html(f"search: {problem[:60]}", body)


def _text(trace: Trace, key: str) -> str:
    nodes, texts = trace.nodes(), []
    while key in nodes:
        texts.append(nodes[key]["text"])
        key = nodes[key]["parent"]
    return "".join(reversed(texts))


def _facts(start: dict[str, Any], end: dict[str, Any] | None) -> str:
    rows: list[tuple[str, Any]] = []
    if end is not None:
        confidence = end.get("confidence")
        rows.append(("answer", "none" if end.get("answer") is None else end["answer"]))
        rows.append(("confidence", "" if confidence is None else f"{confidence:.0%}"))
        rows.append(("stopped", end.get("stopped", "")))
    else:
        rows.append(("stopped", "the recording ends before the search does"))
    rows += [
        (name, value)
        for name, value in start["plan"].items()
        if value not in ("", None) and not isinstance(value, dict)
    ]
    rows += [(name, value) for name, value in start["plan"].get("parameters", {}).items()]
    if end is not None:
        usage = end.get("usage") or {}
        rows += [
            (name.replace("_", " "), f"{value:,}" if isinstance(value, int) else value) for name, value in usage.items()
        ]
    return "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>" for name, value in rows if value != ""
    )
