"""What a query finds by itself: passages by likeness and by their words, and the facts of the best of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hippomem.graph.similarity import row_products
from hippomem.retrieve.base import FactCosines, top
from hippomem.retrieve.index import NamespaceIndex, rows
from hippomem.retrieve.lexical import Lexicon
from hippomem.retrieve.linking import titles_in_query
from hippomem.retrieve.weights import Weights
from hippomem.text.fold import normalise, tokenize
from hippomem.text.mentions import ngrams

Ints = NDArray[np.int64]
Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Matched:
    """Scores of all P passages, the candidates among them, and the facts of these.

    dense: (P,) cosine.    lexical: (P,) BM25 share, in [0, 1).    titled: (P,) 1 / (passages of that title) where the query
    spells out a passage's title, else 0.    said: (P,) whether a passage is by somebody whom the query names.
    passages: positions of the candidates.    facts: (f,) positions of their sentences.    match: (f,) score of each.
    cosine: of any fact, when asked for.
    """

    dense: Vector
    lexical: Vector
    titled: Vector
    said: NDArray[np.bool_]
    passages: Ints
    facts: Ints
    match: Vector
    cosine: FactCosines


def match(
    index: NamespaceIndex, lexicon: Lexicon, weights: Weights, query: str, vector: NDArray[np.float32]
) -> Matched:
    """Score passages, choose the candidates among them, and score the facts of these. vector: (d,) of the query."""
    dense = row_products(index.passage_vectors, vector)
    terms = lexicon.query(query)
    lexical = lexicon.share(terms)
    titled = _titled(index, query)
    nearest = top(dense, weights.candidates)
    in_its_words = top(lexical, weights.candidates, np.flatnonzero(lexical))
    passages = np.unique(np.concatenate([nearest, in_its_words, np.flatnonzero(titled)]))
    stated = np.zeros(len(index.fact_keys), dtype=bool)
    stated[rows(index.said_sentences, passages)[0]] = True
    facts = np.flatnonzero(stated)
    cosine = FactCosines(index.fact_vectors, vector)
    score = cosine[facts] + weights.lexical_match * lexicon.fact_share(terms)[facts]
    score += weights.title_match * titled[index.home_of_fact[facts]]
    return Matched(dense, lexical, titled, _said(index, query), passages, facts, score, cosine)


def _titled(index: NamespaceIndex, query: str) -> Vector:
    titled = np.zeros(len(index.passage_ids))
    by_title = index.passages_of_title
    for title in titles_in_query(query, by_title.__contains__):
        passages = by_title[title]
        titled[passages] = np.maximum(titled[passages], 1.0 / len(passages))
    return titled


def _said(index: NamespaceIndex, query: str) -> NDArray[np.bool_]:
    position = index.speaker_position
    named = [position[key] for key in ngrams(tokenize(normalise(query))) if key in position] if position else []
    return np.isin(index.speaker_of, named)
