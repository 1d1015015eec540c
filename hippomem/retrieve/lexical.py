"""BM25 over the passages of an index, for the baseline of that name.

Document frequencies and idf are computed from the counts when an index is read; nothing of them is stored.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

from hippomem.retrieve.index import NamespaceIndex
from hippomem.text.words import terms

Vector = NDArray[np.float64]

#: Lucene's defaults.
K1, B = 1.2, 0.75


@dataclass(frozen=True)
class Bm25Index:
    """BM25 over texts given as term counts (Robertson and Zaragoza 2009; idf with Lucene's +1, which keeps it positive).

    position: term → column.    weights: (n, T) CSC, the weight of a term in a text, idf included.
    """

    position: dict[str, int]
    weights: csc_array

    @classmethod
    def of(cls, index: NamespaceIndex) -> Bm25Index:
        """Over the passages of an index. A passage's terms are those of its title and of its sentences."""
        return cls.over(csr_array(index.contributions @ index.fact_terms + index.title_terms), index.terms)

    @classmethod
    def over(cls, counts: csr_array, vocabulary: list[str]) -> Bm25Index:
        """counts: (n, T) how often each text holds each term of the vocabulary."""
        texts = counts.shape[0]
        frequency = np.bincount(counts.indices, minlength=len(vocabulary))
        idf = np.log1p((texts - frequency + 0.5) / (frequency + 0.5))
        length = np.asarray(counts.sum(axis=1)).ravel()
        mean = length.mean() if texts else 1.0
        saturation = np.repeat(K1 * (1 - B + B * length / (mean or 1.0)), np.diff(counts.indptr))
        weights = counts.copy()
        weights.data = idf[counts.indices] * counts.data * (K1 + 1) / (counts.data + saturation)
        return cls({term: i for i, term in enumerate(vocabulary)}, csc_array(weights))

    def scores(self, text: str) -> Vector:
        """(n,) BM25 (k1 = 1.2, b = 0.75) of a query."""
        scores, weights = np.zeros(self.weights.shape[0]), self.weights
        for term, count in Counter(terms(text)).items():
            column = self.position.get(term)
            if column is not None:
                part = slice(weights.indptr[column], weights.indptr[column + 1])
                scores[weights.indices[part]] += count * weights.data[part]
        return scores
