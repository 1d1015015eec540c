"""HippoRAG 1 (Gutiérrez et al. 2024, NeurIPS), online part.

The query's named entities go to their nearest phrase nodes, weighted by node specificity; the walk runs over phrases only;
a passage scores the PageRank of the phrases of its facts, counted as often as it states them.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from hippomem.graph.pagerank import personalized_pagerank, row_stochastic, transposed
from hippomem.graph.similarity import row_products
from hippomem.models.embedder import Embedder
from hippomem.retrieve.base import FactCosines, Ranking, Stopwatch, check_query, min_max
from hippomem.retrieve.explain import Explainer
from hippomem.retrieve.graphs import phrase_graph
from hippomem.retrieve.index import NamespaceIndex
from hippomem.retrieve.index_walk import IndexWalk
from hippomem.retrieve.linking import query_mentions
from hippomem.retrieve.options import QueryEntities
from hippomem.store import Store, vectors
from hippomem.text.fold import fold
from hippomem.types import SearchResult


class HippoRag1:
    """HippoRAG 1 on triples; on sentences where the store holds no triple (the result's note says so).

    query_entities: how to find the query's names (in the paper an LLM, `LlmQueryEntities`); by default without a model.
    """

    name = "hipporag1"

    def __init__(
        self, store: Store, index: NamespaceIndex, embedder: Embedder, *, query_entities: QueryEntities | None = None
    ) -> None:
        self._store, self._index, self._embedder, self._query_entities = store, index, embedder, query_entities
        self._explain = Explainer(store, self.name)

    @cached_property
    def _transition(self) -> csr_array:
        return row_stochastic(phrase_graph(self._index))

    @cached_property
    def _pull(self) -> csr_array:
        return transposed(self._transition)

    @cached_property
    def _passage_phrase_counts(self) -> csr_array:
        """(P, E) how often a passage's facts name a phrase: the paper's D2F · F2P."""
        return csr_array(self._index.contributions @ self._index.fact_phrases)

    @cached_property
    def _phrase_vectors(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Positions of embedded phrases, and their vectors."""
        index = self._index
        dimension = index.passage_vectors.shape[1]
        keys, matrix = vectors.entity_matrix_by_key(
            self._store.db, index.entity_keys[index.phrases].tolist(), dimension
        )
        embedded = np.isin(index.entity_keys[index.phrases], keys)
        return index.phrases[embedded], matrix

    def search(self, query: str, *, k: int = 10, explain: bool = True) -> SearchResult:
        """See `Retriever.search`. Falls back to dense ranking, and says so, when the query names nothing."""
        check_query(query, k)
        index, watch = self._index, Stopwatch()
        with watch.stage("link"):
            names = self._names(query)
        with watch.stage("encode"):
            embedded = self._embedder.embed([query], role="query")
            name_vectors = self._embedder.embed(names, role="entity")
        note = "" if len(index.triples) else "no triples in this store: sentences are taken as facts"
        cosine = FactCosines(index.fact_vectors, embedded[0])
        phrases, matrix = self._phrase_vectors
        if not names or not len(phrases):
            dense = row_products(index.passage_vectors, embedded[0])
            note = "the query names no entity: dense ranking" if not names else "no phrase to link to: dense ranking"
            ranking = Ranking(dense, why=self._explain.dense(dense, note), note=note)
            return ranking.present(self._store, index, self.name, query, k, explain, watch)
        with watch.stage("link"):
            linked = np.unique([phrases[row_products(matrix, name).argmax()] for name in name_vectors])
            reset = np.zeros(len(index.entities))
            reset[linked] = 1.0 / np.maximum(index.phrase_frequency[linked], 1.0)
        with watch.stage("walk"):
            x = personalized_pagerank(self._transition, reset, pull=self._pull)
            scores = min_max(self._passage_phrase_counts @ x, equal=1.0)
        walk = IndexWalk(index, self._pull, x, reset / reset.sum(), cosine)
        why = self._explain.walked(walk, lambda p: {"pagerank": float(scores[p])}, note)
        ranking = Ranking(scores, why=why, note=note)
        return ranking.present(self._store, index, self.name, query, k, explain, watch)

    def _names(self, query: str) -> list[str]:
        if self._query_entities is not None:
            found = [fold(name) for name in self._query_entities(query)]
        else:
            found = [mention.key for mention in query_mentions(query, self._index.entity_position.__contains__)]
        return [name for name in dict.fromkeys(found) if name]
