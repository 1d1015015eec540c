"""The words of a query in the passages and sentences of a picture: BM25 shares, spread over sessions and documents.

Document frequencies and idf are computed from counts when a query asks for them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hippomem.arrays import picture as at
from hippomem.arrays.kinds import NEXT, PREVIOUS
from hippomem.arrays.picture import PARTS, Picture
from hippomem.arrays.spread import LEAD, OWN, REPLY, WHOLE
from hippomem.retrieve.lexical import K1, B
from hippomem.text.fold import Token
from hippomem.text.words import term_of, terms, terms_of

Ints = NDArray[np.int64]
Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Query:
    """A query's terms that the vocabulary holds. places, counts, idf: (m,), in the order of the query."""

    places: Ints
    counts: Vector
    idf: Vector


@dataclass(frozen=True)
class Wording:
    """Counts words over one picture."""

    picture: Picture

    def query(self, tokens: Sequence[Token]) -> Query:
        """Terms of a tokenised query, with idf over passages and their dates."""
        counts = Counter(terms_of(tokens))
        known = self.picture.terms_known(counts)
        places = np.array([known[term] for term in counts if term in known], dtype=np.int64)
        times = np.array([counts[term] for term in counts if term in known], dtype=np.float64)
        return Query(places, times, self._idf(self.picture.arrays.term_frequency[places]))

    def _idf(self, frequency: NDArray[Any]) -> Vector:
        """ln(1 + (n − df + ½) / (df + ½)), as Lucene's BM25 has it."""
        n = float(self.picture.arrays.counts[at.LIVE])
        idf: Vector = np.log1p((n - frequency + 0.5) / (frequency + 0.5))
        return idf

    def share(self, query: Query, k: int) -> tuple[Ints, Vector]:
        """BM25 over passages with what stands around them, as a share of what a text full of the query's terms would get.

        The words of a question are spread over the turns around the answer, and over the pieces of a long document. A
        passage that is its whole document counts alone.
        Returns (places, scores): passages that share a term, in no order, at least the best *k* of them; and (P,) of all,
        in [0, 1), 0 for those that share none.
        """
        a = self.picture.arrays
        passages = int(a.counts[at.PASSAGES])
        scores = np.zeros(passages)
        weight = query.idf * query.counts
        total = weight.sum()
        if not total > 0:
            return np.zeros(0, dtype=np.int64), scores
        touched = _share_kernel()(
            k,
            *self.picture.postings.arrays,
            query.places,
            weight / total,
            max(int(a.counts[at.SPREAD]) / max(int(a.counts[at.LIVE]), 1), 1e-9),
            a.spread_length,
            a.in_episode,
            a.passage_alive,
            *self.picture.edges.arrays,
            self.picture.passages_from,
            a.context,
            a.context_first,
            a.next_member,
            scores,
            # Zeroed by the system page by page, when first touched: a large store costs no more than a small one.
            np.zeros(passages, dtype=np.int32),
            np.zeros(passages, dtype=np.int32),
            np.zeros(int(a.counts[at.CONTEXTS]), dtype=np.int64),
        )
        return touched, scores

    def fact_share(self, query: Query, facts: Ints) -> Vector:
        """(m,) idf of the query's terms that "title: sentence" holds, as a share of the idf of all of them, in [0, 1]."""
        a = self.picture.arrays
        shares = np.zeros(len(facts))
        total = query.idf.sum()
        if total > 0 and len(facts):
            asked = np.zeros(int(a.counts[at.TERMS]), dtype=np.int32)
            idf = query.idf / total
            _fact_kernel()(a.term_pool, a.fact_terms, a.title_terms, a.home, facts, query.places, idf, asked, shares)
        return shares

    def importance(self, words: tuple[str, ...]) -> Vector:
        """(n,) idf of the term that each word counts as: 0 for a stop word, the highest for a word nobody wrote."""
        of_word: dict[str, list[str]] = {}
        for word in words:
            if word not in of_word:
                # Most are plain words: no need to look for their borders.
                plain = word.isascii() and word.isalnum()
                of_word[word] = [t for t in [term_of(word.lower())] if t is not None] if plain else terms(word)
        known = self.picture.terms_known({term for some in of_word.values() for term in some})
        places = np.array(list(known.values()), dtype=np.int64)
        values = self._idf(np.append(self.picture.arrays.term_frequency[places], 0)).tolist()
        idf, unseen = dict(zip(known, values[:-1], strict=True)), values[-1]
        value = {word: max((idf.get(term, unseen) for term in some), default=0.0) for word, some in of_word.items()}
        return np.array([value[word] for word in words], dtype=np.float64)


