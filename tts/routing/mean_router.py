"""The mean of several routers: what one of them gets wrong by chance, the others outvote."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar

import numpy as np

from tts.errors import BadInput
from tts.registry import resolve
from tts.routing.outcomes import ArmOutcomes
from tts.routing.router import Prediction, Router, State

Members = tuple[Router, ...] | Mapping[str, Mapping[str, Any]] | str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeanRouter:
    """Averages the predictions of routers of different kinds; each counts the same.

    Attributes:
        members: the routers; or their kinds with commas, with default settings; or their settings by kind.
    """

    members: Members = "clusters,knn,logistic"
    state: State = field(default_factory=dict)
    _made: list[Router] = field(default_factory=list, init=False, repr=False)

    kind: ClassVar[str] = "mean"

    def __post_init__(self) -> None:
        made = _routers(self.members)
        if len({router.kind for router in made}) < max(len(made), 2) or self.kind in {router.kind for router in made}:
            raise BadInput("members are at least two routers of different kinds, such as clusters,knn,logistic.")
        self._made.extend(replace(router, state=self._own(router.kind)) for router in made)  # type: ignore[type-var]

    @property
    def routers(self) -> tuple[Router, ...]:
        """Return the members."""
        return tuple(self._made)

    def fit(self, vectors: np.ndarray, outcomes: ArmOutcomes) -> MeanRouter:
        return self._each(lambda router: router.fit(vectors, outcomes))

    def add(self, vectors: np.ndarray, outcomes: ArmOutcomes) -> MeanRouter:
        return self._each(lambda router: router.add(vectors, outcomes))

    def predict(self, vectors: np.ndarray) -> Prediction:
        found = [router.predict(vectors) for router in self._made]
        means = {each.name: np.mean([getattr(one, each.name) for one in found], axis=0) for each in fields(Prediction)}
        return Prediction(**means)

    def settings(self) -> Mapping[str, Any]:
        return {"members": {router.kind: dict(router.settings()) for router in self._made}}

    def _each(self, changed: Callable[[Router], Router]) -> MeanRouter:
        made = tuple(changed(router) for router in self._made)
        state = {f"{router.kind}.{name}": cells for router in made for name, cells in router.state.items()}
        return replace(self, members=made, state=state)

    def _own(self, kind: str) -> State:
        """Return the arrays of one member."""
        start = f"{kind}."
        return {name.removeprefix(start): cells for name, cells in self.state.items() if name.startswith(start)}


def _routers(members: Members) -> tuple[Router, ...]:
    if isinstance(members, str):
        members = {name.strip(): {} for name in members.split(",")}
    if isinstance(members, Mapping):
        return tuple(resolve("router", kind)(**settings) for kind, settings in members.items())
    return tuple(members)
