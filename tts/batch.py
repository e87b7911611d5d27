"""Batches: many problems from a file to a file, one per line, appended as they finish, resumable."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Generator, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from tts.aio import heard
from tts.answers.kinds.execution import unit_tests
from tts.answers.kinds.named import type_of
from tts.budget import Budget
from tts.errors import BadInput
from tts.executor import Executor, Here, Work
from tts.files.json_text import dump, parse
from tts.files.jsonl import Line, Rows, lines
from tts.files.names import safe_name
from tts.files.tables import BadRow, Entry, entries, is_table
from tts.files.text import is_utf8, reason
from tts.records.solution_json import as_row, plan_dict
from tts.solver import Solver
from tts.trace import Sampled
from tts.types import Plan, Problem, Solution


def read_problems(path: Path) -> tuple[list[Problem], list[BadRow]]:
    """Read the problems of a text file, one per line, and the lines without one. Blank lines are ignored.

    A row of JSON Lines, JSON, CSV or Parquet (:mod:`tts.files.tables`) has ``problem`` (or ``question``), and perhaps
    ``id``, ``kind``, ``tests`` and ``schema``. A problem that occurs twice is solved twice, under an id of its own.

    Raises:
        BadInput: the file is missing, unreadable or holds no problem at all.
        MissingExtra: it is a Parquet file, and pyarrow is not installed.
    """
    problems, bad, taken = list[Problem](), list[BadRow](), set[str]()
    for entry in _entries(path):
        try:
            problem = _problem(entry)
        except BadInput as error:
            bad.append(BadRow(entry.place, str(error)))
            continue
        if problem.id in taken:
            number = 2
            while f"{problem.id}-{number}" in taken:
                number += 1
            problem = replace(problem, id=f"{problem.id}-{number}")
        taken.add(problem.id)
        problems.append(problem)
    if not problems:
        reason = f" ({str(bad[0]).rstrip('.')})" if bad else ""
        how = "give each row a text under `problem`" if is_table(path) else "write one a line, in UTF-8"
        raise BadInput(f"the file {path} holds no problem{reason}: {how}.")
    return problems, bad


_CONTROL = re.compile("[\x00-\x08\x0e-\x1f]")


def _entries(path: Path) -> Iterator[Entry | Line]:
    what = f"the file {path}"
    return entries(path, what) if is_table(path) else lines(path, what)


def _problem(entry: Entry | Line) -> Problem:
    if isinstance(entry, Line):
        text = entry.text().strip()
        if _CONTROL.search(text):
            raise BadInput("it holds control characters, so it is no text.")
        return Problem(text)
    if isinstance(entry.content, str):
        if not entry.content.strip():
            raise BadInput("it is empty.")
        return Problem(entry.content.strip())
    row = entry.row()
    question, name = row.get("problem", row.get("question")), row.get("id", row.get("unique_id"))
    if not isinstance(question, str) or not question.strip():
        raise BadInput(f"it has no text under `problem` or `question`, only {', '.join(map(str, row)) or 'nothing'}.")
    if isinstance(name, (list, dict)):
        raise BadInput("its `id` is no text.")
    name = "" if name is None else str(name)
    if not is_utf8(question + name):
        raise BadInput("it is not UTF-8 text: it holds half a surrogate pair.")
    return Problem(question, name, kind=kind_in(row), tests=tests_in(row), schema=schema_in(row))


def kind_in(row: Mapping[str, Any]) -> str:
    """Return the kind of answer that a row names; empty if it names none. Raises BadInput for an unknown one."""
    kind = row.get("kind")
    if kind is None:
        return ""
    if not isinstance(kind, str):
        raise BadInput("its `kind` is no text.")
    if kind:
        type_of(kind)
    return kind


def schema_in(row: Mapping[str, Any]) -> str:
    """Return the JSON schema of a row's answer, as text; empty without one. Raises BadInput for what is no schema."""
    schema = row.get("schema")
    if schema is not None and not isinstance(schema, dict):
        raise BadInput("its `schema` is no JSON schema, which is an object.")
    return dump(schema) if schema else ""


def tests_in(row: Mapping[str, Any]) -> str:
    """Return the unit tests of a row as one text; empty if it has none. Raises BadInput for what are no tests."""
    tests, entry = row.get("tests"), row.get("entry_point")
    return unit_tests(tests, entry if isinstance(entry, str) else "") if tests else ""


_OTHERS = (".csv", ".tsv", ".parquet", ".xlsx", ".gz")
"""Ends of names of files that hold something else than lines of JSON."""


