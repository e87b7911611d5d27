"""Published ProcessBench results of known reward models: F1 in percent.

The first six rows are table 3 of arXiv 2412.06559 (v4). Those of Qwen2.5-Math-PRM are of arXiv 2501.07301, taken from
other papers' tables. Models of two labels were read at a threshold of 0.5, Skywork's at the one chosen on GSM8K.
"""

from __future__ import annotations

SECOND_HAND = "*"

# gsm8k, math, olympiadbench, omnimath, average
PUBLISHED: dict[str, tuple[float, float, float, float, float]] = {
    "RLHFlow-PRM-Deepseek-8B": (38.8, 33.8, 16.9, 16.9, 26.6),
    "RLHFlow-PRM-Mistral-8B": (50.4, 33.4, 13.8, 15.8, 28.4),
    "Math-Shepherd-PRM-7B": (47.9, 29.5, 24.8, 23.8, 31.5),
    "Skywork-PRM-1.5B": (59.0, 48.0, 19.3, 19.2, 36.4),
    "Skywork-PRM-7B": (70.8, 53.6, 22.9, 21.0, 42.1),
    "Qwen2.5-Math-7B-PRM800K": (68.2, 62.6, 50.7, 44.3, 56.5),
    f"Qwen2.5-Math-PRM-7B {SECOND_HAND}": (82.4, 77.6, 67.5, 66.3, 73.5),
    f"Qwen2.5-Math-PRM-72B {SECOND_HAND}": (87.3, 80.6, 74.3, 71.1, 78.3),
}
