"""The reward models known by a short name, and the families that their configurations tell. Standard library only."""

from __future__ import annotations

from tts.card import BOXED, ModelCard
from tts.known_policies import LAB_SCOPE


def _qwen_prm(name: str, hub: str, parameters: int) -> ModelCard:
    return ModelCard(name=name, kind="prm", hub=hub, parameters=parameters, context=4096, system=BOXED, family="qwen")


REWARD_MODELS: tuple[ModelCard, ...] = (
    ModelCard(name="lab-prm", kind="prm", parameters=1_000_000, context=512, family="qwen", scope=LAB_SCOPE),
    _qwen_prm("qwen2.5-math-prm-7b", "Qwen/Qwen2.5-Math-PRM-7B", 7_083_000_000),
    _qwen_prm("qwen2.5-math-prm-72b", "Qwen/Qwen2.5-Math-PRM-72B", 71_500_000_000),
    _qwen_prm("qwen2.5-math-7b-prm800k", "Qwen/Qwen2.5-Math-7B-PRM800K", 7_083_000_000),
)

# What a config.json calls the model class, and the file in prm/ that knows it.
FAMILIES = {"Qwen2ForProcessRewardModel": "qwen"}
