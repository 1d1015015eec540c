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

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import fsum

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from hippomem.arrays import kinds
from hippomem.arrays.nearest import nearest
from hippomem.arrays.picture import Picture
from hippomem.graph.pagerank import personalized_pagerank
from hippomem.graph.similarity import max_similarity
from hippomem.graph.sparse import Sparse
from hippomem.graph.walk import Walked
from hippomem.models.embedder import Embedder, QueryVectors, embed_query
from hippomem.retrieve.base import Stopwatch, at_least, check_query, descending, distinct, min_max, present, top
from hippomem.retrieve.chains import ALONE, chain_scores
from hippomem.retrieve.coverage import covering_order
from hippomem.retrieve.explain import Explainer
from hippomem.retrieve.freshness import MARGIN, Freshness
from hippomem.retrieve.linking import QueryNames, passage_links
from hippomem.retrieve.matching import Matched, match
from hippomem.retrieve.options import NO_OPTIONS, RetrieverOptions
from hippomem.retrieve.picture_walk import PictureWalk
from hippomem.retrieve.seeding import Seeder, Seeds
from hippomem.retrieve.weights import Weights
from hippomem.retrieve.wording import Wording
from hippomem.store import Store, vectors
from hippomem.store.filters import OPEN, Filter
from hippomem.types import SearchResult, Triple

Ints = NDArray[np.int64]
Vector = NDArray[np.float64]


#: Passages embedded by an older hippomem have no signs to compare, and are not passed over without a word.
_NO_SIGNS = "ranked without coverage: some passages have no token signs; `hippomem reembed` makes them"


@dataclass(frozen=True)
class Covered:
    """The candidates once what they cover together counts.

    scores: (c,) of the candidates.    share: (c,) of the query that each covers.    first: the best of them, in their new
    order, as positions.    note: why there is none, where there should be.
    """

    scores: Vector
    share: Vector
    first: tuple[int, ...] = ()
    note: str = ""


