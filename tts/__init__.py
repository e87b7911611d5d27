"""Test-time scaling: better answers from small language models by search with a reward model.

    from tts import solve
    solution = solve("Mia has 17 marbles. She wins 25 more. How many has she now?")
    solution.answer, solution.confidence, solution.usage.flops

Importing this package loads neither torch nor transformers; the first call that needs them does.
"""

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from tts.api import Solver, solve, solve_async, solve_many
from tts.budget import Budget
from tts.errors import TTSError
from tts.trace import Trace
from tts.types import Candidate, Plan, Problem, Solution, Usage

if TYPE_CHECKING:
    from tts.routing.pool import Pool

try:
    __version__ = version("tts-search")
except PackageNotFoundError:  # used from a checkout that was never installed
    __version__ = "0+unknown"

__all__ = [
    "Budget",
    "Candidate",
    "Plan",
    "Pool",
    "Problem",
    "Solution",
    "Solver",
    "TTSError",
    "Trace",
    "Usage",
    "solve",
    "solve_async",
    "solve_many",
]


def __getattr__(name: str) -> Any:
    """Import ``Pool`` when it is first asked for: it needs numpy, which the rest of this page does not."""
    if name != "Pool":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from tts.routing.pool import Pool

    return Pool


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
