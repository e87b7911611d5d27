"""`python -m benchmarks.orchestra train`: trains the laboratory's orchestrator; the same command resumes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.console import run


def _train(args: argparse.Namespace) -> int:
    import torch

    from benchmarks.orchestra import policy

    torch.set_num_threads(1)
    policy.train(policy.Recipe(), args.out / "demonstrations")
    return 0


def parser() -> argparse.ArgumentParser:
    """Build the parser; each subcommand sets `run`."""
    top = argparse.ArgumentParser(prog="python -m benchmarks.orchestra", description="Train a policy that calls tools.")
    commands = top.add_subparsers(required=True, metavar="command")
    train = commands.add_parser("train", help="train the policy from scratch; the same command resumes")
    train.add_argument("--out", type=Path, default=Path("runs/orchestra"), help="work folder (default: %(default)s)")
    train.set_defaults(run=_train)
    return top


def main(argv: list[str] | None = None) -> int:
    """Run a subcommand and return its exit code: 2 for an error the user can correct, 130 when interrupted."""
    args = parser().parse_args(argv)
    return run(lambda: args.run(args))


if __name__ == "__main__":
    sys.exit(main())
