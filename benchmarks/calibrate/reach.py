"""The scope of a profile: how far a problem's text may be from the problems that the profile was measured on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tts.models.files import BUILT_IN
from tts.selection.scope.scope import Scope
from tts.selection.scope.scope_file import of_folder
from tts.selection.scope.text import TEXT_FEATURES, Reference

FOLDS = 5
SEED = 7


def measured_scope(texts: Sequence[str], policy: str, prm: str) -> Scope | None:
    """Return a scope with limits, or None without texts, and for a policy whose own scope has probabilities.

    Each problem is compared with those of the other folds. The largest value of each feature is its limit, so of the
    problems that the profile was measured on none is far.
    """
    if len(texts) < FOLDS or _known(policy):
        return None
    folds = np.random.default_rng(SEED).permutation(len(texts)) % FOLDS
    limits = dict.fromkeys(TEXT_FEATURES, 0.0)
    for fold in range(FOLDS):
        others = Reference.of([text for text, at in zip(texts, folds, strict=True) if at != fold])
        for text, at in zip(texts, folds, strict=True):
            if at == fold:
                found = others.features(text)
                limits = {name: max(limit, found[name]) for name, limit in limits.items()}
    limits.pop("length")  # a short problem is not far, and `long` is for long ones
    limits.pop("numbers")
    return Scope(policy, prm, Reference.of(texts), limits=limits)


def _known(policy: str) -> bool:
    folder = BUILT_IN / policy
    return folder.is_dir() and of_folder(folder) is not None
