"""TF-IDF of words and letters, reduced by a singular value decomposition: an embedder that needs no model."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tts.routing.clustering import missing_sklearn
from tts.routing.embedding import TFIDF
from tts.routing.router import State

WORDS, LETTERS = 2**13, 2**13
"""Hash buckets; hashing needs no vocabulary, so the same arrays give the same vectors anywhere."""


@dataclass(frozen=True, slots=True, eq=False)
class TfIdfEmbedder:
    """Log term frequency times inverse document frequency over hashed word 1-2-grams and letter 3-5-grams.

    Attributes:
        state: ``idf`` [features] and ``components`` [d, features].
    """

    state: State

    @property
    def name(self) -> str:
        return TFIDF

    @classmethod
    def fit(cls, texts: Sequence[str], dimension: int = 256, seed: int = 0) -> TfIdfEmbedder:
        """Learn document frequencies and components from the texts of the training queries alone.

        The dimension is at most the number of texts less one. Raises MissingExtra without scikit-learn.
        """
        try:
            from sklearn.decomposition import TruncatedSVD
        except ImportError as error:
            raise missing_sklearn() from error
        counts = _counts(texts)
        present = np.asarray((counts > 0).sum(axis=0)).ravel()
        idf = np.log((1 + len(texts)) / (1 + present)) + 1.0
        weighed = _weighed(counts, idf)
        svd = TruncatedSVD(max(1, min(dimension, len(texts) - 1)), random_state=seed).fit(weighed)
        return cls({"idf": idf.astype(np.float32), "components": svd.components_.astype(np.float16)})

    async def embed(self, texts: Sequence[str]) -> np.ndarray:
        return await asyncio.to_thread(self._embed, texts)

    def _embed(self, texts: Sequence[str]) -> np.ndarray:
        components = self.state["components"].astype(np.float32)
        if not texts:
            return np.empty((0, len(components)), dtype=np.float32)
        vectors: np.ndarray = _weighed(_counts(texts), self.state["idf"]) @ components.T
        return vectors.astype(np.float32)


def _counts(texts: Sequence[str]) -> Any:
    """Count each hashed n-gram: a sparse matrix [q, features]."""
    try:
        from scipy.sparse import hstack
        from sklearn.feature_extraction.text import HashingVectorizer
    except ImportError as error:
        raise missing_sklearn() from error
    common = {"alternate_sign": False, "norm": None, "dtype": np.float32}
    words = HashingVectorizer(n_features=WORDS, ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b", **common)
    letters = HashingVectorizer(n_features=LETTERS, ngram_range=(3, 5), analyzer="char_wb", **common)
    return hstack([words.transform(texts), letters.transform(texts)]).tocsr()


def _weighed(counts: Any, idf: np.ndarray) -> Any:
    from sklearn.preprocessing import normalize

    weighed = counts.copy()
    weighed.data = 1 + np.log(weighed.data)
    return normalize(weighed.multiply(idf[None, :]).tocsr().astype(np.float32))
