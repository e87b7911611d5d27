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
    from tts.tools.function import tool

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
    "tool",
]


def __getattr__(name: str) -> Any:
    """Import ``Pool`` and ``tool`` when first asked for: ``Pool`` needs numpy, which the rest of this page does not."""
    if name == "Pool":
        from tts.routing.pool import Pool

        return Pool
    if name == "tool":
        from tts.tools.function import tool

        return tool
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
