"""The graphs that the retrievers walk on, built from the counts of an index.

Node order: entities, then (in the sentence graph) facts, then passages. All graphs are undirected: (i, j) and (j, i).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import block_array, coo_array, csr_array

from hippomem.retrieve.index import NamespaceIndex, in_role, ones
from hippomem.store.facts import OBJECT, SUBJECT, TITLE


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


def sentence_graph(
    index: NamespaceIndex, *, title_weight: float, entity_weight: float, synonym_weight: float, neighbour_weight: float
) -> csr_array:
    """hippomem's graph: (E + F + P) nodes; a fact lies between its entities and its passages.

    fact-entity 1 (but not a sentence's own title), fact-passage 1, passage-title entity *title_weight*, passage-entity of
    one of its facts *entity_weight*, mutual synonyms *synonym_weight* times their cosine, passages next to each other in a
    session *neighbour_weight*.
    """
    entities, facts, passages = len(index.entities), len(index.fact_keys), len(index.passage_ids)
    named = in_role(index.mentions, ~TITLE)
    made = ones(index.contributions)
    row = np.flatnonzero(index.title_entities >= 0)
    titled = csr_array((np.full(len(row), title_weight), (row, index.title_entities[row])), shape=(passages, entities))
    titled = csr_array(titled + ones(made @ named) * entity_weight)
    near = csr_array(index.synonyms.minimum(index.synonyms.T)) * synonym_weight
    a, b = index.neighbours[:, 0], index.neighbours[:, 1]
    follow = coo_array((np.full(len(a), neighbour_weight), (a, b)), shape=(passages, passages)).tocsr()
    empty = csr_array((facts, facts))
    return csr_array(
        block_array(
            [[near, named.T, titled.T], [named, empty, made.T], [titled, made, follow + follow.T]], format="csr"
        )
    )


def discount_hubs(weights: csr_array, factor: NDArray[np.float64]) -> csr_array:
    """Make a walk prefer specific nodes: the weight of a step into node j is multiplied by factor[j]."""
    discounted = csr_array(weights, dtype=np.float64, copy=True)
    discounted.data *= factor[discounted.indices]
    return discounted


def _between(matrix: csr_array, positions: NDArray[np.int64]) -> csr_array:
    """The entries whose row and column are both among the positions."""
    inside = np.zeros(matrix.shape[0], dtype=bool)
    inside[positions] = True
    pairs = matrix.tocoo()
    keep = inside[pairs.row] & inside[pairs.col]
    return csr_array((pairs.data[keep], (pairs.row[keep], pairs.col[keep])), shape=matrix.shape)
