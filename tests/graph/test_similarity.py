"""Compiled similarities: plain arithmetic, and independent of what else is asked."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hippomem.graph.similarity import max_similarity, row_products
from hippomem.models.embedder import sign_bits


@settings(max_examples=25, deadline=None)
@given(n=st.integers(1, 40), d=st.integers(1, 70), seed=st.integers(0, 999))
def test_row_products_are_dot_products(n: int, d: int, seed: int) -> None:
    """Each is the dot product of its row, for all rows and for some."""
    rng = np.random.default_rng([n, d, seed])
    vectors, query = rng.standard_normal((n, d), dtype=np.float32), rng.standard_normal(d, dtype=np.float32)
    expected = vectors.astype(np.float64) @ query.astype(np.float64)
    assert row_products(vectors, query) == pytest.approx(expected, abs=1e-4)
    rows = rng.integers(0, n, 7)
    assert row_products(vectors, query, rows) == pytest.approx(expected[rows], abs=1e-4)


def test_a_row_has_the_same_bits_alone_and_among_others() -> None:
    """A passage's cosine does not change when passages are added elsewhere."""
    rng = np.random.default_rng(0)
    vectors, query = rng.standard_normal((50, 384), dtype=np.float32), rng.standard_normal(384, dtype=np.float32)
    together = row_products(vectors, query)
    for i in (0, 7, 49):
        assert row_products(vectors[i : i + 1], query)[0] == together[i]
        assert row_products(vectors, query, np.array([3, i]))[1] == together[i]


def test_no_rows_give_no_products() -> None:
    """An empty store, and an empty choice of rows."""
    assert row_products(np.zeros((0, 3), dtype=np.float32), np.zeros(3, dtype=np.float32)).shape == (0,)
    assert (
        row_products(np.eye(3, dtype=np.float32), np.ones(3, dtype=np.float32), np.array([], dtype=np.int64)).size == 0
    )


@settings(max_examples=25, deadline=None)
@given(lengths=st.lists(st.integers(0, 6), min_size=1, max_size=5), d=st.integers(1, 40), seed=st.integers(0, 999))
def test_max_similarity_is_the_best_product_with_signs(lengths: list[int], d: int, seed: int) -> None:
    """max over a passage's tokens of q · sign(x), scaled; 0 for a passage without tokens; any dimension."""
    rng = np.random.default_rng([d, seed])
    tokens = rng.standard_normal((3, d), dtype=np.float32)
    passages = [rng.standard_normal((m, d), dtype=np.float32) for m in lengths]
    expected = [np.max(tokens @ np.where(x > 0, 1.0, -1.0).T, axis=1) if len(x) else np.zeros(3) for x in passages]
    found = max_similarity(tokens, [sign_bits(x) for x in passages])
    assert found * np.sqrt(2 / np.pi) * np.sqrt(d) == pytest.approx(np.array(expected).T, abs=1e-4)


def test_signs_estimate_the_cosine() -> None:
    """For random unit vectors of 384 dimensions the estimate is within 0.1 of the cosine (five standard deviations)."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((200, 384), dtype=np.float32)
    q = (x + rng.standard_normal((200, 384), dtype=np.float32)).astype(np.float32)
    q /= np.linalg.norm(q, axis=1, keepdims=True)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    estimate = np.array([max_similarity(q[i : i + 1], [sign_bits(x[i : i + 1])])[0, 0] for i in range(200)])
    assert np.abs(estimate - (q * x).sum(axis=1)).max() < 0.1
    assert np.abs((estimate - (q * x).sum(axis=1)).mean()) < 0.01