@cache
def _share_kernel() -> Any:
    from numba import njit

    @njit(cache=True, nogil=True)  # type: ignore[misc, unused-ignore]
    def share(  # type: ignore[no-untyped-def]
        k, start, target, label, head, following, terms, weights, mean, spread_length, in_episode, alive,
        edge_start, edge_target, edge_kind, edge_head, edge_following, passages_from,
        context, context_first, next_member, scores, spread, own, of_context,
    ):  # fmt: skip
        base = start[-1]
        edge_base = edge_start[-1]
        touched = np.empty(1024, dtype=np.int64)
        reached = 0
        lent = np.empty(1024, dtype=np.int64)  # passages of sessions that got a part of this term's count
        contexts = np.empty(1024, dtype=np.int64)
        path = np.empty(64, dtype=np.int64)
        for t in range(len(terms)):
            term = terms[t]
            lenders = 0
            touched_contexts = 0
            entry = start[term]
            last = start[term + 1]
            chained = False
            while True:
                if entry == last and not chained:
                    chained = True
                    entry = head[term]
                if chained and entry < 0:
                    break
                p = target[entry]
                count = label[entry]
                entry = following[entry - base] if chained else entry + 1
                if not alive[p]:
                    continue
                if not in_episode[p]:
                    held = OWN * count
                    saturation = PARTS * K1 * (1.0 - B + B * spread_length[p] / mean)
                    if scores[p] == 0.0:
                        if reached == len(touched):
                            touched = np.append(touched, np.empty_like(touched))
                        touched[reached] = p
                        reached += 1
                    scores[p] += weights[t] * (held / (held + saturation))
                    continue
                # What it lends: to itself, to those behind it and before it, and to the whole session.
                own[p] = count
                c = context[p]
                if of_context[c] == 0:
                    if touched_contexts == len(contexts):
                        contexts = np.append(contexts, np.empty_like(contexts))
                    contexts[touched_contexts] = c
                    touched_contexts += 1
                of_context[c] += count
                for direction in range(-1, 2):
                    steps = 0 if direction == 0 else 2
                    path[0] = p
                    first, size = 0, 1
                    for step in range(steps + 1):
                        if direction == 0:
                            part = OWN
                        elif step == 0:
                            part = 0
                        else:
                            part = REPLY[step - 1] if direction > 0 else LEAD[step - 1]
                        if part:
                            for i in range(first, size):
                                q = path[i]
                                if spread[q] == 0:
                                    if lenders == len(lent):
                                        lent = np.append(lent, np.empty_like(lent))
                                    lent[lenders] = q
                                    lenders += 1
                                spread[q] += part * count
                        if step == steps:
                            break
                        kind = NEXT if direction > 0 else PREVIOUS
                        end = size
                        for i in range(first, size):
                            node = passages_from + path[i]
                            edge = edge_start[node]
                            more = False
                            while True:
                                if edge == edge_start[node + 1] and not more:
                                    more = True
                                    edge = edge_head[node]
                                if more and edge < 0:
                                    break
                                if edge_kind[edge] == kind:
                                    if end == len(path):
                                        path = np.append(path, np.empty_like(path))
                                    path[end] = edge_target[edge] - passages_from
                                    end += 1
                                edge = edge_following[edge - edge_base] if more else edge + 1
                        first, size = size, end
            for i in range(touched_contexts):
                c = contexts[i]
                p = context_first[c]
                while p >= 0:
                    part = WHOLE * (of_context[c] - own[p])
                    if part:
                        if spread[p] == 0:
                            if lenders == len(lent):
                                lent = np.append(lent, np.empty_like(lent))
                            lent[lenders] = p
                            lenders += 1
                        spread[p] += part
                    p = next_member[p]
                of_context[c] = 0
            for i in range(lenders):
                p = lent[i]
                held = np.int64(spread[p])
                saturation = PARTS * K1 * (1.0 - B + B * spread_length[p] / mean)
                if scores[p] == 0.0:
                    if reached == len(touched):
                        touched = np.append(touched, np.empty_like(touched))
                    touched[reached] = p
                    reached += 1
                scores[p] += weights[t] * (held / (held + saturation))
                spread[p] = own[p] = 0
        if reached <= 4 * k:
            return touched[:reached]
        # A word of half of all passages touches them all: leave those behind that are clearly not among the best.
        bins = np.zeros(4096, dtype=np.int64)
        for i in range(reached):
            bins[int(scores[touched[i]] * 4095)] += 1
        lowest, above = 4095, bins[4095]
        while above < k:
            lowest -= 1
            above += bins[lowest]
        kept = 0
        for i in range(reached):
            if int(scores[touched[i]] * 4095) >= lowest:
                touched[kept] = touched[i]
                kept += 1
        return touched[:kept]

    return share


@cache
def _fact_kernel() -> Any:
    from numba import njit

    @njit(cache=True, nogil=True)  # type: ignore[misc, unused-ignore]
    def count(pool, fact_terms, title_terms, home, facts, terms, idf, asked, shares):  # type: ignore[no-untyped-def]
        # asked: of every term, 1 + its place in the query, 0 for the others.
        for t in range(len(terms)):
            asked[terms[t]] = t + 1
        held = np.zeros(len(terms) + 1, dtype=np.bool_)
        for i in range(len(facts)):
            fact = facts[i]
            held[:] = False
            for j in range(fact_terms[fact, 0], fact_terms[fact, 1]):
                held[asked[pool[j]]] = True
            passage = home[fact]
            for j in range(title_terms[passage, 0], title_terms[passage, 1]):
                held[asked[pool[j]]] = True
            total = 0.0
            for t in range(len(terms)):
                if held[t + 1]:
                    total += idf[t]
            shares[i] = total

    return count
