"""The policies with short names. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tts.models.card import BOXED, ModelCard

# The system message of huggingface/search-and-learn (src/sal/config.py), which the published Llama results depend on.
STEPS = """Solve the following math problem efficiently and clearly:

- For simple problems (2 steps or fewer):
Provide a concise solution with minimal explanation.

- For complex problems (3 steps or more):
Use this step-by-step format:

## Step 1: [Concise description]
[Brief explanation and calculations]

## Step 2: [Concise description]
[Brief explanation and calculations]

...

Regardless of the approach, always conclude with:

Therefore, the final answer is: $\\boxed{answer}$. I hope it is correct.

Where [answer] is just the final number or expression that solves the problem."""

LAB_SCOPE = (
    "the built-in models are tiny and only know the laboratory's word problems; "
    "--policy llama-3.2-3b names a real model."
)
ORCHESTRATOR_SCOPE = (
    "the built-in orchestrator is tiny and only knows sums over small tables and the laboratory's word problems; "
    "--policy qwen3-8b names a real model."
)
RECOMMENDED = "qwen2.5-math-prm-7b"
RECOMMENDED_WHY = (
    "in the study of arXiv 2502.06703 search pays with this reward model, and weighted votes by its last score were at "
    "least as good as with the others tried (Table 2)"
)
OTHER_WHY = (
    "this policy was not in the study of arXiv 2502.06703; there search paid with this reward model for policies of "
    "two other families (Llama 3, Qwen2.5), and it reads any solution whose steps are parted by blank lines"
)
THINKING_WHY = (
    "none is needed: for policies that think at length a majority vote over whole solutions is advised (the report on "
    "DeepSeek-R1 votes so, and so does the author of arXiv 2502.06703), and reward models of steps were trained on "
    f"short worked solutions, not on such thinking; a search that is asked for all the same takes {RECOMMENDED}"
)
_LAB_WHY = "it was trained on the steps of the laboratory's own policies"

_THINKING: dict[str, Any] = {
    "thinking": True, "temperature": 0.6, "top_p": 0.95, "max_tokens": 32768, "max_step_tokens": 32768,
    "prm_reason": THINKING_WHY,
}  # fmt: skip
_SWITCH: dict[str, Any] = {"suffix": BOXED, "switch": True, "prm_reason": OTHER_WHY}

# Prompts and sampling by family. Where they come from, model by model: docs/MODELS.md.
LLAMA: dict[str, Any] = {"system": STEPS}
QWEN2: dict[str, Any] = {"system": BOXED, "temperature": 0.7}
R1: dict[str, Any] = {"suffix": BOXED, "opening": "<think>\n", **_THINKING}
QWEN3: dict[str, Any] = {**_SWITCH, "temperature": 0.7, "top_p": 0.8}
QWEN3_THINKING: dict[str, Any] = {**_SWITCH, **_THINKING}
SMOLLM3: dict[str, Any] = {**_SWITCH, "temperature": 0.6, "top_p": 0.95}
SMOLLM3_THINKING: dict[str, Any] = {**_SWITCH, **_THINKING}
GEMMA3: dict[str, Any] = {"suffix": BOXED, "temperature": 1.0, "top_p": 0.95, "prm_reason": OTHER_WHY}
MISTRAL: dict[str, Any] = {"suffix": BOXED, "prm_reason": OTHER_WHY}
OTHER: dict[str, Any] = {"system": BOXED, "prm_reason": OTHER_WHY}

_LLAMA3_VOCABULARY = range(128_256, 128_512)  # that of Llama 3; a fine-tuned model may have some tokens more


def conventions(text: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return prompt and sampling of a model that is not in the table, as fields of its card.

    Args:
        text: configuration of the language model, see :func:`tts.models.hf_config.text_of`.
        name: name of the model. R1 distillations have the type of their base model and models that always think have
            no type of their own, so only the name identifies both.
    """
    kind, called = text.get("model_type", ""), name.lower().replace("_", "-")
    if "r1-distill" in called:
        return R1
    thinks = "thinking" in called
    if kind.startswith("qwen3"):
        return QWEN3_THINKING if thinks else QWEN3
    if kind == "smollm3":
        return SMOLLM3_THINKING if thinks else SMOLLM3
    if kind == "llama" and text.get("vocab_size") in _LLAMA3_VOCABULARY:
        return LLAMA
    return {"qwen2": QWEN2, "gemma3_text": GEMMA3, "mistral": MISTRAL}.get(kind, OTHER)


def _lab(name: str, parameters: int) -> ModelCard:
    return ModelCard(
        name=name, parameters=parameters, context=512, temperature=1.0, max_step_tokens=128, max_tokens=512,
        prm="lab-prm", prm_reason=_LAB_WHY, scope=LAB_SCOPE,
    )  # fmt: skip


def _policy(
    family: Mapping[str, Any], name: str, hub: str, parameters: int, kilobytes: int, context: int = 32768, **more: Any
) -> ModelCard:
    """Build the card of a published policy; ``kilobytes`` is the size of one token's keys and values in KiB."""
    settings = {"prm": RECOMMENDED, "prm_reason": RECOMMENDED_WHY, **family, **more}
    return ModelCard(
        name=name, hub=hub, parameters=parameters, token_bytes=1024 * kilobytes, context=context, **settings
    )  # fmt: skip


