"""Which signs differ in few bits: the compiled loop of `hippomem.graph.signs`, which imports it when it is needed.

A module of its own, since numba finds a compiled function again in the next process only if it is at the top of one.
"""

from __future__ import annotations

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

#: Names compared at a time: few enough to stay in a core's first cache.
_NAMES = 128


@intrinsic  # type: ignore[misc, unused-ignore]
def count_ones(typingctx, word):  # type: ignore[no-untyped-def]
    """The set bits of a uint64: one instruction, for eight words at a time where the processor can."""

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return builder.ctpop(args[0])

    return types.uint64(types.uint64), generate


@njit(cache=True, nogil=True)  # type: ignore[misc, unused-ignore]
def find(bits, n, queries, cut_half, cut):  # type: ignore[no-untyped-def]
    """Pairs (row of *queries*, column of *bits*) that differ in few bits, in no order.

    bits: (12, room) uint64 of which n columns are names.    queries: (m, 12).    cut_half, cut: most bits in which a pair
    may differ, in the first half of its words and in all.
    """
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
            least = np.uint64(64 * bits.shape[0])
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
