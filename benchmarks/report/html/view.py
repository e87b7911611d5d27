"""The page of one recorded search."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.report.html import tree
from benchmarks.report.html.render import render
from tts.answers.extract import extract
from tts.errors import BadInput
from tts.records.solution_json import upgraded
from tts.records.words import likely
from tts.trace import Event, Trace

Facts = list[tuple[str, str]]


def page_of(trace: Trace) -> str:
    """Write the page. Raises BadInput for a trace whose events lack what a tree needs."""
    try:
        return _page(trace)
    except RecursionError as error:
        raise BadInput("the trace cannot be drawn: it branches too often below one branch.") from error
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise BadInput(f"the trace cannot be drawn: an event lacks what it should hold ({error}).") from error


def _page(trace: Trace) -> str:
    start, end = next(trace.of("start"), None), next(trace.of("end"), None)
    if start is None:
        raise BadInput("the trace has no start event: it was cut off before anything was sampled.")
    problem = start["problem"]["text"]
    nodes = trace.nodes()
    verdicts: dict[str, tree.Verdict] = {
        key: (extract(_text(nodes, key)), None) for key, node in nodes.items() if node["finish"] == "stop"
    }
    best = str((end or {}).get("best") or "")
    first, rest = _facts(start, end)
    roots = tree.from_trace(trace, verdicts, best)
    return render(
        "view.html.jinja", title=f"search: {problem[:60]}", problem=problem, first=first, rest=rest, best=best,
        tree=tree.chain(roots),
    )  # fmt: skip


def _text(nodes: Mapping[str, Event], key: str) -> str:
    """Join the texts of a node and those before it."""
    texts: list[str] = []
    while key in nodes and len(texts) < len(nodes):
        texts.append(nodes[key]["text"])
        key = nodes[key]["parent"]
    return "".join(reversed(texts))


def _facts(start: dict[str, Any], end: dict[str, Any] | None) -> tuple[Facts, Facts]:
    """List what a reader wants to know first, and everything else."""
    plan = upgraded(start["plan"])
    parameters = plan["parameters"]
    about = [plan.get("strategy"), f"N = {plan.get('n', '?')}", plan.get("policy"), plan.get("prm")]
    first: Facts = [("plan", ", ".join(str(word) for word in about if word))]
    rest: Facts = [(name, str(value)) for name, value in plan.items() if value != "" and name != "parameters"]
    rest += [(name.replace("_", " "), str(value)) for name, value in parameters.items() if name not in plan]
    if end is None:
        return [("stopped", "the recording ends before the search does"), *first], rest
    answer = end.get("answer")
    first.insert(0, ("answer", "none" if answer is None else f"{answer}{_sure(end)}"))
    first += [("stopped", str(end["stopped"]))] if end.get("stopped", "complete") != "complete" else []
    for name, value in (end.get("usage") or {}).items():
        rest.append((name.replace("_", " "), f"{value:,}" if isinstance(value, int) else f"{value:.2f}"))
    return first, rest


def _sure(end: dict[str, Any]) -> str:
    """Give the probability that the answer is right where it is known, and its share of the vote."""
    right, share, confidence = (end.get(name) for name in ("right", "share", "confidence"))
    known = [] if right is None else [f"{likely(right)} that it is right"]
    known += [] if share is None else [f"{share:.0%} of the vote"]
    if "share" not in end and confidence is not None:  # an older trace does not tell which of both it is
        known = [f"confidence {confidence:.0%}"]
    return f" ({'; '.join(known)})" if known else ""
