"""The progress of a search in words, for clients that show a model's reasoning, and in small events for pages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from tts.answers.extract import conclusion
from tts.answers.finding import Found
from tts.records.words import count
from tts.registry import resolve
from tts.tools.next_turn import call_words, fitting, schemas
from tts.trace import Event, step_key
from tts.types import Plan

_LEAST = 0.5  # seconds between two sentences


class Progress:
    """Follows the trace of one search.

    Args:
        plan: of the search.
        clock: seconds; a sentence comes at most twice a second.
        tools: of the client, which a solution may call (:class:`tts.types.Problem`).
    """

    def __init__(self, plan: Plan, clock: Callable[[], float], tools: Sequence[str] = ()) -> None:
        self._extract = resolve("extraction", plan.extract)
        self._plan, self._clock, self._next, self._tools = plan, clock, 0.0, schemas(tools)
        self._begin()

    def take(self, event: Event) -> tuple[str, Event | None]:
        """Return a sentence or nothing, and the event in the form in which a page gets it, or None."""
        kind = event["event"]
        if kind == "start":
            self._begin()
            return self._opening(event), _started(event)
        if kind == "plan":
            return f"Plan: {event['reason']}.\n", event
        if kind == "sample":
            answer = self._sampled(event)
            return self._state(), _sample(event, answer)
        if kind in ("score", "cut"):
            return "", event
        return "", None

    def _begin(self) -> None:
        self._texts: dict[str, str] = {}
        self._prompt = ""
        self._answers: Counter[str] = Counter()
        self._steps = self._finished = 0

    def _opening(self, event: Event) -> str:
        self._prompt = event["prompt"]["text"]
        plan, prm = event["plan"], event["prm"]
        models = event["policy"]["name"] + (f" and {prm['name']}" if prm else "")
        return f"Search: {plan['strategy']}, N up to {plan['n']}, with {models}.\n"

    def _sampled(self, event: Event) -> str | None:
        """Count a sample; return the answer of a finished solution."""
        text, key = self._texts.get(event["parent"], ""), event["key"]
        for k, step in enumerate(event["steps"]):
            text += step["text"]
            self._texts[step_key(key, k)] = text
        self._steps += len(event["steps"])
        if event["finish"] != "stop":
            return None
        self._finished += 1
        said = conclusion(text, self._prompt)
        calls = fitting(said, self._tools)
        found = " ".join(map(call_words, calls)) or self._extract(said)
        answer: str | None = found.answer if isinstance(found, Found) else found
        if answer is not None:
            self._answers[answer] += 1
        return answer

    def _state(self) -> str:
        now = self._clock()
        if now < self._next:
            return ""
        self._next = now + _LEAST
        state = f"{count(self._steps, 'step')} sampled, {count(self._finished, 'solution')} finished"
        if self._answers:
            [(answer, votes)] = self._answers.most_common(1)
            state += f"; in front is {answer[:80]} with {votes} of {self._answers.total()} votes"
        return f"{state}.\n"


def _started(event: Event) -> Event:
    plan = {name: event["plan"][name] for name in ("strategy", "n", "policy", "prm", "vote", "seed")}
    return {"event": "start", "problem": event["problem"]["text"], "plan": plan}


def _sample(event: Event, answer: str | None) -> Event:
    """Leave the token ids out."""
    small: dict[str, Any] = {name: event[name] for name in ("event", "key", "parent", "finish")}
    small["steps"] = [step["text"] for step in event["steps"]]
    small["tokens"] = sum(len(step["tokens"]) for step in event["steps"])
    return small | ({} if answer is None else {"answer": answer})
