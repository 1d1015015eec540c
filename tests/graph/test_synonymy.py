"""Synonymy: which names are near, exactly, whatever else is in the matrix."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hippomem.graph.synonymy import THRESHOLD, near_pairs, nearest

Vectors = NDArray[np.float32]
relaxed = settings(max_examples=50, deadline=None)


def unit(rows: NDArray[np.float64]) -> Vectors:
    """Rows of length 1, as the store keeps them."""
    vectors: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return vectors


@st.composite
def names(draw: st.DrawFn) -> Vectors:
    """A few unit vectors around two directions, so that many pairs are near the threshold."""
    count, seed = draw(st.integers(1, 12)), draw(st.integers(0, 9999))
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(2, 16))
    return unit(centres[rng.integers(0, 2, count)] + 0.45 * rng.normal(size=(count, 16)))


def pairs(
    vectors: Vectors, rows: list[int] | None = None, threshold: float = THRESHOLD
) -> dict[tuple[int, int], float]:
    """(row, column) → similarity."""
    chosen = np.arange(len(vectors)) if rows is None else np.array(rows, dtype=np.int64)
    found = near_pairs(vectors, chosen, threshold=threshold)
    return {(int(i), int(j)): float(s) for i, j, s in zip(found.row, found.column, found.similarity, strict=True)}


@given(names())
@relaxed
def test_all_pairs_above_the_threshold_and_no_other(vectors: Vectors) -> None:
    """The answer is what comparing each with each, in double precision, gives."""
    exact = (vectors.astype(np.float64) @ vectors.T.astype(np.float64)).round(6)
    expected = {
        (i, j): exact[i, j]
        for i in range(len(vectors))
        for j in range(len(vectors))
        if i != j and exact[i, j] >= THRESHOLD
    }
    found = pairs(vectors)
    assert found.keys() == expected.keys()
    assert all(found[pair] == pytest.approx(expected[pair], abs=2e-6) for pair in found)


@given(names())
@relaxed
def test_symmetric_to_the_last_bit(vectors: Vectors) -> None:
    """(a, b) is near if and only if (b, a) is, at exactly the same similarity."""
    found = pairs(vectors)
    assert all(found[j, i] == similarity for (i, j), similarity in found.items())


@given(names(), st.data())
@relaxed
def test_a_pair_does_not_depend_on_the_other_rows(vectors: Vectors, data: st.DataObject) -> None:
    """Searched alone, in part or all together, among few or many, each pair has exactly the same similarity."""
    everything = pairs(vectors)
    kept = sorted(data.draw(st.sets(st.integers(0, len(vectors) - 1), min_size=1)))
    among_few = pairs(vectors[kept])
    assert among_few == {
        (kept.index(i), kept.index(j)): s for (i, j), s in everything.items() if i in kept and j in kept
    }
    one = data.draw(st.sampled_from(kept))
    assert pairs(vectors, [one]) == {pair: s for pair, s in everything.items() if pair[0] == one}


def test_the_threshold_itself_is_near() -> None:
    """Cosine 0.8 counts as 0.8 or more; a little less does not."""
    vectors = unit(np.array([[1.0, 0.0], [0.8, 0.6], [0.79, np.sqrt(1 - 0.79**2)]]))
    found = pairs(vectors)
    assert found[0, 1] == 0.8
    assert (0, 2) not in found
    assert (0, 2) in pairs(vectors, threshold=0.7)


def test_blocks_do_not_show() -> None:
    """More rows than fit one block give the same pairs as row by row, and no name is its own synonym."""
    vectors = unit(np.random.default_rng(5).normal(size=(1100, 6)))
    together = near_pairs(vectors, np.arange(1100), threshold=0.95)
    assert len(together.row) > 100
    assert (together.row != together.column).all()
    alone = near_pairs(vectors, np.array([1050]), threshold=0.95)
    assert together.similarity[together.row == 1050].tolist() == alone.similarity.tolist()
    assert together.column[together.row == 1050].tolist() == alone.column.tolist()


def test_nothing_to_search_from() -> None:
    """No row, no pair; one name, no pair."""
    vectors = unit(np.ones((1, 4)))
    assert pairs(vectors, []) == {}
    assert pairs(vectors) == {}


def test_nearest_first_and_ties_by_position() -> None:
    """Sorted by similarity, then by the lower position, cut at top_k, whatever the order given."""
    assert nearest([9, 4, 7, 2], [0.9, 0.95, 0.9, 0.9], top_k=3) == [(4, 0.95), (2, 0.9), (7, 0.9)]
    assert nearest([2, 7, 4, 9], [0.9, 0.9, 0.95, 0.9], top_k=3) == [(4, 0.95), (2, 0.9), (7, 0.9)]
    assert nearest([], []) == []
