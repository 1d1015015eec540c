"""Fact chains: two facts of different passages that share an entity and answer the query together.

The score of a chain is cosine(query, f1 + f2), from vectors that are stored already: no further encoding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hippomem.arrays.kinds import MENTION, TITLED, any_of
from hippomem.arrays.picture import Picture
from hippomem.graph.similarity import quantised_pairs
from hippomem.graph.sparse import Sparse
from hippomem.retrieve.base import at_least, distinct, top
from hippomem.retrieve.linking import HUB
from hippomem.retrieve.matching import Matched

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
_MENTIONS = any_of(MENTION, TITLED)


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
    firsts = matched.facts[top(matched.match, FIRST, order=a.fact_order[matched.facts])]
    from hippomem.retrieve.row_loops import named as names_title
    from hippomem.retrieve.row_loops import pairs  # compiled: loads numba

    begin, second = pairs(
        *picture.edges.arrays, picture.facts_from, firsts, a.frequency, a.is_triple, a.home, HUB, _MENTIONS
    )
    if not len(begin):
        return ChainScores(Sparse.of({}), Sparse.of({}))
    first, together = firsts[begin], matched.cosine(firsts)[begin] + matched.cosine(second)
    # The rest could only win by saying the opposite of their partner, which no answer does.
    promising = at_least(together, _PROMISING)
    first, second = first[promising], second[promising]
    between = quantised_pairs(a.fact_vector, a.fact_scale, first, second)
    pair = together[promising] / np.sqrt(np.maximum(2.0 + 2.0 * between, 1e-6))
    best = at_least(pair, _PAIRS)
    first, second, pair = first[best], second[best], pair[best]
    named = names_title(*picture.edges.arrays, picture.facts_from, first, second, a.title_entity, a.home, _MENTIONS)
    passages = distinct(np.concatenate([a.home[first], a.home[second]]).astype(np.int64))
    titled, every = np.full(len(passages), -1.0), np.full(len(passages), -1.0)
    for facts in (first, second):
        at = np.searchsorted(passages, a.home[facts])
        np.maximum.at(every, at, pair)
        np.maximum.at(titled, at[named], pair[named])
    return ChainScores(Sparse(passages, titled), Sparse(passages, every))
