"""Test-time scaling: better answers from small language models by search with a reward model.

    from tts import solve
    solution = solve("Mia has 17 marbles. She wins 25 more. How many has she now?")
    solution.answer, solution.confidence, solution.usage.flops

Importing this package loads neither torch nor transformers; the first call that needs them does.
"""

from importlib.metadata import PackageNotFoundError, version

from tts.api import Solver, solve, solve_async, solve_many
from tts.budget import Budget
from tts.errors import TTSError
from tts.trace import Trace
from tts.types import Candidate, Plan, Problem, Solution, Usage

try:
    __version__ = version("tts-search")
except PackageNotFoundError:  # used from a checkout that was never installed
    __version__ = "0+unknown"

__all__ = [
    "Budget",
    "Candidate",
    "Plan",
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
