"""Clustering, the second step of the Avengers (arXiv 2505.19797): groups similar queries.

A clustering is a table of centres [k, d]. Methods are functions by name, so others can be added.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tts.errors import MissingExtra, UnknownName

Find = Callable[[np.ndarray, tuple[str, ...], int, int], np.ndarray]


def centres(method: str, vectors: np.ndarray, groups: tuple[str, ...], k: int, seed: int) -> np.ndarray:
    """Find the centres of clusters.

    Args:
        method: ``kmeans``, or ``groups``: one centre per data set of the training outcomes.
        vectors: unit vectors [q, d].
        groups: data set of each query.
        k: number of clusters, at most the number of distinct queries; ``groups`` has one per data set.
        seed: seed of k-means.

    Returns:
        The centres [k, d].
    """
    if method not in METHODS:
        raise UnknownName("clustering", method, METHODS)
    return METHODS[method](vectors, groups, k, seed)


def distances(vectors: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Compute the Euclidean distances of vectors [q, d] to points [k, d]: [q, k]."""
    squares = (vectors**2).sum(1)[:, None] - 2 * vectors @ points.T + (points**2).sum(1)[None, :]
    found: np.ndarray = np.sqrt(np.maximum(squares, 0.0))
    return found


def _kmeans(vectors: np.ndarray, groups: tuple[str, ...], k: int, seed: int) -> np.ndarray:
    try:
        from sklearn.cluster import KMeans
    except ImportError as error:
        raise missing_sklearn() from error
    k = min(k, len(np.unique(vectors, axis=0)))
    found: np.ndarray = (
        KMeans(k, init="k-means++", n_init=1, max_iter=100, random_state=seed).fit(vectors).cluster_centers_
    )
    return found


def _by_group(vectors: np.ndarray, groups: tuple[str, ...], k: int, seed: int) -> np.ndarray:
    labels = np.array(groups)
    return np.stack([vectors[labels == name].mean(0) for name in dict.fromkeys(groups)])


METHODS: dict[str, Find] = {"kmeans": _kmeans, "groups": _by_group}


def missing_sklearn() -> MissingExtra:
    return MissingExtra("fitting a pool needs scikit-learn: run `pip install 'tts-search[routing]'`.")
