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
from hippomem.arrays.picture import Picture
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
        from hippomem.retrieve.row_loops import share  # compiled: loads numba

        touched = share(
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
