"""Scores of recorded solutions by a reward model, a judge or a function that did not see them when they were sampled.

Scores are kept in a file, by the text that was scored, so that a stopped run goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.prm_eval.data import Case
from benchmarks.prm_eval.scoring import ScoreFile, Scores, identity, missing, score_data
from benchmarks.prm_eval.sources import DataSet
from benchmarks.recordings.grading import voter
from tts.engines.load import Loading, load_scorer
from tts.errors import BadInput
from tts.models.descriptions import family_of
from tts.models.find import find
from tts.planning import reward_of
from tts.protocols import RewardModel
from tts.records.outcomes import Outcome
from tts.types import Candidate

SUBSET = "recorded"
"""Name of the solutions in a file of scores, which may hold several sets."""

Progress = Callable[[int, int], Callable[[int], object]]
"""Takes the solutions and those already scored; returns what is called with the number of those just scored."""


def rescored_by(
    prm: str, outcomes: Sequence[Outcome], out: Path | None = None, *, name: str = "", allow_code: bool = False,
    prm_parameters: Mapping[str, Any] | None = None, progress: Progress = lambda total, known: lambda scored: None,
    **loading: Any,
) -> list[Outcome]:  # fmt: skip
    """Return the outcomes with the scores of ``prm`` in place of the recorded ones.

    Only what votes is scored: finished solutions with an answer. One that is too long for the model, or gets no grade,
    has no score.

    Args:
        prm: a reward model's name, folder or address, ``judge:POLICY``, or a function by name.
        outcomes: with all steps of their candidates.
        out: file of the scores; those in it are reused.
        name: of the recording, for messages.
        allow_code, prm_parameters: as in :func:`tts.planning.reward_of`.
        progress: see :data:`Progress`.
        loading: fields of :class:`tts.engines.load.Loading`.

    Raises:
        BadInput: a solution has no text, the reward model needs what a recording does not hold, or the file is of
            another model.
        ModelError, EngineError: the model cannot be loaded or fails.
    """
    wanted = _readable(reward_of(prm, allow_code, prm_parameters))
    whole = _scores_solutions(wanted)
    cases = {case.key: case for outcome in outcomes for case in _cases(outcome, whole)}
    if not cases:
        raise BadInput(f"no solution of {name or 'the recording'} is finished and has an answer: there is no vote.")
    data = DataSet(name, {SUBSET: list(cases.values())}, {SUBSET: frozenset(cases)})
    file = ScoreFile(out, identity(prm, loading.get("dtype"), prm_parameters), data) if out else None
    try:
        left = len(missing(data, file))
        done = progress(len(cases), len(cases) - left)
        found: dict[str, Scores] = {key: scores for (_, key), scores in file.scores.items()} if file else {}
        if left:
            reward = load_scorer(wanted, Loading(**loading))
            found = {case.key: scores for case, scores in score_data(reward, data, file, done)[SUBSET]}
    finally:
        if file:
            file.close()
    return [_scored(outcome, whole, found) for outcome in outcomes]


def _readable(reward: Any) -> str | RewardModel:
    """Return the form that scores whole solutions if there is one. Raises BadInput for what no recording allows."""
    if not isinstance(reward, RewardModel):
        return str(reward)  # a name, which is loaded later
    if reward.logprobs:
        raise BadInput(
            f"{reward.name} reads how a policy sampled a solution, which recordings do not hold: name a judge."
        )
    if reward.name == "tests":
        raise BadInput("recordings do not hold the tests of a problem: grade programs with `tts bench`.")
    return reward.for_steps(False)


def _scores_solutions(reward: str | RewardModel) -> bool:
    """Return whether a reward model gives one score to a whole solution."""
    if isinstance(reward, RewardModel):
        return reward.outcome
    card = find(reward, "prm")
    return bool(card.family) and family_of(card).outcome


def _cases(outcome: Outcome, whole: bool) -> Iterator[Case]:
    """Yield what is scored of each candidate that votes. Raises BadInput for one without a text."""
    for candidate in filter(voter, outcome.candidates):
        yield _case(outcome, candidate, whole)


def _case(outcome: Outcome, candidate: Candidate, whole: bool) -> Case:
    steps = tuple(step for step in candidate.steps if step.strip())
    if not steps:
        raise BadInput(f"the solutions of {outcome.id!r} are recorded without their texts, so nothing can score them.")
    steps = ("".join(candidate.steps),) if whole else steps
    return Case(f"{outcome.id}/{candidate.key}", outcome.problem, steps, -1, (None,) * len(steps), False)


def _scored(outcome: Outcome, whole: bool, found: Mapping[str, Scores]) -> Outcome:
    """Return the outcome with these scores alone."""
    candidates = tuple(
        replace(each, scores=(found[_case(outcome, each, whole).key] or ()) if voter(each) else (), score=None)
        for each in outcome.candidates
    )
    return replace(outcome, candidates=candidates)
