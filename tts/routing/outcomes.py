"""Outcomes of arms: one row per query, one column per arm; cells have quality, cost and latency."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tts.errors import BadInput


@dataclass(frozen=True, slots=True)
class Entry:
    """The result of one arm on one query: quality 0 to 1, cost, seconds; NaN if unknown.

    ``query`` distinguishes queries of equal text; ``unit`` is that of the cost, dollars or FLOPs.
    """

    text: str
    arm: str
    quality: float
    cost: float = float("nan")
    latency: float = float("nan")
    group: str = ""
    query: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class ArmOutcomes:
    """A table of queries and arms. A missing entry is NaN.

    Attributes:
        texts: the queries [q].
        arms: names [a].
        groups: data set of each query [q]; empty if unknown. A router may use it for fitting, never for prediction.
        quality: 0 to 1 [q, a].
        cost: dollars, or FLOPs of own models [q, a].
        latency: seconds [q, a].
        unit: unit of the cost, dollars or FLOPs; empty if unknown.
    """

    texts: tuple[str, ...]
    arms: tuple[str, ...]
    groups: tuple[str, ...]
    quality: np.ndarray
    cost: np.ndarray
    latency: np.ndarray
    unit: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        shape = (len(self.texts), len(self.arms))
        if not self.quality.shape == self.cost.shape == self.latency.shape == shape or len(self.groups) != shape[0]:
            raise BadInput(f"{shape[0]} queries and {shape[1]} arms need tables of that shape.")

    def __len__(self) -> int:
        return len(self.texts)

    @classmethod
    def gathered(cls, entries: Iterable[Entry]) -> ArmOutcomes:
        """Build the table of entries in any order; several of one query and arm are averaged.

        Queries and arms keep the order in which they come. One query in two groups is two rows.
        """
        cells: dict[tuple[tuple[str, str, str], str], list[Entry]] = {}
        queries: dict[tuple[str, str, str], int] = {}
        arms: dict[str, int] = {}
        units: dict[str, None] = {}
        for entry in entries:
            if entry.unit and not np.isnan(entry.cost):
                units.setdefault(entry.unit)
            query = (entry.group, entry.text, entry.query)
            queries.setdefault(query, len(queries))
            arms.setdefault(entry.arm, len(arms))
            cells.setdefault((query, entry.arm), []).append(entry)
        tables = np.full((3, len(queries), len(arms)), np.nan)
        for (query, arm), found in cells.items():
            values = np.array([(entry.quality, entry.cost, entry.latency) for entry in found])
            tables[:, queries[query], arms[arm]] = values.mean(axis=0)
        texts, groups = tuple(q[1] for q in queries), tuple(q[0] for q in queries)
        return cls(texts, tuple(arms), groups, *tables, unit=_one(units))

    @classmethod
    def joined(cls, tables: Sequence[ArmOutcomes]) -> ArmOutcomes:
        """Join all queries of several tables over all their arms; missing cells are NaN."""
        arms = tuple(dict.fromkeys(name for table in tables for name in table.arms))
        wide = [table.over(arms) for table in tables]
        columns = zip(*(table.cells for table in wide), strict=True)
        return cls(
            tuple(text for table in wide for text in table.texts),
            arms,
            tuple(group for table in wide for group in table.groups),
            *map(np.concatenate, columns),
            unit=_one(dict.fromkeys(table.unit for table in tables if table.unit)),
        )

    @classmethod
    def merged(cls, tables: Sequence[ArmOutcomes]) -> ArmOutcomes:
        """Join tables, with queries of equal text and group in one row: runs of several models on the same problems.

        If a table has a query several times, its first row is merged with the first one of the others, and so on.
        """
        entries = []
        for table in tables:
            seen = Counter[tuple[str, str]]()
            for q, query in enumerate(zip(table.groups, table.texts, strict=True)):
                seen[query] += 1
                for a, arm in enumerate(table.arms):
                    quality, cost, latency = (float(cells[q, a]) for cells in table.cells)
                    if not np.isnan(quality):
                        row = (query[0], str(seen[query]), table.unit)
                        entries.append(Entry(query[1], arm, quality, cost, latency, *row))
        return cls.gathered(entries)

    @property
    def cells(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return quality, cost and latency."""
        return self.quality, self.cost, self.latency

    def over(self, arms: Sequence[str]) -> ArmOutcomes:
        """Return the queries over these arms, in this order; an absent arm is NaN throughout."""
        place = {name: k for k, name in enumerate(self.arms)}
        columns = []
        for cells in self.cells:
            column = np.full((len(self), len(arms)), np.nan)
            for k, name in enumerate(arms):
                if name in place:
                    column[:, k] = cells[:, place[name]]
            columns.append(column)
        quality, cost, latency = columns
        return replace(self, arms=tuple(arms), quality=quality, cost=cost, latency=latency)

    def rows(self, index: np.ndarray) -> ArmOutcomes:
        """Select queries by indices or by a mask."""
        places = np.flatnonzero(index) if index.dtype == bool else index
        texts, groups = tuple(self.texts[k] for k in places), tuple(self.groups[k] for k in places)
        return ArmOutcomes(texts, self.arms, groups, *(cells[places] for cells in self.cells), unit=self.unit)

    def balanced(self) -> np.ndarray:
        """Return weights of the queries [q] with which every group counts equally; their mean is 1."""
        counts = Counter(self.groups)
        return np.array([len(self) / (len(counts) * counts[group]) for group in self.groups])

    def hashes(self) -> list[str]:
        """Return a short digest of each query, by which a pool recognizes what it was fitted on."""
        return [digest(text) for text in self.texts]

    def macro(self, chosen: np.ndarray) -> float:
        """Average the quality of one arm per query [q] within and then over the groups."""
        values = self.quality[np.arange(len(self)), chosen]
        groups = np.array(self.groups)
        return float(np.mean([np.nanmean(values[groups == group]) for group in dict.fromkeys(self.groups)]))


def _one(units: Mapping[str, None]) -> str:
    """Return the only unit, empty without one. Raises BadInput for several."""
    if len(units) > 1:
        raise BadInput(
            f"these outcomes have costs in {' and in '.join(units)}, which do not compare: fit on those of one unit."
        )
    return next(iter(units), "")


def digest(text: str) -> str:
    return hashlib.sha256(text.strip().encode(errors="surrogatepass")).hexdigest()[:12]


def require_choice(table: ArmOutcomes) -> None:
    """Raise BadInput if there is nothing to choose between, or nothing to learn from."""
    if len(table.arms) < 2:
        names = ", ".join(table.arms) or "none"
        raise BadInput(f"a pool needs outcomes of at least two models, and there is {names}: add another model's.")
    if len(table) < 2:
        raise BadInput(f"a pool needs outcomes on at least two problems, and there is {len(table)}: add more.")
    empty = [name for name, column in zip(table.arms, table.quality.T, strict=True) if np.isnan(column).all()]
    if empty:
        raise BadInput(f"{', '.join(empty)} has no outcome: add some, or leave it out.")
