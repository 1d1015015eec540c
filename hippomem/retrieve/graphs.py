"""The graphs that HippoRAG 1 and 2 walk on, built from the counts of an index.

Node order: entities, then passages. Both graphs are undirected: (i, j) and (j, i).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import block_array, csr_array

from hippomem.retrieve.index import NamespaceIndex, in_role, ones
from hippomem.store.facts import OBJECT, SUBJECT


def phrase_graph(index: NamespaceIndex) -> csr_array:
    """HippoRAG's phrase graph: (E, E) weights.

    Each triple adds 1 to (subject, object) and to (object, subject), so a pair gets twice its count. A synonym pair
    weighs its cosine in each direction, *instead of* the pair's count in that direction, as in the reference code. A
    sentence that stands in for triples counts as a fact, and each pair of its entities as subject and object.
    """
    counts = np.asarray(index.contributions.sum(axis=0)).ravel()
    mentions = index.mentions[index.triples]
    subject, obj = in_role(mentions, SUBJECT), in_role(mentions, OBJECT)
    directed = csr_array(_times(subject.T, counts[index.triples]) @ obj)
    directed = csr_array(directed + directed.T)
    pattern = ones(index.mentions[index.stand_ins])
    pairs = csr_array(_times(pattern.T, counts[index.stand_ins]) @ pattern)
    pairs.setdiag(0)
    pairs.eliminate_zeros()
    directed = csr_array(directed + pairs)
    synonyms = _between(index.synonyms, index.phrases)
    kept = csr_array(directed - directed.multiply(synonyms > 0))
    ordered = csr_array(kept + synonyms)
    return csr_array(ordered + ordered.T)


def passage_phrase_graph(index: NamespaceIndex) -> csr_array:
    """HippoRAG 2's graph: the phrase graph and a node for each passage, joined at weight 1 to each of its phrases."""
    context = index.passage_phrases
    return csr_array(block_array([[phrase_graph(index), context.T], [context, None]], format="csr"))


def _times(matrix: csr_array, weights: NDArray[np.float64]) -> csr_array:
    """The matrix with each column times its weight."""
    return csr_array(matrix * weights) if all(matrix.shape) else csr_array(matrix)


def _between(matrix: csr_array, positions: NDArray[np.int64]) -> csr_array:
    """The entries whose row and column are both among the positions."""
    inside = np.zeros(matrix.shape[0], dtype=bool)
    inside[positions] = True
    pairs = matrix.tocoo()
    keep = inside[pairs.row] & inside[pairs.col]
    return csr_array((pairs.data[keep], (pairs.row[keep], pairs.col[keep])), shape=matrix.shape)
