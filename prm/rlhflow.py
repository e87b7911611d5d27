"""The RLHFlow reward models: a conversation in which the assistant answers each step with "+" or "-".

Model cards: https://huggingface.co/RLHFlow/Llama3.1-8B-PRM-Mistral-Data and -Deepseek-Data, which point to
https://github.com/RLHFlow/RLHF-Reward-Modeling (math-rm). The first turn is the question, a space and the first step.
"""

from __future__ import annotations

from prm.two_token import TwoToken

FAMILY = TwoToken(chat=True, first=" ", good="+", bad="-")