class HippoMem:
    """The default of `Memory.search`.

    exact: compare the query with every passage, and solve PageRank by power iteration: what the shortcuts are measured
    against.    allowed, freshness: see `within`.
    """

    name = "hippomem"

    def __init__(
        self,
        store: Store,
        picture: Picture,
        embedder: Embedder,
        *,
        weights: Weights = Weights(),
        options: RetrieverOptions = NO_OPTIONS,
        exact: bool = False,
        allowed: Filter = OPEN,
        freshness: Freshness | None = None,
    ) -> None:
        self._store, self._picture, self._embedder = store, picture, embedder
        self._allowed, self._freshness = allowed, freshness
        self._w, self._options, self._is_exact = weights, options, exact
        self._explain = Explainer(store, self.name)
        self._seeder = Seeder(picture, weights, options, self._triples)
        #: The weight of a step along each kind of edge.
        self._steps: Mapping[int, float] = {
            kinds.MENTION: 1.0,
            kinds.STATES: 1.0,
            kinds.NAMES: weights.entity_edge,
            kinds.TITLE: weights.title_edge,
            kinds.NEXT: weights.neighbour_edge,
            kinds.PREVIOUS: weights.neighbour_edge,
            kinds.SYNONYM: weights.synonym_edge,
        }

    @property
    def picture(self) -> Picture:
        """What it reads."""
        return self._picture

    def variant(self, weights: Weights) -> HippoMem:
        """The same retriever with other weights."""
        return HippoMem(self._store, self._picture, self._embedder, weights=weights, options=self._options)

    def exact(self) -> HippoMem:
        """The same retriever without shortcuts: see the class."""
        return HippoMem(self._store, self._picture, self._embedder, weights=self._w, options=self._options, exact=True)

    def within(self, picture: Picture | None, allowed: Filter, freshness: Freshness | None) -> HippoMem:
        """The same retriever over what a filter lets pass. picture: of that alone, None where it is everything.

        freshness: what says which statements are no longer so; None ranks them as all others.
        """
        return HippoMem(
            self._store,
            self._picture if picture is None else picture,
            self._embedder,
            weights=self._w,
            options=self._options,
            exact=self._is_exact,
            allowed=allowed,
            freshness=freshness,
        )

    def seeds(self, query: str) -> Sparse:
        """Where the walk of a query starts, by node of the picture's graph: for benchmarks. Raises ModelError."""
        names, encoded = QueryNames.of(query), embed_query(self._embedder, query)
        return self._seeder.seed(query, names, match(self._picture, self._w, names, encoded.vector)).nodes

    def search(self, query: str, *, k: int = 10, explain: bool = True) -> SearchResult:
        """See `Retriever.search`."""
        check_query(query, k)
        picture, watch = self._picture, Stopwatch()
        if picture.is_empty:
            return SearchResult(query, self.name)
        a = picture.arrays
        with watch.stage("encode"):
            encoded = embed_query(self._embedder, query)
        with watch.stage("match"):
            names = QueryNames.of(query)
            matched = match(picture, self._w, names, encoded.vector, exact=self._is_exact)
        with watch.stage("seed"):
            seeds = self._seeder.seed(query, names, matched)
        with watch.stage("walk"):
            walked, restart = self._walk(seeds)
            activation = walked.inside(picture.passages_from)
        with watch.stage("chain"):
            chains = chain_scores(picture, matched)
            reached = activation.places[at_least(activation.values, self._w.candidates)]
            candidates = distinct(np.concatenate([matched.passages, reached, chains.every.places]))
            own = matched.best_own(candidates)
            titled = np.maximum(chains.titled.at(candidates, default=-1.0), ALONE * own)
            every = np.maximum(chains.every.at(candidates, default=-1.0), ALONE * own)
        with watch.stage("fuse"):
            activated, lexical = activation.at(candidates), matched.lexical(candidates)
            scores = self._fuse(activated, lexical, matched, titled, every, own, candidates)
        with watch.stage("cover"):
            covered = self._cover(scores, candidates, encoded)
            best = self._best(covered, matched, candidates, k + (MARGIN if self._freshness else 0), float(scores.min()))
        retired: Mapping[int, str] = {}
        if self._freshness is not None:
            with watch.stage("freshness"):
                order = a.passage_order
                best, retired = self._freshness.arrange(best, picture, matched)
                best = descending(best[:k], lambda one, other: bool(order[one] < order[other]))
        parts = {
            "pagerank": activated,
            "bm25": lexical,
            "fact": own,
            "chain": every,
            "title": matched.titled(candidates),
            "covers": covered.share,
        }

        def part(passage: int) -> Mapping[str, float]:
            at = int(np.searchsorted(candidates, passage))
            here = at < len(candidates) and candidates[at] == passage
            found = {name: float(values[at]) if here else 0.0 for name, values in parts.items()}
            return {"pagerank": found.pop("pagerank"), "dense": float(matched.dense(np.array([passage]))[0]), **found}

        note = "; ".join(filter(None, (seeds.note, covered.note)))
        why = None
        if explain:
            walk = PictureWalk(picture, matched, walked, restart, self._steps)
            why = self._explain.walked(walk, part, note, seeds.origin)
        return present(
            self._store,
            a.passage_key,
            self.name,
            query,
            best,
            why,
            watch,
            note=note,
            allowed=self._allowed,
            retired=retired,
        )

    def _triples(self, facts: Ints) -> list[Triple]:
        return self._explain.triples(self._picture.arrays.fact_key[facts].tolist(), self._picture.visible)

    def _walk(self, seeds: Seeds) -> tuple[Walked, Sparse]:
        """What the walk reached, and the seeds by node, summing to 1."""
        # A sum that the order of places cannot show in.
        restart = Sparse(seeds.nodes.places, seeds.nodes.values / fsum(seeds.nodes.values.tolist()))
        if self._w.damping == 0.0:
            return Walked(restart.places, restart.values, restart.places[:0], restart.values[:0]), restart
        network = self._picture.network
        walked = network.walk(restart.places, restart.values, self._steps, damping=self._w.damping)
        if self._is_exact:
            reset = np.zeros(len(network))
            reset[restart.places] = restart.values
            x = personalized_pagerank(self._transition, reset, damping=self._w.damping)
            nodes = np.flatnonzero(x)
            walked = Walked(nodes, x[nodes], walked.pushed, walked.totals)
        return walked, restart

    @cached_property
    def _transition(self) -> csr_array:
        return self._picture.network.transition(self._steps)

    def _fuse(
        self,
        activation: Vector,
        lexical: Vector,
        matched: Matched,
        title_chain: Vector,
        any_chain: Vector,
        own: Vector,
        candidates: Ints,
    ) -> Vector:
        """(c,) scores of the candidates, each part scaled over them."""
        a, w = self._picture.arrays, self._w
        scores = min_max(np.log(activation + w.floor / self._picture.live))
        scores += w.title * matched.titled(candidates)
        # A passage's own best fact is taken off, so that a chain counts for what it adds to it.
        scores -= w.own * min_max(own)
        scores += w.title_chain * min_max(title_chain) + w.any_chain * min_max(any_chain)
        scores += w.episode * a.episodic[candidates] * min_max(lexical)
        scores += w.speaker * matched.said(candidates)
        return scores

    def _cover(self, scores: Vector, candidates: Ints, encoded: QueryVectors) -> Covered:
        """Order the best passages by what they cover together; nothing changes where there are no tokens to compare."""
        a, w = self._picture.arrays, self._w
        share = np.zeros(len(scores))
        at = top(scores, w.covered, order=a.passage_order[candidates])
        importance = Wording(self._picture).importance(encoded.words) if len(at) >= 2 else np.zeros(0)
        if not importance.any():
            return Covered(scores, share)
        best = candidates[at]
        found = vectors.token_signs(self._store.db, a.passage_key[best].tolist(), encoded.tokens.shape[1])
        signs = [tokens for tokens in found if tokens is not None]
        if len(signs) < len(best):
            return Covered(scores, share, note=_NO_SIGNS)
        telling = importance > 0  # a stop word covers nothing
        importance = importance[telling] / importance.sum()
        covered = max_similarity(encoded.tokens[telling], signs)
        share[at] = importance @ covered
        scores = scores.copy()
        scores[at] += w.episode * a.episodic[best] * min_max(share[at])
        linked = w.link * passage_links(self._picture, best)
        order = covering_order(scores[at], covered, importance, linked, worth=w.cover)
        return Covered(scores, share, tuple(int(at[i]) for i in order))

    def _best(
        self, covered: Covered, matched: Matched, candidates: Ints, k: int, lowest: float
    ) -> list[tuple[int, float]]:
        """The best *k* passages with scores that descend. Behind the candidates, by cosine, all others.

        lowest: score of a candidate, before what they cover together.
        """
        order = self._picture.arrays.passage_order
        by_score = top(covered.scores, k, order=order[candidates]).tolist()
        at = list(dict.fromkeys([*covered.first, *by_score]))[:k]
        best = [(int(candidates[i]), float(covered.scores[i])) for i in at]
        if k > len(candidates):
            near = nearest(self._picture, matched.vector, k, exact=True)
            rest = near[~np.isin(near, candidates)][: k - len(candidates)]
            # A cosine is at most 1: at least 1 below.
            best += zip(rest.tolist(), (matched.dense(rest) + lowest - 2.0).tolist(), strict=True)
        return descending(best, lambda a, b: bool(order[a] < order[b]))
