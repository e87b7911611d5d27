"""The policies known by a short name. Standard library only."""

from __future__ import annotations

from tts.card import BOXED, ModelCard

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
RECOMMENDED = "qwen2.5-math-prm-7b"
RECOMMENDED_WHY = (
    "in the study of arXiv 2502.06703 search pays with this reward model, and weighted votes by its last score were at "
    "least as good as with the others tried (Table 2)"
)
_LAB_WHY = "it was trained on the steps of the laboratory's own policies"


def _lab(name: str, parameters: int) -> ModelCard:
    return ModelCard(
        name=name, parameters=parameters, context=512, temperature=1.0, max_step_tokens=128, max_tokens=512,
        prm="lab-prm", prm_reason=_LAB_WHY, scope=LAB_SCOPE,
    )  # fmt: skip


def _llama(name: str, hub: str, parameters: int) -> ModelCard:
    return ModelCard(
        name=name,
        hub=hub,
        parameters=parameters,
        context=131072,
        system=STEPS,
        prm=RECOMMENDED,
        prm_reason=RECOMMENDED_WHY,
        gated=True,
    )


def _qwen(name: str, hub: str, parameters: int, context: int = 32768) -> ModelCard:
    return ModelCard(
        name=name,
        hub=hub,
        parameters=parameters,
        context=context,
        system=BOXED,
        prm=RECOMMENDED,
        prm_reason=RECOMMENDED_WHY,
    )  # fmt: skip


def _r1(name: str, hub: str, parameters: int) -> ModelCard:
    return ModelCard(
        name=name, hub=hub, parameters=parameters, context=131072, suffix=BOXED, temperature=0.6, top_p=0.95,
        max_tokens=32768, prm=RECOMMENDED, prm_reason=RECOMMENDED_WHY,
    )  # fmt: skip


DEFAULT_POLICY = "lab-1m"

POLICIES: tuple[ModelCard, ...] = (
    _lab("lab-200k", 200_000),
    _lab("lab-1m", 1_000_000),
    _lab("lab-4m", 4_000_000),
    _llama("llama-3.2-1b", "meta-llama/Llama-3.2-1B-Instruct", 1_235_814_400),
    _llama("llama-3.2-3b", "meta-llama/Llama-3.2-3B-Instruct", 3_212_749_824),
    _llama("llama-3.1-8b", "meta-llama/Llama-3.1-8B-Instruct", 8_030_261_248),
    _qwen("qwen2.5-0.5b", "Qwen/Qwen2.5-0.5B-Instruct", 494_032_768),
    _qwen("qwen2.5-1.5b", "Qwen/Qwen2.5-1.5B-Instruct", 1_543_714_304),
    _qwen("qwen2.5-3b", "Qwen/Qwen2.5-3B-Instruct", 3_085_938_688),
    _qwen("qwen2.5-7b", "Qwen/Qwen2.5-7B-Instruct", 7_615_616_512),
    _qwen("qwen2.5-14b", "Qwen/Qwen2.5-14B-Instruct", 14_770_033_664),
    _qwen("qwen2.5-32b", "Qwen/Qwen2.5-32B-Instruct", 32_763_876_352),
    _qwen("qwen2.5-72b", "Qwen/Qwen2.5-72B-Instruct", 72_706_203_648),
    _qwen("qwen2.5-math-1.5b", "Qwen/Qwen2.5-Math-1.5B-Instruct", 1_543_714_304, 4096),
    _qwen("qwen2.5-math-7b", "Qwen/Qwen2.5-Math-7B-Instruct", 7_615_616_512, 4096),
    _r1("r1-distill-qwen-1.5b", "deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B", 1_777_088_000),
    _r1("r1-distill-qwen-7b", "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", 7_615_616_512),
)
