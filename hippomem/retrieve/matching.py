"""What a query finds by itself: passages by likeness and by their words, and the facts of the best of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hippomem.arrays.nearest import nearest
from hippomem.arrays.picture import Picture
from hippomem.graph.sparse import Sparse
from hippomem.retrieve.base import at_least, distinct
from hippomem.retrieve.linking import QueryNames
from hippomem.retrieve.weights import Weights
from hippomem.retrieve.wording import Wording

Ints = NDArray[np.int64]
Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Matched:
    """The candidates that a query finds by itself, the facts of these, and scores of any passage.

    passages: (c,) places of the candidates, ascending.    own: (c,) best cosine of a sentence of each, -1 for none.
    facts: (f,) places of their sentences, ascending.
    match: (f,) score of each.    titles: 1 / (passages of that title) of passages whose title the query spells out.
    shares: (P,) BM25 shares.    speakers: hashes of what the query may name.
    """

    picture: Picture
    vector: NDArray[np.float32]
    passages: Ints
    own: Vector
    facts: Ints
    match: Vector
    titles: Sparse
    shares: Vector
    speakers: NDArray[np.uint64]

    def dense(self, passages: Ints) -> Vector:
        """(m,) cosines."""
        return self.picture.passage_cosines(self.vector, passages)

    def best_own(self, passages: Ints) -> Vector:
        """(m,) the best cosine among the own sentences of any passages; -1 for one without any."""
        best = Sparse(self.passages, self.own).at(passages, default=np.nan)
        new = np.flatnonzero(np.isnan(best))
        facts, sizes = self.picture.facts_of_passages(passages[new], sentences=True)
        best[new] = -1.0
        if len(facts):
            starts = (np.cumsum(sizes) - sizes)[sizes > 0]
            best[new[sizes > 0]] = np.maximum.reduceat(self.cosine(facts), starts)
        return best

    def lexical(self, passages: Ints) -> Vector:
        """(m,) BM25 shares, in [0, 1)."""
        return self.shares[passages]

    def titled(self, passages: Ints) -> Vector:
        """(m,) 1 / (passages of that title) where the query spells out a passage's title, else 0."""
        return self.titles.at(passages)

    def said(self, passages: Ints) -> NDArray[np.bool_]:
        """(m,) whether each passage is by somebody whom the query names."""
        speakers = self.picture.arrays.speaker[passages]
        by: NDArray[np.bool_] = (
            np.isin(speakers, self.speakers) if speakers.any() else np.zeros(len(passages), dtype=bool)
        )
        return by

    def cosine(self, facts: Ints) -> Vector:
        """(m,) cosines of facts."""
        return self.picture.fact_cosines(self.vector, facts)


def match(
    picture: Picture,
    weights: Weights,
    names: QueryNames,
    vector: NDArray[np.float32],
    *,
    exact: bool = False,
) -> Matched:
    """Choose the candidates, and score their facts. vector: (d,) of the query.    exact: compare it with every passage."""
    a = picture.arrays
    wording = Wording(picture)
    words = wording.query(names.tokens)
    sharing, shares = wording.share(words, weights.candidates)
    titles = _titles(picture, names, weights.candidates)
    near = nearest(picture, vector, weights.candidates, exact=exact)
    in_its_words = at_least(shares[sharing], weights.candidates)
    passages = distinct(np.concatenate([near, sharing[in_its_words], titles.places]))
    stated, sizes = picture.facts_of_passages(passages, sentences=True)
    cosines = picture.fact_cosines(vector, stated)
    own = np.full(len(passages), -1.0)
    if len(stated):
        own[sizes > 0] = np.maximum.reduceat(cosines, (np.cumsum(sizes) - sizes)[sizes > 0])
    order = np.argsort(stated, kind="stable")  # a sentence of two passages is one fact
    first = np.ones(len(order), dtype=bool)
    np.not_equal(stated[order[1:]], stated[order[:-1]], out=first[1:])
    facts = stated[order[first]]
    score = cosines[order[first]] + weights.lexical_match * wording.fact_share(words, facts)
    if len(titles.places):
        score += weights.title_match * titles.at(a.home[facts].astype(np.int64))
    speakers = np.array(list(names.names.values()), dtype=np.uint64)
    return Matched(picture, vector, passages, own, facts, score, titles, shares, speakers)


def _titles(picture: Picture, names: QueryNames, at_most: int) -> Sparse:
    """Passages whose title the query spells out; a title of more passages than *at_most* tells nothing of one of them."""
    known = picture.titled(names.hashes, at_most=at_most)
    found: dict[int, float] = {}
    for title in names.spelled_out(known):
        for passage in known[title]:
            found[passage] = max(found.get(passage, 0.0), 1.0 / len(known[title]))
    return Sparse.of(found)
