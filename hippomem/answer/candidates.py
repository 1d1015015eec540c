"""From a search's best hits to the sentences that a trail may be made of, and what joins them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hippomem.answer.beam import Candidates
from hippomem.graph.similarity import row_products
from hippomem.models.embedder import Embedder
from hippomem.retrieve.base import min_max
from hippomem.retrieve.index import NamespaceIndex, row
from hippomem.retrieve.linking import HUB, query_mentions, titles_in_query
from hippomem.text.words import terms
from hippomem.types import Hit

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

#: Passages, best first, that a trail may lead over; sentences of each, those nearest to the question.
PASSAGES, SENTENCES = 10, 12


@dataclass(frozen=True)
class Sentences:
    """Finds candidates in one index."""

    index: NamespaceIndex
    embedder: Embedder

    def candidates(self, question: str, hits: Sequence[Hit]) -> Candidates:
        """The nearest sentences of the hits' passages, in order of rank; those of *hits* that the index lacks give none.

        Costs one encoding of the question. Raises ModelError when the encoder fails.
        """
        index = self.index
        passages = [(place, self._position[hit.passage_id]) for place, hit in enumerate(hits) if self._knows(hit)]
        if not passages:
            return Candidates.none()
        vector = self.embedder.embed([question], role="query")[0]
        fact, place, home, cosine = [], [], [], []
        for at, position in passages:
            own = np.sort(row(index.contributions, position))
            own = own[~index.is_triple[own]]
            near = row_products(index.fact_vectors, vector, own)
            kept = np.lexsort((own, -near))[:SENTENCES]
            fact += own[kept].tolist()
            cosine += near[kept].tolist()
            place += [at] * len(kept)
            home += [position] * len(kept)
        facts, places, homes = (np.array(some, dtype=np.int64) for some in (fact, place, home))
        apart = places[:, None] != places[None, :]
        names = [self.names(one) - self._given(question) for one in fact]
        start = self._named(question, homes)
        titles = index.title_entities[homes]
        compared = np.outer(start, start) & (titles[:, None] != titles[None, :])
        return Candidates(
            fact=facts,
            passage=places,
            cosine=np.array(cosine),
            names=tuple(map(frozenset, names)),
            vectors=index.fact_vectors[facts],
            relevance=min_max(np.array([hit.score for hit in hits]), equal=1.0)[places],
            holds=self._holds(question, facts, homes),
            joined=_share_a_name(names) & apart,
            titled=(_name_title(names, titles) | compared) & apart,
            start=start,
            title=titles,
        )

    def names(self, fact: int) -> set[int]:
        """Entities of a sentence, its title among them, that may join it with another: no hubs."""
        frequency = self.index.document_frequency
        return {entity for entity in row(self.index.mentions, fact).tolist() if frequency[entity] <= HUB}

    def _knows(self, hit: Hit) -> bool:
        return hit.passage_id in self._position

    @cached_property
    def _position(self) -> dict[str, int]:
        return {passage_id: i for i, passage_id in enumerate(self.index.passage_ids)}

    @cached_property
    def _term_position(self) -> dict[str, int]:
        return {term: i for i, term in enumerate(self.index.terms)}

    @cached_property
    def _idf(self) -> NDArray[np.float64]:
        """(T,) how much a term tells: log(1 + sentences / sentences that hold it)."""
        holding = np.bincount(self.index.fact_terms.indices, minlength=len(self.index.terms))
        idf: NDArray[np.float64] = np.log1p(len(self.index.sentences) / np.maximum(holding, 1))
        return idf

    def _given(self, question: str) -> set[int]:
        """Entities that the question names: to meet one again is no step away from it."""
        position = self.index.entity_position
        return {position[m.key] for m in query_mentions(question, position.__contains__) if m.key in position}

    def _named(self, question: str, homes: Ints) -> Flags:
        """(n,) whether the question spells out the title of the sentence's passage."""
        by_title = self.index.passages_of_title
        named = [p for title in titles_in_query(question, by_title.__contains__) for p in by_title[title]]
        return np.isin(homes, named)

    def _holds(self, question: str, facts: Ints, homes: Ints) -> NDArray[np.float64]:
        """(n, t) share of the question's idf that each of its t known terms has, where "title: sentence" holds it."""
        columns = [self._term_position[term] for term in sorted(set(terms(question))) if term in self._term_position]
        if not columns:
            return np.zeros((len(facts), 0))
        counts = self.index.fact_terms[facts][:, columns] + self.index.title_terms[homes][:, columns]
        idf = self._idf[columns]
        shares: NDArray[np.float64] = (counts.toarray() > 0) * (idf / idf.sum())
        return shares


def _share_a_name(names: Sequence[set[int]]) -> Flags:
    """(n, n) whether two sentences give one name."""
    by_name: dict[int, list[int]] = {}
    for i, own in enumerate(names):
        for name in own:
            by_name.setdefault(name, []).append(i)
    shared = np.zeros((len(names), len(names)), dtype=bool)
    for those in by_name.values():
        shared[np.ix_(those, those)] = True
    return shared


def _name_title(names: Sequence[set[int]], titles: Ints) -> Flags:
    """(n, n) whether one of two sentences gives the title of the other's passage. titles: (n,) entities, -1 for none."""
    gives = np.array([[title in own for title in titles.tolist()] for own in names], dtype=bool)
    gives = gives.reshape(len(names), len(names))
    either: Flags = gives | gives.T
    return either
