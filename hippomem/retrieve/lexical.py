"""The lexical side of an index: which terms a passage or a sentence holds, and how much they tell.

Document frequencies and idf are computed from the counts when an index is read; nothing of them is stored.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

from hippomem.retrieve.index import NamespaceIndex, ones
from hippomem.text.words import term_of, terms

Vector = NDArray[np.float64]
#: Positions of a query's terms in the vocabulary, with their counts.
Query = dict[int, int]

#: Lucene's defaults.
K1, B = 1.2, 0.75


@dataclass(frozen=True)
class Bm25Index:
    """BM25 over texts given as term counts (Robertson and Zaragoza 2009; idf with Lucene's +1, which keeps it positive).

    weights: (n, T) CSC, the weight of a term in a text, idf included.    idf: (T,).
    """

    weights: csc_array
    idf: Vector

    @classmethod
    def of(cls, counts: csr_array) -> Bm25Index:
        """counts: (n, T) how often each text holds each term."""
        texts = counts.shape[0]
        idf = inverse_frequency(counts)
        length = np.asarray(counts.sum(axis=1)).ravel()
        mean = length.mean() if texts else 1.0
        saturation = np.repeat(K1 * (1 - B + B * length / (mean or 1.0)), np.diff(counts.indptr))
        weights = counts.copy()
        weights.data = idf[counts.indices] * counts.data * (K1 + 1) / (counts.data + saturation)
        return cls(csc_array(weights), idf)

    def scores(self, query: Query) -> Vector:
        """(n,) BM25 (k1 = 1.2, b = 0.75)."""
        scores = np.zeros(self.weights.shape[0])
        for term, count in query.items():
            _add_column(scores, self.weights, term, float(count))
        return scores


#: How much of a term's count reaches the passages behind and before the one that holds it, in a session or document:
#: one step, two steps. A reply repeats little of the question that it answers, so what was said before counts for more.
_REPLY, _LEAD = (0.5, 0.25), (0.25, 0.125)
#: And all passages of the same session or document.
_WHOLE = 0.1


@dataclass(frozen=True)
class Episodes:
    """How counts spread over the passages of one session or document (positional language models, Lv and Zhai 2009).

    near: (P, P) CSR, what a passage gets from those around it.    members: passages of a session or document that has more
    than one.    part_of: (C, P) CSR ones, the members of each.    whole: its transpose.
    """

    near: csr_array
    members: NDArray[np.int64]
    part_of: csr_array
    whole: csr_array

    @classmethod
    def of(cls, index: NamespaceIndex) -> Episodes | None:
        """None where no passage is part of anything larger: then nothing spreads."""
        passages = len(index.passage_ids)
        sizes = np.bincount(index.contexts, minlength=1)
        if not len(index.neighbours) and (not passages or sizes.max() < 2):
            return None
        before, after = index.neighbours[:, 0], index.neighbours[:, 1]
        back = csr_array((np.ones(len(before)), (after, before)), shape=(passages, passages))
        ahead = csr_array(back.T)
        near = back * _REPLY[0] + (back @ back) * _REPLY[1] + ahead * _LEAD[0] + (ahead @ ahead) * _LEAD[1]
        members = np.flatnonzero(sizes[index.contexts] > 1)
        part_of = csr_array((np.ones(len(members)), (index.contexts[members], members)), shape=(len(sizes), passages))
        return cls(csr_array(near), members, part_of, csr_array(part_of.T))

    def spread(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """(P, m) counts with what the passages around each have of the same column."""
        of_whole = np.asarray(self.whole @ (self.part_of @ counts))
        of_whole[self.members] -= counts[self.members]  # what a passage gives to its session is not given back
        spread: NDArray[np.float64] = counts + self.near @ counts + _WHOLE * of_whole
        return spread


@dataclass(frozen=True)
class Lexicon:
    """BM25 over passages, over passages with what stands around them, and term shares over sentences.

    passages: over the P passages.    counts: (P, T) CSC, how often each passage, or its date, holds each term.
    idf: (T,) over these.    saturation: (P,) BM25's K1 · (1 − b + b · length / mean length), lengths spread as counts are.
    fact_terms: (F, T) CSC, 1 where "title: sentence" holds the term.
    """

    position: dict[str, int]
    passages: Bm25Index
    counts: csc_array
    idf: Vector
    episodes: Episodes | None
    saturation: Vector
    fact_terms: csc_array

    @classmethod
    def of(cls, index: NamespaceIndex) -> Lexicon:
        """Compute from the counts of an index. A passage's terms are those of its title and of its sentences."""
        counts = csr_array(index.contributions @ index.fact_terms + index.title_terms)
        passages = Bm25Index.of(counts)
        dated = csr_array(counts + index.date_terms)
        episodes = Episodes.of(index)
        length = np.asarray(dated.sum(axis=1)).reshape(-1, 1)
        spread = (length if episodes is None else episodes.spread(length)).ravel()
        mean = spread.mean() if len(spread) else 1.0
        return cls(
            position={term: i for i, term in enumerate(index.terms)},
            passages=passages,
            counts=csc_array(dated),
            idf=inverse_frequency(dated),
            episodes=episodes,
            saturation=K1 * (1 - B + B * spread / (mean or 1.0)),
            fact_terms=csc_array(_titled_fact_terms(index)),
        )

    def query(self, text: str) -> Query:
        """Terms of a query that the vocabulary holds: position → count."""
        return {self.position[term]: n for term, n in Counter(terms(text)).items() if term in self.position}

    def bm25(self, query: Query) -> Vector:
        """(P,) BM25 over passages."""
        return self.passages.scores(query)

    def share(self, query: Query) -> Vector:
        """(P,) BM25 over passages with what stands around them, as a share of what a text full of the query's terms would
        get, in [0, 1).

        The words of a question are spread over the turns around the answer, and over the pieces of a long document. A
        passage that is its whole document counts alone.
        """
        counts = np.zeros((self.counts.shape[0], len(query)))
        for column, term in enumerate(query):
            _add_column(counts[:, column], self.counts, term, 1.0)
        if self.episodes is not None:
            counts = self.episodes.spread(counts)
        weight = self.idf[list(query)] * np.array(list(query.values()), dtype=np.float64)
        total = weight.sum()
        if not total > 0:
            return np.zeros(len(counts))
        held: Vector = (counts / (counts + self.saturation[:, None])) @ (weight / total)
        return held

    def importance(self, word: str) -> float:
        """idf of the term that a word counts as: 0 for a stop word or a sign, the highest for a word nobody wrote."""
        # Most are plain words: no need to look for their borders.
        plain = word.isascii() and word.isalnum()
        found = [term for term in [term_of(word.lower())] if term is not None] if plain else terms(word)
        if not found:
            return 0.0
        texts = len(self.saturation)
        unseen = float(np.log1p((texts + 0.5) / 0.5))
        return max(float(self.idf[self.position[term]]) if term in self.position else unseen for term in found)

    def fact_share(self, query: Query) -> Vector:
        """(F,) idf of the query's terms that "title: sentence" holds, as a share of the idf of all of them, in [0, 1]."""
        scores = np.zeros(self.fact_terms.shape[0])
        idf = self.idf
        total = sum(idf[term] for term in query)
        for term in query:
            _add_column(scores, self.fact_terms, term, idf[term] / total)
        return scores


def inverse_frequency(counts: csr_array) -> Vector:
    """(T,) idf of the columns of (n, T) counts: ln(1 + (n − df + ½) / (df + ½)), as Lucene's BM25 has it."""
    texts, vocabulary = counts.shape
    frequency = np.bincount(counts.indices, minlength=vocabulary)
    idf: Vector = np.log1p((texts - frequency + 0.5) / (frequency + 0.5))
    return idf


def _add_column(scores: Vector, matrix: csc_array, column: int, factor: float) -> None:
    part = slice(matrix.indptr[column], matrix.indptr[column + 1])
    scores[matrix.indices[part]] += factor * matrix.data[part]


def _titled_fact_terms(index: NamespaceIndex) -> csr_array:
    """(F, T) ones: a sentence's own terms and those of its title (the title of any passage that makes it)."""
    titles = index.title_terms[index.home_of_fact] if len(index.fact_keys) else index.fact_terms
    return ones(csr_array(index.fact_terms + titles))
