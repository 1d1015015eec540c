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

from hippomem.graph.pagerank import row_stochastic, transposed
from hippomem.graph.push import push_pagerank
from hippomem.graph.similarity import max_similarity, row_products
from hippomem.models.embedder import Embedder, QueryVectors, embed_query
from hippomem.retrieve.base import FactCosines, Ranking, Stopwatch, check_query, min_max, present, top
from hippomem.retrieve.chains import FIRST, Chains
from hippomem.retrieve.coverage import covering_order
from hippomem.retrieve.explain import Explainer
from hippomem.retrieve.graphs import discount_hubs, sentence_graph
from hippomem.retrieve.index import NamespaceIndex, row, rows
from hippomem.retrieve.lexical import Lexicon
from hippomem.retrieve.linking import passage_links, query_mentions, titles_in_query
from hippomem.retrieve.options import NO_OPTIONS, RetrieverOptions
from hippomem.retrieve.weights import Weights
from hippomem.store import Store, vectors
from hippomem.text.fold import normalise, tokenize
from hippomem.text.mentions import ngrams
from hippomem.types import SearchResult

Ints = NDArray[np.int64]
Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Matched:
    """What the query finds by itself. All (P,), the positions of the best passages, and the facts of these.

    said: whether a passage is by somebody whom the query names.    match: (f,) score of each of the facts.
    """

    dense: Vector
    lexical: Vector
    titled: Vector
    said: NDArray[np.bool_]
    passages: Ints
    facts: Ints
    match: Vector
    cosine: FactCosines


