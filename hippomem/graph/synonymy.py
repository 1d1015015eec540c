"""Synonymy edges: which names lie close to which, in the embedding space (HippoRAG 2024, section 2.2).

An entity's list holds its nearest other names at or above a similarity, nearest first, ties in the order of the names, at
most ``top_k``. The list is a function of the set of names alone: inserts displace, removals refill, the order never matters.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

#: HippoRAG 1 and 2: similarity >= 0.8; HippoRAG 2's code keeps at most 100 neighbours a phrase.
THRESHOLD = 0.8
TOP_K = 100
#: Pairs compared at a time.
_BLOCK = 4096


def exact_cosine(
    left: NDArray[np.float32], row: NDArray[np.int64], right: NDArray[np.float32], column: NDArray[np.int64]
) -> NDArray[np.float64]:
    """(m,) cosines of the pairs (left[row[i]], right[column[i]]) of unit vectors.

    Each is summed in float64 in one fixed order and rounded to 6 digits: the same number whichever side asks, and whatever
    else is asked for. An edge at the threshold must not depend on the shape of a matrix product.
    """
    similarity = np.empty(len(row))
    for start in range(0, len(row), _BLOCK):
        part = slice(start, start + _BLOCK)
        a, b = left[row[part]].astype(np.float64), right[column[part]].astype(np.float64)
        similarity[part] = np.einsum("ij,ij->i", a, b)
    return similarity.round(6)


def nearest(
    neighbours: Mapping[int, float], names: Mapping[int, str], *, top_k: int = TOP_K
) -> list[tuple[int, float]]:
    """The best *top_k* neighbours as (number, similarity), nearest first, ties in the order of their names."""
    return sorted(neighbours.items(), key=lambda pair: (-pair[1], names[pair[0]]))[:top_k]
