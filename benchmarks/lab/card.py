"""Model cards, written from the record of a training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_POLICY = """---
library_name: transformers
pipeline_tag: text-generation
---

# {name}

A Llama of {parameters:,} parameters that writes worked solutions to the laboratory's word problems, one step a
paragraph. It was made by `python -m benchmarks.lab train` and knows nothing else: see
`benchmarks/word_problems/generate.py` for the forms of its problems, and `scope.json` for a
check whether a problem is one of them (docs/SCOPE.md).

## Training

{training}

## Figures

On the first problems of each level of `lab-validation`; 95 % Wilson intervals in brackets.

{figures}

## Use

Prompts start with `<s>`; the chat template writes it, so the tokenizer must not add another.
`generation_config.json` samples at temperature 1.0. An unknown word is one `<unk>`, which names and nouns of a story
may be.
"""

_SPECIALIST = """---
library_name: transformers
pipeline_tag: text-generation
---

# {name}

A Llama of {parameters:,} parameters, trained on some kinds of the laboratory's word problems: {kinds}. It is one of a
pool of specialists that a router chooses between (docs/ROUTING.md), and was made by
`python -m benchmarks.lab specialists` (`benchmarks/lab/specialists.py` has the kinds).

## Training

- Goes on from the built-in {after}, a policy that was trained on all kinds
{training}

## Figures

On `lab-validation`, problems of its kinds and the others; 95 % Wilson intervals in brackets.

{figures}

## Use

Prompts start with `<s>`; the chat template writes it, so the tokenizer must not add another.
`generation_config.json` samples at temperature 1.0. An unknown word is one `<unk>`.
"""

_PRM = """---
library_name: transformers
---

# {name}

A process reward model of {parameters:,} parameters in the form of Qwen2.5-Math-PRM (`Qwen2ForProcessRewardModel`), so
that vLLM serves it as it is. The question is the user's turn; the assistant's turn is every step's text, each followed
by `<extra_0>`. A step's score is the softmax over the two labels at its `<extra_0>`, index 1: the probability that this
step and all before it are right. It was made by `python -m benchmarks.lab train`.

## Training

{training}

The labels come from `problems.check_steps`, not from people or another model.

## Figures

On problems of the validation split, which it was not trained on; 95 % Wilson intervals in brackets.

{figures}
"""


def _value(value: Any) -> str:
    if isinstance(value, dict) and "share" in value:
        return f"{100 * value['share']:.1f} % [{100 * value['low']:.1f}, {100 * value['high']:.1f}] (n = {value['n']})"
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _table(figures: dict[str, Any], prefix: str = "") -> list[str]:
    lines = []
    for key, value in figures.items():
        if isinstance(value, dict) and "share" not in value:
            lines += _table(value, f"{prefix}{key}: ")
        else:
            lines.append(f"| {prefix}{key} | {_value(value)} |")
    return lines


def _training(record: dict[str, Any]) -> str:
    recipe = record["recipe"]
    start = recipe.get("grown_from") or recipe.get("start")
    decay = recipe["decay"]
    fall = f"constant, linear decay over the last {100 * decay:.0f} %" if decay < 1 else "linear decay"
    lines = [
        f"- Tokens seen: {record['tokens']:,} in {record['steps']:,} steps of about {recipe['batch']} tokens",
        f"- Seed: {recipe['seed']}; sha256 of the first 1000 problems drawn: `{record['data_sha256']}`",
        f"- Learning rate {recipe['rate']} (warmup, {fall})",
        f"- Time: {record['seconds'] / 60:.0f} minutes on one hardware thread, shared with other work",
        "- Stored as float16, computes in float32",
    ]
    if recipe.get("everyday"):
        lines.append(f"- {100 * recipe['everyday']:.0f} % of the problems are everyday problems, the others stories")
    if recipe.get("rephrased"):
        lines.append(f"- {100 * recipe['rephrased']:.0f} % of the everyday problems are in looser wordings")
    if recipe.get("muon"):
        lines.append("- Matrices of the layers learn by Muon, the others by AdamW; products in bfloat16")
        lines.append(
            f"- Goes on from {recipe['after']}, grown to this size so that it computes the same function at first (in "
            "the spirit of Net2Net, arXiv 1511.05641)"
        )
    elif recipe.get("after") and "kinds" not in record:
        lines.append(f"- Goes on from {recipe['after']}, which the same command trains on the stories alone")
    if recipe.get("grown_from"):
        lines.append(
            f"- Starts from {start} part-way through its training, grown to this size so that it computes the same "
            "function at first (in the spirit of Net2Net, arXiv 1511.05641)"
        )
    elif start:
        lines.append(
            f"- Its lowest layers are {start}, a policy of lab-200k's shape and recipe trained on "
            f"{record['body']['tokens']:,} tokens; they stay as they are, and so does the embedding"
        )
        lines.append(
            "- The layers above start with one comparison built in: a token with what the policy expected at its place "
            "(see `benchmarks/lab/prm_model.py`); besides the labels they learn from the policy's surprise at each "
            "token"
        )
        lines += [
            f"- {s['count'] * s['each']:,} solutions sampled from {s['policy']}{' before its rate fell' * s['trunk']} "
            f"at temperature {s['temperature']} (seed {s['seed']})" for s in recipe["samplings"]
        ]  # fmt: skip
        lines.append(f"- Of every 1024 solutions, {recipe['planted']} are worked solutions with planted slips instead")
    return "\n".join(lines)


def write(folder: Path, record: dict[str, Any]) -> None:
    """Write `README.md` and `training.json`, its source, into a model's folder."""
    template = _PRM if "samplings" in record["recipe"] else _SPECIALIST if "kinds" in record else _POLICY
    table = "\n".join(["| figure | value |", "|---|---|", *_table(record["figures"])])
    text = template.format(
        name=record["recipe"]["name"],
        parameters=record["parameters"],
        training=_training(record),
        figures=table,
        kinds=", ".join(record.get("kinds", ())),
        after=record.get("after", ""),
    )
    (folder / "README.md").write_text(text, encoding="utf-8")
    (folder / "training.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
