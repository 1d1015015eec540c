"""Similarities of stored vectors with a query, compiled: rows with one vector, token signs with many.

Each row is summed by itself in one fixed order, so a similarity does not depend on what else is asked for, and no thread
waits for those of the encoder that has just run (a BLAS product after it takes 20 ms instead of 0.3 on two busy cores).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: sqrt(2 / π): what the signs of a vector of normal values keep of a cosine with it.
_KEPT = float(np.sqrt(2.0 / np.pi))


def row_products(
    vectors: NDArray[np.float32], query: NDArray[np.float32], rows: NDArray[np.int64] | None = None
) -> NDArray[np.float64]:
    """(m,) dot products of rows of *vectors* (n, d) with *query* (d,): cosines, for unit vectors.

    rows: (m,) positions; None for all n, in order.

    >>> row_products(np.eye(3, dtype=np.float32), np.array([0.6, 0.8, 0.0], dtype=np.float32), np.array([1, 0])).round(1)
    array([0.8, 0.6])
    """
    rows = np.arange(len(vectors)) if rows is None else rows
    products = np.empty(len(rows), dtype=np.float32)
    if len(rows):
        _row_kernel()(vectors, query, rows, products)
    return products.astype(np.float64)


def quantise(vectors: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """(n, d) rows as whole numbers of -127 to 127 and (n,) scales: row ≈ scale · numbers; a quarter of the space.

    Each row by itself, so it has the same bytes wherever it stands. A cosine of unit rows (d = 384) is off by 0.0005.
    """
    scales = (np.abs(vectors).max(axis=1, initial=0.0) / 127.0).astype(np.float32)
    safe = np.where(scales > 0, scales, np.float32(1.0))
    return np.rint(vectors / safe[:, None]).astype(np.int8), scales


def quantised_products(
    vectors: NDArray[np.int8], scales: NDArray[np.float32], query: NDArray[np.float32], rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    """(m,) dot products of quantised rows with *query* (d,) float32. See `quantise`."""
    products = np.empty(len(rows), dtype=np.float32)
    if len(rows):
        _quantised_kernel()(vectors, scales, query, rows, products)
    return products.astype(np.float64)


def quantised_pairs(
    vectors: NDArray[np.int8], scales: NDArray[np.float32], first: NDArray[np.int64], second: NDArray[np.int64]
) -> NDArray[np.float64]:
    """(m,) dot products of quantised row first[i] with row second[i]."""
    products = np.empty(len(first), dtype=np.float32)
    if len(first):
        _quantised_pair_kernel()(vectors, scales, first, second, products)
    return products.astype(np.float64)


def max_similarity(tokens: NDArray[np.float32], signs: Sequence[NDArray[np.uint8]]) -> NDArray[np.float64]:
    """(t, n) the best cosine of each of t query tokens with a token of each of n passages, estimated from signs.

    This is late interaction's MaxSim (ColBERT, Khattab and Zaharia 2020), before the sum over query tokens.
    tokens: (t, d) unit rows.    signs: n arrays (m_i, ceil(d / 8)) of packed signs, see `TokenEmbedder`; one with m_i = 0 is
    0 everywhere.    For independent normal values x, E[q · sign(x)] = sqrt(2 / π) · sqrt(d) · cosine(q, x).
    Cost: d / 8 additions of t values for each token of a passage, from a table of what each byte of signs adds.
    """
    t, d = tokens.shape
    best = np.full((len(signs), t), -np.inf, dtype=np.float32)
    lengths = np.array([len(rows) for rows in signs], dtype=np.int64)
    if lengths.sum():
        width = -(-d // 8)
        # As many places as vector instructions take at a time: a rest would be added one by one.
        wide = -(-t // 16) * 16
        by_bit = np.zeros((width * 8, wide), dtype=np.float32)
        by_bit[:d, :t] = tokens.T
        padded = np.full((len(signs), wide), -np.inf, dtype=np.float32)
        _sign_kernel()(by_bit.reshape(width, 8, wide), np.concatenate(signs), lengths, padded)
        best = padded[:, :t]
    best[lengths == 0] = 0.0
    similarity: NDArray[np.float64] = best.T.astype(np.float64) / (_KEPT * np.sqrt(d))
    return similarity


@cache
def _row_kernel() -> Any:
    from numba import njit

    @njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})  # type: ignore[misc, unused-ignore]
    def multiply(vectors, query, rows, products):  # type: ignore[no-untyped-def]
        for i in range(len(rows)):
            vector = vectors[rows[i]]
            total = np.float32(0.0)
            for k in range(len(query)):
                total += vector[k] * query[k]
            products[i] = total

    return multiply


@cache
def _quantised_kernel() -> Any:
    from numba import njit

    @njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})  # type: ignore[misc, unused-ignore]
    def multiply(vectors, scales, query, rows, products):  # type: ignore[no-untyped-def]
        for i in range(len(rows)):
            vector = vectors[rows[i]]
            total = np.float32(0.0)
            for k in range(len(query)):
                total += np.float32(vector[k]) * query[k]
            products[i] = total * scales[rows[i]]

    return multiply


@cache
def _quantised_pair_kernel() -> Any:
    from numba import njit

    @njit(cache=True, nogil=True)  # type: ignore[misc, unused-ignore]
    def multiply(vectors, scales, first, second, products):  # type: ignore[no-untyped-def]
        for i in range(len(first)):
            a, b = vectors[first[i]], vectors[second[i]]
            total = np.int32(0)
            for k in range(len(a)):
                total += np.int32(a[k]) * np.int32(b[k])
            products[i] = total * scales[first[i]] * scales[second[i]]

    return multiply


@cache
def _sign_kernel() -> Any:
    from numba import njit

    @njit(cache=True, nogil=True)  # type: ignore[misc, unused-ignore]
    def best_of(by_bit, signs, lengths, best):  # type: ignore[no-untyped-def]
        width, _, t = by_bit.shape
        dots = np.zeros((len(signs), t), dtype=np.float32)
        # table[b]: what byte b in place w adds for each query token; a set bit adds its value, a clear one takes it off.
        # One place after the other, so that the table stays in the nearest cache.
        table = np.empty((256, t), dtype=np.float32)
        for w in range(width):
            for j in range(t):
                total = np.float32(0.0)
                for bit in range(8):
                    total += by_bit[w, bit, j]
                table[0, j] = -total
            for bit in range(
                8
            ):  # from the lowest bit: bytes below 1 << bit are there, and each gives one with that bit set
                low = 1 << bit
                for byte in range(low):
                    for j in range(t):
                        table[low + byte, j] = table[byte, j] + 2 * by_bit[w, 7 - bit, j]
            for row in range(len(signs)):
                entry = table[signs[row, w]]
                for j in range(t):
                    dots[row, j] += entry[j]
        row = 0
        for passage in range(len(lengths)):
            for _ in range(lengths[passage]):
                for j in range(t):
                    best[passage, j] = max(best[passage, j], dots[row, j])
                row += 1

    return best_of
