"""References: what the authors' code computes, written from their model cards: plain transformers, no cache.

Nothing here comes from ``prm``. Each reference takes a problem and the texts of steps, without the white space around
them, and gives one score a step (an outcome model: one in all). Where a card's code finds the marks by their token ids,
so does the reference: a wrong count then shows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    PreTrainedTokenizerFast,
    Qwen2Model,
)

Reference = Callable[[str, Sequence[str]], list[float]]

SYSTEM = "Please reason step by step, and put your final answer within \\boxed{}."


def _tokenizer(folder: Path) -> Any:
    return PreTrainedTokenizerFast.from_pretrained(folder)


def _run(model: Any, ids: Sequence[int]) -> Any:
    with torch.inference_mode():
        return model(torch.tensor([list(ids)]))


def math_shepherd(folder: Path) -> Reference:
    tokenizer, model = _tokenizer(folder), AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    candidates = tokenizer.encode("+ -")[1:]
    step_tag = tokenizer.encode("ки")[-1]

    def score(question: str, steps: Sequence[str]) -> list[float]:
        output = "\n".join(f"{step} ки" if step else " ки" for step in steps)
        # An empty first step has no text for the space after the question to lead to.
        ids = tokenizer.encode(f"{question} {output}" if steps[0] else f"{question}{output}")
        scores = _run(model, ids).logits[:, :, candidates].softmax(dim=-1)[:, :, 0]
        found: list[float] = scores[torch.tensor([ids]) == step_tag].tolist()
        return found

    return score


def rlhflow(folder: Path) -> Reference:
    tokenizer, model = _tokenizer(folder), AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    candidates = [tokenizer.encode("+")[-1], tokenizer.encode("-")[-1]]

    def score(question: str, steps: Sequence[str]) -> list[float]:
        conversation, scores = [], []
        for k, step in enumerate(steps):
            conversation.append({"role": "user", "content": step if k else f"{question} {step}"})
            conversation.append({"role": "assistant", "content": "+"})
            text = tokenizer.apply_chat_template(conversation, tokenize=False)
            logits = _run(model, tokenizer.encode(text, add_special_tokens=False)).logits[0, -3, candidates]
            scores.append(float(logits.softmax(dim=-1)[0]))
        return scores

    return score


def skywork(folder: Path) -> Reference:
    tokenizer, weights = _tokenizer(folder), load_file(folder / "model.safetensors")
    decoder = _decoder(folder, weights)
    newline = tokenizer.encode("\n")[-1]

    def score(problem: str, steps: Sequence[str]) -> list[float]:
        ids = tokenizer.encode(tokenizer.bos_token + problem + "\n")
        flags = [0] * len(ids)
        for step in steps:
            flat = " ".join(line.strip() for line in step.splitlines() if line.strip())
            piece = (tokenizer.encode(flat) if flat else []) + [newline]
            ids += piece
            flags += [0] * (len(piece) - 1) + [1]
        hidden = _run(decoder, ids).last_hidden_state[0]
        values = hidden @ weights["v_head.summary.weight"].T + weights["v_head.summary.bias"]
        found: list[float] = values[:, 0].sigmoid()[torch.tensor(flags) == 1].tolist()
        return found

    return score


def _decoder(folder: Path, weights: dict[str, torch.Tensor]) -> Any:
    decoder = Qwen2Model.from_pretrained(folder, dtype=torch.float32).eval()
    decoder.load_state_dict({k.removeprefix("model."): v for k, v in weights.items() if k.startswith("model.")})
    return decoder


def _head(weights: dict[str, torch.Tensor], hidden: torch.Tensor) -> torch.Tensor:
    hidden = torch.relu(hidden @ weights["score.0.weight"].T + weights["score.0.bias"])
    return hidden @ weights["score.2.weight"].T + weights["score.2.bias"]


def qwen(folder: Path) -> Reference:
    tokenizer, weights = _tokenizer(folder), load_file(folder / "model.safetensors")
    decoder = _decoder(folder, weights)

    def score(problem: str, steps: Sequence[str]) -> list[float]:
        messages = [
            {"role": "system", "content": SYSTEM},
            {"role": "user", "content": problem},
            {"role": "assistant", "content": "<extra_0>".join(steps) + "<extra_0>"},
        ]
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=False)
        ids = tokenizer.encode(text)
        probabilities = _head(weights, _run(decoder, ids).last_hidden_state[0]).softmax(dim=-1)[:, 1]
        found: list[float] = probabilities[torch.tensor(ids) == tokenizer.encode("<extra_0>")[0]].tolist()
        return found

    return score


def huggingface_h4(folder: Path) -> Reference:
    return _trl(folder, "\n\n", 1)


def _trl(folder: Path, separator: str, label: int, after_problem: str = "") -> Reference:
    """TRL's PRMTrainer.tokenize_row: each part by itself, the beginning token first where there is one."""
    tokenizer = _tokenizer(folder)
    model = AutoModelForTokenClassification.from_pretrained(folder, dtype=torch.float32).eval()

    def encode(text: str) -> list[int]:
        ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids

    def score(problem: str, steps: Sequence[str]) -> list[float]:
        ids = encode(problem + after_problem)
        if tokenizer.bos_token_id is not None:
            ids = [tokenizer.bos_token_id, *ids]
        labelled = []
        for step in steps:
            ids = ids + encode(step) + encode(separator)
            labelled.append(len(ids) - 1)
        found: list[float] = _run(model, ids).logits[0].softmax(dim=-1)[labelled, label].tolist()
        return found

    return score


