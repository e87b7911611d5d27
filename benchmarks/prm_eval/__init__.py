"""Evaluation of reward models on labelled solutions: `tts prm-eval`; docs/PRM_EVAL.md explains the figures.

    from benchmarks.prm_eval import evaluate
    report = evaluate("lab-prm", "lab", limit=100)
    report.steps.auc, report.average, report.as_dict()

Importing this package loads neither torch nor numpy; the first use of a name does.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.prm_eval.data import Case
    from benchmarks.prm_eval.evaluation import evaluate, measure
    from benchmarks.prm_eval.report import Report
    from benchmarks.prm_eval.sources import DataSet, load

__all__ = ["Case", "DataSet", "Report", "evaluate", "load", "measure"]

_WHERE = {
    "Case": "data", "DataSet": "sources", "Report": "report", "evaluate": "evaluation", "load": "sources",
    "measure": "evaluation",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
