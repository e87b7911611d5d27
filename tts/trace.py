"""The append-only log of one search. The checkpoint, the replay and the picture come from it.

A trace is a list of events, plain dictionaries of JSON types:

    {"event": "start", "problem": {"id", "text"}, "plan": {...}, "budget": {...}, "prompt": {"text", "tokens"},
     "policy": {"name", "context", "shape"}, "prm": {"name", "shape", "prompt": its length in tokens} or null}
    {"event": "plan", "strategy", "n", "parameters", "vote", "aggregate", "reason", what was considered ...}
                                                                        a decision of a strategy that makes them
    {"event": "root", "key": "0/", "policy": {...}, "prompt": {...}}    a fork that samples from another policy
    {"event": "sample", "key": "0/1.2", "parent": "0/1", "until": "step", "finish": "step",
     "steps": [{"text": ..., "tokens": [...]}]}
    {"event": "score", "key": "0/1.2", "score": 0.93, "tokens": 14}     score null: the budget did not cover it
    {"event": "cut", "what": "sample" or "score", "key": "0/1.3"}       a deadline cut this request ("length": the
                                                                        solution was too long for the reward model)
    {"event": "end", "answer": ..., "confidence": ..., "best": "0/1.2", "stopped": "complete", "usage": {...}}

The k-th step of a sample with several has the key of the sample followed by ``+k`` (k from 1); its parent is the step
before it. Side-by-side subtrees append in the order they run; a trace is written in key order, so the same search gives
the same bytes whatever the concurrency.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tts.errors import BadInput

Event = dict[str, Any]
_RANK = {"start": 0, "plan": 1, "root": 2, "sample": 3, "score": 4, "cut": 5, "end": 6}


class Trace:
    """The events of one search."""

    __slots__ = ("events",)

    def __init__(self, events: list[Event] | None = None) -> None:
        self.events: list[Event] = events if events is not None else []

    def add(self, event: str, **fields: Any) -> None:
        self.events.append({"event": event, **fields})

    def of(self, event: str) -> Iterator[Event]:
        """The events of one kind, in the order they were added."""
        return (e for e in self.events if e["event"] == event)

    def nodes(self) -> dict[str, Event]:
        """Every node by key: ``key, parent, text, tokens, finish, score`` (score None where nobody scored it)."""
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
        return nodes

    def lines(self) -> list[str]:
        """One line of JSON an event, in canonical order."""
        events = sorted(self.events, key=lambda e: (_RANK[e["event"]], sort_key(e.get("key", ""))))
        return [json.dumps(e, ensure_ascii=False, separators=(",", ":")) for e in events]

    def save(self, path: Path | str) -> None:
        """Write as JSON Lines. Raises BadInput where the path cannot be written."""
        try:
            Path(path).write_text("\n".join(self.lines()) + "\n", encoding="utf-8")
        except OSError as error:
            raise BadInput(f"the trace cannot be written to {path}: {error.strerror}.") from error

    @classmethod
    def load(cls, path: Path | str) -> Trace:
        """Read what ``save`` wrote. Raises BadInput for a file that is not a trace."""
        try:
            text = Path(path).read_text(encoding="utf-8")
            events = [json.loads(line) for line in text.splitlines() if line.strip()]
        except OSError as error:
            raise BadInput(f"the trace {path} cannot be read: {error.strerror}.") from error
        except ValueError as error:
            raise BadInput(f"{path} is not a trace: {error}.") from error
        if not events or not all(isinstance(e, dict) and e.get("event") in _RANK for e in events):
            raise BadInput(f"{path} is not a trace: it needs one event a line, as `tts solve --trace` writes them.")
        return cls(events)


def step_key(sample: str, k: int) -> str:
    """The key of the ``k``-th step (from 0) of the sample with that key."""
    return f"{sample}+{k}" if k else sample


def sort_key(key: str) -> list[tuple[int, ...]]:
    """Orders keys as a person counts: "0/10" after "0/2", a sample's later steps after its first."""
    label, _, path = key.partition("/")
    parts = [*label.split("."), "", *path.split(".")]
    return [tuple(int(n) if n else -1 for n in part.split("+")) for part in parts]
