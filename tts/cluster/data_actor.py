"""A stage of Ray Data: ``dataset.map_batches(TTSActor, fn_constructor_kwargs={...}, compute=...)``."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any

from tts.errors import BadInput
from tts.files.json_text import dump
from tts.records.solution_json import as_row
from tts.solver import solver_of
from tts.types import Problem, Solution

COLUMNS = ("problem", "question")
"""The columns that may hold the problem."""


class TTSActor:
    """Adds answers to a batch of problems: columns ``answer``, ``confidence``, ``error`` and ``row``.

    The problem is in the column ``problem`` or ``question``, its id in ``id`` if there is one. ``row`` is the line that
    ``tts solve --json`` prints. A missing answer and a missing error are empty texts.

    Args:
        concurrency: most problems in flight.
        settings: those of :func:`tts.solve`; each actor loads its models once.
    """

    def __init__(self, concurrency: int = 32, **settings: Any) -> None:
        self._concurrency = concurrency
        self._solver = solver_of(settings)
        self._solver.warm_up()

    def __call__(self, batch: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        """Return the batch with the further columns. Raises BadInput for one without problems."""
        column = next((name for name in COLUMNS if name in batch), None)
        if column is None:
            raise BadInput(f"the batch has no column problem or question: its columns are {', '.join(batch)}.")
        texts = list(map(str, batch[column]))
        names = list(map(str, batch["id"])) if "id" in batch else [""] * len(texts)
        solutions = asyncio.run(self._solved([Problem(*pair) for pair in zip(texts, names, strict=True)]))
        return {
            **batch,
            "answer": [solution.answer or "" for solution in solutions],
            "confidence": [solution.confidence for solution in solutions],
            "error": [solution.error or "" for solution in solutions],
            "row": [dump(as_row(solution)) for solution in solutions],
        }

    async def _solved(self, problems: list[Problem]) -> list[Solution]:
        async with aclosing(self._solver.stream(problems, self._concurrency)) as stream:
            found = {index: solution async for index, solution in stream}
        return [found[index] for index in range(len(problems))]