def token_classification(folder: Path) -> Reference:
    return _trl(folder, "\n", 2, after_problem="\n")


def two_token(folder: Path) -> Reference:
    """The form that tests/prm/checkpoints.py describes, as a person would write it down."""
    tokenizer, model = _tokenizer(folder), AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    candidates = [tokenizer.convert_tokens_to_ids(token) for token in ("Ġyes", "Ġno")]

    def score(problem: str, steps: Sequence[str]) -> list[float]:
        scores = []
        for k in range(len(steps)):
            ids = tokenizer.encode(
                f"Question: {problem}\nAnswer:\n" + "\n".join(f"{step} Verdict" for step in steps[: k + 1])
            )
            scores.append(float(_run(model, ids).logits[0, -1, candidates].softmax(dim=-1)[0]))
        return scores

    return score


def outcome(folder: Path) -> Reference:
    tokenizer = _tokenizer(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()

    def score(problem: str, steps: Sequence[str]) -> list[float]:
        turns = [{"role": "user", "content": problem}, {"role": "assistant", "content": "".join(steps).strip()}]
        text = tokenizer.apply_chat_template(turns, tokenize=False)
        return [float(_run(model, tokenizer.encode(text, add_special_tokens=False)).logits[0, 0].sigmoid())]

    return score


def qwen_outcome(folder: Path) -> Reference:
    tokenizer, weights = _tokenizer(folder), load_file(folder / "model.safetensors")
    decoder = _decoder(folder, weights)

    def score(problem: str, steps: Sequence[str]) -> list[float]:
        turns = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": problem}]
        turns.append({"role": "assistant", "content": "".join(steps).strip()})
        text = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=False)
        hidden = _run(decoder, tokenizer.encode(text)).last_hidden_state[0, -1]
        return [float(_head(weights, hidden).sigmoid())]

    return score


REFERENCES: dict[str, Callable[[Path], Reference]] = {
    "math-shepherd": math_shepherd,
    "rlhflow": rlhflow,
    "skywork": skywork,
    "qwen": qwen,
    "huggingface-h4": huggingface_h4,
    "two-token": two_token,
    "token-classification": token_classification,
    "outcome": outcome,
    "qwen-outcome": qwen_outcome,
}
