"""The append-only log of one search, used for checkpoints, replays and pages.

A trace is a list of events, plain dictionaries of JSON types:

    {"event": "start", "problem": {"id", "text", "turns" of a conversation}, "plan": {...}, "budget": {...},
     "prompt": {"text", "tokens"}, "policy": {"name", "context", "shape"},
     "prm": {"name", "shape", "prompt": its length in tokens} or null}
    {"event": "plan", "strategy", "n", "parameters", "vote", "aggregate", "reason", what was considered ...}
                                                                        a decision of an adaptive strategy
    {"event": "root", "key": "0/", "policy": {...}, "prompt": {...}}    a fork that samples from another policy
                                                                        with "refines", the key of a solution: a fork
                                                                        whose prompt asks to improve it
    {"event": "sample", "key": "0/1.2", "parent": "0/1", "until": "step", "finish": "step",
     "steps": [{"text": ..., "tokens": [...]}], "calls": [{"tool", "arguments", "problem"}] where it calls tools}
    {"event": "call", "key": "0/1.2.0", "parent": "0/1.2", "calls": [{"tool", "arguments", "text": what came back,
     "cost" and "worst" in billionths of a dollar, "seconds"}], "step": {"text", "tokens"} that the policy read}
    {"event": "score", "key": "0/1.2", "score": 0.93, "tokens": 14}     score null: the budget did not cover it
    {"event": "compare", "key": "/0", "other": "/1", "scores": [0.9, 0.2], "tokens": 310}
                                                                        scores null: not paid for, or no grade
    {"event": "cut", "what": "sample" or "score", "key": "0/1.3"}       a deadline, or the user, cut this request
                                                                        ("read": before it was made; "length": the
                                                                        solution was too long for the reward model;
                                                                        "prompt": for the policy to improve it)
    {"event": "surprisal", "key": "0/1.2", "values": [...]}             -log p of prompt and solution, without the first
    {"event": "end", "answer": ..., "confidence": ..., "right": its probability or null, "share": that of its votes,
     "best": "0/1.2", "stopped": "complete", "usage": {...}}

The k-th step of a sample with several steps has the key of the sample followed by ``+k`` (k from 1); its parent is the
step before it. Concurrent subtrees append in the order they run. A trace is written in key order, so the same search
gives the same bytes at any concurrency.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tts.errors import BadInput
from tts.files import shape
from tts.files.json_text import dump
from tts.files.jsonl import lines
from tts.files.shape import Misfit
from tts.files.text import write_atomically

Event = dict[str, Any]
Listener = Callable[[Event], None]
_RANK = {
    "start": 0, "plan": 1, "root": 2, "sample": 3, "call": 3, "score": 4, "compare": 5, "cut": 6,
    "surprisal": 7, "end": 8,
}  # fmt: skip


class Trace:
    """The events of one search. ``listener`` is called with each event as it is added, until the search ends."""

    __slots__ = ("events", "listener")

    def __init__(self, events: list[Event] | None = None, listener: Listener | None = None) -> None:
        self.events: list[Event] = events if events is not None else []
        self.listener = listener

    def __repr__(self) -> str:
        return f"Trace({len(self.events)} events)"

    def add(self, event: str, **fields: Any) -> None:
        added = {"event": event, **fields}
        self.events.append(added)
        if self.listener is not None:
            self.listener(added)

    def of(self, event: str) -> Iterator[Event]:
        """Iterate over the events of one kind, in the order they were added."""
        return (e for e in self.events if e["event"] == event)

    def nodes(self) -> dict[str, Event]:
        """Index every node by key: ``key, parent, text, tokens, finish, score`` (score None if unscored)."""
        scores = {e["key"]: e["score"] for e in self.of("score")}
        nodes: dict[str, Event] = {}
        for sample in self.of("sample"):
            parent = sample["parent"]
            for k, step in enumerate(sample["steps"]):
                key = step_key(sample["key"], k)
                last = k == len(sample["steps"]) - 1
                finish = sample["finish"] if last else "step"
                nodes[key] = {"key": key, "parent": parent, **step, "finish": finish, "score": scores.get(key)}
                parent = key
        for call in self.of("call"):
            below = {"key": call["key"], "parent": call["parent"], **call["step"], "finish": "step", "read": True}
            nodes[call["key"]] = below | {"score": scores.get(call["key"])}
        return nodes

    def lines(self) -> list[str]:
        """Write each event as a line of JSON, in canonical order."""
        events = sorted(self.events, key=_order)
        return [dump(e, compact=True) for e in events]

    def save(self, path: Path | str) -> None:
        """Write as JSON Lines, atomically. Raises BadInput if the path cannot be written."""
        write_atomically(path, "\n".join(self.lines()) + "\n", f"the trace {path}")

    @classmethod
    def load(cls, path: Path | str) -> Trace:
        """Read a trace that ``save`` wrote. Raises BadInput for a file that is not a trace, or a damaged one."""
        events: list[Event] = []
        for line in lines(Path(path), f"the trace {path}"):
            try:
                event = line.value()
                _check(event)
            except (BadInput, Misfit) as error:
                reason = str(error).rstrip(".")
                raise BadInput(
                    f"{path} is not a trace of `tts solve --trace`: line {line.number}, {reason}."
                ) from error
            events.append(event)
        if not events:
            raise BadInput(f"{path} is not a trace: it is empty, and `tts solve --trace` writes one event a line.")
        trace = cls(events)
        if (key := _in_a_circle(trace)) is not None:
            raise BadInput(f"{path} is not a trace: the node {key!r} lies below itself.")
        return trace


def _order(event: Event) -> tuple[int, list[tuple[int, ...]], list[tuple[int, ...]]]:
    return _RANK[event["event"]], sort_key(event.get("key", "")), sort_key(event.get("other", ""))


def _key(value: Any, what: str) -> None:
    shape.text(value, what)
    try:
        sort_key(value)
    except ValueError as error:
        raise Misfit(f"{what} is no key of a node: {shape.short(value)}") from error


_STEP = shape.fields({"text": shape.text, "tokens": shape.tokens})
_CALL = {"tool": shape.text, "arguments": shape.optional(shape.mapping)}
_RETURNED = {"text": shape.text, "cost": shape.whole, "worst": shape.whole, "seconds": shape.number}
_SHAPES = {
    "start": shape.fields({"problem": shape.fields({"id": shape.text, "text": shape.text}), "plan": shape.mapping}),
    "sample": shape.fields(
        {"key": _key, "parent": shape.text, "until": shape.one_of(("step", "end")),
         "finish": shape.one_of(("step", "stop", "length")), "steps": shape.listed(_STEP)},
        {"calls": shape.listed(shape.fields(_CALL, {"problem": shape.text}))},
    ),
    "call": shape.fields(
        {"key": _key, "parent": shape.text, "step": _STEP,
         "calls": shape.listed(shape.fields(_CALL | _RETURNED, {"problem": shape.text, "failed": shape.flag}))}
    ),
    "score": shape.fields({"key": _key, "score": shape.optional(shape.number), "tokens": shape.whole}),
    "compare": shape.fields(
        {"key": _key, "other": _key, "scores": shape.optional(shape.listed(shape.number)), "tokens": shape.whole}
    ),
    "cut": shape.fields({"key": _key, "what": shape.text}, {"other": _key, "worst": shape.listed(shape.whole)}),
    "surprisal": shape.fields({"key": _key, "values": shape.numbers}),
    "end": shape.fields(
        {}, {name: shape.optional(shape.text) for name in ("answer", "best")}
        | {name: shape.optional(shape.number) for name in ("confidence", "right", "share")}
    ),
}  # fmt: skip


def _check(event: Any) -> None:
    """Raise Misfit for a value that is not an event, or lacks a field."""
    shape.fields({"event": shape.one_of(_RANK)}, {"key": _key})(event, "it")
    if (check := _SHAPES.get(event["event"])) is not None:
        check(event, f"the event {event['event']!r}")


def _in_a_circle(trace: Trace) -> str | None:
    """Return the key of a node that is its own ancestor; None in a valid tree."""
    parents = {key: node["parent"] for key, node in trace.nodes().items()}
    known: set[str] = set()
    for key in parents:
        path: dict[str, None] = {}
        here = key
        while here in parents and here not in known:
            if here in path:
                return here
            path[here] = None
            here = parents[here]
        known |= path.keys()
    return None


def step_key(sample: str, k: int) -> str:
    """Return the key of the ``k``-th step (from 0) of the sample with that key."""
    return f"{sample}+{k}" if k else sample


def sort_key(key: str) -> list[tuple[int, ...]]:
    """Return a sort key that compares numbers: "0/10" after "0/2", a sample's later steps after its first."""
    label, _, path = key.partition("/")
    parts = [*label.split("."), "", *path.split(".")]
    return [tuple(int(n) if n else -1 for n in part.split("+")) for part in parts]


class Sampled:
    """Counts the samples of searches under way, and their tokens; it listens to their traces from any thread."""

    def __init__(self) -> None:
        self.begun = False
        self.samples = self.tokens = 0
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        self.begun = True
        if event["event"] == "sample":
            with self._lock:
                self.samples += 1
                self.tokens += sum(len(step["tokens"]) for step in event["steps"])

    def __str__(self) -> str:
        if not self.begun:
            return "loading the models"
        samples = f"{self.samples:,} sample{'' if self.samples == 1 else 's'}"
        return f"{samples}, {self.tokens:,} tokens so far"
