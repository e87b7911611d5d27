"""The stages of `train`. Each resumes where it was interrupted, and skips what is done.

- lab-200k-stories, lab-1m-stories, prm-body-stories: trained from scratch on the stories
- lab-200k, lab-1m: these two, trained further on stories and everyday problems
- lab-4m: grown from the unfinished lab-1m; lab-2m: grown from the finished one, and trained longest
- lab-200k-early: a policy whose solutions the reward model learns from
- samples: labelled solutions of this one and of the unfinished lab-1m
- prm-body: the policy in the reward model's lowest layers, trained further likewise
- lab-prm: the reward model
- figures and cards: measured on validation problems
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from transformers import LlamaForCausalLM

from benchmarks.lab import card, export, metrics, policy, train_prm
from benchmarks.lab.loop import Progress, device
from benchmarks.lab.policy import Recipe
from benchmarks.lab.prm_model import RewardModel
from benchmarks.lab.solutions import Sampling, gather, sample, shuffled
from benchmarks.lab.train_prm import PRMRecipe
from benchmarks.word_problems.generate import LabProblem, load

TEMPERATURE = 1.0


@dataclass(frozen=True, slots=True)
class Laboratory:
    """What is trained, and what it is evaluated on.

    `first` are the policies that know the stories only. `teachers` are policies whose solutions the reward model learns
    from; `body` is the policy inside it. `judged` are the solutions it is evaluated on. `measured` is the number of
    problems per level of lab-validation, and of samples of each, for a policy's figures.
    """

    first: dict[str, Recipe]
    policies: dict[str, Recipe]
    teachers: dict[str, Recipe]
    body: Recipe
    prm: PRMRecipe
    judged: Sampling
    measured: dict[str, tuple[int, int]]


FULL = Laboratory(
    policy.FIRST | {train_prm.BODY_FIRST.name: train_prm.BODY_FIRST},
    policy.RECIPES,
    train_prm.TEACHERS,
    train_prm.BODY,
    train_prm.PRM,
    train_prm.JUDGED,
    {"lab-200k": (20, 64), "lab-1m": (40, 16), "lab-4m": (40, 4), "lab-2m": (40, 16)},
)


def rehearsal(lab: Laboratory = FULL, tokens: int = 12_000) -> Laboratory:
    """Return the same plan at a thousandth of its size, to test the code."""
    samplings = tuple(replace(s, count=8, each=1) for s in lab.prm.samplings)
    return Laboratory(
        {name: replace(recipe, tokens=tokens, batch=1024) for name, recipe in lab.first.items()},
        {
            name: replace(recipe, tokens=tokens, batch=1024, trunk=tokens // 2 if recipe.trunk else 0)
            for name, recipe in lab.policies.items()
        },
        {name: replace(recipe, tokens=tokens, batch=1024) for name, recipe in lab.teachers.items()},
        replace(lab.body, tokens=tokens, batch=1024),
        replace(lab.prm, tokens=tokens, samplings=samplings),
        replace(lab.judged, count=8, each=1),
        dict.fromkeys(lab.measured, (1, 2)),
    )


def _progress(folder: Path) -> Progress:
    return Progress(**json.loads((folder / "checkpoint" / "progress.json").read_text()))


def _trained(lab: Laboratory, name: str, work: Path, trunk: bool = False) -> LlamaForCausalLM:
    model = policy.trained((lab.first | lab.policies | lab.teachers)[name], work / name, trunk)
    model.to(device())  # type: ignore[arg-type]
    return model


def train_policies(lab: Laboratory, work: Path) -> None:
    """Train the policies, in order, and the reward model's teachers."""
    for name, recipe in (lab.first | lab.policies | lab.teachers).items():
        policy.train(recipe, work / name)


def sample_solutions(lab: Laboratory, work: Path) -> None:
    """Sample the solutions that the reward model learns from and is evaluated on."""
    for plan in lab.prm.samplings:
        gather(_trained(lab, plan.policy, work, plan.trunk), plan, work / "samples" / plan.policy)
    gather(_trained(lab, lab.judged.policy, work), lab.judged, work / "judged")


def train_reward_model(lab: Laboratory, work: Path) -> None:
    """Train the reward model's body, then the reward model."""
    policy.train(lab.body, work / lab.body.name)
    train_prm.train(lab.prm, work / lab.prm.name, policy.trained(lab.body, work / lab.body.name))


def write_models(lab: Laboratory, work: Path, models: Path) -> None:
    """Write the files of the policies and of the reward model."""
    for name, recipe in lab.policies.items():
        export.save_policy(policy.trained(recipe, work / name), models / name)
    export.save_prm(_reward_model(lab, work), models / lab.prm.name)


def _reward_model(lab: Laboratory, work: Path) -> RewardModel:
    body = policy.trained(lab.body, work / lab.body.name)
    return train_prm.load(lab.prm, work / lab.prm.name / "checkpoint", body).to(device())


def _validation(each: int) -> list[LabProblem]:
    return [p for i, p in enumerate(load("lab-validation")) if i % 100 < each]


def _measure(lab: Laboratory, name: str, work: Path) -> dict[str, Any]:
    each, samples = lab.measured[name]
    problems, model = _validation(each), _trained(lab, name, work)
    answers, levels = [p.answer for p in problems], [p.level for p in problems]
    greedy = [float(s.answer == a) for s, a in zip(sample(model, problems, 1, 0.0, 0), answers, strict=True)]
    drawn = sample(model, problems, samples, TEMPERATURE, 7)
    scores = train_prm.scores(_reward_model(lab, work), drawn)
    groups = [drawn[i : i + samples] for i in range(0, len(drawn), samples)]
    scored = [scores[i : i + samples] for i in range(0, len(drawn), samples)]
    pass1 = [sum(s.answer == a for s in g) / samples for g, a in zip(groups, answers, strict=True)]
    return {
        "greedy": metrics.share(greedy),
        "greedy, level": metrics.by_level(levels, greedy),
        f"at temperature {TEMPERATURE}": metrics.sampled(groups, answers, scored),
        "pass@1, level": metrics.by_level(levels, pass1),
    }


def _judge(lab: Laboratory, work: Path) -> dict[str, Any]:
    solutions = shuffled([work / "judged"], 0)
    return metrics.judging(solutions, train_prm.scores(_reward_model(lab, work), solutions))


def _figures(lab: Laboratory, name: str, work: Path) -> dict[str, Any]:
    """Measure a model once; later calls read the result."""
    kept = work / "figures" / f"{name}.json"
    if not kept.exists():
        found = _judge(lab, work) if name == lab.prm.name else _measure(lab, name, work)
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(found, indent=2))
    metrics: dict[str, Any] = json.loads(kept.read_text())
    return metrics


def write_cards(lab: Laboratory, work: Path, models: Path) -> None:
    """Measure each model and write its card."""
    for name in (*lab.policies, lab.prm.name):
        recipe = lab.policies.get(name, lab.prm)
        model = policy.make(lab.policies[name]) if name in lab.policies else _reward_model(lab, work)
        count = sum(p.numel() for p in model.parameters())
        record = export.record(recipe, _progress(work / name), count, _figures(lab, name, work))
        if name == lab.prm.name:
            record["body"] = asdict(lab.body)
        card.write(models / name, record)


def everything(work: Path, models: Path, lab: Laboratory = FULL) -> None:
    """Run all stages, in order."""
    train_policies(lab, work)
    sample_solutions(lab, work)
    train_reward_model(lab, work)
    write_models(lab, work, models)
    write_cards(lab, work, models)
