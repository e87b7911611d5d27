"""Training an encoder with RouterDC's losses: what changes, what stays, resuming, refusals, the command."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.command_line import Tts
from tests.routing.samples import SUMS, WORDS, outcomes
from tts.errors import BadInput, MissingWeights
from tts.routing import contrastive, encoder_training
from tts.routing.embedding import load_embedder, normalized
from tts.routing.encoder_training import EncoderTraining, train_encoder
from tts.routing.frozen_layers import FrozenLayers, Memory

pytest.importorskip("sklearn", reason="the clusters of the second loss need scikit-learn")

HOW = EncoderTraining(steps=60, batch=16, clusters=2, rate=2e-3, length=32)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTS_CACHE", str(tmp_path / "cache"))
    torch.set_num_threads(1)


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """Return a sentence-transformers folder: a BERT of two layers with random weights, and mean pooling."""
    from transformers import BertConfig, BertModel, BertTokenizer

    words = sorted({word for text in (*SUMS, *WORDS) for word in re.findall(r"\w+|[^\w\s]", text.lower())})
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]))
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=5 + len(words), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48,
        max_position_embeddings=40,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)
    modules = [{"idx": 0, "type": "sentence_transformers.models.Transformer", "path": ""},
               {"idx": 1, "type": "sentence_transformers.models.Pooling", "path": "1_Pooling"}]  # fmt: skip
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_mean_tokens": True}))
    return folder


def contrast(folder: Path) -> float:
    """Compute how much more alike two problems of one kind are than two of different kinds."""
    vectors = normalized(asyncio.run(load_embedder(str(folder)).embed([*SUMS, *WORDS])))
    sums, words = vectors[: len(SUMS)], vectors[len(SUMS) :]
    return float(np.mean([(sums @ sums.T).mean(), (words @ words.T).mean()]) - (sums @ words.T).mean())


def test_problems_that_the_same_arms_solve_come_closer_and_others_part(tiny: Path, tmp_path: Path) -> None:
    before = contrast(tiny)
    after = contrast(train_encoder(str(tiny), outcomes(), tmp_path / "trained", HOW))
    assert after > before + 0.3


def test_only_the_uppermost_layers_change_where_so_many_are_trained(tiny: Path, tmp_path: Path) -> None:
    how = replace(HOW, layers=1)
    before = load_file(tiny / "model.safetensors")
    after = load_file(train_encoder(str(tiny), outcomes(), tmp_path / "trained", how) / "model.safetensors")
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert all(name.startswith("encoder.layer.1.") for name in changed)


def test_vectors_and_gradients_are_those_of_the_whole_encoder_though_its_lower_layer_is_computed_once(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = load_embedder(str(tiny))
    layer = encoder.model.encoder.layer[0]  # type: ignore[attr-defined]
    top = encoder.model.encoder.layer[1].output.dense.weight  # type: ignore[attr-defined]
    texts = [*SUMS, *WORDS, SUMS[0]]
    frozen = FrozenLayers(encoder, 1)  # type: ignore[arg-type]
    found: list[tuple[torch.Tensor, torch.Tensor]] = []
    for encode in (encoder.encode, frozen.encode, frozen.encode):  # type: ignore[attr-defined]
        passes: list[int] = []
        handle = layer.attention.register_forward_hook(lambda *_, passes=passes: passes.append(1))
        vectors = encode(texts)
        (vectors**2).sum().backward()
        found.append((vectors.detach(), top.grad.clone()))
        top.grad = None
        handle.remove()
    assert not passes  # the third time, nothing below is computed
    for vectors, slope in found[1:]:
        torch.testing.assert_close(vectors, found[0][0], atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(slope, found[0][1], atol=1e-4, rtol=1e-3)


def test_a_full_memory_changes_nothing_but_the_time(tiny: Path) -> None:
    encoder, room = load_embedder(str(tiny)), 3000
    memory = Memory(room)
    small = FrozenLayers(encoder, 1, memory)  # type: ignore[arg-type]
    exact = asyncio.run(encoder.embed(SUMS))
    for _ in range(2):
        np.testing.assert_allclose(asyncio.run(small.embed(SUMS)), exact, atol=1e-5)
    assert 0 < memory.bytes <= room


def test_embedding_records_nothing_for_gradients(tiny: Path) -> None:
    """The graph of a batch takes gigabytes; torch keeps its switch for each thread, and embedding has its own."""
    encoder, recording = load_embedder(str(tiny)), set()
    encoder.model.register_forward_hook(lambda *_: recording.add(torch.is_grad_enabled()))  # type: ignore[attr-defined]
    asyncio.run(FrozenLayers(encoder, 1).embed(SUMS))  # type: ignore[arg-type]
    assert recording == {False}


def test_sixteen_bits_move_a_vector_by_a_thousandth(tiny: Path) -> None:
    encoder = load_embedder(str(tiny))
    exact = normalized(asyncio.run(encoder.embed(SUMS)))
    near = normalized(asyncio.run(FrozenLayers(encoder, 1, bfloat16=True).embed(SUMS)))  # type: ignore[arg-type]
    assert ((exact * near).sum(1) > 0.999).all()


def test_an_interrupted_training_goes_on_and_ends_as_an_uninterrupted_one(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train_encoder(str(tiny), outcomes(), tmp_path / "whole", HOW)
    exact, calls = contrastive.sample_loss, iter(range(60))

    def interrupted(*args: object) -> torch.Tensor:
        if next(calls) == 55:
            raise KeyboardInterrupt
        return exact(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(encoder_training, "sample_loss", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train_encoder(str(tiny), outcomes(), tmp_path / "parts", HOW)
    monkeypatch.setattr(encoder_training, "sample_loss", exact)
    assert (tmp_path / "parts.training" / "router.safetensors").is_file()
    parts = train_encoder(str(tiny), outcomes(), tmp_path / "parts", HOW)
    one, two = (load_file(folder / "model.safetensors") for folder in (whole, parts))
    assert all(torch.allclose(one[name], two[name], atol=1e-5) for name in one)
    assert not (tmp_path / "parts.training").exists()


def test_a_finished_training_is_not_repeated_and_another_is_refused(tiny: Path, tmp_path: Path) -> None:
    how = EncoderTraining(steps=2, batch=8, clusters=2)
    out = train_encoder(str(tiny), outcomes(), tmp_path / "trained", how)
    written = (out / "model.safetensors").stat().st_mtime_ns
    train_encoder(str(tiny), outcomes(), out, how)
    assert (out / "model.safetensors").stat().st_mtime_ns == written
    with pytest.raises(BadInput, match="trained otherwise"):
        train_encoder(str(tiny), outcomes(), out, EncoderTraining(steps=3, batch=8, clusters=2))


def test_what_cannot_be_trained_is_refused_before_anything_is_loaded(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="tfidf cannot be trained"):
        encoder_training.check("tfidf", tmp_path / "new")
    with pytest.raises(BadInput, match="something else"):
        encoder_training.check(str(tiny), tiny)
    with pytest.raises(MissingWeights, match="hf download"):
        encoder_training.check("nobody/nothing", tmp_path / "new")
    with pytest.raises(BadInput, match="layers is a whole number"):
        EncoderTraining(layers=-1)
    with pytest.raises(BadInput, match="2 layers, so not 3"):
        train_encoder(str(tiny), outcomes(), tmp_path / "new", EncoderTraining(layers=3, clusters=2))


def test_pool_fit_trains_the_encoder_and_the_pool_names_it(tiny: Path, tmp_path: Path, tts: Tts) -> None:
    table = outcomes()
    rows = [
        {"task_name": group, "query": text, "ground_truth": "", "metric": "em", "model_name": arm, "response": "",
         "performance": float(value), "token_num": 10}
        for text, group, values in zip(table.texts, table.groups, table.quality, strict=True)
        for arm, value in zip(table.arms, values, strict=True)
    ]  # fmt: skip
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    pool, out = tmp_path / "pool.json", tmp_path / "trained"
    common = ("pool", "fit", "--outcomes", str(tmp_path / "rows.jsonl"), "--out", str(pool), "--embedder", str(tiny))
    small = [word for setting in ("steps=2", "batch=8", "clusters=2") for word in ("--encoder-parameter", setting)]
    made = tts(*common, "--train-encoder", str(out), *small)
    assert made.code == 0, made.err
    assert made.err.index("embedding: ") < made.err.index("step")  # both show their progress
    shown = json.loads(tts("pool", "show", str(pool), "--json").out)
    assert shown["embedder"] == str(out)
    assert tts("route", "--pool", str(pool), SUMS[0]).code == 0
    assert "--train-encoder" in tts(*common, "--encoder-parameter", "steps=2").err
    assert "setting" in tts(*common, "--train-encoder", str(out), "--encoder-parameter", "speed=2").err
