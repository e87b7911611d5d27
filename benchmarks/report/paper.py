"""Published accuracy, in per cent, of arXiv 2502.06703: the 500 problems of MATH-500 and the 30 of AIME24."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the paper's tables: one policy, its chain of thought, majority and compute-optimal accuracy."""

    policy: str
    cot: float | None
    majority: float | None
    optimal: float | None


# Table 5
MATH500 = {
    "llama-3.2-1b": Row("Llama-3.2-1B-Instruct", 26.0, 39.0, 66.2),
    "llama-3.2-3b": Row("Llama-3.2-3B-Instruct", 41.4, 58.4, 78.2),
    "llama-3.1-8b": Row("Llama-3.1-8B-Instruct", 49.8, 66.4, 80.6),
    "qwen2.5-0.5b": Row("Qwen2.5-0.5B-Instruct", 31.6, 47.2, 76.4),
    "qwen2.5-1.5b": Row("Qwen2.5-1.5B-Instruct", 54.4, 68.4, 85.6),
    "qwen2.5-3b": Row("Qwen2.5-3B-Instruct", 64.0, 77.0, 87.6),
    "qwen2.5-7b": Row("Qwen2.5-7B-Instruct", 76.8, 83.6, 91.0),
    "qwen2.5-14b": Row("Qwen2.5-14B-Instruct", 80.2, 85.6, 91.0),
    "qwen2.5-32b": Row("Qwen2.5-32B-Instruct", 82.4, 87.0, 90.6),
    "qwen2.5-72b": Row("Qwen2.5-72B-Instruct", 83.8, 87.2, 91.8),
    # Table 3
    "r1-distill-qwen-1.5b": Row("DeepSeek-R1-Distill-Qwen-1.5B", None, None, 91.6),
    "r1-distill-qwen-7b": Row("DeepSeek-R1-Distill-Qwen-7B", None, None, 95.2),
}
AIME24 = {
    "llama-3.2-3b": Row("Llama-3.2-3B-Instruct", None, None, 30.0),
    "qwen2.5-0.5b": Row("Qwen2.5-0.5B-Instruct", None, None, 10.0),
    "r1-distill-qwen-1.5b": Row("DeepSeek-R1-Distill-Qwen-1.5B", None, None, 63.3),
    "r1-distill-qwen-7b": Row("DeepSeek-R1-Distill-Qwen-7B", None, None, 83.3),
}
LARGE = {
    "math500": (("Llama-3.1-405B", 71.4), ("GPT-4o", 74.6), ("o1-preview", 85.5), ("o1-mini", 90.0)),
    "aime24": (("Llama-3.1-405B", 23.3), ("GPT-4o", 9.3), ("o1-preview", 44.6), ("o1-mini", 63.6)),
}  # chain of thought, Table 3


def rows(dataset: str, policies: Sequence[str]) -> list[tuple[str, Row]]:
    """List the paper's rows for these policies (short names, hub ids or folders) on a data set; none for others."""
    table = {"math500": MATH500, "aime24": AIME24}.get(dataset_key(dataset), {})
    found = [(policy, table[name]) for policy in policies if (name := model_key(policy)) in table]
    return list(dict.fromkeys(found))


def dataset_key(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def model_key(policy: str) -> str:
    """Return ``llama-3.2-3b`` for ``meta-llama/Llama-3.2-3B-Instruct``, and the name itself for other forms.

    Mathematics and coder variants are other models, and so are quantized ones.
    """
    name = policy.rstrip("/").rpartition("/")[2].lower().removeprefix("deepseek-").removeprefix("meta-")
    return re.sub(r"-(?:instruct|it)$", "", name)
