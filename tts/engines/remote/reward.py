"""A reward model behind a vLLM pooling server: token ids in, rows of scores out."""

from __future__ import annotations

import math
import secrets
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from tts.cost import ModelShape
from tts.engines.remote.capabilities import TRIAL_SECONDS, unknown_model
from tts.engines.remote.client import Server
from tts.engines.remote.reply import Json
from tts.engines.reward_prompt import Reader, joined
from tts.errors import EngineError, ModelError
from tts.models.card import ModelCard
from tts.protocols import Pooling, RewardFormat, RewardModel
from tts.types import Node, Problem

Rows = list[list[float]]
Kind = Literal["token", "mark"]

_TRIAL = ("1 + 1 = 2", "So it is 2.")
_ROUNDING = 0.02  # by which the probabilities of a row may miss 1


class RemoteReward(RewardModel):
    """A process reward model on a pooling server. Implements :class:`tts.protocols.RewardModel`.

    A request carries the whole text; what of it the server reads again is the business of its prefix cache. A server
    gives a row of scores for each token, or (vLLM's STEP pooling) for each step mark. Rows are counted from the end: a
    server that reads its cache gives those of the uncached tokens only. Where a wanted row is among the missing ones,
    the request is made once more past the cache.

    Args:
        card: name and limits; its name is the model's on the server.
        server: where it is.
        form: how the family's prompt grows, step by step.
        pooling: which column of a row is the step's score.
        rows, scale: what a row and its numbers stand for, as :func:`kind_of_rows` found out.
        shape: for the cost of a pass; all zeros where the model's size is not known.
        context: most tokens it reads.
    """

    concurrent = True
    background = True

    def __init__(
        self, card: ModelCard, server: Server, form: RewardFormat, pooling: Pooling, *, rows: Kind, scale: Scale,
        shape: ModelShape, context: int,
    ) -> None:  # fmt: skip
        self.card = card
        self.name = card.name
        self.shape = shape
        self.context = context
        self._server = server
        self._reader = Reader(form)
        self._column = pooling.column
        self._rows = rows
        self._scale = scale
        self._uncounted = not shape.active

    def warn(self, problem: Problem) -> str | None:
        """A sentence for the user, else None; that FLOPs are not counted is said once."""
        said = f"FLOPs are not counted: the size of {self.name} is not known on this machine." * self._uncounted
        self._uncounted = False
        return said or None

    def lengths(self, problem: Problem, node: Node) -> list[int]:
        """Tokens of the prompt, then of each step of ``node``."""
        return self._reader.lengths(problem, node)

    async def score(self, problem: Problem, node: Node, seen: int) -> tuple[float, ...]:
        """One score in 0..1 for each step after the first ``seen``.

        Raises PromptTooLong when the text does not fit the model's context, EngineError when the server fails at it.
        """
        if seen >= node.depth:
            return ()
        tokens, marks = joined(self._reader.within(problem, node, self.name, self.context))
        back = [place - (len(tokens) if self._rows == "token" else node.depth) for place in self._places(marks)][seen:]
        rows = await rows_of(self._server, self.name, tokens)
        if len(rows) < -back[0]:
            rows = await rows_of(self._server, self.name, tokens, fresh=True)
        if len(rows) < -back[0]:
            raise EngineError(
                f"{self._server.address.root}/pooling gave {len(rows)} rows of scores where {-back[0]} were wanted: "
                "start the server with --no-enable-prefix-caching."
            )
        return tuple(self._scale.scores(rows, back, self._column))

    def close(self) -> None:
        """Close the connections; requests under way fail with EngineError."""
        self._server.close()

    def _places(self, marks: Sequence[int]) -> Sequence[int]:
        """Where among all rows that there can be each step's row is."""
        return marks if self._rows == "token" else range(len(marks))


