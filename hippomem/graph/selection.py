"""The best few of many, compiled by numba: importing this module loads numba.

At the level of a module, because a loop that calls another compiled function is kept on disk only there: made inside a
function, it is compiled again in every process.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)  # type: ignore[misc, unused-ignore]
def sift(heap, size, new, scores, ties):  # type: ignore[no-untyped-def]
    """Put *new* in the place of the worst of a heap."""
    at = 0
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size:
            a, b = heap[child], heap[child + 1]
            if scores[b] < scores[a] or (scores[b] == scores[a] and ties[b] > ties[a]):
                child += 1
        below = heap[child]
        if scores[new] < scores[below] or (scores[new] == scores[below] and ties[new] > ties[below]):
            break
        heap[at] = below
        at = child
    heap[at] = new


@njit(cache=True, nogil=True)  # type: ignore[misc, unused-ignore]
def select(scores, ties, k):  # type: ignore[no-untyped-def]
    """(k,) positions of the best *k* of (n,) scores, best first, lower ties first; k at most n."""
    # heap: the best k so far, the worst of them first.
    heap = np.empty(k, dtype=np.int64)
    size = 0
    for new in range(len(scores) if k else 0):
        if size < k:
            at = size
            size += 1
            while at:
                parent = (at - 1) // 2
                above = heap[parent]
                if scores[new] > scores[above] or (scores[new] == scores[above] and ties[new] < ties[above]):
                    break
                heap[at] = above
                at = parent
            heap[at] = new
            continue
        worst = heap[0]
        if scores[new] < scores[worst] or (scores[new] == scores[worst] and ties[new] > ties[worst]):
            continue
        sift(heap, size, new, scores, ties)
    best = np.empty(size, dtype=np.int64)
    while size:
        size -= 1
        best[size] = heap[0]
        if size:
            sift(heap, size, heap[size], scores, ties)
    return best
