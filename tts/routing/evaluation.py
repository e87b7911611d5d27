"""Evaluation of routing against each single arm, random choice and the oracle, on recorded outcomes."""

from __future__ import annotations

from typing import Any

import numpy as np

from tts.errors import BadInput
from tts.routing.choice import Objective
from tts.routing.outcomes import ArmOutcomes
from tts.routing.pool import Pool


async def evaluated(pool: Pool, outcomes: ArmOutcomes, objective: Objective) -> list[dict[str, Any]]:
    """Return one row per method: ``chosen by``, ``right %`` (0 to 1, data sets weigh equally) and mean ``cost``.

    Raises BadInput for an arm of the pool without outcomes.
    """
    if missing := [name for name in pool.names if name not in outcomes.arms]:
        raise BadInput(
            f"these outcomes have none of {', '.join(missing)}, which the pool may choose; they are of "
            f"{', '.join(outcomes.arms)}: run the missing arms on these problems too, each at its own N."
        )
    table = outcomes.over(pool.names)
    chosen = pool.worth(await pool.predict(table.texts), objective).argmax(1)
    best = np.nan_to_num(table.quality, nan=-1.0).argmax(1)
    rows = [_row("the pool", table, chosen)]
    rows += [_row(name, table, np.full(len(table), a)) for a, name in enumerate(pool.names)]
    return [*rows, _row("oracle", table, best)]


def _row(name: str, table: ArmOutcomes, chosen: np.ndarray) -> dict[str, Any]:
    costs = table.cost[np.arange(len(table)), chosen]
    known = costs[~np.isnan(costs)]
    return {"chosen by": name, "right %": table.macro(chosen), "cost": float(known.mean()) if len(known) else None}
