"""Retrieval over a folder of texts: paragraphs by the nearest embedding."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tts.errors import BadInput
from tts.files.text import read_text
from tts.routing.embedding import TFIDF, Embedder, load_embedder
from tts.routing.tfidf import TfIdfEmbedder
from tts.tools.tool import Result, Tool, checked

_SCHEMA = {
    "type": "object",
    "properties": {"query": {"type": "string", "description": "What to look for."}},
    "required": ["query"],
    "additionalProperties": False,
}
_SUFFIXES = (".txt", ".md")
_CHUNK = 1200  # characters of a passage
_MOST = 200_000  # passages


class RetrievalTool(Tool):
    """Finds the passages of a folder's texts that are nearest to a query, by cosine similarity.

    The texts are embedded at the first call.

    Args:
        folder: with files ``.txt`` and ``.md``, in folders within it too.
        embedder: as in ``tts pool fit``: ``tfidf``, a folder, a hub id or an address.
        passages: how many a call returns.
    """

    kind = "retrieval"

    def __init__(
        self,
        folder: Path | str,
        *,
        name: str = "search",
        embedder: str | Embedder = TFIDF,
        passages: int = 3,
        description: str = "",
        price: float | None = 0.0,
        latency: float | None = None,
    ) -> None:
        self.name, self.price, self.latency, self.schema = name, price, latency, _SCHEMA
        self.description = description or f"Finds the {passages} passages of a collection of texts nearest to a query."
        self._passages = list(_read(Path(folder)))
        if not self._passages:
            raise BadInput(f"the folder {folder} has no text to search: put files .txt or .md into it.")
        self._most, self._embedder = passages, embedder
        self._index: np.ndarray | None = None
        self._lock = asyncio.Lock()
        checked(self)

    async def call(self, arguments: Mapping[str, Any]) -> Result:
        """Return the nearest passages, best first, each with its file."""
        async with self._lock:
            if self._index is None:
                self._index = _unit(await self._ready().embed([text for _, text in self._passages]))
        [query] = _unit(await self._ready().embed([str(arguments["query"])]))
        near = np.argsort(-(self._index @ query), kind="stable")[: self._most]
        found = (self._passages[k] for k in near)
        return Result("\n\n".join(f"[{file}] {text}" for file, text in found))

    def _ready(self) -> Embedder:
        if self._embedder == TFIDF:
            self._embedder = TfIdfEmbedder.fit([text for _, text in self._passages])
        elif isinstance(self._embedder, str):
            self._embedder = load_embedder(self._embedder)
        return self._embedder


def _read(folder: Path) -> list[tuple[str, str]]:
    """Return the passages of a folder with the names of their files. Raises BadInput."""
    if not folder.is_dir():
        raise BadInput(f"there is no folder {folder} to search.")
    files = sorted(path for path in folder.rglob("*") if path.suffix in _SUFFIXES and path.is_file())
    found = [(path.relative_to(folder).as_posix(), text) for path in files for text in _cut(read_text(path))]
    if len(found) > _MOST:
        raise BadInput(f"the folder {folder} has more than {_MOST:,} passages: search a part of it.")
    return found


def _cut(text: str) -> list[str]:
    """Cut a text into passages at blank lines; long paragraphs are cut too, short ones are joined."""
    passages: list[str] = []
    for paragraph in filter(None, map(str.strip, re.split(r"\n\s*\n", text))):
        pieces = [paragraph[k : k + _CHUNK] for k in range(0, len(paragraph), _CHUNK)]
        if passages and len(passages[-1]) + len(pieces[0]) < _CHUNK // 4:
            passages[-1] += f"\n\n{pieces.pop(0)}"
        passages += pieces
    return passages


def _unit(vectors: np.ndarray) -> np.ndarray:
    unit: np.ndarray = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return unit
