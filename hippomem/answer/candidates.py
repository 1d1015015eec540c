"""From a search's best hits to the sentences that a trail may be made of, and what joins them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hippomem.answer.beam import Candidates
from hippomem.arrays.picture import LIVE, Picture, hashed
from hippomem.models.embedder import Embedder
from hippomem.retrieve.base import min_max
from hippomem.retrieve.linking import HUB, QueryNames, query_mentions
from hippomem.text.words import terms
from hippomem.types import Hit

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

#: Passages, best first, that a trail may lead over; sentences of each, those nearest to the question.
PASSAGES, SENTENCES = 10, 12


@dataclass(frozen=True)
class Sentences:
    """Finds candidates in one picture."""

    db: sqlite3.Connection
    picture: Picture
    embedder: Embedder

    def candidates(self, question: str, hits: Sequence[Hit]) -> Candidates:
        """The nearest sentences of the hits' passages, in order of rank; those of *hits* that the picture lacks give none.

        Costs one encoding of the question. Raises ModelError when the encoder fails.
        """
        picture, a = self.picture, self.picture.arrays
        known = self._places(hits)
        passages = [(place, known[hit.passage_id]) for place, hit in enumerate(hits) if hit.passage_id in known]
        if not passages:
            return Candidates.none()
        vector = self.embedder.embed([question], role="query")[0]
        fact, place, home, cosine = [], [], [], []
        for at, passage in passages:
            own, _ = picture.facts_of_passages(np.array([passage]), sentences=True)
            near = picture.fact_cosines(vector, own)
            kept = np.lexsort((a.fact_order[own], -near))[:SENTENCES]
            fact += own[kept].tolist()
            cosine += near[kept].tolist()
            place += [at] * len(kept)
            home += [passage] * len(kept)
        facts, places, homes = (np.array(some, dtype=np.int64) for some in (fact, place, home))
        apart = places[:, None] != places[None, :]
        given = self._given(question)
        names = [self.names(one) - given for one in fact]
        start = self._named(question, homes)
        titles = a.title_entity[homes].astype(np.int64)
        compared = np.outer(start, start) & (titles[:, None] != titles[None, :])
        return Candidates(
            fact=facts,
            passage=places,
            cosine=np.array(cosine),
            names=tuple(map(frozenset, names)),
            vectors=a.fact_vector[facts] * a.fact_scale[facts, None],
            relevance=min_max(np.array([hit.score for hit in hits]), equal=1.0)[places],
            holds=self._holds(question, facts, homes),
            joined=_share_a_name(names) & apart,
            titled=(_name_title(names, titles) | compared) & apart,
            start=start,
            title=titles,
        )

    def names(self, fact: int) -> set[int]:
        """Entities of a sentence, its title among them, that may join it with another: no hubs."""
        entities, _ = self.picture.entities_of_facts(np.array([fact]))
        return set(entities[self.picture.arrays.frequency[entities] <= HUB].tolist())

    def _places(self, hits: Sequence[Hit]) -> dict[str, int]:
        """passage_id → place of the hits' passages."""
        ids = [hit.passage_id for hit in hits]
        rows = self.db.execute(
            f"SELECT passage_key, passage_id FROM passages WHERE passage_id IN ({','.join('?' * len(ids))})", ids
        ).fetchall()
        known = self.picture.passage_places(key for key, _ in rows)
        return {passage_id: known[key] for key, passage_id in rows if key in known}

    def _given(self, question: str) -> set[int]:
        """Entities that the question names: to meet one again is no step away from it."""
        known = self.picture.entities_named(QueryNames.of(question).names)
        keys = {mention.key for mention in query_mentions(question, known.__contains__)}
        return set(self.picture.entities_named(hashed(keys)).values())

    def _named(self, question: str, homes: Ints) -> Flags:
        """(n,) whether the question spells out the title of the sentence's passage."""
        names = QueryNames.of(question)
        by_title = self.picture.titled(names.hashes)
        named = [p for title in names.spelled_out(by_title) for p in by_title[title]]
        return np.isin(homes, named)

    def _holds(self, question: str, facts: Ints, homes: Ints) -> NDArray[np.float64]:
        """(n, t) share of the question's idf that each of its t known terms has, where "title: sentence" holds it."""
        a = self.picture.arrays
        known = self.picture.terms_known(terms(question))
        columns = np.array([known[term] for term in sorted(known)], dtype=np.int64)
        columns = columns[a.term_frequency[columns] > 0]
        if not len(columns):
            return np.zeros((len(facts), 0))
        held = np.zeros((len(facts), len(columns)), dtype=bool)
        for i, (fact, home) in enumerate(zip(facts.tolist(), homes.tolist(), strict=True)):
            own = a.term_pool[slice(*a.fact_terms[fact].tolist())]
            held[i] = np.isin(columns, own) | np.isin(columns, a.term_pool[slice(*a.title_terms[home, :2].tolist())])
        idf = np.log1p(int(a.counts[LIVE]) / a.term_frequency[columns])
        shares: NDArray[np.float64] = held * (idf / idf.sum())
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
