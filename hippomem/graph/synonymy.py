"""Synonymy edges: which names lie close to which, in the embedding space (HippoRAG 2024, section 2.2).

An entity's list holds its nearest other names at or above a similarity, nearest first, ties by the lower rank, at most
``top_k``. The list is a function of the set of names alone: inserts displace, removals refill, the order never matters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: HippoRAG 1 and 2: similarity >= 0.8; HippoRAG 2's code keeps at most 100 neighbours a phrase.
THRESHOLD = 0.8
TOP_K = 100
#: Rows of the query block: bounds the similarity matrix to this many rows.
_BLOCK = 512
#: BLAS may round a product differently in another block shape; candidates are taken with this slack, then measured again.
_SLACK = 1e-4


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Pairs at or above the threshold.

    row, column: (m,) positions in the matrix, row != column.    similarity: (m,) float64.
    """

    row: NDArray[np.int64]
    column: NDArray[np.int64]
    similarity: NDArray[np.float64]


def near_pairs(vectors: NDArray[np.float32], rows: NDArray[np.int64], *, threshold: float = THRESHOLD) -> Neighbours:
    """All pairs (row, any other) with cosine >= threshold.

    vectors: (n, d) unit rows.    rows: positions to search from.
    A pair's similarity is summed in float64 in one fixed order and rounded to 6 digits: it is the same number whichever
    side asks and whatever else is in the matrix. Cost O(len(rows) · n · d), exact.
    """
    found: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]] = []
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        close = vectors[block] @ vectors.T >= threshold - _SLACK
        close[np.arange(len(block)), block] = False
        i, column = np.nonzero(close)
        row = block[i]
        similarity = exact_cosine(vectors, row, column)
        keep = similarity >= threshold
        found.append((row[keep], column[keep], similarity[keep]))
    if not found:
        empty = np.zeros(0, dtype=np.int64)
        return Neighbours(empty, empty, np.zeros(0))
    return Neighbours(*(np.concatenate(part) for part in zip(*found, strict=True)))


def exact_cosine(
    vectors: NDArray[np.float32], row: NDArray[np.int64], column: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Cosine of each pair (row[i], column[i]), independent of all other pairs."""
    similarity = np.empty(len(row))
    for start in range(0, len(row), 4096):
        part = slice(start, start + 4096)
        a, b = vectors[row[part]].astype(np.float64), vectors[column[part]].astype(np.float64)
        similarity[part] = np.einsum("ij,ij->i", a, b)
    return similarity.round(6)


def nearest(columns: Sequence[int], similarity: Sequence[float], *, top_k: int = TOP_K) -> list[tuple[int, float]]:
    """The best *top_k* of one row's neighbours as (column, similarity), nearest first, ties by the lower column."""
    return sorted(zip(columns, similarity, strict=True), key=lambda pair: (-pair[1], pair[0]))[:top_k]
