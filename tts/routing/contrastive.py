"""RouterDC (arXiv 2409.19886): two contrastive losses move a query towards the arms that are good at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F

from tts.errors import BadInput
from tts.routing.clustering import centres, distances
from tts.routing.embedding import normalized
from tts.routing.linear import COSTS, cost_regressions, costs, features, frame_of
from tts.routing.outcomes import ArmOutcomes
from tts.routing.regression import logistic
from tts.routing.router import Prediction, State, one_arm, with_column
from tts.routing.training import Schedule, train

_HELD_OUT = 0.1  # share of the training queries that choose the checkpoint
_CALIBRATION = 100.0  # inverse penalty of the calibration: nearly none


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ContrastiveRouter:
    """A linear map of the embedding and one vector per arm; their cosine ranks the arms.

    Training differs from the paper in three points: the clusters of the second loss are k-means of the embeddings, not
        of their t-SNE; a query is never its own positive; the checkpoint is chosen on held-out training queries. A
        logistic regression per arm converts cosines to probabilities of a right answer.

    Attributes:
        steps: optimiser steps, and ``batch`` queries in each.
        rate: AdamW's learning rate.
        top, bottom: arms that are pulled and pushed (the first loss).
        clusters: for the second loss, whose weight is ``sample_weight``; ``negatives`` of other clusters a query.
        temperature: divides the cosines.
        seed: of the start, the batches and the held-out queries.
        device: by default a GPU when there is one.
        checkpoints: a folder that training resumes from; None keeps none.
        progress: show a progress bar.
    """

    steps: int = 1000
    batch: int = 64
    rate: float = 1e-3
    top: int = 3
    bottom: int = 3
    clusters: int = 8
    sample_weight: float = 1.0
    negatives: int = 3
    temperature: float = 1.0
    seed: int = 0
    device: str | None = None
    checkpoints: Path | None = None
    progress: bool = False
    state: State = field(default_factory=dict)

    kind: ClassVar[str] = "contrastive"

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "top", "bottom", "clusters", "negatives"):
            if getattr(self, name) < 1:
                raise BadInput(f"{name} is a whole number, 1 or more, not {getattr(self, name)}.")

    def fit(self, vectors: np.ndarray, outcomes: ArmOutcomes) -> ContrastiveRouter:
        unit, quality = normalized(vectors), np.nan_to_num(outcomes.quality, nan=0.0)
        labels = distances(unit, centres("kmeans", unit, outcomes.groups, self.clusters, self.seed)).argmin(1)
        held = held_out(outcomes, self.seed)
        dimension = unit.shape[1]
        start = {"head": np.eye(dimension), "arms": self._initial(len(outcomes.arms), dimension)}
        device = self.device or ("cuda" if torch.cuda.is_available() else "cpu")
        x, q = (torch.tensor(table, dtype=torch.float32, device=device) for table in (unit, quality))
        kinds = torch.tensor(labels, device=device)

        def loss(weights: dict[str, torch.Tensor], rows: torch.Tensor) -> torch.Tensor:
            queries = F.normalize(x[rows] @ weights["head"], dim=1)
            cosines = queries @ F.normalize(weights["arms"], dim=1).T / self.temperature
            return arm_loss(cosines, q[rows], self.top, self.bottom) + self.sample_weight * sample_loss(
                queries / self.temperature**0.5, kinds[rows], self.negatives
            )

        def worth(weights: dict[str, np.ndarray]) -> float:
            return outcomes.rows(held).macro(_cosines(weights, unit[held]).argmax(1))

        schedule = Schedule(self.steps, self.batch, self.rate, self.seed, device, self.checkpoints, self.progress)
        learned = train(start, np.flatnonzero(~held), loss, worth, schedule)
        frame = frame_of(vectors)
        regressions = cost_regressions(features(frame, vectors), outcomes, np.ones(len(outcomes)), 10.0)
        return replace(self, state={**learned, **frame, **regressions, **_calibrated(learned, unit, outcomes)})

    def add(self, vectors: np.ndarray, outcomes: ArmOutcomes) -> ContrastiveRouter:
        """Place the new arm at the mean of the queries that it answers right, away from those it answers wrong."""
        one_arm(outcomes)
        unit, right = normalized(vectors), np.nan_to_num(outcomes.quality[:, 0], nan=0.0)
        queries = normalized(unit @ self.state["head"])
        arm = queries.T @ (right - right.mean()) / len(right)
        learned = {"head": self.state["head"], "arms": normalized(arm[None, :])}
        x = features(self.state, vectors)
        more = {**learned, **cost_regressions(x, outcomes, np.ones(len(outcomes)), 10.0)}
        more |= _calibrated(learned, unit, outcomes)
        arms = np.concatenate([self.state["arms"], more["arms"]])
        return replace(self, state={**with_column(self.state, more, *COSTS, "calibration"), "arms": arms})

    def predict(self, vectors: np.ndarray) -> Prediction:
        state = self.state
        cosines = _cosines(state, normalized(vectors))
        slope, intercept, spread = state["calibration"]
        quality = 1 / (1 + np.exp(-(slope * cosines + intercept)))
        found = Prediction.of(quality, np.broadcast_to(spread, quality.shape), *costs(features(state, vectors), state))
        return found.ranked_by(cosines)

    def settings(self) -> Mapping[str, Any]:
        names = ("steps", "batch", "rate", "top", "bottom", "clusters", "sample_weight", "negatives", "temperature")
        return {name: getattr(self, name) for name in (*names, "seed")}

    def _initial(self, arms: int, dimension: int) -> np.ndarray:
        return np.random.default_rng(self.seed).normal(0.0, dimension**-0.5, (arms, dimension))


def held_out(outcomes: ArmOutcomes, seed: int) -> np.ndarray:
    """Return a mask of the training queries that choose the checkpoint; equal texts are on the same side."""
    order = {text: k for k, text in enumerate(dict.fromkeys(outcomes.texts))}
    chosen = np.random.default_rng((seed, 1)).random(len(order)) < _HELD_OUT
    mask = np.array([chosen[order[text]] for text in outcomes.texts])
    return mask if mask.any() and not mask.all() else np.arange(len(mask)) == 0


def arm_loss(cosines: torch.Tensor, quality: torch.Tensor, top: int, bottom: int) -> torch.Tensor:
    """Compute the sample-LLM loss: each of the best arms against the worst ones.

    Args:
        cosines: of queries and arms, divided by the temperature [b, a].
        quality: of the arms on the queries [b, a]. A best arm of quality 0 does not pull, and a worst arm of a quality
            above 0.5 does not push.
        top, bottom: arms that pull and push.
    """
    order = quality.argsort(dim=1, descending=True, stable=True)
    best, worst = order[:, :top], order[:, -bottom:]
    pushing = quality.gather(1, worst) <= 0.5
    away = cosines.gather(1, worst).masked_fill(~pushing, -torch.inf)
    towards = cosines.gather(1, best)
    pushed = torch.logsumexp(away, dim=1, keepdim=True)
    losses = torch.logaddexp(towards, pushed) - towards
    return (losses * (quality.gather(1, best) > 0)).sum(1).mean()


def sample_loss(queries: torch.Tensor, kinds: torch.Tensor, negatives: int) -> torch.Tensor:
    """Compute the sample-sample loss: a query of the same cluster against ``negatives`` of others, in the batch.

    Args:
        queries: unit vectors [b, d].
        kinds: the cluster of each [b].
    """
    likeness = queries @ queries.T
    same = kinds[:, None] == kinds[None, :]
    own = torch.eye(len(kinds), dtype=torch.bool, device=kinds.device)
    lottery = torch.rand_like(likeness)
    positive = lottery.masked_fill(~same | own, -1).argmax(1, keepdim=True)
    strangers = lottery.masked_fill(same, -1).topk(min(negatives, len(kinds)), dim=1)
    away = likeness.gather(1, strangers.indices).masked_fill(strangers.values < 0, -torch.inf)
    towards = likeness.gather(1, positive)
    losses = torch.logsumexp(torch.cat([towards, away], dim=1), dim=1) - towards[:, 0]
    paired = (same & ~own).any(1) & (~same).any(1)
    return (losses * paired).sum() / paired.sum().clamp(min=1)


def _cosines(weights: Mapping[str, np.ndarray], unit: np.ndarray) -> np.ndarray:
    """Compute the cosines of queries and arms [q, a]."""
    found: np.ndarray = normalized(unit @ weights["head"]) @ normalized(weights["arms"]).T
    return found


def _calibrated(weights: Mapping[str, np.ndarray], unit: np.ndarray, outcomes: ArmOutcomes) -> State:
    """Fit slope, intercept and standard error of the probability of a right answer by cosine, per arm [3, a]."""
    cosines, ones = _cosines(weights, unit), np.ones(len(unit))
    columns = []
    for a, quality in enumerate(outcomes.quality.T):
        slope, intercept = logistic(np.column_stack([cosines[:, a], ones]), quality, ones, _CALIBRATION)
        known = ~np.isnan(quality)
        expected = 1 / (1 + np.exp(-(slope * cosines[known, a] + intercept)))
        columns.append((slope, intercept, float(np.std(quality[known] - expected)) / max(known.sum(), 1) ** 0.5))
    return {"calibration": np.array(columns).T}