async def rows_of(
    server: Server, name: str, tokens: Sequence[int], *, fresh: bool = False, seconds: float | None = None
) -> Rows:
    """Return the rows of scores for a text; ``fresh`` keeps the server from reading its prefix cache.

    Raises EngineError where a score is no number, or the server fails; ModelError where it serves no such model.
    """
    body: Json = {"model": name, "input": list(tokens), "task": "token_classify", "use_activation": True}
    if fresh:
        body["cache_salt"] = secrets.token_hex(16)
    url = f"{server.address.root}/pooling"
    reply = await server.ask(url, body, seconds=seconds)
    if reply.ok:
        data = reply.data.get("data")
        rows = data[0].get("data") if isinstance(data, list) and data and isinstance(data[0], dict) else None
        if isinstance(rows, list):
            return [_row(row, name, url) for row in rows]
        raise EngineError(f"{url} answered without rows of scores: is it a vLLM pooling server?")
    if reply.absent and "model" in reply.message.lower() and name in reply.message:
        raise ModelError(await unknown_model(server, name))
    if reply.absent:
        raise ModelError(f"{url} does not exist: start the reward model with `vllm serve MODEL --runner pooling`.")
    raise EngineError(f"{url} refused the request ({reply.status}): {reply.message or 'it does not say why'}.")


def _row(row: Any, name: str, url: str) -> list[float]:
    """One row of numbers. Raises EngineError, naming what is there in place of a number."""
    values: list[Any] = row if isinstance(row, list) else [row]
    for value in values:
        if type(value) not in (int, float) or not _finite(value):
            raise EngineError(f"the reward model {name} at {url} gave {_named(value)} as a score, which is no number.")
    return [float(value) for value in values]


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond floating point
        return False


def _named(value: object) -> str:
    """What JSON calls a value."""
    names = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity", "None": "null", "True": "true", "False": "false"}
    return names.get(str(value), repr(value) if isinstance(value, str) else type(value).__name__)[:40]


async def kind_of_rows(server: Server, name: str, form: RewardFormat) -> tuple[Kind, Scale]:
    """Find out with a text of two steps whether a server gives a row for each token or for each step mark.

    Returns that, and the scale of its rows.
    """
    reads = [form.step(k, text) for k, text in enumerate(_TRIAL)]
    tokens = [*form.prompt(Problem("What is 1 + 1?")), *(token for read in reads for token in read.tokens)]
    rows = await rows_of(server, name, tokens, fresh=True, seconds=TRIAL_SECONDS)
    if len(rows) == len(tokens):
        return "token", Scale(rows)
    if len(rows) == len(reads):
        return "mark", Scale(rows)
    raise ModelError(
        f"{server.address.root}/pooling gave {len(rows)} rows of scores for {len(tokens)} tokens with {len(reads)} "
        """step marks: start the server with --pooler-config '{"tok_pooling_type": "ALL"}'."""
    )


class Scale:
    """Whether a server gives probabilities or logits: one scale for all rows of a reply, and for all that follow.

    Servers that know no ``use_activation`` may send logits, some of which look like probabilities. A row that does not
    shows the scale of the others.
    """

    def __init__(self, rows: Rows) -> None:
        self._logits = False
        self._see(rows)

    def scores(self, rows: Rows, places: Iterable[int], column: int) -> list[float]:
        """Return the scores at ``places``, which count from the end. Raises EngineError for a row without the label."""
        self._see(rows)
        return [self._score(rows[place], column) for place in places]

    def _see(self, rows: Rows) -> None:
        self._logits = self._logits or not all(map(_probable, rows))

    def _score(self, row: list[float], column: int) -> float:
        if not -len(row) <= column < len(row):
            raise EngineError(f"the server scores with {len(row)} labels: that is no reward model of this family.")
        if not self._logits:
            return row[column]
        logits = [*row, 0.0] if len(row) == 1 else row  # one label is the logit of a yes against a no
        top = max(logits)
        return math.exp(row[column] - top) / sum(math.exp(value - top) for value in logits)


def _probable(row: list[float]) -> bool:
    """Whether a row may be one of probabilities."""
    return all(0 <= value <= 1 for value in row) and (len(row) == 1 or abs(sum(row) - 1) < _ROUNDING)
