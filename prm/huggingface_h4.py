"""HuggingFaceH4's Qwen2.5-Math PRMs: token classification by TRL's PRMTrainer, an empty line after each step.

Models: https://huggingface.co/HuggingFaceH4/Qwen2.5-Math-1.5B-Instruct-PRM-0.2 and -7B-Instruct-PRM-0.2. No inference
code was published; the form is that of the training. Problem, steps and separator are tokenized separately, with
nothing between problem and first step, and the label is on the separator's last token (TRL, trl/experimental/prm).
"""

from __future__ import annotations

from prm.token_classification import TokenClassification

FAMILY = TokenClassification(mark="\n\n")
