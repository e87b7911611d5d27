"""``python -m benchmarks.routing``: all measurements of docs/ROUTING.md, printed and written as JSON."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.routing import cost, encoders, live, quality, searches, speed, voting
from benchmarks.routing.recorded import routerbench, routerdc
from benchmarks.stats.intervals import Interval
from tts.errors import BadInput
from tts.files.json_text import dump
from tts.files.text import check_writable, write_atomically
from tts.routing.embedding import TFIDF, CachedEmbedder, Embedder, load_embedder
from tts.routing.outcomes import ArmOutcomes
from tts.routing.regression import LogisticRouter
from tts.routing.tfidf import TfIdfEmbedder

PARTS = ("quality", "encoder", "cost", "voting", "speed", "live", "searches")


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.routing", description="Measure routing on recorded outcomes, and live."
    )
    made.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with routing/ and recorded/")
    made.add_argument("--embedder", default=TFIDF, help="a sentence-transformers folder or hub id; default: tfidf")
    made.add_argument("--cache", type=Path, help="folder of cached embeddings")
    made.add_argument(
        "--seeds", type=int, default=5, help="seeds of the routers that have any, and of encoders; default: 5"
    )
    made.add_argument("--only", choices=PARTS, action="append", help="one part; may be repeated; default: all")
    made.add_argument(
        "--runs", type=Path, default=Path("runs/routing"), help="work folder of live, searches, encoder; resumable"
    )
    made.add_argument("--short", action="store_true", help="a few problems of live and searches, to try it")
    made.add_argument("--out", type=Path, help="write the figures as JSON")
    return made


def routing(options: argparse.Namespace) -> int:
    """Run the parts that were asked for, print their tables, and keep their figures."""
    if options.out:
        check_writable(options.out)
    found: dict[str, Any] = {"embedder": options.embedder, "seeds": options.seeds}
    parts: dict[str, Callable[[argparse.Namespace], Any]] = {
        "quality": _quality, "encoder": _encoder, "cost": _cost, "voting": _voting, "speed": _speed, "live": _live,
        "searches": _searches,
    }  # fmt: skip
    every = [name for name in PARTS if name != "encoder" or options.embedder != TFIDF]
    for name in options.only or every:
        print(f"\n## {name}\n", flush=True)
        found[name] = parts[name](options)
        if options.out:
            write_atomically(options.out, dump(found, indent=1) + "\n")
    return 0


def _embedded(options: argparse.Namespace, train: ArmOutcomes, *others: ArmOutcomes) -> list[np.ndarray]:
    """Embed each table; TF-IDF is fitted on the first one only."""
    if options.embedder == TFIDF:
        embedder: Embedder = TfIdfEmbedder.fit(train.texts)
    else:
        embedder = CachedEmbedder(load_embedder(options.embedder), options.cache)
    return [asyncio.run(embedder.embed(table.texts)) for table in (train, *others)]


def _quality(options: argparse.Namespace) -> dict[str, Any]:
    split = routerdc(options.data / "routing" / "routerdc")
    assert split.other is not None
    singles = {**quality.singles(split.test), **quality.singles(split.other)}
    print("| data set | " + " | ".join(split.train.arms) + " |")
    for name, values in singles.items():
        print(f"| {name} | " + " | ".join(f"{value:.2f}" for value in values) + " |")
    references = quality.references(split)
    for name, (known, unknown) in references.items():
        print(f"| {name} | {100 * known:.2f} | {100 * unknown:.2f} |")
    rows = quality.measure(split, _embedded(options, split.train, split.test, split.other), options.seeds)
    _print_quality(rows)
    return {"singles": singles, "references": references, "rows": [asdict(row) for row in rows]}


def _encoder(options: argparse.Namespace) -> list[Any]:
    if options.embedder == TFIDF:
        raise BadInput("the part encoder trains a sentence encoder: name its folder with --embedder.")
    split = routerdc(options.data / "routing" / "routerdc")
    assert split.other is not None
    rows = encoders.measure(split, options.embedder, options.runs, options.seeds)
    _print_quality(rows)
    return [asdict(row) for row in rows]


def _print_quality(rows: Sequence[quality.Row]) -> None:
    print("\n| router | known data sets | unknown | gain | gain, unknown | seeds | within a data set |")
    for row in rows:
        cells = (row.known.percent(), row.unknown.percent(), row.gain.points(), row.other_gain.points())
        print(f"| {row.name} | {' | '.join(cells)} | {100 * row.deviation:.2f} | {row.within.points()} |")


def _cost(options: argparse.Namespace) -> list[Any]:
    split = routerbench(options.data / "routing" / "routerbench_zs")
    curves = cost.measure(split, _embedded(options, split.train, split.test))
    print("| chosen by | area (AIQ) | dollars per 1000 queries for 95 % of the dearest model |")
    for curve in curves:
        print(f"| {curve.name} | {Interval(curve.area, curve.low, curve.high).percent()} | {curve.dollars:.2f} |")
    return [asdict(curve) for curve in curves]


def _voting(options: argparse.Namespace) -> dict[str, Any]:
    found = {}
    for name in ("math500", "amc23", "aime24"):
        votes = voting.recorded(options.data / "recorded" / "skythought_multi", name)
        rows = voting.measure(votes, _embedded(options, votes.table)[0], LogisticRouter(c=0.01))
        print(f"\n| {name}: {len(votes.table)} problems, {len(votes.table.arms)} models | accuracy | gain |")
        for row in rows:
            print(f"| {row.name} | {row.accuracy.percent()} | {row.gain.points()} |")
        found[name] = [asdict(row) for row in rows]
    return found


def _live(options: argparse.Namespace) -> dict[str, Any]:
    return live.measure(options.runs, _sentence_encoder(options), options.short)


def _searches(options: argparse.Namespace) -> dict[str, Any]:
    return searches.measure(options.runs / "searches", _sentence_encoder(options), options.short)


def _sentence_encoder(options: argparse.Namespace) -> Embedder | None:
    """Return the embedder that was named; None for TF-IDF, which each part fits on its own problems."""
    named = options.embedder != TFIDF
    return CachedEmbedder(load_embedder(options.embedder), options.cache) if named else None


def _speed(options: argparse.Namespace) -> list[Any]:
    rows = speed.measure()
    print("| router | median ms a query | 95th percentile |")
    for row in rows:
        print(f"| {row.router} | {row.median:.2f} | {row.slow:.2f} |")
    return [asdict(row) for row in rows]
