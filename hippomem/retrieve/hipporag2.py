"""HippoRAG 2 (Gutiérrez et al. 2025, "From RAG to Memory"), online part, with the constants of the authors' code.

Link the query to facts, let an LLM drop those that do not help (optional), seed their subjects and objects, give every
passage a small seed by dense similarity, walk, and rank passages by their own node.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from hippomem.graph.pagerank import personalized_pagerank, row_stochastic, transposed
from hippomem.graph.similarity import row_products
from hippomem.models.embedder import Embedder
from hippomem.retrieve.base import FactCosines, Ranking, Stopwatch, check_query, min_max, top
from hippomem.retrieve.explain import Explainer
from hippomem.retrieve.graphs import passage_phrase_graph
from hippomem.retrieve.index import NamespaceIndex, row
from hippomem.retrieve.index_walk import IndexWalk
from hippomem.retrieve.recognition import FactFilter
from hippomem.store import Store
from hippomem.types import SearchResult

LINKING_TOP_K = 5
PASSAGE_NODE_WEIGHT = 0.05


class HippoRag2:
    """HippoRAG 2 on triples; on sentences where the store holds no triple (the result's note says so)."""

    name = "hipporag2"

    def __init__(
        self, store: Store, index: NamespaceIndex, embedder: Embedder, *, fact_filter: FactFilter | None = None
    ) -> None:
        self._store, self._index, self._embedder, self._filter = store, index, embedder, fact_filter
        self._explain = Explainer(store, self.name)

    @cached_property
    def _transition(self) -> csr_array:
        return row_stochastic(passage_phrase_graph(self._index))

    @cached_property
    def _pull(self) -> csr_array:
        return transposed(self._transition)

    def search(self, query: str, *, k: int = 10, explain: bool = True) -> SearchResult:
        """See `Retriever.search`. Falls back to dense ranking, and says so, when no fact is left to seed from."""
        check_query(query, k)
        index, watch = self._index, Stopwatch()
        with watch.stage("encode"):
            # The papers' encoder takes two instructions, one for facts and one for passages; encoders without any need one.
            vector = self._embedder.embed([query], role="query")[0]
        with watch.stage("link"):
            cosine = FactCosines(index.fact_vectors, vector)
            facts = index.phrase_facts
            scores = cosine[facts]
            best = facts[top(scores, LINKING_TOP_K)] if len(facts) else facts
            strength = np.zeros(len(index.fact_keys))
            strength[facts] = min_max(scores, equal=1.0)
        if self._filter is not None and len(best):
            with watch.stage("filter"):
                best = best[self._filter.keep(query, self._explain.triples(index.fact_keys[best].tolist()))]
        dense = min_max(row_products(index.passage_vectors, vector), equal=1.0)
        note = "" if len(index.triples) else "no triples in this store: sentences are taken as facts"
        phrase_reset = self._phrase_reset(best, strength)
        if not phrase_reset.any():
            reason = (
                "the LLM kept no fact" if self._filter is not None and len(facts) else "no fact to link the query to"
            )
            note = f"{reason}: dense ranking"
            ranking = Ranking(dense, why=self._explain.dense(dense, note), note=note)
            return ranking.present(self._store, index, self.name, query, k, explain, watch)
        with watch.stage("walk"):
            reset = np.concatenate([phrase_reset, PASSAGE_NODE_WEIGHT * dense])
            x = personalized_pagerank(self._transition, reset, pull=self._pull)
        scores = x[len(index.entities) :]
        origin = {int(e): f for f in reversed(best.tolist()) for e in row(index.fact_phrases, f)}
        walk = IndexWalk(index, self._pull, x, reset / reset.sum(), cosine)
        parts = {"pagerank": scores, "dense": dense}
        why = self._explain.walked(
            walk, lambda p: {name: float(values[p]) for name, values in parts.items()}, note, origin
        )
        ranking = Ranking(scores, why=why, note=note)
        return ranking.present(self._store, index, self.name, query, k, explain, watch)

    def _phrase_reset(self, best: NDArray[np.int64], strength: NDArray[np.float64]) -> NDArray[np.float64]:
        """(E,) seeds: fact score over passage frequency, averaged over the facts that name a phrase; the best five."""
        total = np.zeros(len(self._index.entities))
        times = np.zeros(len(self._index.entities))
        for fact in best.tolist():
            phrases = row(self._index.fact_phrases, fact)
            total[phrases] += strength[fact] / np.maximum(self._index.phrase_frequency[phrases], 1.0)
            times[phrases] += 1.0
        mean = np.divide(total, times, out=np.zeros_like(total), where=times > 0)
        reset = np.zeros_like(mean)
        kept = top(mean, LINKING_TOP_K, np.flatnonzero(mean > 0))
        reset[kept] = mean[kept]
        return reset
