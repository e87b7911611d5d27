"""Other models as tools: a policy, or a whole pool, each with its own search."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tts.cost import Prices
from tts.errors import BadInput, TTSError
from tts.models.find import find
from tts.records.outcomes import file_of, read
from tts.registry import resolve
from tts.tools.tool import Result, Tool, checked
from tts.types import Problem, Solution

_SCHEMA = {
    "type": "object",
    "properties": {"question": {"type": "string", "description": "The whole question; the model sees nothing else."}},
    "required": ["question"],
    "additionalProperties": False,
}
_ROOM = 1024  # tokens of a chat template and system message, for the worst case of a price
_LONGEST = 20_000  # characters of a question
_FEW = 3  # subjects of a capability line


class ModelTool(Tool):
    """A model that answers a question, with its own search.

    The question is the only thing that the model is given. Its search may spend at most ``price``.

    Args:
        model: a policy as in ``--policy``, or the file of a pool (``.pool``, ``.json``).
        name: of the tool; by default made of the model's name.
        prices: what a server bills: ``INPUT,OUTPUT`` in dollars per million tokens.
        price: most dollars of a call; by default the worst case of ``prices``, 0 for a model on this machine.
        about: a sentence on what the model is good at.
        settings: of :class:`tts.solver.Solver`: ``strategy``, ``budget``, ``prm`` and so on.
    """

    kind = "model"

    def __init__(
        self,
        model: str,
        *,
        name: str = "",
        prices: str | None = None,
        price: float | None = None,
        latency: float | None = None,
        seconds: float = 600.0,
        about: str = "",
        **settings: Any,
    ) -> None:
        pool = Path(model).suffix in (".pool", ".json") and Path(model).is_file()
        card = None if pool else find(model, "policy")
        self.name = name or _tool_name(Path(model).stem if card is None else card.name)
        self.description = " ".join(filter(None, ["Asks a language model a question.", about]))
        self.schema, self.latency, self.seconds = _SCHEMA, latency, seconds
        self.local = card is not None and not card.url
        self.price = price
        checked(self)
        budget = settings.pop("budget", 1)
        if price is None and prices is not None and card is not None:
            length = min(_LONGEST + _ROOM, card.context), min(card.max_tokens, card.context)
            price = budget * Prices.parse(prices).of(*length) / 1e9
        self.price = 0.0 if price is None and self.local else price
        billed = price is not None and price > 0
        self._settings = settings | {
            "budget": budget,
            "prices": prices,
            "max_cost": price if billed and prices else None,
        }
        self._settings |= {"pool": model} if pool else {"policy": model}
        self._solver: Any = None
        if not pool:
            self._settings.setdefault("strategy", "majority")
            self._settings.setdefault("prm", None)
            self._made()
        else:
            self._settings.pop("prices")

    async def call(self, arguments: Mapping[str, Any]) -> Result:
        """Solve the question; the result is the answer, or the best text where no answer was found."""
        question = str(arguments["question"])
        if len(question) > _LONGEST:
            return Result(f"The question is longer than {_LONGEST:,} characters.", 0.0, failed=True)
        solution: Solution = await self._made().solve(Problem(question))
        cost = solution.usage.cost if self._settings.get("prices") or "pool" in self._settings else None
        return Result(_words(solution), cost)

    def _made(self) -> Any:
        if self._solver is None:
            settings = dict(self._settings)
            kind = resolve("solver", "pool" if "pool" in settings else "single")
            try:
                self._solver = kind(**settings)
            except (TTSError, TypeError) as error:
                raise BadInput(f"the tool {self.name} cannot be made: {error}") from error
        return self._solver


def capability(model: str, outcomes: Path) -> str:
    """Write a model's capability line from its recorded outcomes: who is good at what.

    Raises BadInput for a file without outcomes of the model.
    """
    right: defaultdict[str, list[bool]] = defaultdict(list)
    policy = find(model, "policy").name
    for outcome in read(file_of(outcomes)):
        if outcome.plan.policy == policy and outcome.error is None:
            right[outcome.subject or outcome.dataset or "problem"].append(outcome.correct)
    if not right:
        raise BadInput(f"{outcomes} holds no outcome of {policy}: record some with `tts bench`.")
    most = sorted(right, key=lambda subject: (-len(right[subject]), subject))[:_FEW]
    parts = [f"{sum(right[s]) / len(right[s]):.0%} of {len(right[s])} {s} problems" for s in most]
    return f"Recorded: right in {', '.join(parts)}."


def _words(solution: Solution) -> str:
    if solution.answer is not None:
        share = solution.votes[0].share if solution.votes else solution.confidence
        return f"Answer: {solution.answer} (share of the vote {share:.0%})."
    best = max(solution.candidates, key=lambda c: len(c.text), default=None)
    return best.text.strip() if best is not None else f"No answer: {solution.stopped}."


def _tool_name(model: str) -> str:
    letters = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "_-.") else "_" for letter in model)
    return f"ask_{letters.strip('_') or 'model'}"[:64]
