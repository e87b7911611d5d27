"""Recorded outcomes for the measurements: the splits of RouterDC and RouterBench."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tts.routing.formats import read_outcomes
from tts.routing.outcomes import ArmOutcomes

_TRAIN = {
    "gsm8k": "gsm8k-train", "humaneval": "humaneval_train", "arc_challenge": "arc_challenge_train",
    "mmlu": "mmlu_train", "cmmlu": "cmmlu_train",
}  # fmt: skip
_TEST = {
    "mmlu": "mmlu_test", "gsm8k": "gsm8k-test", "cmmlu": "cmmlu_test", "arc_challenge": "arc_challenge_test",
    "humaneval": "humaneval_test",
}  # fmt: skip
_OTHER = {"prealgebra": "MATH_prealgebra", "mbpp": "mbpp", "ceval": "ceval"}


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Outcomes to fit on, and outcomes to test on.

    Attributes:
        train: outcomes to fit on.
        test: problems of the same data sets.
        other: problems of data sets outside the training set; None if there are none.
    """

    train: ArmOutcomes
    test: ArmOutcomes
    other: ArmOutcomes | None = None


def routerdc(folder: Path) -> Split:
    """Read the split of RouterDC (arXiv 2409.19886): seven models, five data sets, three others."""
    return Split(*(_joined(folder, files, ".json.gz") for files in (_TRAIN, _TEST, _OTHER)))


def routerbench(folder: Path) -> Split:
    """Read RouterBench's zero-shot tables (arXiv 2403.12031): eleven models with their dollars."""
    names = ("arc_challenge", "mbpp", "winograde")
    parts = ({name: f"{name}_{part}" for name in names} for part in ("train", "test"))
    return Split(*(_joined(folder, files, ".csv.gz") for files in parts))


def _joined(folder: Path, files: dict[str, str], ending: str) -> ArmOutcomes:
    return ArmOutcomes.joined([read_outcomes(folder / f"{file}{ending}", group) for group, file in files.items()])
