"""Export of the orchestrator in the format that transformers and vLLM load, with its card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from transformers import LlamaForCausalLM

from benchmarks.lab.tokenizer import save as save_tokenizer
from benchmarks.orchestra import tokenizer
from tts.files.json_text import dump
from tts.models.lookup import CARDS
from tts.models.policies import DEFAULT_ORCHESTRATOR

CARD = CARDS[DEFAULT_ORCHESTRATOR]

TAUGHT, ROLLED = "demonstrations alone", "after GRPO"
"""The policy before and after GRPO. The one that solves more validation tasks, or as many for less, is shipped."""

OTHER = Path(__file__).parent / "other.safetensors"
"""The weights of the one that is not, kept so that the two can be compared."""

_TEXT = """---
library_name: transformers
pipeline_tag: text-generation
---

# {name}

A Llama of {parameters:,} parameters that answers by calling tools: it looks numbers up in a table, calculates, runs
Python programs, and asks the laboratory's cheap model or its expert. It was made by `python -m benchmarks.orchestra
train` and knows nothing but that laboratory's tasks (`benchmarks/orchestra/stories.py`); see docs/ORCHESTRATION.md.

## Training

- Demonstrations: {demonstrated:,} tokens in {steps:,} steps, {first:.0f} minutes; written from the
  programs of the tasks
- GRPO: {rounds} rounds of {tasks} tasks with {group} trajectories each, {second:.0f} minutes, with the real tools
- The demonstrations with Muon and products of matrices in bfloat16, from the weights of {grown_from}
- On one hardware thread of an AMD EPYC shared with other work
- Stored as float16, computes in float32

## Figures

On {measured} tasks of the validation split, one greedy trajectory each; 95 % intervals in brackets. The weights here
are those of "{shipped}", which solved more of them, or as many for fewer dollars.

| figure | demonstrations alone | after GRPO |
|---|---|---|
{figures}

## Use

`tts orchestrate "..."` asks it, with the sandbox's Python, `lab-200k` and a search over `lab-1m` (the expert) as its
tools. The chat template offers tools and writes `<s>`, so the tokenizer must not add another. An unknown word is one
`<unk>`.
"""


def save(model: LlamaForCausalLM, folder: Path) -> None:
    """Write weights, config, generation defaults and tokenizer. The tied head is not written twice."""
    folder.mkdir(parents=True, exist_ok=True)
    save_weights(model, folder / "model.safetensors")
    config = model.config.to_dict() | {"architectures": ["LlamaForCausalLM"]}
    config = {k: v for k, v in config.items() if k not in ("torch_dtype", "_name_or_path")} | {"dtype": "float32"}
    _write(folder / "config.json", dict(sorted(config.items())))
    defaults = {
        "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0,
        "do_sample": True, "temperature": CARD.temperature, "max_new_tokens": 180,
    }  # fmt: skip
    _write(folder / "generation_config.json", defaults)
    save_tokenizer(folder, tokenizer.build())


def save_weights(model: LlamaForCausalLM, file: Path) -> None:
    """Write weights as float16, to keep the repository small; the config makes engines compute in float32."""
    file.parent.mkdir(parents=True, exist_ok=True)
    halves = {name: w.detach().cpu().to(torch.float16).contiguous() for name, w in model.named_parameters()}
    save_file(halves, file, metadata={"format": "pt"})


def write_card(folder: Path, record: dict[str, Any]) -> None:
    """Write `README.md` and `training.json`, its source, into the model's folder."""
    taught, rolled, figures = record["demonstrations"], record["rollouts"], record["figures"]
    before, after = figures[TAUGHT], figures[ROLLED]
    lines = [f"| {name} | {_value(before.get(name))} | {_value(after.get(name))} |" for name in {**before, **after}]
    text = _TEXT.format(
        name=CARD.name,
        parameters=record["parameters"],
        demonstrated=taught["tokens"],
        grown_from=taught["grown_from"] or "nothing",
        steps=taught["steps"],
        first=taught["seconds"] / 60,
        rounds=rolled["rounds"],
        tasks=rolled["tasks"],
        group=rolled["group"],
        second=rolled["seconds"] / 60,
        measured=after["solved"]["n"],
        shipped=record["shipped"],
        figures="\n".join(lines),
    )
    (folder / "README.md").write_text(text, encoding="utf-8")
    _write(folder / "training.json", record)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return f"{100 * value['share']:.1f} % [{100 * value['low']:.1f}, {100 * value['high']:.1f}]"
    return "-" if value is None else f"{value:.5f}"


def _write(file: Path, value: Any) -> None:
    file.write_text(dump(value, indent=2) + "\n", encoding="utf-8")
