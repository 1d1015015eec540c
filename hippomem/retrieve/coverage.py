"""Order the best passages by what they say *together*: the words of the question that none before them covers.

A passage of the second hop shares few words with the question, but those are the ones that the first hop leaves open. How
well a passage covers each token of the question is read off late interaction (`hippomem.graph.similarity.max_similarity`).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


def covering_order(scores: Vector, covered: Vector, importance: Vector, linked: Vector, *, worth: float) -> list[int]:
    """An order of n passages in which each says what those before it leave open, and the first are linked.

    scores: (n,) how good each is by itself.    covered: (t, n) how well it covers each token.    importance: (t,) of the
    tokens, >= 0, summing to 1.    linked: (n, n) what a link between two passages adds.    worth: of covering everything,
    against 1 point of score.
    The first two are the pair (i, j) of the highest
    score_i + score_j + linked_ij + worth · Σ_t importance_t max(covered_ti, covered_tj), the better one first; each further
    one has the highest score + its best link with the first two + worth · (what is covered with it). Ties by position.
    """
    n = len(scores)
    if n < 3:
        return sorted(range(n), key=lambda i: (-scores[i], i))
    order = np.empty(n, dtype=np.int64)
    # importance >= 0: the maximum of products is the product of the maximum.
    _kernel()(scores, np.ascontiguousarray((covered * importance[:, None]).T), linked, worth, order)
    return [int(i) for i in order]


@cache
def _kernel() -> Any:
    """The compiled loops: n² · t steps, where numpy would take longer to be called than to add."""
    from numba import njit

    @njit(cache=True, nogil=True)  # type: ignore[misc, unused-ignore]
    def choose(scores, weighted, linked, worth, order):  # type: ignore[no-untyped-def]
        n, t = weighted.shape
        best = -np.inf
        for i in range(n):
            for j in range(i + 1, n):
                together = 0.0
                for k in range(t):
                    together += max(weighted[i, k], weighted[j, k])
                value = scores[i] + scores[j] + linked[i, j] + worth * together
                if value > best:
                    best = value
                    order[0], order[1] = (i, j) if scores[i] >= scores[j] else (j, i)
        first, second = order[0], order[1]
        reached = np.maximum(weighted[first], weighted[second])
        left = np.ones(n, dtype=np.bool_)
        left[first] = left[second] = False
        for place in range(2, n):
            best, chosen = -np.inf, -1
            for i in range(n):
                if left[i]:
                    together = 0.0
                    for k in range(t):
                        together += max(weighted[i, k], reached[k])
                    value = scores[i] + max(linked[i, first], linked[i, second]) + worth * together
                    if value > best:
                        best, chosen = value, i
            order[place] = chosen
            left[chosen] = False
            reached = np.maximum(reached, weighted[chosen])

    return choose