DEFAULT_POLICY = "lab-2m"
DEFAULT_ORCHESTRATOR = "lab-orchestrator"
"""What `tts orchestrate` decides with; it is trained to call tools (`benchmarks/orchestra`)."""

_128K = 131_072
_40K = 40_960  # Qwen3: 32,768 of output and 8,192 of prompt
_SWITCHED: tuple[tuple[Any, ...], ...] = (  # each has a plain and a thinking card; the hub id alone means the plain one
    (QWEN3, QWEN3_THINKING, "qwen3-0.6b", "Qwen/Qwen3-0.6B", 596_049_920, 112, _40K),
    (QWEN3, QWEN3_THINKING, "qwen3-1.7b", "Qwen/Qwen3-1.7B", 1_720_574_976, 112, _40K),
    (QWEN3, QWEN3_THINKING, "qwen3-4b", "Qwen/Qwen3-4B", 4_022_468_096, 144, _40K),
    (QWEN3, QWEN3_THINKING, "qwen3-8b", "Qwen/Qwen3-8B", 8_190_735_360, 144, _40K),
    (SMOLLM3, SMOLLM3_THINKING, "smollm3-3b", "HuggingFaceTB/SmolLM3-3B", 3_075_098_624, 72, 65_536),
)

POLICIES: tuple[ModelCard, ...] = (
    _lab("lab-200k", 200_000),
    _lab("lab-1m", 1_000_000),
    _lab("lab-2m", 2_000_000),
    _lab("lab-4m", 4_000_000),
    *(_lab(f"lab-{kinds}", 200_000) for kinds in ("toys", "farm", "money", "counts", "trips")),
    ModelCard(
        name=DEFAULT_ORCHESTRATOR,
        parameters=1_060_000,
        context=768,
        temperature=0.3,
        max_step_tokens=768,
        max_tokens=768,
        scope=ORCHESTRATOR_SCOPE,
        prm_reason="none is needed: its tools compute, and its trajectories vote",
    ),
    _policy(LLAMA, "llama-3.2-1b", "meta-llama/Llama-3.2-1B-Instruct", 1_235_814_400, 32, _128K, gated=True),
    _policy(LLAMA, "llama-3.2-3b", "meta-llama/Llama-3.2-3B-Instruct", 3_212_749_824, 112, _128K, gated=True),
    _policy(LLAMA, "llama-3.1-8b", "meta-llama/Llama-3.1-8B-Instruct", 8_030_261_248, 128, _128K, gated=True),
    _policy(QWEN2, "qwen2.5-0.5b", "Qwen/Qwen2.5-0.5B-Instruct", 494_032_768, 12),
    _policy(QWEN2, "qwen2.5-1.5b", "Qwen/Qwen2.5-1.5B-Instruct", 1_543_714_304, 28),
    _policy(QWEN2, "qwen2.5-3b", "Qwen/Qwen2.5-3B-Instruct", 3_085_938_688, 36),
    _policy(QWEN2, "qwen2.5-7b", "Qwen/Qwen2.5-7B-Instruct", 7_615_616_512, 56),
    _policy(QWEN2, "qwen2.5-14b", "Qwen/Qwen2.5-14B-Instruct", 14_770_033_664, 192),
    _policy(QWEN2, "qwen2.5-32b", "Qwen/Qwen2.5-32B-Instruct", 32_763_876_352, 256),
    _policy(QWEN2, "qwen2.5-72b", "Qwen/Qwen2.5-72B-Instruct", 72_706_203_648, 320),
    _policy(QWEN2, "qwen2.5-math-1.5b", "Qwen/Qwen2.5-Math-1.5B-Instruct", 1_543_714_304, 28, 4096),
    _policy(QWEN2, "qwen2.5-math-7b", "Qwen/Qwen2.5-Math-7B-Instruct", 7_615_616_512, 56, 4096),
    _policy(QWEN2, "qwen2.5-math-72b", "Qwen/Qwen2.5-Math-72B-Instruct", 72_706_203_648, 320, 4096),
    _policy(R1, "r1-distill-qwen-1.5b", "deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B", 1_777_088_000, 28, _128K),
    _policy(R1, "r1-distill-qwen-7b", "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", 7_615_616_512, 56, _128K),
    *(
        _policy(family, called, *card)
        for plain, thinking, name, *card in _SWITCHED
        for family, called in ((plain, name), (thinking, f"{name}-thinking"))
    ),
    _policy(GEMMA3, "gemma-3-1b", "google/gemma-3-1b-it", 999_885_952, 26, gated=True),
    _policy(GEMMA3, "gemma-3-4b", "google/gemma-3-4b-it", 4_300_079_472, 136, _128K, gated=True),
    _policy(GEMMA3, "gemma-3-12b", "google/gemma-3-12b-it", 12_187_325_040, 384, _128K, gated=True),
    _policy(GEMMA3, "gemma-3-27b", "google/gemma-3-27b-it", 27_432_406_640, 496, _128K, gated=True),
    _policy(OTHER, "phi-4-mini", "microsoft/Phi-4-mini-instruct", 3_836_021_760, 128, _128K),
)
