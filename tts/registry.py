"""Registry of names that users type: a table of "module:attribute", then entry points.

A package adds its own names by an entry point in the group ``tts.<kind>``, for example ``tts.strategy``.
"""

from __future__ import annotations

import importlib
import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

from tts.errors import BadInput, UnknownName

HOME = Path(__file__).resolve().parent.parent

TABLE: dict[str, dict[str, str]] = {
    "strategy": {
        "auto": "strategies.auto:Auto",
        "best-of-n": "strategies.best_of_n:BestOfN",
        "majority": "strategies.majority:Majority",
        "route-and-vote": "strategies.route_and_vote:RouteAndVote",
        "beam-search": "strategies.beam_search:BeamSearch",
        "dvts": "strategies.dvts:DVTS",
        "rebase": "strategies.rebase:Rebase",
        "particle-filter": "strategies.particle_filter:ParticleFilter",
        "reject-early": "strategies.reject_early:RejectEarly",
        "mcts": "strategies.mcts:MCTS",
        "ab-mcts": "strategies.ab_mcts:ABMCTS",
        "deepconf": "strategies.deepconf:DeepConf",
        "adaptive-consistency": "strategies.adaptive_consistency:AdaptiveConsistency",
        "orchestrate": "strategies.orchestrate:Orchestrate",
    },
    "vote": {
        "majority": "tts.answers.votes:majority",
        "best": "tts.answers.votes:best",
        "weighted": "tts.answers.votes:weighted",
        "lineage": "tts.answers.votes:lineage",
        "borda": "tts.answers.votes:borda",
        "tournament": "tts.answers.votes:tournament",
    },
    "extraction": {
        "auto": "tts.answers.finding:auto",
        "boxed": "tts.answers.extract:extract",
        "last-number": "tts.answers.extract:last_number",
    },
    "sandbox": {
        "bubblewrap": "tts.sandbox.bubblewrap:LEVEL",
        "monty": "tts.sandbox.monty:LEVEL",
    },
    "answer kind": {
        "math": "tts.answers.kinds.mathematics:Mathematics",
        "number": "tts.answers.kinds.number:Number",
        "choice": "tts.answers.kinds.choice:Choice",
        "one-of": "tts.answers.kinds.one_of:OneOf",
        "text": "tts.answers.kinds.words:Words",
        "instructions": "tts.answers.kinds.instructions:Instructions",
        "code": "tts.answers.kinds.code:Code",
        "tool": "tts.answers.kinds.tool_call:ToolCall",
    },
    "reward model": {
        "function": "prm.function:load",
        "judge": "prm.judge:load",
        "confidence": "prm.confidence:load",
        "tests": "prm.tests:load",
    },
    "solver": {
        "single": "tts.solver:Solver",
        "pool": "tts.pool_solver:PoolSolver",
    },
    "router": {
        "clusters": "tts.routing.clusters:ClusterRouter",
        "knn": "tts.routing.neighbours:NeighbourRouter",
        "logistic": "tts.routing.regression:LogisticRouter",
        "contrastive": "tts.routing.contrastive:ContrastiveRouter",
        "mean": "tts.routing.mean_router:MeanRouter",
    },
    "embedder": {
        "transformers": "tts.engines.transformers.embedder:TransformersEmbedder",
        "server": "tts.engines.remote.embedder:RemoteEmbedder",
    },
    "engine": {  # in the order in which auto tries them
        "remote": "tts.engines.remote.engine:ENGINE",
        "vllm": "tts.engines.vllm.engine:ENGINE",
        "transformers": "tts.engines.transformers.engine:ENGINE",
        "replay": "tts.engines.replay_engine:ENGINE",
    },
    "executor": {
        "here": "tts.executor:Here",
        "ray": "tts.cluster.executor:RayExecutor",
    },
    "prm family": {
        "qwen": "prm.qwen:FAMILY",
        "math-shepherd": "prm.math_shepherd:FAMILY",
        "rlhflow": "prm.rlhflow:FAMILY",
        "skywork": "prm.skywork:FAMILY",
        "huggingface-h4": "prm.huggingface_h4:FAMILY",
        "two-token": "prm.two_token:FAMILY",
        "token-classification": "prm.token_classification:FAMILY",
        "outcome": "prm.outcome:FAMILY",
        "qwen-outcome": "prm.outcome:QWEN",
    },
}


def names(kind: str) -> list[str]:
    """List all names of a kind, the built-in ones first."""
    return list(_targets(kind))


def resolve(kind: str, name: str) -> Any:
    """Import what a name refers to. Raises UnknownName, with the nearest known name."""
    targets = _targets(kind)
    target = targets.get(name) or targets.get(name.lower().replace("_", "-"))
    if target is None:
        raise UnknownName(kind, name, targets)
    module, _, attribute = target.partition(":")
    if target == TABLE.get(kind, {}).get(name):
        check_home(module)
    return getattr(importlib.import_module(module), attribute)


def check_home(module: str) -> None:
    """Check that the root package of ``module`` is the one installed with ``tts``, before any of it runs.

    The roots have common names, so a file ``prm.py`` in the working folder could hide ours. Raises BadInput in that
    case.
    """
    _check_root(module.partition(".")[0])


@cache
def _check_root(root: str) -> None:
    spec = importlib.util.find_spec(root)
    if spec is None or not spec.origin:
        return
    found = Path(spec.origin).resolve()
    shipped = HOME.name.startswith("_ray_pkg_") and found.is_relative_to(HOME.parent)  # each package in its own folder
    if not shipped and not found.is_relative_to(HOME):
        raise BadInput(f"{spec.origin} hides the package {root!r}: rename it, or work in another folder.")


@cache
def _targets(kind: str) -> dict[str, str]:
    from importlib.metadata import entry_points

    plugins = {point.name: point.value for point in entry_points(group=f"tts.{kind.replace(' ', '-')}")}
    return {**TABLE.get(kind, {}), **{k: v for k, v in plugins.items() if k not in TABLE.get(kind, {})}}
