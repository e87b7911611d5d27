"""Many problems from a file to a file: one a line, appended as they end, resumed where a run was cut off."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from tts.api import Solver
from tts.budget import Budget
from tts.errors import BadInput
from tts.records.jsonl import Rows
from tts.records.solution_json import as_row, plan_dict
from tts.types import Plan, Problem, Solution


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that holds no problem: its number (from 1) and what is wrong with it."""

    number: int
    reason: str

    def __str__(self) -> str:
        return f"line {self.number}: {self.reason}"


def read_problems(path: Path) -> tuple[list[Problem], list[BadLine]]:
    """The problems of a text file, one a line, and the lines that hold none. Blank lines are passed over.

    A file whose name ends in ``.jsonl`` has an object with ``problem`` (or ``question``), and perhaps ``id``, a line.
    A problem that stands there twice is solved twice, under an id of its own.

    Raises:
        BadInput: the file is missing, unreadable or holds no problem at all.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise BadInput(f"the file {path} cannot be read: {error.strerror}.") from error
    problems, bad, seen = [], [], Counter[str]()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            problem = _problem(line, path.suffix == ".jsonl")
        except BadInput as error:
            bad.append(BadLine(number, str(error)))
            continue
        seen[problem.id] += 1
        if seen[problem.id] > 1:
            problem = Problem(problem.text, f"{problem.id}-{seen[problem.id]}")
        problems.append(problem)
    if not problems:
        reason = f" ({bad[0]})" if bad else ""
        raise BadInput(f"the file {path} holds no problem{reason}: write one a line, in UTF-8.")
    return problems, bad


def _problem(line: bytes, json_lines: bool) -> Problem:
    try:
        text = line.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise BadInput("it is not UTF-8 text.") from error
    if not json_lines:
        return Problem(text)
    try:
        row = json.loads(text)
        question = row.get("problem", row.get("question"))
    except (ValueError, AttributeError) as error:
        raise BadInput("it is not a JSON object.") from error
    if not isinstance(question, str) or not question.strip():
        raise BadInput("it has no text under `problem` or `question`.")
    return Problem(question, str(row.get("id", row.get("unique_id", ""))))


class Answers:
    """The output file of a batch: what is in it already, and a place for more.

    Rows with an error are tried again; ``spent`` are the FLOPs of all rows. A killed run loses at most the problems in
    flight (:mod:`tts.records.jsonl`).
    """

    def __init__(self, path: Path, plan: Plan, budget: Budget, total_flops: float | None = None) -> None:
        self.path = path
        self.settings = {**plan_dict(plan), **asdict(budget)}
        if total_flops is not None:
            self.settings["total_flops"] = total_flops
        self.done: set[str] = set()
        self.spent = 0.0
        self._rows = Rows(path, self._take)

    def close(self) -> None:
        self._rows.close()

    def missing(self, problems: list[Problem]) -> Iterator[Problem]:
        """Those that have no answer yet."""
        return (problem for problem in problems if problem.id not in self.done)

    def add(self, solution: Solution) -> None:
        self._rows.add(as_row(solution) | {"settings": self.settings})
        if solution.error is None:
            self.done.add(solution.problem.id)

    def _take(self, number: int, line: bytes) -> None:
        try:
            row = json.loads(line)
            settings, known, flops = row["settings"], row["id"], row["usage"]["flops"]
        except (ValueError, KeyError, TypeError) as error:
            raise BadInput(
                f"{self.path} exists and its line {number} is not an answer of ours: name another file with --out."
            ) from error
        for name, value in self.settings.items():
            if settings.get(name) != value:
                raise BadInput(
                    f"{self.path} holds answers made with {name} = {settings.get(name)}, not {value}: "
                    "name another file with --out, or use the same settings."
                )
        self.spent += flops
        if "error" not in row:
            self.done.add(known)


class Batch:
    """A run over a file of problems.

    Args:
        solver: models and plan.
        source: the problems, see :func:`read_problems`.
        out: where answers are appended; None keeps none.
        traces: a folder for one trace a problem; None keeps none.
        concurrency: most problems in flight.

    Attributes:
        bad: lines of the source that hold no problem.
        total: problems in the source.
        resumed: of these, answered by an earlier run.
        answered: of these, answered now or earlier.
        failed: problems that ended in an error.

    Raises:
        BadInput: the source holds no problem, or an output cannot be written or holds something else.
    """

    def __init__(
        self, solver: Solver, source: Path, out: Path | None = None, traces: Path | None = None, concurrency: int = 32
    ) -> None:
        if concurrency < 1:
            raise BadInput(f"concurrency must be a whole number, 1 or more, not {concurrency}.")
        self.solver, self.traces, self.concurrency = solver, traces, concurrency
        problems, self.bad = read_problems(source)
        if traces is not None:
            try:
                traces.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise BadInput(f"the folder {traces} cannot be made: {error.strerror}.") from error
        self.answers = Answers(out, solver.plan, solver.budget, solver.total_flops) if out else None
        self.problems = list(self.answers.missing(problems)) if self.answers else problems
        self.total = len(problems)
        self.resumed = self.answered = self.total - len(self.problems)
        self.failed = 0

    def __enter__(self) -> Batch:
        return self

    def __exit__(self, *_: object) -> None:
        if self.answers:
            self.answers.close()

    def run(self) -> Generator[Solution, None, None]:
        """Solve what has no answer yet; yields each solution when it is on disk, in the order in which they end."""
        with asyncio.Runner() as runner:
            spent = self.answers.spent if self.answers else 0.0
            stream = self.solver.stream(self.problems, self.concurrency, spent=spent)

            async def following() -> Solution | None:
                async for _, solution in stream:
                    return solution
                return None

            try:
                while (solution := runner.run(following())) is not None:
                    self._keep(solution)
                    yield solution
            finally:
                runner.run(stream.aclose())

    def _keep(self, solution: Solution) -> None:
        if self.traces is not None and solution.error is None:
            solution.trace.save(self.traces / f"{solution.problem.id}.jsonl")
        if self.answers:
            self.answers.add(solution)
        self.answered += solution.error is None
        self.failed += solution.error is not None
