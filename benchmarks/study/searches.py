"""``python -m benchmarks.study.searches``: every search against the weighted vote of as many FLOPs.

Runs what is missing of a grid (levels, policies, searches, N, seeds), one folder a cell, and then prints one table and
writes it as JSON with a figure. Stop it at any time: the same command goes on, and ``--no-run`` prints what is there.
``--join`` adds the rows to those of an earlier table, whose runs need not be at hand.
Rejection, majority and adaptive consistency are replayed on the samples instead of run
(:mod:`benchmarks.study.search_replay`). Policy and reward model are counted.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.bench.jobs import budgets_of, strategies_of
from benchmarks.console import run
from benchmarks.report.svg import svg
from benchmarks.stats.intervals import Interval
from benchmarks.study import plan
from benchmarks.study.compare import DRAWS
from benchmarks.study.gain_plot import GainPanels
from benchmarks.study.search_gains import Gain, Row, rows, words
from benchmarks.study.search_replay import replay_of
from benchmarks.study.search_runs import DATA_SETS, HARD, SAMPLES, Cell, Grid, execute
from benchmarks.study.search_table import Table, joined, read, write
from tts.errors import BadInput
from tts.files.text import write_atomically
from tts.records.words import count

CHANCE = 0.025
"""Share of 95 % intervals that lie above the true value."""

SEARCHES = (
    "beam-search", "beam-search:granularity=2", "dvts", "dvts:granularity=2", "rebase", "particle-filter",
    "particle-filter:ess=0.5", "mcts", "ab-mcts", "reject-early", "reject-early:alpha=0.25",
    "reject-early:chunk=1:alpha=0.25", "reject-early:refill=true", "majority", "adaptive-consistency",
)  # fmt: skip


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    made = argparse.ArgumentParser(prog="python -m benchmarks.study.searches", description=__doc__)
    add = made.add_argument
    of = "lab-500, lab-validation or lab-hard, 800 other problems of levels 4 and 5 (default: %(default)s)"
    add("--data", default="lab-500", help=of)
    add("--levels", default="1,2,3,4,5", help="(default: %(default)s)")
    add("--limit", type=int, default=None, help="first problems of each level")
    add("--policies", default=",".join(plan.POLICIES), help="with commas between (default: %(default)s)")
    add("--searches", default=",".join(SEARCHES), help="with parameters after colons (default: %(default)s)")
    add("--budget", default="4,16,64", help="values of N (default: %(default)s)")
    add("--seeds", type=int, default=plan.SEEDS, help="(default: %(default)s)")
    add("--samples", type=int, default=64, help="of each problem and seed, for votes (default: %(default)s)")
    add("--engine", default="transformers", help="(default: %(default)s)")
    add("--runs", type=Path, default=Path("runs/searches"), help="run folders (default: %(default)s)")
    add("--out", type=Path, default=Path("runs/searches-out"), help="table and figure (default: %(default)s)")
    add("--join", type=Path, help="an earlier searches.json, whose rows stand where these runs have none")
    add("--minutes", type=float, default=None, help="start no run after so many minutes")
    add("--dry-run", action="store_true", help="print the cells that are missing; run nothing")
    add("--no-run", action="store_true", help="use the existing runs, run nothing")
    return made


def study(args: argparse.Namespace) -> int:
    """Run what is missing, then print and write the comparison."""
    grid = grid_of(args)
    earlier = _earlier(args.join, grid.data)
    cells = [cell for cell in grid.cells() if replay_of(cell.search) is None]
    if args.dry_run:
        return _dry_run(args.runs, cells)
    end = time.monotonic() + 60 * args.minutes if args.minutes else float("inf")
    for k, cell in enumerate(() if args.no_run else cells):
        if time.monotonic() > end:
            print(f"{k} of {len(cells)} runs are done: the same command goes on.", file=sys.stderr)
            break
        execute(args.runs, cell, args.engine)
    found = joined(earlier, rows(args.runs, grid, DRAWS))
    if not found:
        raise BadInput(f"{args.runs} has no complete samples of {', '.join(grid.policies)}: leave --no-run out.")
    text = f"{printed(grid.data, found)}\n\n{_missing(args.runs, cells)}"
    print(text)
    _write(args.out, Table(grid.data, tuple(found)), text)
    return 0


def grid_of(args: argparse.Namespace) -> Grid:
    """Check the options. Raises BadInput and UnknownName."""
    policies = tuple(name.strip() for name in args.policies.split(","))
    if unknown := [name for name in policies if name not in plan.POLICIES]:
        raise BadInput(f"{unknown[0]} is not a built-in policy: take some of {', '.join(plan.POLICIES)}.")
    if args.data not in DATA_SETS:
        raise BadInput(f"--data is one of {', '.join(DATA_SETS)}, not {args.data}.")
    try:
        levels = tuple(int(level) for level in args.levels.split(","))
    except ValueError as error:
        raise BadInput(f"--levels is a list of numbers such as 4,5, not {args.levels!r}.") from error
    for name, value in (("--seeds", args.seeds), ("--samples", args.samples)):
        if value < 1:
            raise BadInput(f"{name} must be 1 or more, not {value}.")
    searches = tuple(name for name in strategies_of(args.searches, with_prm=True) if name != SAMPLES)
    widths = tuple(budgets_of(args.budget))
    grid = Grid(args.data, levels, policies, searches, widths, args.seeds, args.samples, args.limit)
    for cell in grid.of(policies[0], SAMPLES, args.samples, 0):
        cell.problems()  # an unknown level or a wrong limit raises
    return grid


def _earlier(path: Path | None, data: str) -> Sequence[Row]:
    """Read the rows of an earlier table. Raises BadInput if it is of other problems."""
    if path is None:
        return ()
    table = read(path)
    if table.data != data:
        raise BadInput(f"{path} is a table of {table.data}, not of {data}: ask for --data {table.data}.")
    return table.rows


def printed(data: str, found: Sequence[Row]) -> str:
    """Return a table for each group of levels and N, and the verdict."""
    parts = [f"{data}: share of right answers, and points over the weighted vote of as many FLOPs (paired, 95 %)"]
    for group in dict.fromkeys(name for row in found for name in row.gains):
        shown = [row for row in found if group in row.gains]
        for n in sorted({row.n for row in shown}):
            rows = [row for row in shown if row.n == n]
            problems = " or ".join(map(str, sorted({row.gains[group].problems for row in rows})))
            parts.append(f"{group} ({problems} problems), N = {n}\n\n{markdown(rows, group)}")
    return "\n\n".join([*parts, verdict(found)])


def markdown(rows: Sequence[Row], group: str) -> str:
    """Return a table with a line for each search and a column for each policy; cells that were not run are empty."""
    by_key = {(row.search, row.policy): row.gains[group] for row in rows}
    policies = list(dict.fromkeys(row.policy for row in rows))
    lines = [["search", *policies], ["---"] * (1 + len(policies))]
    for search in dict.fromkeys(row.search for row in rows):
        cells = [by_key.get((search, policy)) for policy in policies]
        lines.append([f"`{search}`", *(_words(cell) if cell else "" for cell in cells)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _words(cell: Gain) -> str:
    """Format a cell; a gain whose interval is above zero is bold."""
    if cell.gain is None:
        return "cheaper than one scored sample"
    gain = cell.gain.points().replace(" points", "")
    marked = f"**{gain}**" if cell.gain.low > 0 else gain
    many = f" ({count(cell.seeds, 'seed')})" if cell.seeds > 1 else ""
    return f"{100 * cell.right.value:.1f} %, {marked}{many}"


def verdict(found: Sequence[Row]) -> str:
    """Say which searches have a gain above zero on the hard problems, and how many would by chance."""
    hard = [row for row in found if row.hard is not None]
    if not hard:
        return "No gain on levels 4 and 5 was measured."
    above: dict[str, list[str]] = {}
    for row in hard:
        if row.above:
            above.setdefault(row.search, []).append(f"{row.policy} at N = {row.n}")
    count = sum(map(len, above.values()))
    text = (
        f"Levels 4 and 5: {count} of {len(hard)} intervals are above zero; "
        f"{CHANCE * len(hard):.1f} would be if no search gained anything."
    )
    return "\n".join([text, *(f"  {search}: {', '.join(where)}" for search, where in above.items())])


def _dry_run(runs: Path, cells: Sequence[Cell]) -> int:
    for cell in cells:
        if not (runs / cell.name).is_dir():
            print(f"{cell.policy}  {cell.search}  N = {cell.n}  levels {cell.levels}  seed {cell.seed}")
    print(_missing(runs, cells))
    return 0


def _missing(runs: Path, cells: Sequence[Cell]) -> str:
    missing = sum(not (runs / cell.name).is_dir() for cell in cells)
    return f"{missing} of {len(cells)} runs have not begun."


def _write(out: Path, table: Table, text: str) -> None:
    out.mkdir(parents=True, exist_ok=True)
    write_atomically(out / "searches.txt", text + "\n")
    write(out / "searches.json", table)
    groups = list(dict.fromkeys(name for row in table.rows for name in row.gains))
    group = next(name for name in (words(HARD), *groups) if name in groups)
    gains: dict[str, dict[str, dict[int, Interval]]] = {}
    for row in table.rows:
        if (found := row.gains.get(group)) and found.gain:
            gains.setdefault(row.search, {}).setdefault(row.policy, {})[row.n] = found.gain
    caption = (
        f"What each search gains over the weighted vote of as many FLOPs, by N, {table.data}, {group}, with 95 % "
        "intervals."
    )
    chart = GainPanels(gains, f"points over the weighted vote of as many FLOPs, {group}")
    write_atomically(out / "searches.svg", svg(chart, caption, alone=True))
    print(f"Written to {out}.", file=sys.stderr)


def main(argv: list[str] | None = None) -> int:
    """Run the study. Returns 2 for a mistake."""
    options = parser().parse_args(argv)
    return run(lambda: study(options))


if __name__ == "__main__":
    sys.exit(main())
