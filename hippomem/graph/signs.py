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
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.uint64]

BITS = 768
WORDS = BITS // 64
#: Most bits in which a pair at cosine 0.8 differs: mean + 6 standard deviations of a binomial, over all bits and over the
#: first half of them, which is looked at alone first.
CUT = 224
CUT_HALF = 126
#: Rows searched at a time; names compared at a time, few enough to stay in a core's first cache.
_QUERIES = 256
_NAMES = 128
#: Pairs (row, name) from which more than one thread is worth its start.
_BULK = 1 << 24


@cache
def _planes(dimension: int) -> NDArray[np.float64]:
    """(dimension, BITS) normal values, as integers below 1024: the same everywhere and for ever, since they decide what is
    stored. Sums of eight bytes are as normal as is needed; plain signs would not do for vectors with few values.
    """
    drawn = hashlib.shake_256(b"hippomem signs 1").digest(dimension * BITS * 8)
    octets = np.frombuffer(drawn, dtype=np.uint8).reshape(dimension, BITS, 8)
    return octets.sum(axis=2, dtype=np.float64) - 8 * 127.5


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
        find = _kernel()

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


@cache
def _kernel() -> Any:
    from numba import njit, types
    from numba.extending import intrinsic

    @intrinsic  # type: ignore[misc, unused-ignore]
    def count_ones(typingctx, word):  # type: ignore[no-untyped-def]
        def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
            return builder.ctpop(args[0])

        return types.uint64(types.uint64), generate

    @njit(cache=True, nogil=True)  # type: ignore[misc, unused-ignore]
    def find(bits, n, queries, cut_half, cut):  # type: ignore[no-untyped-def]
        half = bits.shape[0] // 2
        room = 1024
        rows = np.empty(room, dtype=np.int64)
        columns = np.empty(room, dtype=np.int64)
        found = 0
        for start in range(0, n, _NAMES):
            size = min(_NAMES, n - start)
            b0, b1, b2 = bits[0, start : start + size], bits[1, start : start + size], bits[2, start : start + size]
            b3, b4, b5 = bits[3, start : start + size], bits[4, start : start + size], bits[5, start : start + size]
            for q in range(len(queries)):
                q0, q1, q2 = queries[q, 0], queries[q, 1], queries[q, 2]
                q3, q4, q5 = queries[q, 3], queries[q, 4], queries[q, 5]
                # The least of a group without a branch: a loop that the compiler turns into vector instructions.
                least = np.uint64(BITS)
                for j in range(size):
                    differ = count_ones(b0[j] ^ q0) + count_ones(b1[j] ^ q1) + count_ones(b2[j] ^ q2)
                    differ += count_ones(b3[j] ^ q3) + count_ones(b4[j] ^ q4) + count_ones(b5[j] ^ q5)
                    least = min(least, differ)
                if np.int64(least) > cut_half:
                    continue
                for j in range(size):
                    total = np.int64(0)
                    for w in range(half):
                        total += np.int64(count_ones(bits[w, start + j] ^ queries[q, w]))
                    if total > cut_half:
                        continue
                    for w in range(half, 2 * half):
                        total += np.int64(count_ones(bits[w, start + j] ^ queries[q, w]))
                    if total > cut:
                        continue
                    if found == room:
                        rows = np.concatenate((rows, np.empty(room, dtype=np.int64)))
                        columns = np.concatenate((columns, np.empty(room, dtype=np.int64)))
                        room *= 2
                    rows[found] = q
                    columns[found] = start + j
                    found += 1
        return rows[:found], columns[:found]

    return find
