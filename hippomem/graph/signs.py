"""Signs of random projections: 96 bytes a vector that say which vectors may be near (Charikar 2002, SimHash).

Each bit is the side of a fixed random hyperplane on which a vector lies. Two vectors at an angle differ in angle / pi of
the bits on average, whatever the model that made them. At cosine 0.8 that is 157 of 768 with a standard deviation of 11.2;
`near` gives all pairs that differ in at most 224 bits, six standard deviations more. It says what *may* be near: the
caller compares the vectors.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.uint64]

BITS = 768
WORDS = BITS // 64
#: Most bits in which a pair at cosine 0.8 differs: mean + 6 standard deviations of a binomial, over all bits and over the
#: first half of them, which is looked at alone first.
CUT = 224
CUT_HALF = 126
#: Rows searched at a time.
_QUERIES = 256
#: Pairs (row, name) from which more than one thread is worth its start.
_BULK = 1 << 24


@cache
def _planes(dimension: int) -> NDArray[np.float64]:
    """(dimension, BITS) normal values, as integers below 1024: the same everywhere and for ever, since they decide what is
    stored. Sums of eight bytes are as normal as is needed; plain signs would not do for vectors with few values.
    """
    drawn = hashlib.shake_256(b"hippomem signs 1").digest(dimension * BITS * 8)
    octets = np.frombuffer(drawn, dtype=np.uint8).reshape(dimension, BITS, 8)
    planes: NDArray[np.float64] = octets.sum(axis=2, dtype=np.float64) - 8 * 127.5
    return planes


def project(vectors: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(n, d) vectors as (n, BITS / 8) packed signs of their projections.

    For vectors that were rounded to half precision each sum is exact: a multiple of 2**-24 that fits a double. So the bits
    do not depend on the shape of the product, nor on the order in which it adds.
    """
    planes = _planes(vectors.shape[1])
    packed = np.empty((len(vectors), BITS // 8), dtype=np.uint8)
    for start in range(0, len(vectors), 4096):
        packed[start : start + 4096] = np.packbits(
            vectors[start : start + 4096].astype(np.float64) @ planes > 0, axis=1
        )
    return packed


class SignTable:
    """The signs of many names, in memory: 96 bytes and a row number each, in the order in which they came."""

    def __init__(self) -> None:
        self._count = 0
        self._keys = np.empty(1024, dtype=np.int64)
        self._bits: Bits = np.empty((WORDS, 1024), dtype=np.uint64)

    def __len__(self) -> int:
        return self._count

    @property
    def keys(self) -> NDArray[np.int64]:
        """(n,) row numbers."""
        return self._keys[: self._count]

    def append(self, keys: NDArray[np.int64], packed: bytes) -> None:
        """Add names. packed: their signs, one behind the other."""
        count = self._count + len(keys)
        if count > len(self._keys):
            room = max(count, 2 * len(self._keys))
            self._keys = np.concatenate([self.keys, np.empty(room - self._count, dtype=np.int64)])
            grown = np.empty((WORDS, room), dtype=np.uint64)
            grown[:, : self._count] = self._bits[:, : self._count]
            self._bits = grown
        self._keys[self._count : count] = keys
        self._bits[:, self._count : count] = np.frombuffer(packed, dtype="<u8").reshape(-1, WORDS).T
        self._count = count

    def near(
        self, packed: NDArray[np.uint8], *, threads: int = 1
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Pairs that may be near, in blocks of rows: (row of *packed*, row number of a name), by row.

        packed: (m, BITS / 8).    O(m · n) bit counts, 0.4 ns a pair and core with AVX-512 (2 ns without).
        """
        queries = np.ascontiguousarray(packed).view("<u8").reshape(-1, WORDS)
        from hippomem.graph.hamming import find  # compiled, and only needed when there are names

        def search(start: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
            row, column = find(self._bits, self._count, queries[start : start + _QUERIES], CUT_HALF, CUT)
            order = np.lexsort((column, row))
            return row[order] + start, self._keys[column[order]]

        starts = range(0, len(queries), _QUERIES)
        if threads == 1 or len(queries) * self._count < _BULK:
            yield from map(search, starts)
            return
        with ThreadPoolExecutor(threads) as pool:
            yield from pool.map(search, starts)
