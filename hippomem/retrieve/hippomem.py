"""The project's own retriever: multi-hop retrieval without an LLM, at the cost of encoding the query once.

1. *Match*: every fact by cosine, by the share of the query's idf that it holds, and by whether the query spells out its
   title. 2. *Seed*: the entities of the few best facts, the names in the query, and a peaked share for the passages that
   look right by themselves. 3. *Walk*: personalized PageRank over entities, facts and passages. 4. *Chain*: pairs of facts
   that share an entity and answer the query together. 5. *Fuse*: activation, titles and chains into one score.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from hippomem.graph.pagerank import personalized_pagerank, row_stochastic, transposed
from hippomem.models.embedder import Embedder
from hippomem.retrieve.base import Ranking, Stopwatch, check_query, min_max, present, similarity, top
from hippomem.retrieve.chains import Chains
from hippomem.retrieve.explain import Explainer
from hippomem.retrieve.graphs import discount_hubs, sentence_graph
from hippomem.retrieve.index import NamespaceIndex, row
from hippomem.retrieve.lexical import Lexicon
from hippomem.retrieve.linking import query_mentions, titles_in_query
from hippomem.store import Store
from hippomem.types import SearchResult

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Weights:
    """Constants of the retriever: one set for every kind of text.

    They come from a study over titled sets of multi-hop questions; the lexical and neighbour parts were set on
    conversations too. The figures in the README are of these values on every set; they were chosen while looking at these
    sets.
    """

    #: Match. A fact counts its cosine, plus this times its share of the query's idf mass, plus this if its title is named.
    lexical_match: float = 0.5
    title_match: float = 0.2
    #: Seed. The best facts, softmax temperature of their match; sharp, because a mediocre fact seeds the wrong entities.
    seed_facts: int = 8
    seed_sharpness: float = 0.05
    seed_entities: int = 20
    #: A name in the query, against 1 for an entity of the best fact (both over document frequency).
    mention_seed: float = 1.0
    #: Passages: (scaled cosine + this times BM25 share + title) to the power, times the weight. The power keeps the few
    #: passages that stand out; the lexical part finds the turn of a conversation that the encoder cannot.
    passage_seed: float = 0.1
    passage_lexical: float = 1.5
    passage_peak: float = 10.0
    #: Edges, against 1 for "sentence names entity" and "passage holds sentence".
    title_edge: float = 8.0
    synonym_edge: float = 0.5
    neighbour_edge: float = 8.0
    #: Fuse. Activation below this share of what every passage would get from an even spread is as good as none; then the
    #: weights of the parts, each scaled to [0, 1].
    floor: float = 1e-3
    title: float = 0.1
    own: float = 0.3
    title_chain: float = 0.3
    any_chain: float = 0.3


class HippoMem:
    """The default of `Memory.search`."""

    name = "hippomem"

    def __init__(
        self, store: Store, index: NamespaceIndex, embedder: Embedder, *, weights: Weights = Weights()
    ) -> None:
        self._store, self._index, self._embedder, self._w = store, index, embedder, weights
        self._explain = Explainer(store, index, self.name, has_facts=True)

    @cached_property
    def _lexicon(self) -> Lexicon:
        return Lexicon.of(self._index)

    @cached_property
    def _chains(self) -> Chains:
        return Chains.of(self._index)

    @cached_property
    def _transition(self) -> csr_array:
        index, w = self._index, self._w
        weights = sentence_graph(
            index, title_weight=w.title_edge, synonym_weight=w.synonym_edge, neighbour_weight=w.neighbour_edge
        )
        hub = np.ones(weights.shape[0])
        # A step into a name that many passages share says little: df^-1/2.
        hub[: len(index.entities)] = 1.0 / np.sqrt(np.maximum(index.document_frequency, 1.0))
        return row_stochastic(discount_hubs(weights, hub))

    @cached_property
    def _pull(self) -> csr_array:
        return transposed(self._transition)

    def search(self, query: str, *, k: int = 10, explain: bool = True) -> SearchResult:
        """See `Retriever.search`."""
        check_query(query, k)
        index, w, watch = self._index, self._w, Stopwatch()
        if not len(index.passage_ids):
            return SearchResult(query, self.name)
        with watch.stage("encode"):
            vector = self._embedder.embed([query], role="query")[0]
        with watch.stage("match"):
            cosine = similarity(index.fact_vectors, vector)
            dense = similarity(index.passage_vectors, vector)
            query_terms = self._lexicon.query(query)
            bm25 = self._lexicon.share(query_terms)
            titled = self._titled(query)
            match = cosine + w.lexical_match * self._lexicon.fact_share(query_terms)
            match += w.title_match * titled[index.home_of_fact]
        with watch.stage("seed"):
            # Where all passages look alike (there is one, or they are equal), each is as good a seed as any.
            prior = min_max(dense + w.passage_lexical * bm25 + w.title_match * titled, equal=1.0)
            reset, origin = self._reset(query, match, prior)
        with watch.stage("walk"):
            x = personalized_pagerank(self._transition, reset, tol=1e-4, pull=self._pull)
            activation = x[-len(index.passage_ids) :]
        with watch.stage("chain"):
            own = self._best_own(cosine)
            chains = self._chains.score(match, cosine, own)
        with watch.stage("fuse"):
            scores = (
                min_max(np.log(activation + w.floor / len(activation)))
                + w.title * titled
                - w.own * min_max(own)
                + w.title_chain * min_max(chains.titled)
                + w.any_chain * min_max(chains.every)
            )
        parts = {
            "pagerank": activation,
            "dense": dense,
            "bm25": bm25,
            "fact": own,
            "chain": chains.every,
            "title": titled,
        }
        why = self._explain.walked(self._pull, x, reset, cosine, parts, "", origin)
        return present(self._store, index, self.name, query, Ranking(scores, why=why), k, explain, watch)

    def _titled(self, query: str) -> Vector:
        """(P,) 1 / (passages of that title) where the query spells out a passage's title, else 0."""
        titled = np.zeros(len(self._index.passage_ids))
        by_title = self._index.passages_of_title
        for title in titles_in_query(query, by_title.__contains__):
            passages = by_title[title]
            titled[passages] = np.maximum(titled[passages], 1.0 / len(passages))
        return titled

    def _best_own(self, cosine: Vector) -> Vector:
        """(P,) the best cosine among a passage's own facts."""
        contributions = self._index.contributions
        best = np.full(contributions.shape[0], -1.0)
        has = np.flatnonzero(np.diff(contributions.indptr) > 0)
        if len(has):
            best[has] = np.maximum.reduceat(cosine[contributions.indices], contributions.indptr[has])
        return best

    def _reset(self, query: str, match: Vector, prior: Vector) -> tuple[Vector, dict[int, int]]:
        """(E + F + P,) seeds: entities of the best facts and of the query's names, over their frequency, and passages.

        Also entity → the best fact that made it a seed, for those that the query does not name itself.
        """
        index, w = self._index, self._w
        frequency = np.maximum(index.document_frequency, 1.0)
        entity_reset = np.zeros(len(index.entities))
        origin: dict[int, int] = {}
        best = top(match, w.seed_facts)
        if len(best):
            weight = np.exp((match[best] - match[best].max()) / w.seed_sharpness)
            total = np.zeros(len(index.entities))
            times = np.zeros(len(index.entities))
            for fact, value in zip(best.tolist(), weight.tolist(), strict=True):
                named = row(index.mentions, fact)
                total[named] += value / frequency[named]
                times[named] += 1.0
                for entity in named.tolist():
                    origin.setdefault(entity, fact)
            mean = np.divide(total, times, out=np.zeros_like(total), where=times > 0)
            kept = top(mean, w.seed_entities, np.flatnonzero(mean))
            entity_reset[kept] = mean[kept]
        for mention in query_mentions(query, index.entity_position.__contains__):
            position = index.entity_position.get(mention.key)
            if position is not None:
                entity_reset[position] += w.mention_seed / frequency[position]
                origin.pop(position, None)
        passages = w.passage_seed * prior**w.passage_peak
        return np.concatenate([entity_reset, np.zeros(len(index.fact_keys)), passages]), origin
