"""Order the best passages by what they say *together*: the words of the question that none before them covers.

A passage of the second hop shares few words with the question, but those are the ones that the first hop leaves open. How
well a passage covers each token of the question is read off late interaction (`hippomem.graph.similarity.max_similarity`).
"""

from __future__ import annotations

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
    weighted = covered * importance[:, None]  # importance >= 0: the maximum of products is the product of the maximum
    value = scores[:, None] + scores[None, :] + linked
    for i in range(n):
        value[i] += worth * np.maximum(weighted, weighted[:, i : i + 1]).sum(axis=0)
    value[np.tril_indices(n)] = -np.inf
    i, j = divmod(int(value.argmax()), n)
    order = [i, j] if scores[i] >= scores[j] else [j, i]
    reached = np.maximum(weighted[:, i], weighted[:, j])
    left = np.ones(n, dtype=bool)
    left[order] = False
    alone = scores + linked[:, order].max(axis=1)
    while left.any():
        gain = alone + worth * np.maximum(weighted, reached[:, None]).sum(axis=0)
        best = int(np.where(left, gain, -np.inf).argmax())
        order.append(best)
        left[best] = False
        reached = np.maximum(reached, weighted[:, best])
    return order
