"""The project's own retriever: multi-hop retrieval without an LLM, at the cost of encoding the query once.

1. *Match*: passages by cosine and by their words, facts of the best of them by cosine, by the share of the query's idf that
   they hold, and by whether the query spells out their title.
2. *Seed*: the entities of the few best facts, the names in the query, and a peaked share for the passages that look right
   by themselves.
3. *Walk*: personalized PageRank over entities, facts and passages.
4. *Chain*: pairs of facts that share an entity and answer the query together.
5. *Fuse*: activation, titles and chains into one score, each scaled over the candidates, never over the corpus.
6. *Cover*: the best passages in an order in which each says what those before it leave open of the query.

Each stage can be switched off (`Weights.without`), and says nothing by itself where the text gives it nothing to go by.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from hippomem.graph.pagerank import personalized_pagerank, row_stochastic, transposed
from hippomem.graph.push import push_pagerank
from hippomem.graph.similarity import max_similarity
from hippomem.models.embedder import Embedder, QueryVectors, embed_query
from hippomem.retrieve.base import FactCosines, Ranking, Stopwatch, check_query, min_max, present, top
from hippomem.retrieve.chains import FIRST, Chains
from hippomem.retrieve.coverage import covering_order
from hippomem.retrieve.explain import Explainer
from hippomem.retrieve.graphs import discount_hubs, sentence_graph
from hippomem.retrieve.index import NamespaceIndex, rows
from hippomem.retrieve.lexical import Lexicon
from hippomem.retrieve.linking import passage_links
from hippomem.retrieve.matching import Matched, match
from hippomem.retrieve.options import NO_OPTIONS, RetrieverOptions
from hippomem.retrieve.seeding import Seeder
from hippomem.retrieve.weights import Weights
from hippomem.store import Store, vectors
from hippomem.types import SearchResult

Ints = NDArray[np.int64]
Vector = NDArray[np.float64]


#: Passages embedded by an older hippomem have no signs to compare, and are not passed over without a word.
_NO_SIGNS = "ranked without coverage: some passages have no token signs; `hippomem reembed` makes them"


@dataclass(frozen=True)
class Covered:
    """What covering makes of a ranking. scores: (P,).    share: (P,) of the query, that each of the best covers.

    first: the best passages in their new order.    note: why there is none, where there should be.
    """

    scores: Vector
    share: Vector
    first: tuple[int, ...] = ()
    note: str = ""


class HippoMem:
    """The default of `Memory.search`."""

    name = "hippomem"

    def __init__(
        self,
        store: Store,
        index: NamespaceIndex,
        embedder: Embedder,
        *,
        weights: Weights = Weights(),
        options: RetrieverOptions = NO_OPTIONS,
    ) -> None:
        self._store, self._index, self._embedder, self._w, self._options = store, index, embedder, weights, options
        self._explain = Explainer(store, index, self.name, has_facts=True)
        self._seeder = Seeder(index, weights, options, self._explain.triples)
        self._is_exact = False

    def variant(self, weights: Weights) -> HippoMem:
        """The same retriever with other weights; what does not depend on them is shared, not made again."""
        other = HippoMem(self._store, self._index, self._embedder, weights=weights, options=self._options)
        other.__dict__ |= {"_lexicon": self._lexicon, "_chains": self._chains}
        if _edges(weights) == _edges(self._w):
            other.__dict__ |= {"_transition": self._transition, "_pull": self._pull}
        return other

    def exact(self) -> HippoMem:
        """The same retriever without approximations: every vector compared, PageRank by power iteration. The check."""
        other = self.variant(self._w)
        other._is_exact = True
        return other

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
            index,
            title_weight=w.title_edge,
            entity_weight=w.entity_edge,
            synonym_weight=w.synonym_edge,
            neighbour_weight=w.neighbour_edge,
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
        index, watch = self._index, Stopwatch()
        if not len(index.passage_ids):
            return SearchResult(query, self.name)
        with watch.stage("encode"):
            encoded = embed_query(self._embedder, query)
        with watch.stage("match"):
            matched = match(index, self._lexicon, self._w, query, encoded.vector)
        with watch.stage("seed"):
            seeds = self._seeder.seed(query, matched)
        with watch.stage("walk"):
            x = self._walk(seeds.reset)
            activation = x[-len(index.passage_ids) :]
        with watch.stage("chain"):
            firsts = matched.facts[top(matched.match, FIRST)]
            chains = self._chains.score(firsts, matched.cosine)
            reached = top(activation, self._w.candidates, np.flatnonzero(activation))
            candidates = np.unique(np.concatenate([matched.passages, reached, np.flatnonzero(chains.every >= 0)]))
            own = self._best_own(candidates, matched.cosine)
            chains = chains.against(own)
        with watch.stage("fuse"):
            scores = self._fuse(activation, matched, chains.titled, chains.every, own, candidates)
        with watch.stage("cover"):
            covered = self._cover(scores, candidates, encoded)
        parts = {
            "pagerank": activation,
            "dense": matched.dense,
            "bm25": matched.lexical,
            "fact": own,
            "chain": chains.every,
            "title": matched.titled,
            "covers": covered.share,
        }
        note = "; ".join(filter(None, (seeds.note, covered.note)))
        why = self._explain.walked(self._pull, x, seeds.reset, matched.cosine, parts, note, seeds.origin)
        ranking = Ranking(covered.scores, why=why, first=covered.first, note=note)
        return present(self._store, index, self.name, query, ranking, k, explain, watch)

    def _walk(self, reset: Vector) -> Vector:
        """(E + F + P,) activation, summing to 1."""
        if self._w.damping == 0.0:
            resting: Vector = reset / reset.sum()
            return resting
        if self._is_exact:
            return personalized_pagerank(self._transition, reset, damping=self._w.damping, pull=self._pull)
        return push_pagerank(self._transition, reset, damping=self._w.damping)

    def _best_own(self, passages: Ints, cosine: FactCosines) -> Vector:
        """(P,) the best cosine among the own sentences of these passages; -1 for others."""
        best = np.full(len(self._index.passage_ids), -1.0)
        facts, sizes = rows(self._index.said_sentences, passages)
        if len(facts):
            starts = np.cumsum(sizes) - sizes
            best[passages[sizes > 0]] = np.maximum.reduceat(cosine[facts], starts[sizes > 0])
        return best

    def _fuse(
        self,
        activation: Vector,
        matched: Matched,
        title_chain: Vector,
        any_chain: Vector,
        own: Vector,
        candidates: Ints,
    ) -> Vector:
        """(P,) scores of the candidates, each part scaled over them; the others below every candidate, by cosine."""
        w = self._w
        scaled = min_max(np.log(activation[candidates] + w.floor / len(activation)))
        scaled += w.title * matched.titled[candidates]
        # A passage's own best fact is taken off, so that a chain counts for what it adds to it.
        scaled -= w.own * min_max(own[candidates])
        scaled += w.title_chain * min_max(title_chain[candidates]) + w.any_chain * min_max(any_chain[candidates])
        scaled += w.episode * self._index.episodic[candidates] * min_max(matched.lexical[candidates])
        scaled += w.speaker * matched.said[candidates]
        scores: Vector = matched.dense + scaled.min() - 2.0  # a cosine is at most 1: at least 1 below
        scores[candidates] = scaled
        return scores

    def _cover(self, scores: Vector, candidates: Ints, encoded: QueryVectors) -> Covered:
        """Order the best passages by what they cover together; nothing changes where there are no tokens to compare."""
        w = self._w
        share = np.zeros(len(scores))
        best = top(scores, w.covered, candidates)
        known = {word: self._lexicon.importance(word) for word in dict.fromkeys(encoded.words)}
        importance = np.array([known[word] for word in encoded.words])
        if len(best) < 2 or not importance.any():
            return Covered(scores, share)
        keys = self._index.passage_keys[best].tolist()
        found = vectors.token_signs(self._store.db, keys, encoded.tokens.shape[1])
        signs = [tokens for tokens in found if tokens is not None]
        if len(signs) < len(best):
            return Covered(scores, share, note=_NO_SIGNS)
        importance /= importance.sum()
        covered = max_similarity(encoded.tokens, signs)
        share[best] = importance @ covered
        scores = scores.copy()
        scores[best] += w.episode * self._index.episodic[best] * min_max(share[best])
        linked = w.link * passage_links(self._index, best)
        order = covering_order(scores[best], covered, importance, linked, worth=w.cover)
        return Covered(scores, share, tuple(int(best[i]) for i in order))


def _edges(weights: Weights) -> tuple[float, ...]:
    """The weights that the graph is made from."""
    return weights.title_edge, weights.entity_edge, weights.synonym_edge, weights.neighbour_edge
