"""The graphs that HippoRAG 1 and 2 walk on, built from the counts of an index.

Node order: entities, then passages. Both graphs are undirected: (i, j) and (j, i).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import block_array, csr_array

from hippomem.retrieve.index import NamespaceIndex, in_role
from hippomem.store.facts import OBJECT, SUBJECT


def phrase_graph(index: NamespaceIndex) -> csr_array:
    """HippoRAG's phrase graph: (E, E) weights.

    Each triple adds 1 to (subject, object) and to (object, subject), so a pair gets twice its count. A synonym pair
    weighs its cosine in each direction, *instead of* the pair's count in that direction, as in the reference code. Without
    triples a sentence counts as a fact, and each pair of its entities as subject and object.
    """
    entities = len(index.entities)
    counts = np.asarray(index.contributions.sum(axis=0)).ravel()
    if len(index.triples):
        mentions = index.mentions[index.triples]
        subject, obj = in_role(mentions, SUBJECT), in_role(mentions, OBJECT)
        weighted = csr_array(subject.T * counts[index.triples]) if entities else subject.T
        directed = csr_array(weighted @ obj)
        directed = csr_array(directed + directed.T)
    else:
        pattern = in_role(index.mentions, ~0)
        directed = csr_array(csr_array(pattern.T * counts) @ pattern)
        directed.setdiag(0)
        directed.eliminate_zeros()
    synonyms = _between(index.synonyms, index.phrases)
    kept = csr_array(directed - directed.multiply(synonyms > 0))
    ordered = csr_array(kept + synonyms)
    return csr_array(ordered + ordered.T)


def passage_phrase_graph(index: NamespaceIndex) -> csr_array:
    """HippoRAG 2's graph: the phrase graph and a node for each passage, joined at weight 1 to each of its phrases."""
    context = index.passage_phrases
    return csr_array(block_array([[phrase_graph(index), context.T], [context, None]], format="csr"))


def _between(matrix: csr_array, positions: NDArray[np.int64]) -> csr_array:
    """The entries whose row and column are both among the positions."""
    inside = np.zeros(matrix.shape[0], dtype=bool)
    inside[positions] = True
    pairs = matrix.tocoo()
    keep = inside[pairs.row] & inside[pairs.col]
    return csr_array((pairs.data[keep], (pairs.row[keep], pairs.col[keep])), shape=matrix.shape)
