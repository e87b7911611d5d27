"""Evaluation of a reward model: from labelled solutions to a report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.prm_eval import scoring
from benchmarks.prm_eval.data import Case
from benchmarks.prm_eval.protocol import DRAWS, HALF, Subset, step_scores
from benchmarks.prm_eval.ranking import rankings
from benchmarks.prm_eval.report import Report
from benchmarks.prm_eval.sources import DataSet, load
from benchmarks.stats.intervals import percentile
from tts.engines.load import Loading, load_scorer
from tts.errors import BadInput
from tts.planning import reward_of
from tts.protocols import RewardModel

CHOSEN_ON = "gsm8k"

# takes (solutions, already scored); returns a function to call with the number of those just scored
Progress = Callable[[int, int], Callable[[int], object]]


def evaluate(
    prm: str,
    data: str | DataSet = "processbench",
    *,
    subsets: Sequence[str] = (),
    limit: int | None = None,
    threshold: float | None = None,
    out: Path | None = None,
    progress: Progress = lambda total, known: lambda scored: None,
    allow_code: bool = False,
    prm_parameters: Mapping[str, Any] | None = None,
    **loading: Any,
) -> Report:
    """Score labelled solutions with a reward model, and measure the scores.

    Args:
        prm: a short name, a hub id, a folder, an address, ``judge:POLICY``, or a function of steps by name.
        data: ``processbench``, ``lab``, a file, or the result of :func:`load`; ``subsets`` and ``limit`` apply to a
            name.
        threshold: a step with a lower score counts as wrong. Default: chosen on the GSM8K subset of ProcessBench, 0.5
            for other data.
        out: file to append scores to; scores in it are reused.
        allow_code: a function that ``prm`` names may be imported and run.
        prm_parameters: parameters of a judge.
        loading: fields of :class:`tts.engines.load.Loading`, such as ``engine`` and ``device``.

    Raises:
        BadInput: data or file cannot be used, or no solution fits the model's context.
        ModelError, EngineError: the model cannot be loaded or fails.
    """
    _check(threshold)
    if isinstance(data, str):
        data = load(data, subsets, limit)
    file = scoring.ScoreFile(out, scoring.identity(prm, loading.get("dtype"), prm_parameters), data) if out else None
    try:
        left = len(scoring.missing(data, file))
        done = progress(data.size, data.size - left)
        if left:
            reward = load_scorer(_steps_of(reward_of(prm, allow_code, prm_parameters)), Loading(**loading))
            scored = scoring.score_data(_steps_of(reward), data, file, done)
        else:
            assert file is not None
            scored = {s: [(case, file.scores[s, case.key]) for case in cases] for s, cases in data.subsets.items()}
    finally:
        if file:
            file.close()
    return measure(
        scored, threshold, prm=prm, data=data.name, part=data.part, choose=data.name == "processbench"
    )  # fmt: skip


def _steps_of(reward: Any) -> Any:
    """Return the form that scores steps. Raises BadInput for a model that scores whole solutions only."""
    if not isinstance(reward, RewardModel):
        return reward  # a name, which is loaded first
    reward = reward.for_steps(True)
    if reward.logprobs:
        raise BadInput(
            f"{reward.name} reads how a policy sampled a solution, which labelled solutions do not tell: name a judge."
        )
    if reward.outcome:
        raise BadInput(
            f"{reward.name} scores whole solutions, not steps: name a process reward model, or measure it on recorded "
            "solutions with `tts replay --prm`."
        )
    return reward


def _check(threshold: float | None) -> None:
    if threshold is not None and not 0 <= threshold <= 1:
        raise BadInput(f"the threshold must be a number from 0 to 1, not {threshold}.")


def measure(
    scored: Mapping[str, Sequence[tuple[Case, Sequence[float] | None]]],
    threshold: float | None = None,
    *,
    prm: str = "",
    data: str = "",
    part: str = "",
    choose: bool = True,
) -> Report:
    """Measure existing scores.

    Args:
        scored: by subset, each labelled solution with one score in 0..1 per step, or None if it was too long for the
            model.
        threshold: a step with a lower score counts as wrong. Default: chosen on a subset named gsm8k, else 0.5.
        choose: False keeps the default at 0.5.

    Raises:
        BadInput: the threshold is outside 0 to 1, or nothing was scored.
    """
    _check(threshold)
    subsets, unread = dict[str, Subset](), dict[str, int]()
    for seed, (name, pairs) in enumerate(scored.items()):
        good = [(case, scores) for case, scores in pairs if scores is not None]
        if len(good) < len(pairs):
            unread[name] = len(pairs) - len(good)
        if good:
            subsets[name] = Subset(good, seed)
    if not subsets:
        raise BadInput("no solution fits the reward model's context: choose a reward model with a longer one.")
    thresholds, origin = _thresholds(subsets, threshold, choose)
    found = {name: subset.first_error(thresholds) for name, subset in subsets.items()}
    every = list(subsets.values())
    ranked = rankings(every)
    best = {name: float(subset.best_thresholds()[0]) for name, subset in subsets.items()}
    return Report(
        prm=prm,
        data=data,
        part=part,
        solutions=sum(len(subset.scored) for subset in every),
        problems=sum(len({case.problem for case, _ in subset.scored}) for subset in every),
        not_scored=unread,
        threshold=float(thresholds[0]),
        threshold_from=origin,
        threshold_interval=percentile(thresholds) if origin == CHOSEN_ON else None,
        first_error=found,
        average=percentile(np.mean([subset.f1(thresholds) for subset in every], axis=0)),
        average_half=percentile(np.mean([subset.f1(np.full(DRAWS + 1, HALF)) for subset in every], axis=0)),
        best_threshold=best,
        best_f1={name: _value(subsets[name].f1(np.full(DRAWS + 1, t))) for name, t in best.items()},
        steps_by_subset={name: step_scores([subset]) for name, subset in subsets.items()},
        steps=step_scores(every),
        ranking=ranked,
    )


def _thresholds(subsets: Mapping[str, Subset], given: float | None, choose: bool) -> tuple[np.ndarray, str]:
    if given is not None:
        return np.full(DRAWS + 1, given), "given"
    if choose and CHOSEN_ON in subsets and subsets[CHOSEN_ON].wrong.any() and not subsets[CHOSEN_ON].wrong.all():
        return subsets[CHOSEN_ON].best_thresholds(), CHOSEN_ON
    return np.full(DRAWS + 1, HALF), "default"


def _value(estimates: np.ndarray) -> float | None:
    return None if np.isnan(estimates[0]) else float(estimates[0])
