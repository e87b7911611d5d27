"""Embedding, the first step of routing: the protocol of embedders, their choice by name, a cache on disk."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from tqdm import tqdm

from tts.errors import BadInput
from tts.files.cache import cache_folder
from tts.registry import resolve

TFIDF = "tfidf"
_CHUNK = 512  # texts between two writes of the cache
_DIGEST = 16  # bytes of a content hash


@runtime_checkable
class Embedder(Protocol):
    """A model that turns texts into vectors of one dimension.

    Attributes:
        name: how the model is named in a pool file: ``tfidf``, a folder, a hub id or an address.
    """

    @property
    def name(self) -> str: ...

    async def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Return one vector a text: float32 [n, d]."""
        ...


def load_embedder(name: str, **settings: Any) -> Embedder:
    """Load the embedder of this name.

    Args:
        name: a folder or hub id of sentence-transformers, or the address of a server, ``http://host:port/v1#model``.
        settings: keyword arguments of the engine, such as ``device``.

    Raises:
        BadInput: for ``tfidf``, which is fitted on texts rather than loaded.
        ModelError: when the model cannot be loaded.
    """
    if name == TFIDF:
        raise BadInput("tfidf is fitted on the problems of a pool: fit a pool with it, or name another embedder.")
    kind = "server" if re.match(r"https?://", name, re.IGNORECASE) else "transformers"
    embedder: Embedder = resolve("embedder", kind)(name, **settings)
    return embedder


class CachedEmbedder:
    """An embedder that keeps its vectors on disk, by content hash, and computes only what is new.

    Args:
        embedder: computes missing vectors.
        folder: one file a chunk of new texts is written here; files of other embedders may be there too.
        progress: show a progress bar.

    Attributes:
        done, total: texts of the present call that have a vector, and all of them.
    """

    def __init__(self, embedder: Embedder, folder: Path | None = None, progress: bool = False) -> None:
        self.embedder = embedder
        self._progress = progress
        digest = hashlib.sha256(embedder.name.encode()).hexdigest()[:16]
        self.folder = (folder or default_cache()) / digest
        self._known: dict[bytes, np.ndarray] | None = None
        self.done = self.total = 0

    @property
    def name(self) -> str:
        return self.embedder.name

    async def embed(self, texts: Sequence[str]) -> np.ndarray:
        known = self._known = self._read() if self._known is None else self._known
        keys = [_key(text) for text in texts]
        missing = list({key: text for key, text in zip(keys, texts, strict=True) if key not in known}.items())
        missing.sort(key=lambda item: len(item[1]))  # batches of similar length
        self.total = len(set(keys))
        self.done = self.total - len(missing)
        quiet = not (self._progress and missing)
        with tqdm(total=self.total, initial=self.done, desc="embedding", unit="text", disable=quiet) as bar:
            for start in range(0, len(missing), _CHUNK):
                chunk = missing[start : start + _CHUNK]
                vectors = await self.embedder.embed([text for _, text in chunk])
                self._write([key for key, _ in chunk], vectors)
                known.update(zip((key for key, _ in chunk), vectors, strict=True))
                self.done += len(chunk)
                bar.update(len(chunk))
        return np.stack([known[key] for key in keys]) if keys else await self.embedder.embed([])

    def _read(self) -> dict[bytes, np.ndarray]:
        known: dict[bytes, np.ndarray] = {}
        for file in sorted(self.folder.glob("*.safetensors")):
            try:
                tensors = load_file(file)
                known.update(zip((key.tobytes() for key in tensors["keys"]), tensors["vectors"], strict=True))
            except (SafetensorError, KeyError, ValueError, OSError):
                continue  # a damaged cache file is computed again
        return known

    def _write(self, keys: Sequence[bytes], vectors: np.ndarray) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        target = self.folder / f"{hashlib.sha256(b''.join(keys)).hexdigest()[:24]}.safetensors"
        partial = target.with_suffix(f".{os.getpid()}.partial")
        table = np.frombuffer(b"".join(keys), dtype=np.uint8).reshape(len(keys), _DIGEST)
        save_file({"keys": table, "vectors": np.ascontiguousarray(vectors, dtype=np.float32)}, partial)
        partial.replace(target)


def default_cache() -> Path:
    """Return the folder of cached vectors: ``$TTS_CACHE/embeddings``, by default below the user's cache folder."""
    return cache_folder("embeddings")


def normalized(vectors: np.ndarray) -> np.ndarray:
    """Return the vectors [n, d] scaled to length 1; a vector of zeros stays one."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: np.ndarray = vectors / np.where(lengths > 0, lengths, 1.0)
    return scaled


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()[:_DIGEST]
