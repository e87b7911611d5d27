"""`python -m benchmarks.orchestra`: shows what the laboratory's orchestrator does.

`train` trains it, `measure` measures its tools.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.console import run


def _train(args: argparse.Namespace) -> int:
    import torch

    from benchmarks.orchestra import export, stages
    from tts.models.files import BUILT_IN

    torch.set_num_threads(args.threads)
    plan = stages.rehearsal(stages.Plan()) if args.rehearse else stages.Plan()
    kept = args.models / export.OTHER.name if args.models else export.OTHER
    folder = stages.everything(args.out, args.models or BUILT_IN, plan, kept)
    print(f"The model is in {folder}.")
    return 0


def _measure(args: argparse.Namespace) -> int:
    from benchmarks.orchestra import tools

    for name, record in tools.measure(args.each).items():
        print(f"{name}: {record.latency:g} s" + (f", right in {record.right} of {record.of}" if record.of else ""))
    return 0


def _show(args: argparse.Namespace) -> int:
    from benchmarks.orchestra import report

    return 0 if report.show(args.out, args.tasks, args.figure, args.split) else 1


def parser() -> argparse.ArgumentParser:
    """Build the parser; each subcommand sets `run`."""
    top = argparse.ArgumentParser(
        prog="python -m benchmarks.orchestra", description="Show, train and measure the laboratory's orchestrator."
    )
    top.add_argument("--out", type=Path, default=Path("runs/orchestra"), help="work folder (default: %(default)s)")
    top.add_argument("--tasks", type=int, default=480, help="test tasks of each comparison (default: %(default)s)")
    top.add_argument("--figure", type=Path, help="draw the curves of accuracy over cost into this file (SVG)")
    top.add_argument(
        "--split", choices=("test", "validation"), default="test", help="whose tasks they are (default: %(default)s)"
    )
    top.set_defaults(run=_show)
    commands = top.add_subparsers(metavar="command")
    train = commands.add_parser("train", help="train the policy from scratch; the same command resumes")
    train.add_argument("--models", type=Path, help="folder the model is written to (default: the package's)")
    train.add_argument("--threads", type=int, default=1, help="threads of torch (default: %(default)s)")
    train.add_argument("--rehearse", action="store_true", help="run every stage at a tiny size, into --models")
    train.set_defaults(run=_train)
    measure = commands.add_parser("measure", help="measure the tools' seconds and the models' accuracy")
    measure.add_argument("--each", type=int, default=80, help="problems a level (default: %(default)s)")
    measure.set_defaults(run=_measure)
    return top


def main(argv: list[str] | None = None) -> int:
    """Run a subcommand and return its exit code: 2 for an error the user can correct, 130 when interrupted."""
    args = parser().parse_args(argv)
    if getattr(args, "rehearse", False) and args.models is None:
        print("--rehearse needs --models, so that it does not overwrite the real one.", file=sys.stderr)
        return 2
    return run(lambda: int(args.run(args)))


if __name__ == "__main__":
    sys.exit(main())
