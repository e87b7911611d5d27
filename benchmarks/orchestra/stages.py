"""The stages of `train`. Each resumes where it was interrupted, and skips what is done.

- demonstrations: the policy learns the syntax of calls, and what each tool is for
- rollouts: GRPO on its own orchestrations, with the real tools
- figures and card: measured on validation tasks
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from transformers import LlamaForCausalLM

from benchmarks.lab.loop import Progress
from benchmarks.orchestra import export, grpo, policy
from benchmarks.orchestra.figures import summary
from benchmarks.orchestra.rollouts import Wish, roll, served
from benchmarks.orchestra.stories import mixed
from benchmarks.orchestra.tools import Answers, Shelf, recorded
from tts.files import json_text
from tts.files.text import write_atomically

_TRAINED = "rollouts/trained.safetensors"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is trained, and on how many validation tasks the card's figures are measured."""

    demonstrations: policy.Recipe = field(default_factory=policy.Recipe)
    rollouts: grpo.Recipe = field(default_factory=grpo.Recipe)
    measured: int = 160


def rehearsal(plan: Plan) -> Plan:
    """Return the same plan at a tiny size, to test the code."""
    small = replace(plan.demonstrations, tokens=20_000)
    return Plan(small, grpo.rehearsal(plan.rollouts), 3)


def everything(work: Path, models: Path, plan: Plan, kept: Path) -> Path:
    """Run all stages, in order; return the folder of the model.

    Of the policies before and after GRPO, the one that solves more validation tasks is exported, of equals the cheaper
    one; the other's weights go to `kept`.
    """
    policy.train(plan.demonstrations, work / "demonstrations")
    answers = Answers(work / "answers.jsonl")
    try:
        shelf = Shelf(recorded(), answers)
        if not (work / _TRAINED).is_file():
            found = grpo.train(plan.rollouts, before(plan, work), shelf, export.CARD, work / "rollouts")
            export.save_weights(found, work / _TRAINED)
        figures = _figures(plan, work, shelf)
        worth = {name: (each["solved"]["share"], -each["dollars a task"]) for name, each in figures.items()}
        shipped = max(_LOADED, key=worth.__getitem__)
        folder = models / export.CARD.name
        for name, load in _LOADED.items():
            if name == shipped:
                export.save(load(plan, work), folder)
            else:
                export.save_weights(load(plan, work), kept)
        export.write_card(folder, _record(plan, work, shelf, figures) | {"shipped": shipped})
    finally:
        answers.close()
    return folder


def before(plan: Plan, work: Path) -> LlamaForCausalLM:
    """Load the policy that only saw demonstrations."""
    return policy.trained(plan.demonstrations, work / "demonstrations")


def after(plan: Plan, work: Path) -> LlamaForCausalLM:
    """Load the policy after GRPO."""
    return policy.with_weights(policy.make(plan.demonstrations), work / _TRAINED)


_LOADED = {export.TAUGHT: before, export.ROLLED: after}


def _record(plan: Plan, work: Path, shelf: Shelf, figures: dict[str, Any]) -> dict[str, Any]:
    return {
        "demonstrations": asdict(plan.demonstrations) | _spent(work / "demonstrations"),
        "rollouts": asdict(plan.rollouts) | grpo.progress(work / "rollouts"),
        "parameters": sum(p.numel() for p in before(plan, work).parameters()),
        "tools": {name: asdict(record) for name, record in shelf.records.items()},
        "figures": figures,
    }


def _spent(folder: Path) -> dict[str, float]:
    spent = Progress(**json_text.read(folder / "checkpoint" / "progress.json"))
    return {"tokens": spent.tokens, "seconds": spent.seconds, "steps": spent.steps}


def _figures(plan: Plan, work: Path, shelf: Shelf) -> dict[str, Any]:
    """Measure the policy before and after GRPO once; later calls read the result."""
    kept = work / "figures.json"
    if not kept.exists():
        tasks = mixed("validation", plan.measured)
        found = {}
        for name, load in _LOADED.items():
            made = served(load(plan, work), export.CARD)
            try:
                groups = roll(made, tasks, [Wish()] * len(tasks), shelf, temperature=0.0)
            finally:
                made.close()
            found[name] = summary(tasks, [group[0] for group in groups])
        write_atomically(kept, json_text.dump(found, indent=2) + "\n")
    figures: dict[str, Any] = json_text.read(kept)
    return figures