@dataclass(frozen=True)
class Seeds:
    """Where the walk starts. reset: (E + F + P,) weights.

    origin: entity → the fact that made it a seed, for those that the query does not name itself.    note: for the result.
    """

    reset: Vector
    origin: dict[int, int]
    note: str


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

    def variant(self, weights: Weights) -> HippoMem:
        """The same retriever with other weights; what does not depend on them is shared, not made again."""
        other = HippoMem(self._store, self._index, self._embedder, weights=weights, options=self._options)
        other.__dict__ |= {"_lexicon": self._lexicon, "_chains": self._chains}
        if _edges(weights) == _edges(self._w):
            other.__dict__ |= {"_transition": self._transition, "_pull": self._pull}
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
            matched = self._match(query, encoded.vector)
        with watch.stage("seed"):
            seeds = self._seed(query, matched)
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
            scores, first = self._cover(scores, candidates, encoded)
        parts = {
            "pagerank": activation,
            "dense": matched.dense,
            "bm25": matched.lexical,
            "fact": own,
            "chain": chains.every,
            "title": matched.titled,
        }
        why = self._explain.walked(self._pull, x, seeds.reset, matched.cosine, parts, seeds.note, seeds.origin)
        ranking = Ranking(scores, why=why, first=first, note=seeds.note)
        return present(self._store, index, self.name, query, ranking, k, explain, watch)

    def _match(self, query: str, vector: NDArray[np.float32]) -> Matched:
        """Score passages, choose the candidates among them, and score the facts of these."""
        index, w = self._index, self._w
        dense = row_products(index.passage_vectors, vector)
        terms = self._lexicon.query(query)
        lexical = self._lexicon.share(terms)
        titled = self._titled(query)
        passages = np.unique(
            np.concatenate(
                [
                    top(dense, w.candidates),
                    top(lexical, w.candidates, np.flatnonzero(lexical)),
                    np.flatnonzero(titled),
                ]
            )
        )
        stated = np.zeros(len(index.fact_keys), dtype=bool)
        stated[rows(index.contributions, passages)[0]] = True
        facts = np.flatnonzero(stated)
        cosine = FactCosines(index.fact_vectors, vector)
        match = cosine[facts] + w.lexical_match * self._lexicon.fact_share(terms)[facts]
        match += w.title_match * titled[index.home_of_fact[facts]]
        return Matched(dense, lexical, titled, self._said(query), passages, facts, match, cosine)

    def _titled(self, query: str) -> Vector:
        """(P,) 1 / (passages of that title) where the query spells out a passage's title, else 0."""
        titled = np.zeros(len(self._index.passage_ids))
        by_title = self._index.passages_of_title
        for title in titles_in_query(query, by_title.__contains__):
            passages = by_title[title]
            titled[passages] = np.maximum(titled[passages], 1.0 / len(passages))
        return titled

    def _said(self, query: str) -> NDArray[np.bool_]:
        """(P,) whether the passage's speaker is named in the query."""
        index = self._index
        position = index.speaker_position
        named = [position[key] for key in ngrams(tokenize(normalise(query))) if key in position] if position else []
        return np.isin(index.speaker_of, named)

    def _seed(self, query: str, matched: Matched) -> Seeds:
        """Entities of the best facts and of the query's names, over their frequency, and passages."""
        index, w = self._index, self._w
        frequency = np.maximum(index.document_frequency, 1.0)
        entities = np.zeros(len(index.entities))
        origin: dict[int, int] = {}
        best = top(matched.match, w.seed_facts)
        note = ""
        if self._options.fact_filter is not None and len(best):
            chosen = self._options.fact_filter.keep(query, self._explain.triples(matched.facts[best]))
            note = "" if chosen else "the LLM kept no fact: seeds are names and passages"
            best = best[chosen]
        if len(best):
            match = matched.match[best]
            weight = np.exp((match - match.max()) / w.seed_sharpness)
            total = np.zeros(len(entities))
            times = np.zeros(len(entities))
            for fact, value in zip(matched.facts[best].tolist(), weight.tolist(), strict=True):
                named = row(index.mentions, fact)
                total[named] += value / frequency[named]
                times[named] += 1.0
                for entity in named.tolist():
                    origin.setdefault(entity, fact)
            mean = np.divide(total, times, out=np.zeros_like(total), where=times > 0)
            strongest = top(mean, w.seed_entities, np.flatnonzero(mean))
            entities[strongest] = mean[strongest]
        for position in self._named(query):
            entities[position] += w.mention_seed / frequency[position]
            origin.pop(position, None)
        passages = np.zeros(len(index.passage_ids))
        look = matched.dense + w.passage_lexical * matched.lexical + w.title_match * matched.titled
        # Where all passages look alike (there is one, or they are equal), each is as good a seed as any.
        prior = min_max(look[matched.passages], equal=1.0)
        passages[matched.passages] = w.passage_seed * prior**w.passage_peak
        if not entities.any() and not passages.any():  # an ablation took the only seeds there were
            passages[matched.passages] = prior + 1e-9
        return Seeds(np.concatenate([entities, np.zeros(len(index.fact_keys)), passages]), origin, note)

    def _named(self, query: str) -> list[int]:
        """Positions of the entities that the query names."""
        position = self._index.entity_position
        keys = [mention.key for mention in query_mentions(query, position.__contains__)]
        if self._options.query_entities is not None:
            keys += self._options.query_entities(query)
        return [position[key] for key in dict.fromkeys(keys) if key in position]

    def _walk(self, reset: Vector) -> Vector:
        """(E + F + P,) activation, summing to 1."""
        if self._w.damping == 0.0:
            resting: Vector = reset / reset.sum()
            return resting
        return push_pagerank(self._transition, reset, damping=self._w.damping)

    def _best_own(self, passages: Ints, cosine: FactCosines) -> Vector:
        """(P,) the best cosine among the own facts of these passages; -1 for others and for one without facts."""
        best = np.full(len(self._index.passage_ids), -1.0)
        facts, sizes = rows(self._index.contributions, passages)
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

    def _cover(self, scores: Vector, candidates: Ints, encoded: QueryVectors) -> tuple[Vector, tuple[int, ...]]:
        """(P,) scores, and the best passages in their new order; as they were, and none, without tokens to compare."""
        w = self._w
        best = top(scores, w.covered, candidates)
        importance = np.array([self._lexicon.importance(word) for word in encoded.words])
        if len(best) < 2 or not importance.any():
            return scores, ()
        keys = self._index.passage_keys[best].tolist()
        signs = [
            rows for rows in vectors.token_signs(self._store.db, keys, encoded.tokens.shape[1]) if rows is not None
        ]
        if len(signs) < len(best):  # passages that were embedded by an older hippomem
            return scores, ()
        importance /= importance.sum()
        covered = max_similarity(encoded.tokens, signs)
        scores = scores.copy()
        scores[best] += w.episode * self._index.episodic[best] * min_max(importance @ covered)
        linked = w.link * passage_links(self._index, best)
        order = covering_order(scores[best], covered, importance, linked, worth=w.cover)
        return scores, tuple(int(best[i]) for i in order)


def _edges(weights: Weights) -> tuple[float, ...]:
    """The weights that the graph is made from."""
    return weights.title_edge, weights.entity_edge, weights.synonym_edge, weights.neighbour_edge
