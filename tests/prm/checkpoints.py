"""Small random checkpoints of the published architectures: their weight names, special tokens, templates and token ids.

The tokenizers are of the published kinds: byte-level BPE with Qwen's and Llama 3's way of splitting text, and Mistral's
sentencepiece BPE (a space is "▁", a text begins with one, bytes stand in for what is unknown). Trained on a few lines.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    LlamaForSequenceClassification,
    LlamaForTokenClassification,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen2ForTokenClassification,
    Qwen2Model,
)

CORPUS = [
    "What is 2 + 3 times 4 ? Janet sells the eggs she has left .",
    "Step 1: Add 2 and 3 to get 5.\n\nStep 2: So the answer is 5.\n\nTherefore, it is $\\boxed{5}$.",
    "system user assistant Question: Answer:\n yes no good bad the sum of the half\nlines\n\n",
    "## Step 3: We take two more and add, which leaves three + - yes no? ?\n :\n\n",
] * 4
QWEN_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
LLAMA_SPLIT = QWEN_SPLIT.replace(r"|\p{N}|", r"|\p{N}{1,3}|")
CHATML = (
    "{%- if messages[0]['role'] == 'system' %}{{- '<|im_start|>system\n' + messages[0]['content'] + '<|im_end|>\n' }}"
    "{%- else %}{{- '<|im_start|>system\nPlease reason step by step, and put your final answer within \\\\boxed{}."
    "<|im_end|>\n' }}{%- endif %}"
    "{%- for m in messages %}{%- if not (loop.first and m.role == 'system') %}"
    "{{- '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>' + '\n' }}{%- endif %}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- endif %}"
)
LLAMA3 = (
    "{{- bos_token }}{{- '<|start_header_id|>system<|end_header_id|>\n\n' }}"
    "{{- 'Cutting Knowledge Date: December 2023\n' }}{{- 'Today Date: 26 Jul 2024\n\n' }}{{- '<|eot_id|>' }}"
    "{%- for m in messages %}{{- '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n' + m['content'] | trim"
    " + '<|eot_id|>' }}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{%- endif %}"
)
SHEPHERD = {"\u2581+": 648, "\u2581-": 387}  # ids of Mistral's vocabulary


def byte_level(split: str, special: list[str], template: str, **named: str) -> Any:
    core = Tokenizer(BPE())
    core.normalizer = normalizers.NFC()
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(split), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    core.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    core.train_from_iterator(CORPUS, BpeTrainer(vocab_size=500, initial_alphabet=alphabet, show_progress=False))
    core.add_special_tokens([AddedToken(token, special=True) for token in special])
    if begin := named.get("bos_token") if template == LLAMA3 else None:
        core.post_processor = processors.TemplateProcessing(
            single=f"{begin} $A", special_tokens=[(begin, core.token_to_id(begin))]
        )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, clean_up_tokenization_spaces=False, **named)
    tokenizer.chat_template = template
    return tokenizer


def qwen_tokenizer(bos: str | None = None) -> Any:
    """Qwen's has no beginning token; Skywork's names one."""
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<extra_0>"]
    named = {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", **({"bos_token": bos} if bos else {})}
    return byte_level(QWEN_SPLIT, special, CHATML, **named)


def llama_tokenizer() -> Any:
    special = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
    return byte_level(LLAMA_SPLIT, special, LLAMA3, bos_token="<|begin_of_text|>", eos_token="<|eot_id|>")


def mistral_tokenizer(mark: str = "ки") -> Any:
    """The three tokens that count have the ids of the published vocabulary; ``mark`` is how it spells 12902."""
    trained = Tokenizer(BPE())
    trained.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=True)
    lines = [line for text in CORPUS for line in text.split("\n")]
    trained.train_from_iterator(lines, BpeTrainer(vocab_size=500, show_progress=False))
    state = json.loads(trained.to_str())["model"]
    merges = [tuple(pair) for pair in state["merges"]]
    merges += [pair for pair in (("\u2581", "+"), ("\u2581", "-"), ("к", "и")) if pair not in merges]
    merges += [("\u2581", "ки")] if mark != "ки" else []
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *state["vocab"], "+", "-", "к", "и"]
    vocabulary = {**SHEPHERD, mark: 12902}
    free = (number for number in range(12902) if number not in vocabulary.values())
    for token in dict.fromkeys([*tokens, *("".join(pair) for pair in merges)]):
        if token not in vocabulary:
            vocabulary[token] = next(free)
    vocabulary |= {f"<unused{number}>": number for number in free}
    core = Tokenizer(BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    core.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    core.decoder = decoders.Sequence(
        [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    core.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    core.add_special_tokens(["<unk>", "<s>", "</s>"])
    return PreTrainedTokenizerFast(
        tokenizer_object=core, bos_token="<s>", eos_token="</s>", unk_token="<unk>", clean_up_tokenization_spaces=False
    )


def _shape(tokenizer: Any, wide: bool, **more: Any) -> dict[str, Any]:
    """``wide`` has the smallest heads that vLLM takes on a CPU."""
    width, heads, groups = (64, 2, 1) if wide else (32, 4, 2)
    return {
        "vocab_size": len(tokenizer), "hidden_size": width, "intermediate_size": 2 * width, "num_hidden_layers": 2,
        "num_attention_heads": heads, "num_key_value_heads": groups, "max_position_embeddings": 4096,
        "initializer_range": 0.3, "pad_token_id": None, "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id, **more,
    }  # fmt: skip


def _write(folder: Path, tokenizer: Any, model: Any) -> None:
    tokenizer.save_pretrained(folder)
    for name, value in model.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(value, std=0.3)
    model.save_pretrained(folder)


def _write_head(folder: Path, tokenizer: Any, model: Any, architecture: str, head: dict[str, torch.Tensor]) -> None:
    """A checkpoint whose class is not in transformers: the decoder's weights by their names, and the head's by its."""
    _write(folder, tokenizer, model)
    prefix = "" if hasattr(model, "lm_head") else "model."
    weights = {prefix + name: value.contiguous() for name, value in model.state_dict().items()}
    save_file(weights | head, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text()) | {"architectures": [architecture]}
    (folder / "config.json").write_text(json.dumps(config))


def qwen(folder: Path, wide: bool = False) -> Path:
    tokenizer = qwen_tokenizer()
    model = Qwen2Model(Qwen2Config(**_shape(tokenizer, wide)))
    _write_head(folder, tokenizer, model, "Qwen2ForProcessRewardModel", _layers(model.config.hidden_size, 2))
    return folder


def qwen_outcome(folder: Path, wide: bool = False) -> Path:
    tokenizer = qwen_tokenizer()
    model = Qwen2Model(Qwen2Config(**_shape(tokenizer, wide)))
    _write_head(folder, tokenizer, model, "Qwen2ForRewardModel", _layers(model.config.hidden_size, 1))
    return folder


def _layers(width: int, labels: int) -> dict[str, torch.Tensor]:
    return {
        "score.0.weight": torch.randn(width, width) * 0.3, "score.0.bias": torch.randn(width) * 0.3,
        "score.2.weight": torch.randn(labels, width) * 0.3, "score.2.bias": torch.randn(labels) * 0.3,
    }  # fmt: skip


def skywork(folder: Path, wide: bool = False) -> Path:
    """The published files also hold the language model's head where it is not tied, as in the 7B model."""
    tokenizer = qwen_tokenizer(bos="<|endoftext|>")
    model = Qwen2ForCausalLM(Qwen2Config(**_shape(tokenizer, wide, tie_word_embeddings=False)))
    width = model.config.hidden_size
    head = {"v_head.summary.weight": torch.randn(1, width) * 0.3, "v_head.summary.bias": torch.randn(1) * 0.3}
    _write_head(folder, tokenizer, model, "Qwen2ForPrmModel", head)
    return folder


