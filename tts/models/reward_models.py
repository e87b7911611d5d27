"""The reward models with short names, and the families by model class. Standard library only."""

from __future__ import annotations

from tts.models.card import BOXED, ModelCard
from tts.models.policies import LAB_SCOPE


def _prm(name: str, hub: str, parameters: int, family: str, context: int = 4096) -> ModelCard:
    return ModelCard(
        name=name, kind="prm", hub=hub, parameters=parameters, context=context, system=BOXED, family=family
    )  # fmt: skip


# Contexts are those of the configurations; that of Math-Shepherd is its attention window.
REWARD_MODELS: tuple[ModelCard, ...] = (
    ModelCard(name="lab-prm", kind="prm", parameters=1_000_000, context=512, family="qwen", scope=LAB_SCOPE),
    _prm("qwen2.5-math-prm-7b", "Qwen/Qwen2.5-Math-PRM-7B", 7_083_000_000, "qwen"),
    _prm("qwen2.5-math-prm-72b", "Qwen/Qwen2.5-Math-PRM-72B", 71_500_000_000, "qwen"),
    _prm("qwen2.5-math-7b-prm800k", "Qwen/Qwen2.5-Math-7B-PRM800K", 7_083_000_000, "qwen"),
    _prm("skywork-1.5b", "Skywork/Skywork-o1-Open-PRM-Qwen-2.5-1.5B", 1_544_000_000, "skywork"),
    _prm("skywork-7b", "Skywork/Skywork-o1-Open-PRM-Qwen-2.5-7B", 7_616_000_000, "skywork"),
    _prm("math-shepherd", "peiyi9979/math-shepherd-mistral-7b-prm", 7_242_000_000, "math-shepherd"),
    _prm("rlhflow-mistral", "RLHFlow/Llama3.1-8B-PRM-Mistral-Data", 8_030_000_000, "rlhflow", 131_072),
    _prm("rlhflow-deepseek", "RLHFlow/Llama3.1-8B-PRM-Deepseek-Data", 8_030_000_000, "rlhflow", 131_072),
    _prm("h4-1.5b", "HuggingFaceH4/Qwen2.5-Math-1.5B-Instruct-PRM-0.2", 1_544_000_000, "huggingface-h4"),
    _prm("h4-7b", "HuggingFaceH4/Qwen2.5-Math-7B-Instruct-PRM-0.2", 7_070_000_000, "huggingface-h4"),
    _prm("qwen2.5-math-rm-72b", "Qwen/Qwen2.5-Math-RM-72B", 71_500_000_000, "qwen-outcome"),
    _prm("skywork-reward-8b", "Skywork/Skywork-Reward-Llama-3.1-8B-v0.2", 7_505_000_000, "outcome", 131_072),
)

# Model class in config.json, and its family.
FAMILIES = {
    "Qwen2ForProcessRewardModel": "qwen",
    "Qwen2ForPrmModel": "skywork",
    "Qwen2ForRewardModel": "qwen-outcome",
}


def identified_by(architecture: str) -> str | None:
    """Return the family of a model class; empty for a reward model of an unknown family, None for other models."""
    if architecture.endswith("ForSequenceClassification"):
        return "outcome"  # it judges a conversation by one label, and its tokenizer knows the conversation's form
    if architecture.endswith("ForTokenClassification"):
        return ""
    return FAMILIES.get(architecture)
