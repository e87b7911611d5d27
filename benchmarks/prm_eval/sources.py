"""Sources of labelled solutions: ProcessBench, the built-in ones, a file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.datasets.hub import fetched
from benchmarks.prm_eval.data import Case, read
from tts.answers.extract import extract
from tts.errors import BadInput, UnknownName
from tts.files.tables import BadRow, is_table

PROCESSBENCH = {"gsm8k": 400, "math": 1000, "olympiadbench": 1000, "omnimath": 1000}  # arXiv 2412.06559, table 2
REPOSITORY, REVISION = "Qwen/ProcessBench", "84129ea839d654553ba3065b823af01d9e36be46"
ENDINGS = (".json", ".jsonl", ".json.gz", ".jsonl.gz")


@dataclass(frozen=True, slots=True)
class DataSet:
    """Labelled solutions by subset.

    Attributes:
        name: name in reports.
        subsets: solutions to score.
        known: keys of all solutions of each subset, those beyond a limit included.
        bad: rows that cannot be used.
        ignored: names of ignored fields.
        part: which part is used, in words; empty for all.
    """

    name: str
    subsets: dict[str, list[Case]]
    known: dict[str, frozenset[str]]
    bad: Sequence[BadRow] = ()
    ignored: Sequence[str] = ()
    part: str = field(default="")

    @property
    def size(self) -> int:
        return sum(map(len, self.subsets.values()))


def load(name: str, subsets: Sequence[str] = (), limit: int | None = None) -> DataSet:
    """Load a data set: ``processbench``, ``lab``, or a file.

    Args:
        name: files end in a format of :mod:`tts.files.tables`.
        subsets: subsets to use; default: all.
        limit: number of solutions of each subset to use.

    Raises:
        UnknownName: the data set or subset is unknown.
        BadInput: the file cannot be used, or ProcessBench is not complete.
    """
    if limit is not None and limit < 1:
        raise BadInput(f"the limit must be a whole number, 1 or more, not {limit}.")
    bad: Sequence[BadRow] = ()
    ignored: Sequence[str] = ()
    if name.lower() == "processbench":
        name = "processbench"
        all_ = {subset: _processbench(subset) for subset in _chosen(subsets, list(PROCESSBENCH))}
        left = [subset for subset in PROCESSBENCH if subset not in all_]
    elif name.lower() == "lab":
        name = "lab"
        all_, left = {subset: _lab() for subset in _chosen(subsets, ["lab"])}, []
    elif is_table(Path(name)) or os.sep in name or Path(name).exists():
        rows = read(Path(name).expanduser())
        stem = Path(name).name.split(".")[0]
        all_, left = dict.fromkeys(_chosen(subsets, [stem]), rows.cases), []
        name, bad, ignored = Path(name).name, rows.bad, rows.ignored
    else:
        raise UnknownName("data set or file", name, ["processbench", "lab"])
    words = [f"without {', '.join(left)}"] * bool(left)
    if limit is not None and any(len(cases) > limit for cases in all_.values()):
        words.append(f"only the first {limit} solutions of each subset" if len(all_) > 1 else f"the first {limit} only")
    known = {subset: frozenset(case.key for case in cases) for subset, cases in all_.items()}
    return DataSet(name, {s: cases[:limit] for s, cases in all_.items()}, known, bad, ignored, ", ".join(words))


def _chosen(wanted: Sequence[str], there: list[str]) -> list[str]:
    for name in wanted:
        if name.lower() not in [subset.lower() for subset in there]:
            raise UnknownName("subset", name, there)
    return [name for name in there if not wanted or name.lower() in [subset.lower() for subset in wanted]]


def _lab() -> list[Case]:
    from benchmarks.word_problems import labelled

    return [
        Case(
            f"{problem.id}/{number % labelled.EACH}",
            problem.problem,
            steps,
            labels.index(False) if False in labels else -1,
            labels,
            extract(steps[-1]) == str(problem.answer),
        )
        for number, (problem, steps, labels) in enumerate(labelled.read())
    ]


def _processbench(subset: str) -> list[Case]:
    file = _file(subset)
    rows = read(file)
    if rows.bad:
        raise BadInput(f"{file}, {str(rows.bad[0]).rstrip('.')}: it is not ProcessBench's {subset}; fetch it anew.")
    if len(rows.cases) != PROCESSBENCH[subset]:
        raise BadInput(
            f"{file} holds {len(rows.cases)} solutions, ProcessBench's {subset} has {PROCESSBENCH[subset]}: fetch it "
            "anew, or give it as a file of your own with --data FILE."
        )
    return rows.cases


def _file(subset: str) -> Path:
    if home := os.environ.get("TTS_DATA"):
        folder = Path(home).expanduser() / "processbench"
        found = next((path for end in ENDINGS if (path := folder / f"{subset}{end}").is_file()), None)
        if found is None:
            raise BadInput(f"there is no {subset}.json or {subset}.jsonl in {folder}: TTS_DATA names the folder above.")
        return found
    try:
        return fetched(REPOSITORY, f"{subset}.json", REVISION)
    except Exception as error:  # not in the cache, and whatever a network can do
        raise BadInput(
            f"ProcessBench is not on this machine: `hf download {REPOSITORY} --repo-type dataset --revision {REVISION}`"
            " fetches it, or set TTS_DATA to a folder with processbench/gsm8k.json and the others in it."
        ) from error
