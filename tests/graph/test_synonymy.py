"""Synonymy: how near two names are, exactly, whatever else is asked for, and which of a list are nearest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hippomem.graph.synonymy import exact_cosine, nearest

Vectors = NDArray[np.float32]
relaxed = settings(max_examples=50, deadline=None)


def unit(rows: NDArray[np.float64]) -> Vectors:
    """Rows of length 1."""
    vectors: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return vectors


def similarities(vectors: Vectors, chosen: list[int]) -> dict[tuple[int, int], float]:
    """(row, column) → cosine, of all pairs of the chosen rows."""
    row, column = (
        np.array(part, dtype=np.int64) for part in zip(*[(i, j) for i in chosen for j in chosen], strict=True)
    )
    found = exact_cosine(vectors, row, vectors, column)
    return {(int(i), int(j)): float(s) for i, j, s in zip(row, column, found, strict=True)}


@given(st.integers(1, 12), st.integers(0, 9999), st.data())
@relaxed
def test_a_pair_does_not_depend_on_the_others(count: int, seed: int, data: st.DataObject) -> None:
    """Alone, in part or all together, from either side, a pair has exactly the same similarity: the rounded cosine."""
    vectors = unit(np.random.default_rng(seed).normal(size=(count, 16)))
    everything = similarities(vectors, list(range(count)))
    exact = vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    assert all(everything[j, i] == s == pytest.approx(exact[i, j], abs=2e-6) for (i, j), s in everything.items())
    kept = sorted(data.draw(st.sets(st.integers(0, count - 1), min_size=1)))
    assert similarities(vectors, kept) == {(i, j): everything[i, j] for i in kept for j in kept}


def test_blocks_do_not_show() -> None:
    """More pairs than are compared at a time have the similarities that each has alone."""
    vectors = unit(np.random.default_rng(5).normal(size=(100, 6)))
    together = similarities(vectors, list(range(100)))
    assert len(together) > 2 * 4096
    assert all(together[i, i + 1] == similarities(vectors, [i, i + 1])[i, i + 1] for i in range(0, 99, 7))


def test_nearest_first_and_ties_by_name() -> None:
    """Sorted by similarity, then by name, cut at top_k, whatever the order given and whatever the numbers."""
    names = {9: "a", 4: "b", 7: "c", 2: "d"}
    assert nearest({2: 0.9, 9: 0.9, 4: 0.95, 7: 0.9}, names, top_k=3) == [(4, 0.95), (9, 0.9), (7, 0.9)]
    assert nearest({7: 0.9, 4: 0.95, 9: 0.9, 2: 0.9}, names, top_k=3) == [(4, 0.95), (9, 0.9), (7, 0.9)]
    assert nearest({}, {}) == []
