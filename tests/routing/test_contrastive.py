"""RouterDC's losses by hand, and resumable training."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.routing.samples import HashEmbedder, outcomes
from tts.errors import BadInput
from tts.routing.contrastive import ContrastiveRouter, arm_loss, sample_loss

pytest.importorskip("sklearn", reason="the clusters of the second loss need scikit-learn")


def test_a_best_arm_is_weighed_against_the_worst_ones() -> None:
    # One positive (cosine 0.8), two negatives (0.1, -0.3): -log(e^0.8 / (e^0.8 + e^0.1 + e^-0.3)).
    cosines, quality = torch.tensor([[0.8, 0.1, -0.3]]), torch.tensor([[1.0, 0.0, 0.0]])
    expected = -math.log(math.exp(0.8) / (math.exp(0.8) + math.exp(0.1) + math.exp(-0.3)))
    assert arm_loss(cosines, quality, 1, 2).item() == pytest.approx(expected, abs=1e-6)


def test_arms_of_quality_zero_do_not_pull_and_good_ones_do_not_push() -> None:
    cosines = torch.tensor([[0.8, 0.1, -0.3]])
    assert arm_loss(cosines, torch.zeros(1, 3), 3, 3).item() == 0
    # All three are right: each pulls, none pushes, so each loss is -log(1).
    assert arm_loss(cosines, torch.ones(1, 3), 3, 3).item() == pytest.approx(0, abs=1e-6)


def test_the_sample_loss_pulls_the_other_query_of_the_cluster_and_pushes_strangers() -> None:
    # The first two share a cluster, likeness 1 and 0 to the stranger: each -log(e / (e + 1)); the third has no other.
    queries = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    expected = -math.log(math.e / (math.e + 1))
    assert sample_loss(queries, torch.tensor([0, 0, 1]), 3).item() == pytest.approx(expected, abs=1e-6)


def test_a_query_is_never_its_own_positive() -> None:
    queries = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    assert sample_loss(queries, torch.tensor([0, 1]), 1).item() == 0


class TestTraining:
    def fit(self, folder: Path | None, steps: int, seed: int = 3) -> ContrastiveRouter:
        table = outcomes()
        vectors = asyncio.run(HashEmbedder().embed(table.texts))
        router = ContrastiveRouter(steps=steps, batch=16, clusters=2, seed=seed, checkpoints=folder, device="cpu")
        return router.fit(vectors, table)

    def test_a_resumed_training_ends_where_an_uninterrupted_one_does(self, tmp_path: Path) -> None:
        self.fit(tmp_path, 100)
        resumed, whole = self.fit(tmp_path, 150), self.fit(None, 150)
        assert np.allclose(resumed.state["arms"], whole.state["arms"], atol=1e-5)

    def test_a_checkpoint_of_other_settings_is_refused(self, tmp_path: Path) -> None:
        self.fit(tmp_path, 50)
        with pytest.raises(BadInput, match="other settings"):
            self.fit(tmp_path, 50, seed=4)

    def test_a_damaged_checkpoint_says_what_to_do(self, tmp_path: Path) -> None:
        (tmp_path / "router.safetensors").write_bytes(b"nonsense")
        with pytest.raises(BadInput, match="delete it"):
            self.fit(tmp_path, 50)
