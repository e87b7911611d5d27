"""Scope of a policy: the probability that it knows a problem, before sampling and with the samples.

Two stages, both logistic regressions. Before sampling, the text of the problem decides. With the samples, their
agreement, scores and likelihood decide too. The second stage also gives the probability that the answer is right.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tts.selection.estimator import Estimator
from tts.selection.features import FEATURES, SCORE_FEATURES, Evidence
from tts.selection.scope.text import Reference
from tts.types import Scoped

LIKELIHOOD_FEATURES = ("sure", "doubt", "read", "worst")
"""Features of the surprisals of prompt and solution."""

KINDS = ("samples", "scores", "samples+likelihood", "scores+likelihood")
"""What is known of the samples."""

WINDOW = 8
"""Tokens of the window whose mean surprisal is the worst of a prompt."""

SAMPLES = 16
"""Most samples of a problem that the shipped scopes are fitted to."""

_SMALL = 1e-4


@dataclass(frozen=True, slots=True)
class Scope:
    """The scope of a policy, fitted to problems that it knows and to problems that it does not.

    Attributes:
        policy, prm: the models it was fitted with; scores of another reward model are not used.
        reference: the problems that the policy knows.
        limits: for each feature of the text the largest value that is ordinary; used without ``before``.
        before: estimator of the probability that a problem is in scope, from its text; None if it was not fitted.
        inside: the same with the samples, by kind of evidence (:data:`KINDS`); takes the log odds of ``before`` as the
            feature ``text``.
        right: estimators of the probability that the answer is right, likewise.
        threshold: below this probability a problem is marked as out of scope.
        advice: what to do about a problem out of scope, the end of a sentence; not part of the file.
        about: how it was made.
    """

    policy: str
    prm: str
    reference: Reference
    limits: Mapping[str, float] = field(default_factory=dict)
    before: Estimator | None = None
    inside: Mapping[str, Estimator] = field(default_factory=dict)
    right: Mapping[str, Estimator] = field(default_factory=dict)
    threshold: float = 0.5
    advice: str = ""
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def wants_likelihood(self) -> bool:
        """Return whether the surprisal of the answer is of use."""
        return any(kind.endswith("likelihood") for kind in self.inside)

    def wants_scores(self, prm: str) -> bool:
        """Return whether scores of the reward model ``prm`` are of use."""
        return prm == self.prm and any(kind.startswith("scores") for kind in self.inside)

    def far(self, text: str) -> tuple[str, ...]:
        """Return the features of a text that exceed their limits; empty where the scope has probabilities."""
        if self.before is not None:
            return ()
        found = self.reference.features(text)
        return tuple(name for name, limit in self.limits.items() if found[name] > limit)

    def look(self, text: str) -> Scoped | None:
        """Judge a problem by its text alone; None where the scope has no probabilities."""
        if self.before is None:
            return None
        inside = self.before(self.reference.features(text))
        return self._scoped(text, inside, inside, None, "text")

    def judge(
        self, text: str, answer: Mapping[str, float], likelihood: Mapping[str, float] | None,
        few: Mapping[str, float] | None = None,
    ) -> Scoped | None:  # fmt: skip
        """Judge a problem by its text and the features of its samples (:func:`answer_features`).

        ``likelihood`` are those of :func:`likelihood_features`; None where the engine cannot compute them. ``few`` are
        the features of :data:`SAMPLES` samples, where there are more: whether a problem is in scope is read from them,
        since the log odds of shares grow with the number of samples.

        What is right is in scope. So the answer to a problem that is marked as out of scope is at most as likely right
        as the problem is in scope, whatever the estimate.
        """
        if self.before is None:
            return None
        before = self.before(self.reference.features(text))
        kind = "scores" if "winner" in answer else "samples"
        if likelihood is not None and f"{kind}+likelihood" in self.inside:
            kind += "+likelihood"
        if kind not in self.inside or kind not in self.right:
            return self._scoped(text, before, before, None, "text")
        known = {"text": odds(before), **answer, **(likelihood or {})}
        inside, right = self.inside[kind]({**known, **(few or {})}), self.right[kind](known)
        return self._scoped(text, before, inside, right, f"text, {kind.replace('+', ', ')}")

    def _scoped(self, text: str, before: float, inside: float, right: float | None, basis: str) -> Scoped:
        outside = inside < self.threshold
        if right is not None and outside:
            right = min(right, inside)
        reasons = self.reference.reasons(text) if outside else ()
        return Scoped(_rounded(before), _rounded(inside), None if right is None else _rounded(right), outside, basis,
                      reasons)  # fmt: skip


def answer_features(evidence: Evidence, least: float | None) -> dict[str, float]:
    """Return the features of the samples; ``least`` is the lowest step score of the best solution."""
    found = evidence.features() | {"samples": math.log(min(len(evidence.classes), SAMPLES))}
    return found if least is None else found | {"least": least}


def likelihood_features(surprisal: Sequence[float], prompt: int) -> dict[str, float]:
    """Return the features of the surprisals of a solution's tokens, of which the first ``prompt`` - 1 are the prompt's.

    ``sure``, ``doubt``: logs of the mean and the largest surprisal of the solution. ``read``, ``worst``: mean surprisal
    of the prompt, and that of its worst window.
    """
    read, written = surprisal[: prompt - 1], surprisal[prompt - 1 :]
    windows = [sum(read[k : k + WINDOW]) / WINDOW for k in range(max(1, len(read) - WINDOW + 1))]
    return {
        "sure": math.log(_SMALL + _mean(written)),
        "doubt": math.log(_SMALL + max(written, default=0.0)),
        "read": _mean(read),
        "worst": max(windows),
    }


def names(kind: str) -> tuple[str, ...]:
    """Return the features of the second stage for a kind of evidence."""
    scores = (*SCORE_FEATURES, "least") if kind.startswith("scores") else ()
    likelihood = LIKELIHOOD_FEATURES if kind.endswith("likelihood") else ()
    return ("text", "samples", *FEATURES, *scores, *likelihood)


def odds(share: float) -> float:
    """Compute log odds of a probability, at most 12 in size."""
    share = min(max(share, 6e-6), 1 - 6e-6)
    return math.log(share / (1 - share))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _rounded(share: float) -> float:
    """Keep four digits: a probability is not known better, and batches differ by less."""
    return round(share, 4)
