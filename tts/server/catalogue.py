"""The model ids of a server: every strategy under its own name, and ``POLICY/STRATEGY``."""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tts.errors import TTSError, UnknownName
from tts.pool_solver import PoolSolver
from tts.protocols import Policy, RewardModel
from tts.registry import names
from tts.search.strategy import AUTO, parameters_of, strategy_type
from tts.server.refusals import Refusal
from tts.solver import Solver


@dataclass(frozen=True, slots=True)
class Entry:
    """A strategy of a policy, as clients name it.

    Attributes:
        id: ``POLICY/STRATEGY``.
        solver: its solver with the operator's settings; requests vary it and never change it.
        parameters: those that requests may set; None for all of the strategy.
        lazy: its models are loaded when they are needed, or elsewhere.
    """

    id: str
    policy: str
    strategy: str
    solver: Solver
    parameters: Mapping[str, Any] | None = None
    lazy: bool = False

    @property
    def known(self) -> Mapping[str, Any]:
        """Return the parameters that requests may set, with their defaults."""
        return parameters_of(self.strategy) if self.parameters is None else self.parameters

    @property
    def alive(self) -> bool:
        """Return whether it can answer without loading a model again."""
        return self.lazy or bool(self.solver.models)

    @property
    def logprobs(self) -> bool:
        """Return whether the answers of its policy can come with log-probabilities of their tokens."""
        return not self.lazy and self.solver.load()[0].logprobs > 0

    def row(self, name: str, created: int) -> dict[str, Any]:
        """Return the entry of ``/v1/models`` under one of its names."""
        plan = self.solver.plan
        about = {"strategy": self.strategy, "policy": plan.policy, "prm": plan.prm or None, "budget": plan.n}
        context = {} if self.lazy else {"max_model_len": self.solver.load()[0].context}
        return {
            "id": name, "object": "model", "created": created, "owned_by": "tts-search", **context, "tts": about,
        }  # fmt: skip


class Catalogue:
    """What can be asked for, by its names.

    A plain name of a strategy, such as ``dvts``, is that of the first policy. The name of a policy is its ``auto``.
    """

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.created = int(time.time())
        first = entries[0].policy
        self.entries = {entry.id: entry for entry in entries}
        self._plain = {entry.strategy: entry for entry in entries if entry.policy == first}
        defaults = {entry.policy: entry for entry in reversed(entries)}
        defaults |= {entry.policy: entry for entry in entries if entry.strategy == AUTO}
        self._names = {**defaults, **self.entries, **self._plain}

    def divide(self, name: str) -> tuple[str, str]:
        """Divide what a client calls into a name and the settings behind it: ``dvts:beam_width=8`` into two parts.

        A name may hold colons itself; the longest one that is known counts.
        """
        ends = [at for at, sign in enumerate(name) if sign == ":"]
        at = next((at for at in [len(name), *reversed(ends)] if name[:at] in self._names), len(name))
        return name[:at], name[at + 1 :]

    def find(self, name: str) -> Entry:
        """Return what a client calls by this name. Raises Refusal (404) with the nearest name."""
        entry = self._names.get(self.divide(name)[0])
        if entry is None:
            near = difflib.get_close_matches(name, self._names, n=1, cutoff=0.4) or list(self._plain)[:1]
            sentence = f"there is no model {name[:80]!r} here; did you mean {near[0]!r}? /v1/models lists all."
            raise Refusal(404, sentence, "model", "model_not_found")
        return entry

    def other(self, entry: Entry, strategy: str) -> Entry:
        """Return another strategy of the same policy. Raises Refusal where it is not served."""
        found = self.entries.get(f"{entry.policy}/{strategy}")
        if found is None:
            known = [each.strategy for each in self.entries.values() if each.policy == entry.policy]
            message = str(UnknownName("strategy", strategy, known))
            raise Refusal(400, message, "tts.strategy", "invalid_value")
        return found

    def chooser(self, entry: Entry) -> Entry:
        """Return the entry that says which plan a problem would get: ``auto`` of the same policy, or of the pool."""
        return self._plain[AUTO] if isinstance(entry.solver, PoolSolver) else self.other(entry, AUTO)

    def rows(self) -> list[dict[str, Any]]:
        """Return the entries of ``/v1/models``."""
        several = len({entry.policy for entry in self.entries.values()}) > 1
        listed = {**self._plain, **(self.entries if several else {})}
        return [entry.row(name, self.created) for name, entry in listed.items()]

    @property
    def models(self) -> list[Policy | RewardModel]:
        """Return every loaded model once."""
        return list({id(model): model for entry in self.entries.values() for model in entry.solver.models}.values())

    @property
    def alive(self) -> bool:
        """Return whether every model that should be loaded is alive."""
        return all(entry.alive for entry in self.entries.values())

    def revive(self) -> None:
        """Load again what has ended, such as an engine whose process was killed."""
        for entry in self.entries.values():
            if not entry.lazy:
                entry.solver.load()


def load(
    bases: Iterable[Solver], parameters: Mapping[str, Any], check: Callable[[Solver], object] | None = None
) -> tuple[Catalogue, list[str]]:
    """Load the models and build every strategy that they support.

    Args:
        bases: a solver of the strategy auto for each policy.
        parameters: of strategies, as the operator typed them; each strategy gets those that it has.
        check: loads a solver's models elsewhere and raises TTSError if it cannot run there; default: here.

    Returns:
        The catalogue, and a sentence for each strategy that cannot be served.

    Raises:
        TTSError: a policy cannot be loaded, or no strategy has a parameter of that name.
    """
    known = {name: parameters_of(name) for name in names("strategy")}
    for name in parameters:
        if not any(name in declared for declared in known.values()):
            raise UnknownName("parameter of a strategy", name, {name for own in known.values() for name in own})
    entries, notes = list[Entry](), list[str]()
    ready = check or Solver.load
    for base in bases:
        ready(base)
        for strategy, declared in known.items():
            kind = strategy_type(strategy)
            if not kind.single or kind.calls_tools:
                continue
            own = {name: value for name, value in parameters.items() if name in declared}
            profile = {} if strategy == AUTO else {"profile": None}
            try:
                solver = base.variant(strategy=strategy, parameters=own, **profile)
                ready(solver)
            except TTSError as error:
                notes.append(f"{strategy} is not served: {error}")
                continue
            entries.append(
                Entry(f"{base.plan.policy}/{strategy}", base.plan.policy, strategy, solver, lazy=check is not None)
            )
    return Catalogue(entries), notes
