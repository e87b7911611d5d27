"""`python -m benchmarks.lab`: trains the built-in models (`train`, `specialists`), samples the solutions of
`tts prm-eval --data lab` (`judged`), fits and measures which problems the policies know (`scope`).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.console import run
from tts.models.policies import DEFAULT_POLICY

Command = Callable[[argparse.Namespace], int]


def _train(args: argparse.Namespace) -> int:
    import torch

    from benchmarks.lab import stages
    from tts.models.files import BUILT_IN

    torch.set_num_threads(args.threads)
    models = args.models or BUILT_IN
    stages.everything(args.out, models, stages.rehearsal() if args.rehearse else stages.FULL)
    print(f"The models are in {models}.")
    return 0


def _specialists(args: argparse.Namespace) -> int:
    import torch

    from benchmarks.lab import specialists
    from tts.models.files import BUILT_IN

    torch.set_num_threads(args.threads)
    models = args.models or BUILT_IN
    specialists.everything(args.out, models)
    print(f"The specialists are in {models}.")
    return 0


def _judged(args: argparse.Namespace) -> int:
    from benchmarks.lab import judged
    from benchmarks.word_problems import labelled

    judged.write(args.out or labelled.FILE)
    return 0


def _scope(args: argparse.Namespace) -> int:
    from benchmarks.lab.scope import command

    command.run(args.data, args.out, policy=args.policy, fit=not args.measure, measure=not args.fit)
    return 0


def parser() -> argparse.ArgumentParser:
    """Build the parser; each subcommand sets `run`."""
    top = argparse.ArgumentParser(prog="python -m benchmarks.lab", description="Train and measure the built-in models.")
    commands = top.add_subparsers(required=True, metavar="command")
    train = commands.add_parser("train", help="train every model from scratch; the same command resumes")
    train.add_argument("--out", type=Path, default=Path("runs/lab"), help="folder of work files (default: %(default)s)")
    train.add_argument("--models", type=Path, help="folder the models are written to (default: the package's)")
    threads = max(1, (os.cpu_count() or 1) // 2)
    train.add_argument("--threads", type=int, default=threads, help="threads of torch (default: %(default)s)")
    train.add_argument("--rehearse", action="store_true", help="run every stage at a tiny size, into --models")
    train.set_defaults(run=_train)
    some = commands.add_parser(
        "specialists", help="train the specialists that a pool routes between; the same command resumes"
    )
    some.add_argument("--out", type=Path, default=Path("runs/lab"), help="folder of work files (default: %(default)s)")
    some.add_argument("--models", type=Path, help="folder the models are written to (default: the package's)")
    some.add_argument("--threads", type=int, default=threads, help="threads of torch (default: %(default)s)")
    some.set_defaults(run=_specialists)
    judged = commands.add_parser("judged", help="sample the solutions that reward models are evaluated on")
    judged.add_argument("--out", type=Path, help="file to write (default: the package's)")
    judged.set_defaults(run=_judged)
    scope = commands.add_parser(
        "scope", help="fit which problems the policies know, print how well; the same command resumes"
    )
    scope.add_argument("--data", type=Path, required=True, help="folder of the public data sets, not distributed")
    scope.add_argument("--out", type=Path, default=Path("runs/scope"), help="work folder (default: %(default)s)")
    scope.add_argument("--policy", default=DEFAULT_POLICY, help="built-in policy (default: %(default)s)")
    scope.add_argument("--fit", action="store_true", help="fit only")
    scope.add_argument("--measure", action="store_true", help="measure only, on the problems answered so far")
    scope.set_defaults(run=_scope)
    return top


def main(argv: list[str] | None = None) -> int:
    """Run a subcommand and return its exit code: 2 for an error the user can correct, 130 when interrupted."""
    args = parser().parse_args(argv)
    if getattr(args, "rehearse", False) and args.models is None:
        print("--rehearse needs --models, so that it does not overwrite the real ones.", file=sys.stderr)
        return 2
    command: Command = args.run
    return run(lambda: command(args))


if __name__ == "__main__":
    sys.exit(main())
