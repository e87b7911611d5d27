"""Test-time scaling: better answers from small language models by search with a reward model.

    from tts import solve
    solution = solve("Mia has 17 marbles. She wins 25 more. How many has she now?")
    solution.answer, solution.confidence, solution.usage.flops

Importing this package loads neither torch nor transformers; the first call that needs them does.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tts.api import solve, solve_async, solve_many
    from tts.budget import Budget
    from tts.errors import TTSError
    from tts.routing.pool import Pool
    from tts.solver import Solver
    from tts.tools.function import tool
    from tts.trace import Trace
    from tts.types import Candidate, Plan, Problem, Solution, Usage

    __version__: str

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
    """Import a public name when it is first asked for, so that ``tts --help`` waits for none."""
    home: Any
    match name:
        case "solve" | "solve_async" | "solve_many":
            from tts import api as home
        case "Solver":
            from tts import solver as home
        case "Candidate" | "Plan" | "Problem" | "Solution" | "Usage":
            from tts import types as home
        case "Budget":
            from tts import budget as home
        case "TTSError":
            from tts import errors as home
        case "Trace":
            from tts import trace as home
        case "Pool":
            from tts.routing import pool as home
        case "tool":
            from tts.tools import function as home
        case "__version__":
            return _version()
        case _:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = vars(home)[name]
    return found


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("tts-search")
    except PackageNotFoundError:  # used from a checkout that was never installed
        return "0+unknown"


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