class Answers:
    """The output file of a batch: existing answers, and a place to append.

    Rows with an error are tried again; ``spent`` are the FLOPs of all rows. A killed run loses at most the problems in
    flight (:class:`tts.files.jsonl.Rows`).
    """

    def __init__(
        self, path: Path, plan: Plan, budget: Budget, total_flops: float | None = None, schema: str = ""
    ) -> None:
        if path.suffix in _OTHERS:
            raise BadInput(
                f"answers are written as lines of JSON, not as {path.suffix}: name a file such as out.jsonl."
            )
        self.path = path
        self.settings = {**plan_dict(plan), **asdict(budget)}
        if schema:
            self.settings["schema"] = schema
        if total_flops is not None:
            self.settings["total_flops"] = total_flops
        self.settings = parse(dump(self.settings))  # as they are read back
        self.done: set[str] = set()
        self.empty: set[str] = set()  # of these, those without an answer
        self.spent = 0.0
        self._texts: dict[str, str] = {}
        self._rows = Rows(path, self._take)

    def close(self) -> None:
        self._rows.close()

    def missing(self, problems: list[Problem]) -> list[Problem]:
        """Return those that have no answer yet. Raises BadInput where another problem has the id of one of them."""
        for problem in problems:
            if self._texts.get(problem.id, problem.text) != problem.text:
                raise BadInput(
                    f"{self.path} answers another problem under the id {problem.id!r}: name another file with --out."
                )
        return [problem for problem in problems if problem.id not in self.done]

    def add(self, solution: Solution) -> None:
        """Append a solution, on disk when this returns. Raises BadInput where it cannot be written."""
        self._rows.add(as_row(solution) | {"settings": self.settings})
        if solution.error is None:
            self.done.add(solution.problem.id)

    def _take(self, number: int, row: Any) -> None:
        try:
            settings, known, text, flops = dict(row["settings"]), row["id"], row["problem"], row["usage"]["flops"] or 0
            ours = isinstance(known, str) and isinstance(text, str) and isinstance(flops, (int, float))
        except (ValueError, KeyError, TypeError):
            ours = False
        if not ours:
            raise BadInput(
                f"{self.path} exists and its line {number} is not an answer of ours: name another file with --out."
            )
        for name, value in {"schema": None, **self.settings}.items():
            if settings.get(name) != value:
                raise BadInput(
                    f"{self.path} holds answers made with {name} = {settings.get(name)}, not {value}: "
                    "name another file with --out, or use the same settings."
                )
        self.spent += flops
        self._texts[known] = text
        if "error" not in row:
            self.done.add(known)
            if row.get("answer") is None:
                self.empty.add(known)


class Batch:
    """A run over a file of problems.

    Args:
        solver: models and plan.
        source: the problems, see :func:`read_problems`.
        out: where answers are appended; None keeps none.
        traces: a folder for one trace a problem; None keeps none.
        concurrency: most problems in flight in one process.
        executor: where they are solved; default: in this process.
        schema: a JSON schema, as text, for the problems that bring none.

    Attributes:
        bad: lines or rows of the source that hold no problem.
        total: problems in the source.
        resumed: of these, answered by an earlier run.
        answered: of these, answered now or earlier; ``unanswered`` counts those whose search ended without an answer.
        failed: problems that ended in an error.
        sampled: what was sampled so far, for problems that have not ended too.
        untraced: a sentence for each trace that could not be written.

    Raises:
        BadInput: the source holds no problem, or an output cannot be written or holds something else.
    """

    def __init__(
        self,
        solver: Solver,
        source: Path,
        out: Path | None = None,
        traces: Path | None = None,
        concurrency: int = 32,
        executor: Executor | None = None,
        schema: str = "",
    ) -> None:
        if concurrency < 1:
            raise BadInput(f"concurrency must be a whole number, 1 or more, not {concurrency}.")
        self.solver, self.traces, self.concurrency = solver, traces, concurrency
        self.executor = executor or Here()
        problems, self.bad = read_problems(source)
        problems = [replace(problem, schema=problem.schema or schema) for problem in problems]
        if traces is not None:
            try:
                traces.mkdir(parents=True, exist_ok=True)
            except (OSError, ValueError) as error:
                raise BadInput(f"the folder {traces} cannot be made: {reason(error)}.") from error
        self.answers = Answers(out, solver.plan, solver.budget, solver.total_flops, schema) if out else None
        try:
            self.problems = self.answers.missing(problems) if self.answers else problems
        except BadInput:
            self.close()
            raise
        self.total = len(problems)
        self.resumed = self.answered = self.total - len(self.problems)
        self.failed = 0
        self.unanswered = sum(problem.id in self.answers.empty for problem in problems) if self.answers else 0
        self.sampled = Sampled()
        self.untraced: list[str] = []

    def __enter__(self) -> Batch:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the output file."""
        if self.answers:
            self.answers.close()

    def run(self) -> Generator[Solution, None, None]:
        """Solve what has no answer yet; yields each solution when it is on disk, in the order in which they end."""
        with asyncio.Runner() as runner:
            spent = self.answers.spent if self.answers else 0.0
            traced = self.traces is not None
            work = Work(self.solver, self.problems, self.concurrency, spent, traced, self.sampled)
            stream = self.executor.stream(work)

            async def following() -> Solution | None:
                async for _, solution in stream:
                    return solution
                return None

            try:
                while (solution := runner.run(heard(following()))) is not None:
                    self._keep(solution)
                    yield solution
            finally:
                runner.run(stream.aclose())

    def _keep(self, solution: Solution) -> None:
        """Write the answer first: what a trace runs into costs no answer."""
        if self.answers:
            self.answers.add(solution)
        self.answered += solution.error is None
        self.failed += solution.error is not None
        self.unanswered += solution.error is None and solution.answer is None
        if self.traces is not None and solution.error is None:
            try:
                solution.trace.save(self.traces / f"{safe_name(solution.problem.id)}.jsonl")
            except BadInput as error:
                self.untraced.append(str(error))
