"""The passages nearest to a query: all compared while they are few, those of the nearest clusters when they are many.

The clusters are faiss's (k-means on the sphere); the vectors stay where they are, quantised, and are compared in place. So a
passage joins and leaves its cluster by one entry, and what a search may not see is passed over while it looks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hippomem.graph.similarity import quantised_products, row_products

if TYPE_CHECKING:
    from hippomem.arrays.picture import Picture

Ints = NDArray[np.int64]
Vectors = NDArray[np.int8]
Scales = NDArray[np.float32]

#: Passages up to which a query is compared with each: about 1 ms.
EXACT = 20_000
#: Passages that k-means looks at for each cluster.
_SAMPLE = 48
#: Rows compared with all centroids at a time: 20 MB at 100,000 passages.
_ROWS = 1 << 12
#: Clusters are searched until so much of the true nearest is found, on average over stored passages as queries.
RECALL, _NEAREST, _ASKED = 0.98, 100, 100


def nearest(picture: Picture, query: NDArray[np.float32], k: int, *, exact: bool = False) -> Ints:
    """Places of the *k* passages of the highest cosine with *query* (d,), best first, ties by order.

    exact: compare all, however many there are.
    """
    a = picture.arrays
    # Also those that a filter leaves of many: few clusters would hold any of them.
    if exact or not len(a.centroid) or picture.live <= EXACT:
        return _best(picture, query, k, picture.passages)
    alive, probes = a.passage_alive.view(np.bool_), picture.probes
    by_cluster = np.argsort(-row_products(a.centroid, query), kind="stable")
    while True:
        places, _ = picture.clusters.gather(by_cluster[:probes], 1 << 1)
        places = places[alive[places]]
        if len(places) >= k or probes >= len(by_cluster):
            return _best(picture, query, k, places)
        probes *= 2


def _best(picture: Picture, query: NDArray[np.float32], k: int, places: Ints) -> Ints:
    a = picture.arrays
    cosines = quantised_products(a.passage_vector, a.passage_scale, query, places)
    if 0 < k < len(places):
        cut = np.partition(cosines, len(places) - k)[len(places) - k]
        keep = cosines >= cut
        places, cosines = places[keep], cosines[keep]
    return places[np.lexsort((a.passage_order[places], -cosines))][:k]


def closest(centroids: NDArray[np.float32], vector: Vectors) -> int:
    """The cluster that a quantised vector (d,) belongs to."""
    return int(np.argmax(row_products(centroids, vector.astype(np.float32))))


def cluster(vectors: Vectors, scales: Scales) -> tuple[NDArray[np.float32], NDArray[np.int32], int]:
    """Group quantised rows: (K, d) centroids, (n,) the cluster of each row, and how many clusters a query should look into.

    None (K = 0) for few rows. K is about 4 sqrt(n), as faiss advises; the same rows give the same clusters.
    """
    n = len(vectors)
    if n <= EXACT:
        return np.zeros((0, vectors.shape[1]), dtype=np.float32), np.zeros(n, dtype=np.int32), 0
    import faiss

    k = int(4 * np.sqrt(n))
    rng = np.random.default_rng(0)
    sample = np.sort(rng.choice(n, size=min(n, _SAMPLE * k), replace=False))
    # min_points_per_centroid: else it warns on standard error up to 24,000 passages.
    bounds = {"min_points_per_centroid": 1, "max_points_per_centroid": _SAMPLE}
    kmeans = faiss.Kmeans(vectors.shape[1], k, niter=8, spherical=True, seed=0, **bounds)
    kmeans.train(vectors[sample] * scales[sample, None])
    centroids = np.ascontiguousarray(kmeans.centroids, dtype=np.float32)
    assigned = np.empty(n, dtype=np.int32)
    for start in range(0, n, _ROWS):
        part = slice(start, start + _ROWS)
        assigned[part] = np.argmax((vectors[part] * scales[part, None]) @ centroids.T, axis=1)
    return centroids, assigned, _probes_needed(vectors, scales, centroids, assigned, rng)


def _probes_needed(
    vectors: Vectors,
    scales: Scales,
    centroids: NDArray[np.float32],
    assigned: NDArray[np.int32],
    rng: np.random.Generator,
) -> int:
    """The smallest power of two of clusters in which `RECALL` of the nearest of some stored rows are found."""
    ranks = []
    every = np.arange(len(vectors))
    for asked in rng.choice(len(vectors), size=_ASKED, replace=False).tolist():
        query = vectors[asked] * scales[asked]
        cosines = quantised_products(vectors, scales, query, every)
        near = np.argpartition(-cosines, _NEAREST)[:_NEAREST]
        order = np.argsort(-(centroids @ query), kind="stable")
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        ranks.append(rank[assigned[near]])
    found = np.concatenate(ranks)
    probes = 4
    while probes < len(centroids) and (found < probes).mean() < RECALL:
        probes *= 2
    return min(probes, len(centroids))
