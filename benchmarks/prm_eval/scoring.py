"""Scoring of labelled solutions with a reward model, concurrently, into a file that can be resumed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.prm_eval.data import Case
from benchmarks.prm_eval.sources import DataSet
from benchmarks.provenance import fingerprint, without_secrets
from tts.aio import heard
from tts.errors import BadInput, EngineError, PromptTooLong, Unscored
from tts.files.jsonl import Rows
from tts.models.find import find
from tts.planning import made_by_name
from tts.protocols import RewardModel
from tts.types import Finish, Node, Problem, Step

Scores = tuple[float, ...] | None  # None: longer than the model can read

IN_FLIGHT = 256  # solutions scored at the same time


def chain(case: Case) -> Node:
    """Build the node of a solution as a search would: one node per step, with the separator after each but the last."""
    node = Node(Step(case.problem, ()), "/")
    for k, text in enumerate(case.steps):
        last = k == len(case.steps) - 1
        step = Step(text if last else text.rstrip() + "\n\n", ())
        node = Node(step, f"/0+{k}" if k else "/0", Finish.STOP if last else Finish.STEP, node)
    return node


def score(
    reward: RewardModel, cases: Iterable[Case], done: Callable[[Case, Scores], object], in_flight: int = IN_FLIGHT
) -> None:
    """Score solutions and pass each to ``done`` when it is finished, one at a time.

    Raises EngineError if the engine fails or returns the wrong number of scores. An interrupt keeps what ``done``
    received.
    """
    waiting = iter(cases)

    async def work() -> None:
        for case in waiting:
            done(case, await _score(reward, case))

    async def everything() -> None:
        tasks = [asyncio.ensure_future(work()) for _ in range(in_flight)]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(heard(everything()))
    else:  # in a notebook: a second loop in another thread
        with ThreadPoolExecutor(1) as pool:
            pool.submit(asyncio.run, everything()).result()


async def _score(reward: RewardModel, case: Case) -> Scores:
    try:
        found = await reward.score(Problem(case.problem), chain(case), 0)
    except (PromptTooLong, Unscored):
        return None
    if len(found) != len(case.steps):
        raise EngineError(
            f"{reward.name} returned {len(found)} scores for the {len(case.steps)} steps of {case.id}: its prompt is "
            "not that of its family; please report this."
        )
    return found


def identity(prm: str, dtype: str | None, parameters: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what scores depend on: the model, its files, description and parameters, and the number format."""
    if made_by_name(prm):
        words = " ".join([without_secrets(prm), *(f"{name}={value}" for name, value in (parameters or {}).items())])
        return {"prm": words, "prm sha256": fingerprint(prm, "prm"), "dtype": dtype}
    card = find(prm, "prm")
    name = f"{card.url}#{card.name}" if card.url else card.folder or card.name
    return {"prm": without_secrets(name), "prm sha256": fingerprint(prm, "prm"), "dtype": dtype}


class ScoreFile:
    """A file of scores: those already in it, and a place to append. A partial last line is removed.

    Rows: ``{"subset", "id", "key", "scores", "model"}``; ``scores`` is null for a solution too long for the model.

    Raises:
        BadInput: the file cannot be written, or has another format, or scores of another model or other data.
    """

    def __init__(self, path: Path, model: Mapping[str, Any], data: DataSet) -> None:
        self.path, self.model, self.data = path, dict(model), data
        self.scores: dict[tuple[str, str], Scores] = {}
        self._rows = Rows(path, self._take)

    def close(self) -> None:
        self._rows.close()

    def add(self, subset: str, case: Case, scores: Scores) -> None:
        """Append a row. It is on disk when this returns."""
        row = {"subset": subset, "id": case.id, "key": case.key, "scores": scores, "model": self.model}
        self._rows.add(row)
        self.scores[subset, case.key] = scores

    def _take(self, number: int, row: Any) -> None:
        try:
            subset, key, model = row["subset"], row["key"], dict(row["model"])
            scores = None if row["scores"] is None else tuple(map(float, row["scores"]))
            known = self._belongs(subset, key)
        except (ValueError, KeyError, TypeError) as error:
            raise BadInput(
                f"{self.path} exists and its line {number} is no row of scores: name another file with --out."
            ) from error
        for name, value in self.model.items():
            if name not in model:
                raise BadInput(
                    f"{self.path} was written by an earlier version, which did not keep the {name}: name another file "
                    "with --out."
                )
            if model[name] != value:
                raise BadInput(
                    f"{self.path} holds scores made with {name} = {model[name]}, not {value}: name another file "
                    "with --out."
                )
        if not known:
            raise BadInput(f"{self.path} holds scores of other data (line {number}): name another file with --out.")
        self.scores[subset, key] = scores

    def _belongs(self, subset: str, key: str) -> bool:
        if subset in self.data.known:
            return key in self.data.known[subset]
        # Another subset of the same data set, which this call leaves out.
        from benchmarks.prm_eval.sources import PROCESSBENCH

        return self.data.name == "processbench" and subset in PROCESSBENCH


def score_data(
    reward: RewardModel,
    data: DataSet,
    file: ScoreFile | None = None,
    progress: Callable[[int], object] = lambda scored: None,
) -> dict[str, list[tuple[Case, Scores]]]:
    """Score every solution of a data set, in the order of the data; scores in the file are reused.

    A solution that occurs several times is scored once. ``progress`` is called with the number of solutions that
    just got their scores.
    """
    known = dict(file.scores) if file else {}
    copies = Counter(missing(data, file))
    first = {(s, case.key): case for s, cases in reversed(data.subsets.items()) for case in reversed(cases)}
    wanted = {id(first[place]): place for place in copies}

    def done(case: Case, scores: Scores) -> None:
        place = wanted[id(case)]
        known[place] = scores
        if file:
            file.add(place[0], case, scores)
        progress(copies[place])

    score(reward, [first[place] for place in copies], done)
    return {s: [(case, known[s, case.key]) for case in cases] for s, cases in data.subsets.items()}


def missing(data: DataSet, file: ScoreFile | None) -> list[tuple[str, str]]:
    """Return subset and key of each solution without scores in the file."""
    known = file.scores if file else {}
    places = ((s, case.key) for s, cases in data.subsets.items() for case in cases)
    return [place for place in places if place not in known]
