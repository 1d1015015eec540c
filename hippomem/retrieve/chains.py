"""Fact chains: two facts of different passages that share an entity and answer the query together.

The score of a chain is cosine(query, f1 + f2), from vectors that are stored already: no further encoding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from hippomem.graph.similarity import pair_products
from hippomem.retrieve.base import FactCosines, top
from hippomem.retrieve.index import NamespaceIndex, rows
from hippomem.retrieve.linking import HUB

Vector = NDArray[np.float64]

#: First facts of a chain, at most; second facts are all those that share an entity with one.
FIRST = 30
#: Pairs whose own likeness is looked at: those of the highest sum of cosines with the query.
_PROMISING = 1000
#: Pairs kept.
_PAIRS = 200
#: See `ChainScores.against`.
_ALONE = 0.9


@dataclass(frozen=True)
class ChainScores:
    """The best chain that holds a fact of each passage; (P,) cosines, -1 where there is none.

    titled: of chains in which one fact names the title of the other's passage.    every: of all chains.
    """

    titled: Vector
    every: Vector

    def against(self, own: Vector) -> ChainScores:
        """A passage in no chain, or in poor ones only, counts as its own best fact (*own*, (P,) cosines), at a share."""
        return ChainScores(np.maximum(self.titled, _ALONE * own), np.maximum(self.every, _ALONE * own))


@dataclass(frozen=True)
class Chains:
    """What chains are made from: the mentions without hubs, and the title's entity of each fact's passage."""

    index: NamespaceIndex
    mentions: csr_array
    by_entity: csr_array
    passage: NDArray[np.int64]
    title: NDArray[np.int64]
    pairs: NDArray[np.int64]  # fact · E + entity of every mention, sorted

    @classmethod
    def of(cls, index: NamespaceIndex) -> Chains:
        """Prepare an index."""
        frequency = index.document_frequency
        mentions = csr_array(index.mentions, dtype=np.float64, copy=True)
        linking = (frequency >= 2) & (frequency <= HUB)
        sentence = np.repeat(~index.is_triple, np.diff(mentions.indptr))
        mentions.data = (linking[mentions.indices] & sentence).astype(np.float64)
        mentions.eliminate_zeros()
        passage = index.home_of_fact
        facts = np.repeat(np.arange(len(index.fact_keys)), np.diff(index.mentions.indptr))
        pairs = np.sort(facts * len(index.entities) + index.mentions.indices)
        return cls(index, mentions, csr_array(mentions.T), passage, index.title_entities[passage], pairs)

    def score(self, firsts: NDArray[np.int64], cosine: FactCosines) -> ChainScores:
        """Scores of the best chains. firsts: positions of the facts that chains begin with."""
        titled, every = np.full(len(self.index.passage_ids), -1.0), np.full(len(self.index.passage_ids), -1.0)
        first, second = self._sharing(firsts)
        if not len(first):
            return ChainScores(titled, every)
        # The rest could only win by saying the opposite of their partner, which no answer does.
        promising = top(cosine[first] + cosine[second], _PROMISING)
        first, second = first[promising], second[promising]
        between = pair_products(self.index.fact_vectors, first, second)
        pair = (cosine[first] + cosine[second]) / np.sqrt(np.maximum(2.0 + 2.0 * between, 1e-6))
        best = top(pair, _PAIRS)
        first, second, pair = first[best], second[best], pair[best]
        names_title = self._names(first, self.title[second]) | self._names(second, self.title[first])
        for values, kept in ((every, np.ones(len(pair), dtype=bool)), (titled, names_title)):
            for fact in (first[kept], second[kept]):
                np.maximum.at(values, self.passage[fact], pair[kept])
        return ChainScores(titled, every)

    def _sharing(self, firsts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Pairs (first, second) of facts of different passages that share an entity, each once, in order."""
        entities, of_first = rows(self.mentions, firsts)
        seconds, of_entity = rows(self.by_entity, entities)
        facts = len(self.index.fact_keys)
        pairs = np.unique(np.repeat(np.repeat(firsts, of_first), of_entity) * facts + seconds)
        first, second = pairs // max(facts, 1), pairs % max(facts, 1)
        apart = self.passage[first] != self.passage[second]
        return first[apart], second[apart]

    def _names(self, fact: NDArray[np.int64], entity: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each fact mentions the entity of the same position (-1: none)."""
        pairs = fact * len(self.index.entities) + entity
        at = np.searchsorted(self.pairs, pairs)
        at[at == len(self.pairs)] = 0
        named: NDArray[np.bool_] = (entity >= 0) & (self.pairs[at] == pairs)
        return named
