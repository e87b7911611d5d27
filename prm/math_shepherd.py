"""Math-Shepherd: " ки" after each step, where the next token is "+" or "-".

Model card: https://huggingface.co/peiyi9979/math-shepherd-mistral-7b-prm; paper: arXiv 2312.08935. The input is the
question, a space, and the steps, each with its mark and on its own line, without a system prompt. The vocabulary is
Mistral's; its "+" and "-" (ids 648 and 387) are the ones that begin a word.
"""

from __future__ import annotations

from prm.two_token import TwoToken

FAMILY = TwoToken(first=" ", further="\n", mark=" ки", good="\u2581+", bad="\u2581-")
