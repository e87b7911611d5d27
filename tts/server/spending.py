"""What a search cost, by model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tts.cost import ModelShape
from tts.trace import Trace, step_key
from tts.types import Solution


@dataclass(slots=True)
class Spent:
    """What one model read and sampled, in tokens, and its FLOPs."""

    role: str
    read: int = 0
    sampled: int = 0
    flops: int = 0

    def row(self) -> dict[str, Any]:
        """Return it as JSON types; a reward model samples nothing."""
        sampled = {"sampled": self.sampled} if self.role == "policy" else {}
        return {"role": self.role, "read": self.read, **sampled, "flops": self.flops}


def spending(solution: Solution) -> dict[str, Spent]:
    """Return what each model of a search cost, by name; together it is the usage, exactly.

    The policies that a search turned to on its way are read from its trace, the rest is its first policy's.
    """
    usage, plan = solution.usage, solution.plan
    found = _others(solution.trace, plan.policy)
    others = list(found.values())
    first = Spent(
        "policy",
        usage.prompt_tokens - sum(each.read for each in others),
        usage.policy_tokens - sum(each.sampled for each in others),
        usage.policy_flops - sum(each.flops for each in others),
    )
    found = {plan.policy: first, **found}
    if usage.prm_tokens:
        found[plan.prm] = Spent("prm", usage.prm_tokens, flops=usage.prm_flops)
    return found


def _others(trace: Trace, policy: str) -> dict[str, Spent]:
    """Return what the policies of forks cost."""
    found: dict[str, Spent] = {}
    roots = {root["key"]: root for root in trace.of("root") if root["policy"]["name"] != policy}
    if not roots:
        return found
    for root in roots.values():
        spent, shape = found.setdefault(root["policy"]["name"], Spent("policy")), _shape(root)
        tokens = len(root["prompt"]["tokens"])
        spent.read += tokens
        spent.flops += shape.flops(tokens)
    for root, sampled, before in _samples(trace, roots):
        spent = found[root["policy"]["name"]]
        spent.sampled += sampled
        spent.flops += _shape(root).flops(sampled, before)
    return found


def _samples(trace: Trace, roots: Mapping[str, Any]) -> Iterator[tuple[Any, int, int]]:
    """Yield the samples below these roots: the root, the tokens, and the tokens before them."""
    origin = {key: (root, len(root["prompt"]["tokens"])) for key, root in roots.items()}
    for sample in trace.of("sample"):  # a parent comes before its children
        if sample["parent"] not in origin:
            continue
        root, length = origin[sample["parent"]]
        begun = length
        for k, step in enumerate(sample["steps"]):
            length += len(step["tokens"])
            origin[step_key(sample["key"], k)] = root, length
        yield root, length - begun, begun


def _shape(root: Mapping[str, Any]) -> ModelShape:
    return ModelShape(**root["policy"]["shape"])
