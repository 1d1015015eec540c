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
from hippomem.text.words import terms

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
        texts, vocabulary = counts.shape
        frequency = np.bincount(counts.indices, minlength=vocabulary)
        idf = np.log1p((texts - frequency + 0.5) / (frequency + 0.5))
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

    def share(self, query: Query) -> Vector:
        """(n,) BM25 as a share of what a text full of the query's terms would get, in [0, 1)."""
        most = sum(self.idf[term] * count for term, count in query.items()) * (K1 + 1)
        return self.scores(query) / most if most > 0 else np.zeros(self.weights.shape[0])


@dataclass(frozen=True)
class Lexicon:
    """BM25 over passages and over what they are part of, and term shares over sentences.

    passages: over the P passages.    contexts: over sessions and documents; context: (P,) which one a passage is part of.
    fact_terms: (F, T) CSC, 1 where "title: sentence" holds the term.
    """

    position: dict[str, int]
    passages: Bm25Index
    contexts: Bm25Index
    context: NDArray[np.int64]
    fact_terms: csc_array

    @classmethod
    def of(cls, index: NamespaceIndex) -> Lexicon:
        """Compute from the counts of an index. A passage's terms are those of its title and of its sentences."""
        counts = csr_array(index.contributions @ index.fact_terms + index.title_terms)
        members = len(index.contexts)
        part_of = csr_array(
            (np.ones(members), (index.contexts, np.arange(members))),
            shape=(int(index.contexts.max(initial=-1)) + 1, members),
        )
        return cls(
            position={term: i for i, term in enumerate(index.terms)},
            passages=Bm25Index.of(counts),
            contexts=Bm25Index.of(csr_array(part_of @ counts)),
            context=index.contexts,
            fact_terms=csc_array(_titled_fact_terms(index)),
        )

    def query(self, text: str) -> Query:
        """Terms of a query that the vocabulary holds: position → count."""
        return {self.position[term]: n for term, n in Counter(terms(text)).items() if term in self.position}

    def bm25(self, query: Query) -> Vector:
        """(P,) BM25 over passages."""
        return self.passages.scores(query)

    def share(self, query: Query) -> Vector:
        """(P,) mean of a passage's BM25 share and that of its session or document, in [0, 1).

        The words of a question are spread over the turns around the answer, and over the pieces of a long document.
        A passage that is its whole document counts alone.
        """
        return (self.passages.share(query) + self.contexts.share(query)[self.context]) / 2

    def fact_share(self, query: Query) -> Vector:
        """(F,) idf of the query's terms that "title: sentence" holds, as a share of the idf of all of them, in [0, 1]."""
        scores = np.zeros(self.fact_terms.shape[0])
        idf = self.passages.idf
        total = sum(idf[term] for term in query)
        for term in query:
            _add_column(scores, self.fact_terms, term, idf[term] / total)
        return scores


def _add_column(scores: Vector, matrix: csc_array, column: int, factor: float) -> None:
    part = slice(matrix.indptr[column], matrix.indptr[column + 1])
    scores[matrix.indices[part]] += factor * matrix.data[part]


def _titled_fact_terms(index: NamespaceIndex) -> csr_array:
    """(F, T) ones: a sentence's own terms and those of its title (the title of any passage that makes it)."""
    titles = index.title_terms[index.home_of_fact] if len(index.fact_keys) else index.fact_terms
    return ones(csr_array(index.fact_terms + titles))
