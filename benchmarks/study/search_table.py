"""The table of searches as a file: what was measured, to which later runs add."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.stats.intervals import Interval
from benchmarks.study.plan import POLICIES
from benchmarks.study.search_gains import Gain, Row
from tts.errors import BadInput
from tts.files import json_text
from tts.files.text import write_atomically

_DIGITS = 5


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of one data set."""

    data: str
    rows: tuple[Row, ...]


def read(path: Path) -> Table:
    """Read a table. Raises BadInput if it is none."""
    found = json_text.read(path)
    try:
        return Table(str(found["data"]), tuple(_row(each) for each in found["rows"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadInput(f"{path} is not a table of searches: take a searches.json of this study.") from error


def write(path: Path, table: Table) -> None:
    """Write a table, one row a line."""
    lines = ",\n".join(json_text.dump(_record(row)) for row in table.rows)
    write_atomically(path, f'{{"data": {json_text.dump(table.data)}, "rows": [\n{lines}\n]}}\n')


def joined(earlier: Sequence[Row], later: Sequence[Row]) -> list[Row]:
    """Add rows to those of earlier runs, in whose place they stand for the groups of levels that both have."""
    found = {(row.policy, row.search, row.n): row for row in earlier}
    for row in later:
        key = row.policy, row.search, row.n
        gains = {**found[key].gains, **row.gains} if key in found else row.gains
        found[key] = Row(*key, gains)
    policies = list(dict.fromkeys([*POLICIES, *(policy for policy, _, _ in found)]))
    searches = list(dict.fromkeys(search for _, search, _ in found))
    return sorted(found.values(), key=lambda row: (policies.index(row.policy), searches.index(row.search), row.n))


def _row(record: Mapping[str, Any]) -> Row:
    gains = {str(group): _gain(each) for group, each in record["gains"].items()}
    return Row(str(record["policy"]), str(record["search"]), int(record["n"]), gains)


def _gain(record: Mapping[str, Any]) -> Gain:
    vote, gain = record["vote"], record["gain"]
    return Gain(
        int(record["problems"]),
        float(record["flops"]),
        _interval(record["right"]),
        None if vote is None else float(vote),
        None if gain is None else _interval(gain),
        int(record["seeds"]),
    )


def _interval(ends: Sequence[float]) -> Interval:
    value, low, high = map(float, ends)
    return Interval(value, low, high)


def _record(row: Row) -> dict[str, Any]:
    return {
        "policy": row.policy,
        "search": row.search,
        "n": row.n,
        "gains": {
            group: {
                "problems": gain.problems,
                "seeds": gain.seeds,
                "flops": round(gain.flops),
                "right": _numbers(gain.right),
                "vote": None if gain.vote is None else round(gain.vote, _DIGITS),
                "gain": None if gain.gain is None else _numbers(gain.gain),
            }
            for group, gain in row.gains.items()
        },
    }


def _numbers(interval: Interval) -> list[float]:
    return [round(each, _DIGITS) for each in (interval.value, interval.low, interval.high)]
