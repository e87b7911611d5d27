"""The process reward model: Qwen2.5-Math-PRM's architecture at laboratory size.

The body is a Qwen2 model, the head `score` is Linear, ReLU, Linear to two labels. Question and steps go in as a chat
whose assistant turn is every step's text followed by `<extra_0>`; a step's score is the softmax over the two labels at
its `<extra_0>`, index 1 (arXiv 2501.07301). The body starts from a policy's weights, which already know the arithmetic.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional
from transformers import LlamaForCausalLM, Qwen2Config, Qwen2Model

from benchmarks.lab import tokenizer
from benchmarks.lab.corruption import corrupt
from benchmarks.lab.policy import COMPILE, CONTEXT, Encoder, pack
from benchmarks.lab.problems import stream
from benchmarks.lab.solutions import Sampling, Solution, shuffled
from benchmarks.lab.training import Batch, Progress, Schedule, device, fit


STEP_ID = [*tokenizer.SPECIAL].index(tokenizer.STEP)


@dataclass(frozen=True, slots=True)
class PRMRecipe:
    """How the reward model is made: whose weights it starts from, what it learns from, how long."""

    name: str
    start: str
    samplings: tuple[Sampling, ...]
    tokens: int
    rate: float
    seed: int
    batch: int = 4096
    decay: float = 0.3
    planted: int = 448  # of 1024 solutions a chunk, how many are worked solutions with planted slips


PRM = PRMRecipe(
    "lab-prm",
    "lab-1m",
    (Sampling("lab-200k", 4096, 2, 0.9, 902), Sampling("lab-1m", 6144, 2, 1.0, 901)),
    6_000_000,
    1.5e-3,
    4,
)
# What it is judged on: problems of the validation split, which no training draws from.
JUDGED = Sampling("lab-1m", 512, 2, 0.8, 911, (1, 1, 1, 1, 1), "validation")


class RewardModel(nn.Module):
    """`Qwen2ForProcessRewardModel`: ids [rows, length] to logits [rows, length, 2]."""

    def __init__(self, config: Qwen2Config) -> None:
        super().__init__()
        self.model = Qwen2Model(config)
        size = config.hidden_size
        self.score = nn.Sequential(nn.Linear(size, size), nn.ReLU(), nn.Linear(size, 2))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Two logits at every position; only those at `<extra_0>` mean anything."""
        logits: torch.Tensor = self.score(self.model(input_ids=ids, use_cache=False).last_hidden_state)
        return logits


