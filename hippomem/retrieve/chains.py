"""Fact chains: two facts of different passages that share an entity and answer the query together.

The score of a chain is cosine(query, f1 + f2), from vectors that are stored already: no further encoding.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

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
    begin, second = _pairs_kernel()(
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
    named = _title_kernel()(*picture.edges.arrays, picture.facts_from, first, second, a.title_entity, a.home, _MENTIONS)
    passages = distinct(np.concatenate([a.home[first], a.home[second]]).astype(np.int64))
    titled, every = np.full(len(passages), -1.0), np.full(len(passages), -1.0)
    for facts in (first, second):
        at = np.searchsorted(passages, a.home[facts])
        np.maximum.at(every, at, pair)
        np.maximum.at(titled, at[named], pair[named])
    return ChainScores(Sparse(passages, titled), Sparse(passages, every))


@cache
def _pairs_kernel() -> Any:
    from numba import njit

    @njit(cache=True, nogil=True)  # type: ignore[misc, unused-ignore]
    def pairs(  # type: ignore[no-untyped-def]
        start, target, label, head, following, facts_from, firsts, frequency, is_triple, home, hub, labels
    ):
        """Pairs (number of the first, second) of sentences of different passages that share an entity that few mention."""
        base = start[-1]
        begin = np.empty(1024, dtype=np.int64)
        second = np.empty(1024, dtype=np.int64)
        found = 0
        for i in range(len(firsts)):
            if is_triple[firsts[i]]:
                continue
            before = found
            node = firsts[i] + facts_from
            entry = start[node]
            chained = False
            while True:
                if entry == start[node + 1] and not chained:
                    chained = True
                    entry = head[node]
                if chained and entry < 0:
                    break
                kind = label[entry]
                entity = target[entry]
                entry = following[entry - base] if chained else entry + 1
                if not (kind and (labels >> kind) & 1 and 2 <= frequency[entity] <= hub):
                    continue
                other = start[entity]
                later = False
                while True:
                    if other == start[entity + 1] and not later:
                        later = True
                        other = head[entity]
                    if later and other < 0:
                        break
                    if label[other] and (labels >> label[other]) & 1:
                        fact = target[other] - facts_from
                        if not is_triple[fact] and home[fact] != home[firsts[i]]:
                            if found == len(second):
                                begin = np.append(begin, np.empty_like(begin))
                                second = np.append(second, np.empty_like(second))
                            begin[found] = i
                            second[found] = fact
                            found += 1
                    other = following[other - base] if later else other + 1
            # Two sentences may share several names: each pair once.
            ordered = np.sort(second[before:found])
            kept = before
            for j in range(len(ordered)):
                if j == 0 or ordered[j] != ordered[j - 1]:
                    second[kept] = ordered[j]
                    kept += 1
            found = kept
        return begin[:found], second[:found]

    return pairs


@cache
def _title_kernel() -> Any:
    from numba import njit

    @njit(cache=True, nogil=True)  # type: ignore[misc, unused-ignore]
    def named(  # type: ignore[no-untyped-def]
        start, target, label, head, following, facts_from, first, second, title_entity, home, labels
    ):
        """Whether one fact of each pair mentions the title of the other's passage."""
        base = start[-1]
        told = np.zeros(len(first), dtype=np.bool_)
        for i in range(len(first)):
            for turn in range(2):
                node = (first[i] if turn == 0 else second[i]) + facts_from
                title = title_entity[home[second[i] if turn == 0 else first[i]]]
                if title < 0:
                    continue
                entry = start[node]
                chained = False
                while True:
                    if entry == start[node + 1] and not chained:
                        chained = True
                        entry = head[node]
                    if chained and entry < 0:
                        break
                    if target[entry] == title and label[entry] and (labels >> label[entry]) & 1:
                        told[i] = True
                    entry = following[entry - base] if chained else entry + 1
        return told

    return named
