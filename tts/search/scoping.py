"""The scope of one finished search: features of the text and of the samples, and the sentence for a problem outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tts.budget import COMPLETE
from tts.search.search import Search
from tts.selection.features import Evidence
from tts.selection.scope.scope import SAMPLES, Scope, answer_features, likelihood_features
from tts.types import Candidate, Node, Scoped


async def scoped(
    scope: Scope, search: Search, prm: str, leaves: Sequence[Node], candidates: Sequence[Candidate], best: str | None
) -> Scoped | None:
    """Judge a problem after its search; ``best`` is the key of the elected candidate, None without an answer.

    Scores count only if they are those of the reward model ``prm`` that the scope was fitted with.
    """
    text = search.problem.text
    at = next((k for k, candidate in enumerate(candidates) if candidate.key == best), None)
    if at is None:
        return scope.look(text)
    alone = independent(candidates, at)
    classes = dict(zip(alone, await search.classes([leaves[k] for k in alone]), strict=True))
    scored = bool(prm) and prm == scope.prm and any(candidates[k].score is not None for k in alone)
    least = min(candidates[at].scores, default=0.0) if scored else None

    def features(kept: Sequence[int]) -> dict[str, float]:
        scores = [candidates[k].score or 0.0 for k in kept] if scored else None
        tokens = [candidates[k].tokens for k in kept]
        return answer_features(Evidence([classes[k] for k in kept], scores, tokens, search.root.length), least)

    few = features(_few(alone, at)) if len(alone) > SAMPLES else None
    likelihood = None
    if scope.wants_likelihood and (values := await search.surprisal(leaves[at])):
        likelihood = likelihood_features(values, search.root.length)
    return _by_profile(scope.judge(text, features(alone), likelihood, few), search)


def independent(candidates: Sequence[Candidate], elected: int) -> list[int]:
    """Return the indices of candidates that share no sampled step: the elected one, and one of each other lineage.

    The scope was fitted to independent samples. The candidates of a search agree more often, since they share steps.
    """
    kept = {candidates[elected].lineage: elected}
    for k, candidate in enumerate(candidates):
        kept.setdefault(candidate.lineage, k)
    return sorted(kept.values())


def _few(alone: Sequence[int], elected: int) -> list[int]:
    """Return :data:`SAMPLES` of the candidates: the elected one and the first of the others."""
    others = [k for k in alone if k != elected]
    return sorted([elected, *others[: SAMPLES - 1]])


def _by_profile(found: Scoped | None, search: Search) -> Scoped | None:
    """Take the profile's rate of right answers where the scope knows none, unless a ceiling cut the plan short."""
    if found is None or found.right is not None or search.right is None or search.stopped != COMPLETE:
        return found
    right = search.right if found.inside is None else search.right * found.inside
    return replace(found, right=round(right, 4), basis=f"{found.basis}, profile")


def of_profile(search: Search, scope: Scope | None) -> Scoped | None:
    """Return the profile's rate of right answers as all that is known; None far from the profile's problems."""
    if search.right is None or search.stopped != COMPLETE or (scope is not None and scope.far(search.problem.text)):
        return None
    return Scoped(None, None, round(search.right, 4), False, "profile")


def unlike(scope: Scope, text: str) -> str:
    """Say that a problem is unlike those of the profile, and why; empty where it is like them."""
    if not scope.far(text):
        return ""
    reasons = scope.reference.reasons(text)
    why = f" ({'; '.join(reasons)})" if reasons else ""
    return f"the problem is unlike those that the profile was measured on{why}: its rates may not hold"


def sentence(policy: str, scope: Scope | None, found: Scoped) -> str:
    """Say that an answer is probably wrong, and why."""
    advice = f": {scope.advice}" if scope is not None and scope.advice else "."
    if not found.outside:
        return f"probably wrong, {policy} is right in {found.right:.0%} of such cases{advice}"
    why = f" ({'; '.join(found.reasons)})" if found.reasons else ""
    return f"probably wrong, the problem looks unlike those that {policy} knows{why}{advice}"