def make(policy: LlamaForCausalLM, seed: int) -> RewardModel:
    """A reward model with the policy's body, zero biases and a fresh head."""
    torch.manual_seed(seed)
    old = policy.config
    config = Qwen2Config(
        vocab_size=old.vocab_size,
        hidden_size=old.hidden_size,
        intermediate_size=old.intermediate_size,
        num_hidden_layers=old.num_hidden_layers,
        num_attention_heads=old.num_attention_heads,
        num_key_value_heads=old.num_key_value_heads,
        max_position_embeddings=CONTEXT,
        rms_norm_eps=old.rms_norm_eps,
        rope_parameters=old.rope_parameters,
        tie_word_embeddings=False,
        architectures=["Qwen2ForProcessRewardModel"],
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    model = RewardModel(config)
    missing = model.model.load_state_dict(policy.model.state_dict(), strict=False).missing_keys
    for name, p in model.model.named_parameters():
        if name in missing:  # the biases of q, k and v
            nn.init.zeros_(p)
    return model


def _divergence(step: list[int], wanted: list[int]) -> int:
    """The place of the first token that differs from the wanted ones; the length if there is none."""
    return next(
        (i for i, (a, b) in enumerate(zip(step, wanted, strict=False)) if a != b), min(len(step), len(wanted))
    )


def rows(
    solutions: list[Solution], references: list[str], encoder: Encoder, rng: random.Random
) -> list[tuple[list[int], list[int]]]:
    """Ids and targets: the step's label (0 or 1) at its `<extra_0>`, and the same at the tokens before it.

    The tokens show where a step goes wrong: those of the first wrong step count as right up to the first that differs
    from the reference, and as wrong from there. Tokens after that step have no target, nor has the question.
    """
    texts = [f"<s><|user|>{s.problem}<|assistant|>" for s in solutions]
    prompts = [encoder.veil(e.ids, rng) for e in encoder.core.encode_batch(texts, add_special_tokens=False)]
    out = []
    for prompt, solution, reference in zip(prompts, solutions, references, strict=True):
        ids, targets, paragraphs, clean = list(prompt), [-100] * len(prompt), reference.split("\n\n"), True
        for i, (step, label) in enumerate(
            zip(encoder.solutions(list(solution.steps)), solution.labels, strict=True)
        ):
            tokens = [1] * len(step) if label else [-100] * len(step)
            if not label and clean and solution.steps[:i] == tuple(paragraphs[:i]) and i < len(paragraphs):
                at = _divergence(step, encoder.solutions([paragraphs[i]])[0])
                tokens = [1] * at + [0] * (len(step) - at)
            clean = clean and label
            ids += [*step, encoder.step]
            targets += [*tokens, int(label)]
        out.append((ids[:CONTEXT], targets[:CONTEXT]))
    return out


def batches(recipe: PRMRecipe, solutions: list[tuple[Solution, str]], first: int) -> Iterator[list[Batch]]:
    """Endless chunks of 1024 solutions from chunk `first` on: new ones with planted slips, and sampled ones with
    their references, going round and round these."""
    encoder = Encoder()
    for chunk in itertools.count(first):
        rng = random.Random(recipe.seed * 1_000_000 + chunk)
        fresh = itertools.islice(stream(recipe.seed * 1_000_000 + chunk), recipe.planted)
        part = [(corrupt(problem, rng), problem.solution) for problem in fresh]
        count = 1024 - recipe.planted
        part += [solutions[(chunk * count + i) % len(solutions)] for i in range(count)]
        yield pack(rows([s for s, _ in part], [r for _, r in part], encoder, rng), recipe.batch, rng)


def loss_of(model: nn.Module, batch: Batch) -> torch.Tensor:
    """Cross-entropy at the step marks, and half of that at the tokens before them."""
    assert isinstance(model, RewardModel)
    where = next(model.parameters()).device
    ids, targets = batch.ids.to(where), batch.targets.to(where)
    hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state
    wanted = targets != -100
    losses = functional.cross_entropy(model.score(hidden[wanted]).float(), targets[wanted], reduction="none")
    marks = ids[wanted] == STEP_ID
    return losses[marks].mean() + 0.5 * losses[~marks].mean()


def references(recipe: PRMRecipe) -> dict[str, str]:
    """The worked solutions of the sampled problems, by the problem's text."""
    found = dict[str, str]()
    for plan in recipe.samplings:
        for p in itertools.islice(stream(plan.seed, plan.levels, plan.split), plan.count):
            found[p.problem] = p.solution
    return found


def train(
    recipe: PRMRecipe, folder: Path, policy: LlamaForCausalLM, stop_at: int | None = None
) -> tuple[RewardModel, Progress]:
    """Train the reward model on the samples beside `folder`, going on where an earlier call left off."""
    model = make(policy, recipe.seed).to(device())
    if COMPILE and recipe.tokens > 100_000:
        model.model.compile(dynamic=True)
    solutions = shuffled([folder.parent / "samples" / s.policy for s in recipe.samplings], recipe.seed)
    known = references(recipe)
    pairs = [(s, known[s.problem]) for s in solutions]
    schedule = Schedule(recipe.tokens, recipe.rate, warmup=200_000, decay=recipe.decay)
    progress = fit(
        model, loss_of, lambda first: batches(recipe, pairs, first), schedule, folder, stop_at=stop_at
    )
    return model, progress


@torch.inference_mode()
def scores(model: RewardModel, solutions: list[Solution], size: int = 16384) -> list[list[float]]:
    """The probability that each step is right, for every solution."""
    model.eval()
    encoder, where = Encoder(), next(model.parameters()).device
    texts = [
        f"<s><|user|>{s.problem}<|assistant|>" + "".join(f"{t}{tokenizer.STEP}" for t in s.steps)
        for s in solutions
    ]
    ids = [e.ids[:CONTEXT] for e in encoder.core.encode_batch(texts, add_special_tokens=False)]
    out: list[list[float]] = [[] for _ in ids]
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    for start in range(0, len(order), count := max(1, size // len(ids[order[-1]]))):
        part = order[start : start + count]
        width = len(ids[part[-1]])
        batch = torch.tensor([ids[i] + [0] * (width - len(ids[i])) for i in part], device=where)
        good = model(batch).float().softmax(-1)[..., 1].cpu()
        for row, i in enumerate(part):
            marks = [at for at, token in enumerate(ids[i]) if token == encoder.step]
            out[i] = [float(good[row, at]) for at in marks] + [0.0] * (len(solutions[i].steps) - len(marks))
    return out


def load(folder: Path, policy: LlamaForCausalLM) -> RewardModel:
    """A trained reward model from a checkpoint folder; `policy` gives its shape."""
    model = make(policy, 0)
    own = dict(model.named_parameters())
    for name, value in load_file(folder / "model.safetensors").items():
        own[name].data.copy_(value)
    return model
