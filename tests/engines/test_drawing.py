"""Tokens are drawn for the requests of a vLLM batch that ask for it, wherever they stand in it."""

from __future__ import annotations

import gc
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from tests.engines.vllm_processes import needs_vllm
from tts.engines.sampling import choose, uniforms
from tts.engines.vllm.cpu import DRAW
from tts.engines.vllm.garbage import collect_as_usual, collect_rarely

LOGITS = torch.randn(4, 300, generator=torch.Generator().manual_seed(0))


def expected(row: int, seed: int, position: int, temperature: float = 1.0, top_p: float = 1.0) -> int:
    random = uniforms(np.array([seed], np.uint64), np.array([position]))
    settings = np.array([temperature], np.float32), np.array([top_p], np.float32)
    return int(choose(LOGITS[row : row + 1], random, *settings))


def asks(seed: int, before: int = 0, temperature: float = 1.0, top_p: float = 1.0) -> Any:
    return SimpleNamespace(extra_args={DRAW: [seed, before, temperature, top_p]})


@needs_vllm
class TestDrawing:
    @pytest.fixture
    def drawing(self) -> Any:
        from tts.engines.vllm.drawing import Drawing

        config = SimpleNamespace(scheduler_config=SimpleNamespace(max_num_seqs=4))
        return Drawing(config, torch.device("cpu"), False)

    def update(self, drawing: Any, *, removed: Any = (), added: Any = (), moved: Any = ()) -> None:
        from vllm.v1.sample.logits_processor import BatchUpdate

        drawing.update_state(BatchUpdate(batch_size=4, removed=removed, added=added, moved=moved))

    def taken(self, drawing: Any) -> list[int]:
        found: list[int] = drawing.apply(LOGITS.clone()).argmax(-1).tolist()
        return found

    def test_only_rows_that_ask_are_drawn(self, drawing: Any) -> None:
        plain, likeliest = SimpleNamespace(extra_args=None), LOGITS.argmax(-1).tolist()
        assert self.taken(drawing) == likeliest
        self.update(drawing, added=[(0, asks(5), [], []), (1, plain, [], []), (2, asks(6), [], [])])
        assert self.taken(drawing) == [expected(0, 5, 0), likeliest[1], expected(2, 6, 0), likeliest[3]]

    def test_the_place_is_counted_from_vllms_own_list_and_from_what_was_drawn_before(self, drawing: Any) -> None:
        sampled = [9, 9]
        self.update(drawing, added=[(0, asks(5, before=3), [], sampled)])
        assert self.taken(drawing)[0] == expected(0, 5, 5)
        sampled.append(9)
        drawing.update_state(None)
        assert self.taken(drawing)[0] == expected(0, 5, 6)

    def test_rows_keep_their_settings_when_they_move(self, drawing: Any) -> None:
        from vllm.v1.sample.logits_processor import MoveDirectionality

        self.update(drawing, added=[(k, asks(k, temperature=0.5 + k, top_p=0.9), [], []) for k in range(4)])
        assert self.taken(drawing) == [expected(k, k, 0, 0.5 + k, 0.9) for k in range(4)]
        swapped = [(0, 3, MoveDirectionality.SWAP)]
        self.update(drawing, removed=[1], moved=[*swapped, (2, 1, MoveDirectionality.UNIDIRECTIONAL)])
        found = self.taken(drawing)
        assert found[0] == expected(0, 3, 0, 3.5, 0.9)
        assert found[1] == expected(1, 2, 0, 2.5, 0.9)
        assert found[2] == LOGITS[2].argmax()
        assert found[3] == expected(3, 0, 0, 0.5, 0.9)


def test_collections_are_rare_until_this_is_undone() -> None:
    before = gc.get_threshold()
    collect_rarely()
    try:
        assert gc.get_threshold()[0] == 50_000
        assert gc.get_freeze_count() > 0
    finally:
        collect_as_usual()
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0
