"""The baselines that people would otherwise use: BM25 and dense retrieval."""

from __future__ import annotations

from functools import cached_property

from hippomem.graph.similarity import row_products
from hippomem.models.embedder import Embedder
from hippomem.retrieve.base import Ranking, Stopwatch, check_query
from hippomem.retrieve.index import NamespaceIndex
from hippomem.retrieve.lexical import Bm25Index
from hippomem.store import Store
from hippomem.types import SearchResult, Why


class Bm25:
    """BM25 over title and text: English stop words, Snowball stems, k1 = 1.2, b = 0.75. Needs no model."""

    name = "bm25"

    def __init__(self, store: Store, index: NamespaceIndex, embedder: Embedder) -> None:
        self._store, self._index = store, index

    @cached_property
    def _passages(self) -> Bm25Index:
        return Bm25Index.of(self._index)

    def search(self, query: str, *, k: int = 10, explain: bool = True) -> SearchResult:
        """See `Retriever.search`. A passage that shares no term with the query is no hit."""
        check_query(query, k)
        watch = Stopwatch()
        with watch.stage("rank"):
            scores = self._passages.scores(query)
        ranking = Ranking(
            scores,
            why=lambda p: Why(self.name, scores={"bm25": float(scores[p])}),
            candidates=scores.nonzero()[0],
        )
        return ranking.present(self._store, self._index, self.name, query, k, explain, watch)


class Dense:
    """Cosine between the query and "title, newline, text"."""

    name = "dense"

    def __init__(self, store: Store, index: NamespaceIndex, embedder: Embedder) -> None:
        self._store, self._index, self._embedder = store, index, embedder

    def search(self, query: str, *, k: int = 10, explain: bool = True) -> SearchResult:
        """See `Retriever.search`."""
        check_query(query, k)
        watch = Stopwatch()
        with watch.stage("encode"):
            vector = self._embedder.embed([query], role="query")[0]
        with watch.stage("rank"):
            scores = row_products(self._index.passage_vectors, vector)
        ranking = Ranking(scores, why=lambda p: Why(self.name, scores={"dense": float(scores[p])}))
        return ranking.present(self._store, self._index, self.name, query, k, explain, watch)
