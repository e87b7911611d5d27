"""Embeddings of an OpenAI-compatible server: POST /embeddings."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np

from tts.engines.remote.address import Address, Patience
from tts.engines.remote.client import Server
from tts.errors import BadInput, EngineError

BATCH = 128  # texts in one request


class RemoteEmbedder:
    """An embedding model behind an address.

    Args:
        name: ``http://host:port/v1#model``.
        settings: how patiently the server is asked, see :class:`tts.engines.remote.address.Patience`.

    Raises:
        BadInput: the address names no model.
    """

    def __init__(self, name: str, **settings: Any) -> None:
        url, _, model = name.partition("#")
        if not model:
            raise BadInput(f"the address {name} names no embedding model: write http://host:port/v1#model.")
        self.name, self.model = name, model
        self.server = Server(Address.parse(url), Patience.of(settings))

    async def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Return one vector a text, float32 [n, d]. Raises EngineError for an answer that holds none."""
        parts = [list(texts[k : k + BATCH]) for k in range(0, len(texts), BATCH)]
        if not parts:
            return np.empty((0, 0), dtype=np.float32)
        return np.concatenate(await asyncio.gather(*map(self._ask, parts)))

    async def _ask(self, texts: list[str]) -> np.ndarray:
        url = f"{self.server.address.base}/embeddings"
        reply = await self.server.ask(url, {"model": self.model, "input": texts, "encoding_format": "float"})
        if not reply.ok:
            raise EngineError(
                f"{self.server.address.base} made no embeddings ({reply.status}: {reply.message}): name a server of "
                "embedding models."
            )
        try:
            rows = sorted(reply.data["data"], key=lambda row: int(row["index"]))
            vectors = np.array([row["embedding"] for row in rows], dtype=np.float32)
        except (KeyError, TypeError, ValueError) as error:
            raise EngineError(
                f"{self.server.address.base} answered without embeddings: is {self.model} one?"
            ) from error
        if vectors.ndim != 2 or len(vectors) != len(texts):
            raise EngineError(f"{self.server.address.base} answered {len(vectors)} vectors for {len(texts)} texts.")
        return vectors
