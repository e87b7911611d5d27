"""The replay engine: a policy and a reward model that answer from a recorded trace, by key and not by order of arrival.

The same trace gives the same bytes whatever the concurrency. What the trace does not hold raises MissingKey.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from tts.cost import ModelShape, Prices
from tts.errors import BadInput, MissingKey, OutOfTime, PromptTooLong, Unscored
from tts.files import shape
from tts.files.shape import Misfit
from tts.protocols import Completion, Policy, Request, Returned, RewardModel
from tts.tools.tool import Result
from tts.tools.toolbox import Place, Tools
from tts.trace import Event, Trace
from tts.types import Call, Finish, Node, Problem, Step, Until

_SHAPE = shape.fields({f.name: shape.whole for f in fields(ModelShape)}, more=False)
_POLICY = {"name": shape.text, "context": shape.whole, "shape": _SHAPE}
_PRM = shape.fields(
    {"name": shape.text, "shape": _SHAPE, "prompt": shape.whole},
    {"outcome": shape.flag, "prompts": shape.whole, "compares": shape.flag},
)
_PRICES = shape.fields({"input": shape.number, "output": shape.number}, more=False)
_START = shape.fields(
    {
        "problem": shape.fields({"id": shape.text, "text": shape.text}),
        "prompt": shape.fields({"text": shape.text, "tokens": shape.tokens}),
        "policy": shape.fields(_POLICY, {"prices": _PRICES}),
    },
    {"prm": shape.optional(_PRM)},
)


_ROOT = shape.fields({"asked": shape.text, "prompt": shape.fields({"text": shape.text, "tokens": shape.tokens})})


def shape_of(model: dict[str, Any]) -> ModelShape:
    """Return a model's shape as the trace's start event holds it."""
    return ModelShape(**model["shape"])


@dataclass(eq=False)
class ReplayPolicy(Policy):
    """A policy that returns the recorded samples."""

    traces: dict[str, Trace]
    name: str
    shape: ModelShape
    context: int
    samples: dict[tuple[str, str], Event] = field(default_factory=dict)
    cuts: set[tuple[str, str]] = field(default_factory=set)
    prompts: dict[str, Step | None] = field(default_factory=dict)  # of conversations that differ from the problem's
    calls: dict[tuple[str, str], Event] = field(default_factory=dict)
    prices: Prices | None = None
    surprisals: dict[tuple[str, str], tuple[float, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for problem, trace in self.traces.items():
            for event in trace.of("root"):
                if "asked" in event:
                    _ROOT(event, "a root")
                    self.prompts[event["asked"]] = Step(event["prompt"]["text"], tuple(event["prompt"]["tokens"]))
            self.prompts |= {e["asked"]: None for e in trace.of("cut") if e["what"] == "prompt" and "asked" in e}
            self.surprisals |= {(problem, e["key"]): tuple(e["values"]) for e in trace.of("surprisal")}
            self.samples |= {(problem, e["key"]): e for e in trace.of("sample")}
            self.cuts |= {(problem, e["key"]) for e in trace.of("cut") if e["what"] == "sample"}
            self.calls |= {(problem, e["key"]): e for e in trace.of("call")}

    async def surprisal(self, problem: Problem, node: Node) -> tuple[float, ...] | None:
        """Return the recorded values; None where the trace holds none."""
        return self.surprisals.get((problem.id, node.key))

    def prompt(self, problem: Problem) -> Step:
        asked = Problem(problem.text, turns=problem.turns).id
        if asked in self.prompts:
            if (known := self.prompts[asked]) is None:
                raise PromptTooLong(f"{self.name} could not read it when this was recorded.")
            return known
        prompt = _start(self.traces, problem)["prompt"]
        return Step(prompt["text"], tuple(prompt["tokens"]))

    async def generate(self, request: Request) -> Completion:
        await asyncio.sleep(0)
        key = (request.problem.id, request.key)
        if key in self.cuts:
            raise OutOfTime
        sample = self.samples.get(key)
        fits = sample is not None and sample["parent"] == request.node.key and sample["until"] == request.until
        if sample is None or not fits or (request.until is Until.STEP and len(sample["steps"]) > request.steps):
            raise MissingKey(
                f"the trace holds no sample {request.key!r} of problem {request.problem.id} "
                f"below {request.node.key!r} until {request.until}: replay it with the settings it was recorded with."
            )
        steps = tuple(Step(step["text"], tuple(step["tokens"])) for step in sample["steps"])
        calls = tuple(map(_call, sample.get("calls", ())))
        return Completion(steps, Finish(sample["finish"]), tuple(sample.get("warnings", ())), calls=calls)

    def read_results(self, problem: Problem, key: str, node: Node, results: Sequence[Returned]) -> Step:
        step = _event(self.calls, problem, key)["step"]
        return Step(step["text"], tuple(step["tokens"]), read=True)


@dataclass(eq=False)
class ReplayTools(Tools):
    """Tools that return the recorded results. No tool and no model is called."""

    traces: dict[str, Trace]
    calls: dict[tuple[str, str], Event] = field(default_factory=dict)
    cuts: dict[tuple[str, str], Event] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for problem, trace in self.traces.items():
            self.calls |= {(problem, e["key"]): e for e in trace.of("call")}
            self.cuts |= {(problem, e["key"]): e for e in trace.of("cut") if e["what"] == "call"}

    def worst(self, place: Place, call: Call) -> int:
        if (cut := self.cuts.get((place.problem.id, place.key))) is not None:
            most = cut.get("worst", [])
            return int(most[place.index]) if place.index < len(most) else 0
        return int(self._recorded(place, call)["worst"])

    async def use(self, place: Place, call: Call) -> Result:
        await asyncio.sleep(0)
        if (place.problem.id, place.key) in self.cuts:
            raise OutOfTime
        made = self._recorded(place, call)
        return Result(made["text"], made["cost"] / 1e9, made["seconds"], made.get("failed", False))

    def _recorded(self, place: Place, call: Call) -> dict[str, Any]:
        made = _event(self.calls, place.problem, place.key)["calls"]
        if place.index >= len(made) or made[place.index]["tool"] != call.tool:
            raise MissingKey(f"the trace holds other calls of tools at {place.key!r}: replay it with its own settings.")
        found: dict[str, Any] = made[place.index]
        return found


def _call(event: Event) -> Call:
    return Call(event["tool"], event["arguments"], event.get("problem", ""))


def _event(calls: dict[tuple[str, str], Event], problem: Problem, key: str) -> Event:
    if (found := calls.get((problem.id, key))) is None:
        raise MissingKey(
            f"the trace holds no call of a tool {key!r} of problem {problem.id}: replay it with the settings it was "
            "recorded with."
        )
    return found


@dataclass(eq=False)
class ReplayReward(RewardModel):
    """A reward model that returns the recorded scores."""

    traces: dict[str, Trace]
    name: str
    shape: ModelShape
    scores: dict[tuple[str, str], float] = field(default_factory=dict)
    tokens: dict[tuple[str, str], int] = field(default_factory=dict)
    cuts: set[tuple[str, str]] = field(default_factory=set)
    late: set[tuple[str, str]] = field(default_factory=set)
    unread: set[tuple[str, str]] = field(default_factory=set)
    outcome: bool = False
    prompts: int = 0
    compares: bool = False
    comparisons: dict[tuple[str, str, str], Event] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for problem, trace in self.traces.items():
            self.unread |= {(problem, e["key"]) for e in trace.of("cut") if e["what"] == "length"}
            for event in trace.of("score"):
                if event["score"] is not None:
                    self.scores[problem, event["key"]] = event["score"]
                self.tokens[problem, event["key"]] = event["tokens"]
            self.cuts |= {(problem, e["key"]) for e in trace.of("cut") if e["what"] == "score"}
            self.late |= {(problem, e["key"]) for e in trace.of("cut") if e["what"] == "read"}
            cut = [e for e in trace.of("cut") if e["what"] == "compare" and "other" in e]
            self.comparisons |= {(problem, e["key"], e["other"]): e for e in [*trace.of("compare"), *cut]}

    async def to_compare(self, problem: Problem, first: Node, second: Node) -> int:
        tokens: int = self._comparison(problem, first, second).get("tokens", 0)
        return tokens

    async def compare(self, problem: Problem, first: Node, second: Node) -> tuple[float, float]:
        await asyncio.sleep(0)
        event = self._comparison(problem, first, second)
        if event["event"] == "cut":
            raise OutOfTime
        if event["scores"] is None or len(event["scores"]) != 2:
            raise Unscored(f"{self.name} gave no grade when this was recorded.")
        one, other = event["scores"]
        return one, other

    def _comparison(self, problem: Problem, first: Node, second: Node) -> Event:
        found = self.comparisons.get((problem.id, first.key, second.key))
        if found is None:
            raise MissingKey(
                f"the trace holds no comparison of {first.key!r} and {second.key!r} of problem {problem.id}: replay it "
                "with the settings it was recorded with."
            )
        return found

    def was_late(self, problem: Problem, node: Node) -> bool:
        return (problem.id, node.key) in self.late

    def lengths(self, problem: Problem, node: Node) -> list[int]:
        prompt: int = _start(self.traces, problem)["prm"]["prompt"]
        return [prompt, *(self.tokens.get((problem.id, above.key), 0) for above in node.path)]

    async def score(self, problem: Problem, node: Node, seen: int) -> tuple[float, ...]:
        await asyncio.sleep(0)
        if (problem.id, node.key) in self.cuts:
            raise OutOfTime
        if (problem.id, node.key) in self.unread:
            raise PromptTooLong(f"{self.name} could not read it when this was recorded.")
        path = [node] if self.outcome else node.path[seen:]
        keys = [(problem.id, above.key) for above in path]
        missing = next((key for _, key in keys if (problem.id, key) not in self.scores), None)
        if missing is not None:
            raise MissingKey(
                f"the trace holds no score of node {missing!r} of problem {problem.id}: "
                "replay it with the settings it was recorded with."
            )
        return tuple(self.scores[key] for key in keys)


def load_replay(source: Trace | Path | str | dict[str, Trace]) -> tuple[ReplayPolicy, ReplayReward | None]:
    """Build policy and reward model from a trace, a trace file, or traces by problem id.

    Raises BadInput if a trace lacks its start event.
    """
    if isinstance(source, (str, Path)):
        source = Trace.load(source)
    if isinstance(source, Trace):
        source = {_head(source)["problem"]["id"]: source}
    if not source:
        raise BadInput("there is no trace to replay.")
    head = _head(next(iter(source.values())))
    policy = head["policy"]
    prices = policy.get("prices")
    replayed = ReplayPolicy(
        source, policy["name"], shape_of(policy), policy["context"], prices=prices and Prices(**prices)
    )
    prm = head.get("prm")
    return replayed, _reward(source, prm) if prm else None


def _reward(traces: dict[str, Trace], prm: dict[str, Any]) -> ReplayReward:
    known = {name: prm[name] for name in ("outcome", "prompts", "compares") if name in prm}
    return ReplayReward(traces, prm["name"], shape_of(prm), **known)


def _head(trace: Trace) -> Event:
    head = next(trace.of("start"), None)
    if head is None:
        raise BadInput("the trace has no start event: it was cut off at its beginning.")
    try:
        _START(head, "its start")
    except Misfit as error:
        raise BadInput(f"the trace cannot be replayed: {error}.") from error
    return head


def _start(traces: dict[str, Trace], problem: Problem) -> Event:
    if problem.id not in traces:
        raise MissingKey(f"the trace holds no problem {problem.id}: it was recorded for {', '.join(sorted(traces))}.")
    return _head(traces[problem.id])
