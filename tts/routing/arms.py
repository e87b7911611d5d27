"""Arms, the choices of a router: a policy with a search (strategy, N and reward model)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tts.cost import Prices
from tts.errors import BadInput
from tts.types import Plan

DOLLARS, FLOPS = "dollars", "FLOPs"
"""Units of an arm's cost."""


@dataclass(frozen=True, slots=True)
class Arm:
    """A policy and its search.

    Attributes:
        name: unique in its pool; :meth:`named` reads ``POLICY``, ``POLICY@STRATEGY/N`` and ``POLICY@STRATEGY/N+PRM``.
        policy: as in ``--policy``: a short name, a hub id, a folder or an address.
        strategy: the search strategy; default: self-consistency.
        n: the width N; None leaves it to the budget.
        prm: the reward model, empty for none.
        prices: prices of a hosted model; None if unknown.
    """

    name: str
    policy: str
    strategy: str = "majority"
    n: int | None = None
    prm: str = ""
    prices: Prices | None = None

    @classmethod
    def named(cls, name: str, prices: Prices | None = None) -> Arm:
        """Parse a name such as ``qwen2.5-7b`` or ``llama-3.2-1b@beam-search/16+qwen2.5-prm-7b``. Raises BadInput."""
        policy, _, how = name.partition("@")
        how, _, prm = how.partition("+")
        strategy, _, n = how.partition("/")
        if not policy.strip() or (n and not (n.isdecimal() and int(n) > 0)):
            raise BadInput(f"the arm {name!r} is not POLICY, POLICY@STRATEGY or POLICY@STRATEGY/N.")
        return cls(name, policy.strip(), strategy or "majority", int(n) if n else None, prm, prices)

    @classmethod
    def planned(cls, plan: Plan) -> Arm:
        """Return the arm of a plan."""
        how = f"{plan.strategy}/{plan.n}" + (f"+{plan.prm}" if plan.prm else "")
        return cls(f"{plan.policy}@{how}", plan.policy, plan.strategy, plan.n, plan.prm)

    def row(self) -> dict[str, Any]:
        """Convert the arm to JSON types."""
        return asdict(self)

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Arm:
        """Parse the arm of a row. Raises KeyError, TypeError or BadInput for an invalid row."""
        prices = row.get("prices")
        return cls(
            name=str(row["name"]),
            policy=str(row["policy"]),
            strategy=str(row.get("strategy", "majority")),
            n=None if row.get("n") is None else int(row["n"]),
            prm=str(row.get("prm", "")),
            prices=None if prices is None else Prices(float(prices["input"]), float(prices["output"])),
        )
