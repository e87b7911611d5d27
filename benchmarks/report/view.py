"""One recorded search as a page of its own."""

from __future__ import annotations

from html import escape
from typing import Any

from benchmarks.report import tree
from benchmarks.report.page import html
from tts.answers.extract import extract
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
    first, rest = _facts(start, end)
    drawn = tree.draw(tree.from_trace(trace, verdicts))
    winner = f'<p class="soft small">The answer is that of node {escape(str(best))}.</p>' if best else ""
    body = (
        f'<h1 class="text">{escape(problem)}</h1>{_rows(first)}<h2>The search</h2>{winner}{drawn}'
        f"<h2>Settings and cost</h2>{_rows(rest)}"
    )
    return html(f"search: {problem[:60]}", body)


def _text(trace: Trace, key: str) -> str:
    nodes, texts = trace.nodes(), []
    while key in nodes:
        texts.append(nodes[key]["text"])
        key = nodes[key]["parent"]
    return "".join(reversed(texts))


Facts = list[tuple[str, str]]


def _facts(start: dict[str, Any], end: dict[str, Any] | None) -> tuple[Facts, Facts]:
    """What a reader wants to know first, and everything else."""
    plan = start["plan"]
    parameters = plan.get("parameters", {})
    about = [plan.get("strategy"), f"N = {parameters.get('n', '?')}", plan.get("policy"), plan.get("prm")]
    first: Facts = [("plan", ", ".join(str(word) for word in about if word))]
    rest: Facts = [(name, str(value)) for name, value in plan.items() if value != "" and name != "parameters"]
    rest += [(name.replace("_", " "), str(value)) for name, value in parameters.items() if name not in plan]
    if end is None:
        return [("stopped", "the recording ends before the search does"), *first], rest
    answer, confidence = end.get("answer"), end.get("confidence")
    share = "" if confidence is None else f" ({confidence:.0%} of the vote)"
    first.insert(0, ("answer", "none" if answer is None else f"{answer}{share}"))
    first += [("stopped", str(end["stopped"]))] if end.get("stopped", "complete") != "complete" else []
    for name, value in (end.get("usage") or {}).items():
        rest.append((name.replace("_", " "), f"{value:,}" if isinstance(value, int) else f"{value:.2f}"))
    return first, rest


def _rows(facts: Facts) -> str:
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in facts)
    return f'<div class="scroll"><table class="facts"><tbody>{rows}</tbody></table></div>'
