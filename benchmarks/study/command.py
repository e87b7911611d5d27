"""``python -m benchmarks.study``: runs the grid, fits on the validation split, plays the test split, checks claims.

With ``--cross`` the test split is not used: profiles are fitted to four fifths of the validation problems and play the
remaining fifth, five times. A last table shows what early stopping without a profile loses. With
``--fit-on`` runs of other problems, such as lab-calibration, take the place of the validation split.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.bench.jobs import budgets_of
from benchmarks.recordings.gather import read
from benchmarks.recordings.pool import Pool
from benchmarks.simulate.simulator import ORDERS
from benchmarks.study import early_stopping, figures, plan, search_runs, summary
from benchmarks.study.claims import Claim, small_beats_large
from benchmarks.study.compare import DRAWS
from benchmarks.study.measure import greedy_point
from benchmarks.study.policy_study import PolicyStudy, across, on_test, parameters
from tts.commands.console import table
from tts.errors import BadInput
from tts.files.json_text import dump
from tts.files.names import safe_name
from tts.files.text import write_atomically
from tts.records.outcomes import OUTCOMES


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.study", description="Measure what the compute-optimal selector is worth; resumable."
    )
    add = made.add_argument
    add("--runs", type=Path, default=Path("runs/study"), help="run folders (default: %(default)s)")
    add("--out", type=Path, default=Path("runs/study-out"), help="summary and figures (default: %(default)s)")
    add("--policies", default=",".join(plan.POLICIES), help="with commas between (default: %(default)s)")
    add("--seeds", type=int, default=plan.SEEDS, help="of the test split (default: %(default)s)")
    add("--limit", type=int, default=None, help="first problems of each split; needs a --runs folder of its own")
    add("--budget", default=None, help="values of N of the searches (default: 4,16,64)")
    add("--sample-runs", type=int, default=None, help="runs of 64 samples, each with its own seed (default: 4)")
    add("--kinds", default=None, help="parts of the grid to run, such as greedy,samples (default: all)")
    add("--engine", default="transformers", help="transformers or vllm (default: %(default)s)")
    add("--cross", action="store_true", help="cross-fit on the validation split; use no test problem")
    add("--fit-on", type=Path, action="append", default=[], help="run folder in place of lab-validation's; repeatable")
    add("--quick", action="store_true", help="lab-200k alone, one seed, fewer orders and draws")
    add("--no-run", action="store_true", help="use the existing runs, run nothing")
    add("--dry-run", action="store_true", help="print the runs and their estimated time; run nothing")
    return made


def study(args: argparse.Namespace) -> int:
    """Run the study. Returns exit code 1 if a claim is missed."""
    policies = ["lab-200k"] if args.quick else [name.strip() for name in args.policies.split(",")]
    if unknown := [name for name in policies if name not in plan.POLICIES]:
        raise BadInput(f"{unknown[0]} is not a built-in policy: take some of {', '.join(plan.POLICIES)}.")
    if args.fit_on and len(policies) > 1:
        raise BadInput("--fit-on is for one policy: name it with --policies.")
    seeds = 1 if args.quick or args.cross else args.seeds
    sized = plan.sized(tuple(budgets_of(args.budget)) if args.budget else None, args.sample_runs)
    if not args.no_run:
        kinds = plan.chosen(sized, args.kinds.split(",")) if args.kinds else sized
        runs = plan.grid(policies, seeds, args.cross, kinds, args.limit)
        if args.fit_on:
            runs = [run for run in runs if run.split == "test"]
        plan.execute(args.runs, runs, args.engine, args.dry_run)
        if args.dry_run:
            return 0
    orders, draws = (8, DRAWS // 4) if args.quick else (ORDERS, DRAWS)
    found = []
    for policy in policies:
        print(f"{policy}: reading its runs", file=sys.stderr)
        validation = read(args.fit_on or _there(args.runs, "val", policy, 0, sized))
        if args.cross:
            found.append(across(validation, orders, draws))
        else:
            found.append(on_test(validation, _tests(args.runs, policy, seeds, sized), orders, draws))
        print(summary.printed(found[-1]), end="\n\n")
        if args.cross:
            print(table(list(early_stopping.compared(policy, validation, orders))), end="\n\n")
    between = [] if args.cross else _between(found, args.runs)
    print(summary.verdicts(between))
    _write(args.out / ("cross" if args.cross else "test"), found, between, {"seeds": seeds, "orders": orders})
    return 0 if all(claim.holds for claim in (*between, *(c for each in found for c in each.claims))) else 1


def _tests(root: Path, policy: str, seeds: int, kinds: Sequence[plan.Kind]) -> list[Pool]:
    """Return the test pools of the seeds that have as many samples as the first, at most ``seeds`` of them."""
    first = read(_there(root, "test", policy, 0, kinds))
    further = (_folders(root, "test", policy, seed, kinds) for seed in range(1, seeds))
    pools = [read(folders) for folders in further if _sampled(folders)]
    found = [first, *(pool for pool in pools if pool.width >= first.width)]
    if len(found) < seeds:
        print(f"{policy}: {len(found)} of {seeds} seeds were run", file=sys.stderr)
    return found


def _there(root: Path, split: str, policy: str, seed: int, kinds: Sequence[plan.Kind]) -> list[Path]:
    """Return the run folders. Raises BadInput if none has samples."""
    found = _folders(root, split, policy, seed, kinds)
    if not _sampled(found):
        raise BadInput(
            f"{root} has no samples of {policy} on {plan.SPLITS[split]} with seed {seed}: leave --no-run out, or name "
            "the folder of the runs with --runs."
        )
    return found


def _folders(root: Path, split: str, policy: str, seed: int, kinds: Sequence[plan.Kind]) -> list[Path]:
    """Return the run folders of this study, and those that the study of searches left in the same place."""
    theirs = None if split == "val" else seed  # every seed of the validation split is fitted to
    return plan.folders(root, split, policy, seed, kinds) + search_runs.folders(
        root, plan.SPLITS[split], policy, theirs
    )


def _sampled(folders: list[Path]) -> bool:
    return any("samples" in folder.name or search_runs.SAMPLES in folder.name for folder in folders)


def _between(found: list[PolicyStudy], root: Path) -> list[Claim]:
    """Compare every smaller policy with the largest policy's greedy answers, if these were run."""
    large, claims = plan.POLICIES[-1], list[Claim]()
    folder = root / plan.GREEDY_OF_LARGE.name
    if not (folder / OUTCOMES).is_file():
        return claims
    for each in found:
        measured = each.measured
        if measured.policy != large:
            sizes = parameters(measured.policy), parameters(large), parameters(measured.prm)
            greedy = greedy_point(folder, measured.ids)
            claims += small_beats_large(measured, large, greedy, sizes, each.compared.draws)
    return claims


def _write(out: Path, found: list[PolicyStudy], between: list[Claim], about: dict[str, Any]) -> None:
    """Write ``study.json`` and the figures."""
    out.mkdir(parents=True, exist_ok=True)
    whole = about | {
        "policies": [summary.recorded(each) for each in found],
        "claims": [{"what": claim.what, "measured": claim.measured, "holds": claim.holds} for claim in between],
    }
    write_atomically(out / "study.json", dump(whole, indent=1) + "\n")
    for each in found:
        name = safe_name(each.measured.policy)
        label = f"{len(each.measured.ids)} problems"
        write_atomically(out / f"{name}-flops.svg", figures.over_flops(each.compared, label))
        for estimate in each.difficulty:
            write_atomically(out / f"{name}-difficulty.svg", figures.difficulty(each.measured.policy, estimate))
    print(f"\nWritten to {out}.", file=sys.stderr)
