"""`python -m benchmarks.speed`: runs the missing measurements, prints one table, keeps a JSON file."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

from benchmarks.provenance import machine
from benchmarks.speed.harness import FULL, QUICK, Bench, Measurement, Part, Scale
from benchmarks.speed.measure import (
    attention,
    cluster,
    memory,
    overhead,
    scaling,
    search_tax,
    selector,
    serving,
    serving_faults,
)
from benchmarks.speed.peers import gateways, its_hub, search_and_learn
from benchmarks.speed.results_file import Record
from benchmarks.speed.table import Row, render
from tts.engines.load import parse_argument
from tts.errors import TTSError

# In running order: parts on the lab models first, so that engines are started as rarely as possible.
PARTS: dict[str, Part] = {
    "selector": selector,
    "attention": attention,
    "overhead": overhead,
    "serve": serving,
    "faults": serving_faults,
    "control": search_and_learn,
    "growth": scaling,
    "memory": memory,
    "cluster": cluster,
    "tax": search_tax,
    "peer": its_hub,
    "gateways": gateways,
}


def chosen(scale: Scale, only: str | None) -> Iterator[Measurement]:
    """Yield the measurements that ``only`` names: parts, or patterns such as ``tax/30m/*/16``; default: all."""
    patterns = only.split(",") if only else ["*"]
    for part in PARTS.values():
        for measurement in part.measurements(scale):
            name = measurement.name
            if any(name.split("/")[0] == pattern or fnmatch(name, pattern) for pattern in patterns):
                yield measurement


def rows(record: Record) -> list[Row]:
    """Return the rows of the table so far."""
    return [row for part in PARTS.values() for row in part.rows(record)]


async def measure(bench: Bench, wanted: Sequence[Measurement], record: Record) -> None:
    """Run the measurements that are missing in the record, and keep each result as it finishes."""
    try:
        for index, measurement in enumerate(wanted, 1):
            place = f"[{index}/{len(wanted)}] {measurement.name}"
            if measurement.name in record and "skipped" not in record[measurement.name]:
                print(f"{place}: kept from an earlier run", file=sys.stderr)
                continue
            print(f"{place} ...", file=sys.stderr, flush=True)
            begun = time.perf_counter()
            record.keep(measurement.name, await measurement.run(bench))
            print(f"{place}: {time.perf_counter() - begun:.0f} s", file=sys.stderr, flush=True)
    finally:
        bench.close()


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="python -m benchmarks.speed", description="Measure the speed of the search as ratios."
    )
    top.add_argument("--quick", action="store_true", help="a few problems and N=4: checks that everything runs")
    top.add_argument("--only", metavar="NAME,...", help=f"parts ({', '.join(PARTS)}) or patterns such as tax/30m/*/16")
    top.add_argument("--out", type=Path, help="the JSON file (default: runs/speed/speed.json, or quick.json)")
    top.add_argument("--problems", type=int, help="concurrent problems of the search tax (default: 64)")
    top.add_argument("--control-problems", type=int, help="problems of the lock-step comparison (default: 500)")
    top.add_argument(
        "--control-prm", choices=["vllm", "transformers"], default="vllm",
        help="what scores the lock-step loop's texts (default: %(default)s, the same engine as ours)",
    )  # fmt: skip
    top.add_argument(
        "--engine-arg", action="append", default=[], metavar="NAME=VALUE",
        help="argument of the engines on both sides, as in tts solve: policy.replicas=1",
    )  # fmt: skip
    top.add_argument("--peer-python", type=Path, help="a Python with its_hub[lm]; without it that part is skipped")
    top.add_argument("--peer-problems", type=int, help="problems of the comparison with its_hub (default: 64)")
    top.add_argument("--table", action="store_true", help="print the table of the file; measure nothing")
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print. Returns 0 if every measured bar holds, 1 if one is missed, 2 for an error of use."""
    args = parser().parse_args(argv)
    counts = ("problems", "control_problems", "peer_problems")
    scale = replace(QUICK if args.quick else FULL, **{name: n for name in counts if (n := getattr(args, name))})
    out = args.out or Path("runs", "speed", "quick.json" if args.quick else "speed.json")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    wanted = list(chosen(scale, args.only))
    if not wanted:
        print(f"--only {args.only} matches nothing: the parts are {', '.join(PARTS)}.", file=sys.stderr)
        return 2
    # SIGTERM stops servers and engines too, as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        engine_args = dict(map(parse_argument, args.engine_arg))
        bench = Bench(scale, out.parent, args.peer_python, args.control_prm, engine_args)
        record = Record(out, bench.settings(), machine())
        if not args.table:
            asyncio.run(measure(bench, wanted, record))
    except TTSError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"Stopped; the same command resumes from {out}.", file=sys.stderr)
        return 130
    table = rows(record)
    print(render(table))
    print(f"\nEverything is in {out}.", file=sys.stderr)
    return 1 if any(row.holds is False for row in table) else 0


if __name__ == "__main__":
    sys.exit(main())