def math_shepherd(folder: Path, wide: bool = False) -> Path:
    tokenizer = mistral_tokenizer()
    _write(folder, tokenizer, MistralForCausalLM(MistralConfig(**_shape(tokenizer, wide), sliding_window=4096)))
    return folder


def rlhflow(folder: Path, wide: bool = False) -> Path:
    tokenizer = llama_tokenizer()
    _write(folder, tokenizer, LlamaForCausalLM(LlamaConfig(**_shape(tokenizer, wide))))
    return folder


def huggingface_h4(folder: Path, wide: bool = False) -> Path:
    tokenizer = qwen_tokenizer()
    _write(folder, tokenizer, Qwen2ForTokenClassification(Qwen2Config(**_shape(tokenizer, wide, num_labels=2))))
    return folder


def outcome(folder: Path, wide: bool = False) -> Path:
    tokenizer = llama_tokenizer()
    _write(folder, tokenizer, LlamaForSequenceClassification(LlamaConfig(**_shape(tokenizer, wide, num_labels=1))))
    return folder


TWO_TOKEN = {
    "family": "two-token",
    "opening": "Question: {problem}\nAnswer:\n",
    "first": "", "further": "\n", "mark": " Verdict",
    "good": "Ġyes", "bad": "Ġno",
}  # fmt: skip
TOKEN_CLASSIFICATION = {"family": "token-classification", "opening": "{problem}\n", "mark": "\n", "label": 2}


def two_token(folder: Path, wide: bool = False) -> Path:
    """Make a custom model with a vocabulary like Qwen's, and its description file."""
    tokenizer = qwen_tokenizer()
    shape = _shape(tokenizer, wide, tie_word_embeddings=True)
    _write(folder / "own-two-token", tokenizer, Qwen2ForCausalLM(Qwen2Config(**shape)))
    return _describe(folder, "own-two-token", TWO_TOKEN)


def token_classification(folder: Path, wide: bool = False) -> Path:
    """With three labels of which the last is the good one, as PRM800K rates steps."""
    tokenizer = llama_tokenizer()
    shape = _shape(tokenizer, wide, num_labels=3)
    _write(folder / "own-classifier", tokenizer, LlamaForTokenClassification(LlamaConfig(**shape)))
    return _describe(folder, "own-classifier", TOKEN_CLASSIFICATION)


def _describe(folder: Path, model: str, form: dict[str, Any]) -> Path:
    file = folder / f"{model}.json"
    file.write_text(json.dumps({"model": model, **form}))
    return file


def _under(family: str, make: Callable[..., Path]) -> Callable[..., Path]:
    """A causal checkpoint does not tell that it is a reward model: its description does."""

    def made(folder: Path, wide: bool = False) -> Path:
        make(folder / "weights", wide)
        return _describe(folder, "weights", {"family": family})

    return made


MAKERS: dict[str, Callable[..., Path]] = {
    "qwen": qwen,
    "skywork": skywork,
    "math-shepherd": _under("math-shepherd", math_shepherd),
    "rlhflow": _under("rlhflow", rlhflow),
    "huggingface-h4": _under("huggingface-h4", huggingface_h4),
    "two-token": two_token,
    "token-classification": token_classification,
    "outcome": outcome,
    "qwen-outcome": qwen_outcome,
}


def make(family: str, folder: Path, *, wide: bool = False) -> tuple[str, Path]:
    """A checkpoint of a family, always the same: what to name it by, and the folder with its weights."""
    torch.manual_seed(len(family))
    name = MAKERS[family](folder, wide)
    weights = folder if name == folder else folder / json.loads(name.read_text())["model"]
    return str(name), weights
