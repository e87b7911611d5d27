"""A reward model of any quality: true step labels behind noise of a chosen strength.

A step is right if it and all steps before it are right. Its evidence is drawn from a normal distribution with mean
``+separation / 2`` if it is right and ``-separation / 2`` if it is not, and a standard deviation of one. The score is
the probability of a right step given that evidence, for equal priors. The AUC over steps then is
``Phi(separation / sqrt(2))`` (the binormal model of signal detection; Green and Swets, 1966).

A real reward model that misses an error often misses the steps that follow from it. So a share of the noise's variance
is drawn once for all steps after the same error, and once for all right steps of a solution's beginning.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from benchmarks.prm_eval.data import Case
from benchmarks.prm_eval.evaluation import measure
from benchmarks.prm_eval.sources import PROCESSBENCH, load

SHARED = 0.5
"""Default share of the noise's variance that the steps after one error have in common."""

_NORMAL = NormalDist()


def separation(auc: float) -> float:
    """Return the distance of the means, in standard deviations, for an AUC in [0.5, 1); infinite for 1."""
    if not 0.5 <= auc <= 1:
        raise ValueError(f"an AUC of {auc} is not from 0.5 to 1")
    return math.inf if auc == 1 else math.sqrt(2) * _NORMAL.inv_cdf(auc)


@dataclass(frozen=True, slots=True)
class NoisyOracle:
    """Scores steps by their true labels and noise; a reward model as ``solve(prm=...)`` takes it.

    Attributes:
        labels: returns for a problem's text and its steps whether each is right, with all before it.
        auc: AUC over steps, 0.5 to 1; at 1 right steps score 1 and wrong ones 0.
        shared: share of the noise's variance that the steps after one error have in common, 0 to 1.
        seed: of the noise. The same prefix of the same problem always has the same score.
    """

    labels: Callable[[str, Sequence[str]], Sequence[bool]]
    auc: float
    shared: float = SHARED
    seed: int = 0

    def __call__(self, problem: str, steps: Sequence[str]) -> list[float]:
        """Return one score a step, 0 to 1."""
        found, common = [], ""
        texts, distance = [step.strip() for step in steps], separation(self.auc)
        right_before = True
        for k, right in enumerate(self.labels(problem, texts)):
            prefix = "\n\n".join([problem, *texts[: k + 1]])
            if right_before and not right:
                common = prefix  # the steps after this error
            right_before = right
            if math.isinf(distance):
                found.append(float(right))
                continue
            noise = math.sqrt(self.shared) * self._noise("common", common or problem)
            noise += math.sqrt(1 - self.shared) * self._noise("step", prefix)
            evidence = distance * (distance / 2 * (1 if right else -1) + noise)
            found.append(1 / (1 + math.exp(-evidence)))
        return found

    def _noise(self, what: str, text: str) -> float:
        """Draw from the standard normal distribution: a hash of the seed and the text."""
        digest = hashlib.blake2b(f"{self.seed}|{what}|{text}".encode(), digest_size=8).digest()
        return _NORMAL.inv_cdf((int.from_bytes(digest, "big") + 0.5) / 2**64)


def processbench_f1(auc: float, limit: int | None = None, shared: float = SHARED) -> float:
    """Return the average F1 on ProcessBench, in percent, of a noisy oracle with this AUC.

    The threshold is chosen on gsm8k, as for models with scalar scores. Steps after the first wrong one count as wrong.

    Raises:
        BadInput: ProcessBench is not here.
    """
    subsets = {name: load("processbench", [name], limit).subsets[name] for name in PROCESSBENCH}
    report = measure({name: [(case, _scores(case, auc, shared)) for case in cases] for name, cases in subsets.items()})
    return math.nan if report.average is None else 100 * report.average.value


def _scores(case: Case, auc: float, shared: float) -> tuple[float, ...]:
    first = case.first_error if case.first_error >= 0 else len(case.steps)
    oracle = NoisyOracle(lambda _, steps: [k < first for k in range(len(steps))], auc, shared)
    return tuple(np.clip(oracle(case.problem, [f"{k} {step}" for k, step in enumerate(case.steps)]), 0.0, 1.0))
