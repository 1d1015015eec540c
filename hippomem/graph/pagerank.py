"""Personalized PageRank: activation spreads from the seeds along the edges, and returns to them.

Damping is the probability of *following an edge* (as in igraph and in HippoRAG); one minus damping is the probability of
returning to the seeds. At HippoRAG's 0.5 a walk takes one step on average: the answer is local.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from hippomem.errors import EmptyResetError

#: HippoRAG (2024), tuned on 100 MuSiQue training questions; HippoRAG 2 keeps it.
DAMPING = 0.5


def row_stochastic(weights: csr_array) -> csr_array:
    """The transition matrix of a weighted graph: each row divided by its sum, rows of zeros left as they are.

    weights: (n, n) CSR, >= 0; an undirected graph has both (i, j) and (j, i).    Returns (n, n) CSR float64, without the
    edges of weight 0.
    """
    sums = np.asarray(weights.sum(axis=1), dtype=np.float64).ravel()
    inverse = np.divide(1.0, sums, out=np.zeros_like(sums), where=sums > 0)
    scaled = csr_array(weights, dtype=np.float64, copy=True)
    scaled.data *= np.repeat(inverse, np.diff(scaled.indptr))
    scaled.eliminate_zeros()
    return scaled


def transposed(transition: csr_array) -> csr_array:
    """(n, n) CSR whose row j holds what flows into node j: see ``pull`` of `personalized_pagerank`.

    Indices are 32-bit where they fit: half the memory traffic of the walk's inner loop.
    """
    pull = csr_array(transition.T.tocsr())
    if max(pull.nnz, pull.shape[0]) < np.iinfo(np.int32).max:
        pull.indices, pull.indptr = pull.indices.astype(np.int32), pull.indptr.astype(np.int32)
    return pull


def personalized_pagerank(
    transition: csr_array,
    reset: NDArray[np.float64],
    *,
    damping: float = DAMPING,
    tol: float = 1e-9,
    max_iter: int = 200,
    pull: csr_array | None = None,
) -> NDArray[np.float64]:
    """Score nodes by a random walk that restarts at the seed nodes.

    Solves x = damping · Pᵀx + (1 − damping) · reset   (Haveliwala 2002; HippoRAG 2024), by power iteration, until the L1
    change is at most *tol*; the L1 error is then at most tol · damping / (1 − damping).

    transition: (n, n) CSR, rows sum to 1; a row of zeros restarts.    reset: (n,), >= 0, sum > 0; normalised here.
    damping: in [0, 1).    pull: the transposed transition as CSR, from a caller that keeps it: gathering is faster.
    Returns (n,) float64 summing to 1. Raises EmptyResetError if no seed has weight.

    >>> personalized_pagerank(csr_array(np.array([[0.0, 1.0], [1.0, 0.0]])), np.array([1.0, 0.0])).round(2)
    array([0.67, 0.33])
    """
    total = reset.sum()
    if not total > 0:
        raise EmptyResetError("personalized PageRank needs at least one seed with weight; every reset weight is zero.")
    restart = reset / total
    pull = transition.T if pull is None else pull  # (pull @ x)[j] sums what flows into j
    # By sums, not by stored entries: an edge of weight 0 may be stored.
    dangling = np.flatnonzero(transition @ np.ones(len(reset)) == 0.0)
    x: NDArray[np.float64] = restart.copy()
    for _ in range(max_iter):
        flow = pull @ x
        if len(dangling):
            flow += x[dangling].sum() * restart
        following = damping * flow + (1.0 - damping) * restart
        change = np.abs(following - x).sum()
        x = following
        if change <= tol:
            break
    return x
