"""Order the best passages by what they say *together*: the words of the question that none before them covers.

A passage of the second hop shares few words with the question, but those are the ones that the first hop leaves open. How
well a passage covers each token of the question is read off late interaction (ColBERT's MaxSim, Khattab and Zaharia 2020),
with one bit a dimension of each stored token vector.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

#: The mean of |x| over the root of the mean of x² for normal x: what the signs of a vector keep of a cosine with it.
_KEPT = float(np.sqrt(2.0 / np.pi))


def max_similarity(tokens: NDArray[np.float32], signs: Sequence[NDArray[np.uint8]]) -> Vector:
    """(t, n) the best cosine of each question token with a token of each of n passages, estimated from signs.

    tokens: (t, d) unit rows.    signs: n arrays (m_i, ceil(d / 8)) of packed signs, see `TokenEmbedder`; m_i may be 0.
    For a vector of independent normal values x, E[q · sign(x)] = sqrt(2 / π) · sqrt(d) · cosine(q, x).
    """
    dimension = tokens.shape[1]
    lengths = np.array([len(rows) for rows in signs])
    best = np.zeros((len(tokens), len(signs)))
    if not lengths.sum():
        return best
    bits = np.unpackbits(np.concatenate(signs), axis=1, count=dimension)
    # q · sign(x) = 2 · (sum of q where x > 0) − (sum of q): one product with zeros and ones.
    with one_blas_thread():
        dots = 2.0 * (tokens @ bits.astype(np.float32).T) - tokens.sum(axis=1, keepdims=True)
    has = np.flatnonzero(lengths)
    starts = (np.cumsum(lengths) - lengths)[has]
    best[:, has] = np.maximum.reduceat(dots, starts, axis=1) / (_KEPT * np.sqrt(dimension))
    return best


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


def one_blas_thread() -> AbstractContextManager[Any]:
    """BLAS on the calling thread alone: its helpers would wait for those of the encoder, which has just run and spins."""
    limited: AbstractContextManager[Any] = _blas().limit(limits=1, user_api="blas")
    return limited


@cache
def _blas() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()  # looks for the libraries once; setting a limit is then a matter of microseconds
