"""Fact chains: two facts of different passages that share an entity and answer the query together.

The score of a chain is cosine(query, f1 + f2), from vectors that are stored already: no further encoding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hippomem.arrays.picture import Picture
from hippomem.graph.similarity import quantised_pairs
from hippomem.retrieve.base import distinct, top
from hippomem.retrieve.linking import HUB
from hippomem.retrieve.matching import Matched
from hippomem.graph.sparse import Sparse

Ints = NDArray[np.int64]
Vector = NDArray[np.float64]

#: First facts of a chain, at most; second facts are all those that share an entity with one.
FIRST = 30
#: Pairs whose own likeness is looked at: those of the highest sum of cosines with the query.
_PROMISING = 1000
#: Pairs kept.
_PAIRS = 200
#: A passage in no chain, or in poor ones only, counts as its own best fact, at this share.
ALONE = 0.9


@dataclass(frozen=True)
class ChainScores:
    """The best chain that holds a fact of each passage that is in one: cosines, by place.

    titled: of chains in which one fact names the title of the other's passage.    every: of all chains.
    """

    titled: Sparse
    every: Sparse


def chain_scores(picture: Picture, matched: Matched) -> ChainScores:
    """Scores of the best chains that begin with one of the best facts."""
    a = picture.arrays
    firsts = np.sort(matched.facts[top(matched.match, FIRST, order=a.fact_order[matched.facts])])
    first, second = _sharing(picture, firsts)
    if not len(first):
        return ChainScores(Sparse.of({}), Sparse.of({}))
    of_first = matched.cosine(firsts)[np.searchsorted(firsts, first)]
    of_second = matched.cosine(second)
    # The rest could only win by saying the opposite of their partner, which no answer does.
    ties = a.fact_order[second] ^ (a.fact_order[first] >> np.uint64(1))
    promising = top(of_first + of_second, _PROMISING, order=ties)
    first, second = first[promising], second[promising]
    between = quantised_pairs(a.fact_vector, a.fact_scale, first, second)
    pair = (of_first[promising] + of_second[promising]) / np.sqrt(np.maximum(2.0 + 2.0 * between, 1e-6))
    best = top(pair, _PAIRS, order=ties[promising])
    first, second, pair = first[best], second[best], pair[best]
    title_of_first, title_of_second = a.title_entity[a.home[first]], a.title_entity[a.home[second]]
    named = _name(picture, first, title_of_second) | _name(picture, second, title_of_first)
    passages = np.concatenate([a.home[first], a.home[second]]).astype(np.int64)
    every = np.ones(len(pair), dtype=bool)
    return ChainScores(*(_best_of(passages[np.tile(kept, 2)], np.tile(pair[kept], 2)) for kept in (named, every)))


def _sharing(picture: Picture, firsts: Ints) -> tuple[Ints, Ints]:
    """Pairs (first, second) of sentences of different passages that share an entity that few mention, each once."""
    a = picture.arrays
    firsts = firsts[a.is_triple[firsts] == 0]
    entities, of_first = picture.entities_of_facts(firsts)
    first = np.repeat(firsts, of_first)
    frequency = a.frequency[entities]
    linking = (frequency >= 2) & (frequency <= HUB)
    entities, first = entities[linking], first[linking]
    second, of_entity = picture.facts_of_entities(entities)
    first = np.repeat(first, of_entity)
    apart = (a.is_triple[second] == 0) & (a.home[first] != a.home[second])
    size = len(a.fact_key)
    pairs = distinct(first[apart] * size + second[apart])
    return pairs // size, pairs % size


def _name(picture: Picture, facts: Ints, entities: Ints) -> NDArray[np.bool_]:
    """Whether each fact mentions the entity of the same position (-1: none)."""
    named, sizes = picture.entities_of_facts(facts)
    of = np.repeat(np.arange(len(facts)), sizes)
    found = np.zeros(len(facts), dtype=bool)
    found[of[(named == entities[of])]] = True
    return found


def _best_of(passages: Ints, values: Vector) -> Sparse:
    places, at = np.unique(passages, return_inverse=True)
    best = np.full(len(places), -1.0)
    np.maximum.at(best, at, values)
    return Sparse(places, best)
