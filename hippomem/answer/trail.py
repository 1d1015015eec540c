"""A multi-hop answer without an LLM: the chain of passages, and the sentences in them, that leads to the answer."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hippomem.answer.beam import Candidates, best_chain
from hippomem.models.embedder import Embedder
from hippomem.retrieve.base import min_max, similarity
from hippomem.retrieve.index import NamespaceIndex, row
from hippomem.retrieve.linking import titles_in_query
from hippomem.store import Store, display
from hippomem.text.words import terms
from hippomem.types import Hit, SearchResult

#: Passages, best first, that a trail may lead over; sentences of each, those nearest to the question.
PASSAGES, SENTENCES = 10, 12
#: An entity in more passages than this joins everything with everything (as for the retriever's chains).
_HUB = 50


@dataclass(frozen=True, slots=True)
class TrailStep:
    """One passage of a trail, and the sentence of it that the trail takes.

    after: position in the trail of the step that leads here, None where the question itself does.
    joined_by: the name that both sentences give, "" where the question leads here.
    score: cosine between question and sentence, in [-1, 1].
    """

    passage_id: str
    title: str
    sentence: str
    joined_by: str
    after: int | None
    score: float
    source_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trail:
    """Where the question starts, … , the passage that states the answer.

    steps: of distinct passages, in the order of the retrieval's ranking as far as joints allow; empty when nothing matched.
    score: the chain's (`hippomem.answer.beam`), comparable between chains of one question only.
    retrieval: the search that the trail was found in.
    """

    question: str
    steps: tuple[TrailStep, ...]
    score: float
    retrieval: SearchResult

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "kind": "trail",
            "question": self.question,
            "steps": [asdict(step) for step in self.steps],
            "score": self.score,
            "retrieval": self.retrieval.to_dict(),
        }


class Trails:
    """Finds trails in one index."""

    def __init__(self, store: Store, index: NamespaceIndex, embedder: Embedder) -> None:
        self._store, self._index, self._embedder = store, index, embedder
        self._position = {passage_id: i for i, passage_id in enumerate(index.passage_ids)}

    @cached_property
    def _idf(self) -> NDArray[np.float64]:
        """(T,) how much a term tells: log(1 + sentences / sentences that hold it)."""
        index = self._index
        holding = np.bincount(index.fact_terms.indices, minlength=len(index.terms))
        idf: NDArray[np.float64] = np.log1p(len(index.sentences) / np.maximum(holding, 1))
        return idf

    def find(self, retrieval: SearchResult, *, show: int | None = None) -> Trail:
        """The trail through a search's best hits, for its query. show: hits that the trail's ``retrieval`` keeps.

        Costs one encoding of the question, and no LLM. Raises ModelError when the encoder fails.
        """
        shown = retrieval if show is None else replace(retrieval, hits=retrieval[:show])
        hits = [hit for hit in retrieval[:PASSAGES] if hit.passage_id in self._position]
        candidates = self._candidates(retrieval.query, hits)
        if not len(candidates.fact):
            return Trail(retrieval.query, (), 0.0, shown)
        score, chain = best_chain(candidates)
        return Trail(retrieval.query, self._steps(candidates, chain, hits), score, shown)

    def _candidates(self, question: str, hits: list[Hit]) -> Candidates:
        index = self._index
        if not hits:
            return Candidates.none()
        vector = self._embedder.embed([question], role="query")[0]
        passages = [self._position[hit.passage_id] for hit in hits]
        fact, passage, cosine = [], [], []
        for place, position in enumerate(passages):
            own = np.sort(row(index.contributions, position))
            own = own[~index.is_triple[own]]
            near = similarity(index.fact_vectors[own], vector)
            kept = np.lexsort((own, -near))[:SENTENCES]
            fact += own[kept].tolist()
            cosine += near[kept].tolist()
            passage += [place] * len(kept)
        facts, places = np.array(fact, dtype=np.int64), np.array(passage, dtype=np.int64)
        relevance = min_max(np.array([hit.score for hit in hits]), equal=1.0)
        return Candidates(
            fact=facts,
            passage=places,
            cosine=np.array(cosine),
            vectors=index.fact_vectors[facts],
            relevance=relevance[places],
            holds=self._holds(question, facts, places, passages),
            joined=self._joined(facts, places),
            start=self._named(question, passages)[places],
        )

    def _holds(
        self, question: str, facts: NDArray[np.int64], places: NDArray[np.int64], passages: list[int]
    ) -> NDArray[np.float64]:
        """(n, t) share of the question's idf that each of its t known terms has, where "title: sentence" holds it."""
        index = self._index
        wanted = set(terms(question))
        columns = [i for i in (self._term_position.get(term) for term in sorted(wanted)) if i is not None]
        if not columns:
            return np.zeros((len(facts), 0))
        held = (index.fact_terms[facts][:, columns].toarray() > 0) | (
            index.title_terms[[passages[place] for place in places]][:, columns].toarray() > 0
        )
        idf = self._idf[columns]
        shares: NDArray[np.float64] = held * (idf / idf.sum())
        return shares

    @cached_property
    def _term_position(self) -> dict[str, int]:
        return {term: i for i, term in enumerate(self._index.terms)}

    def _joined(self, facts: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(n, n) whether two sentences of different passages give one name."""
        by_name: dict[int, list[int]] = {}
        for i, fact in enumerate(facts.tolist()):
            for entity in self._names(fact):
                by_name.setdefault(entity, []).append(i)
        joined = np.zeros((len(facts), len(facts)), dtype=bool)
        for those in by_name.values():
            joined[np.ix_(those, those)] = True
        joined &= places[:, None] != places[None, :]
        return joined

    def _names(self, fact: int) -> set[int]:
        """Entities of a sentence, its title among them, that may join it with another: no hubs."""
        frequency = self._index.document_frequency
        return {entity for entity in row(self._index.mentions, fact).tolist() if frequency[entity] <= _HUB}

    def _named(self, question: str, passages: list[int]) -> NDArray[np.bool_]:
        """(passages,) whether the question spells out the title."""
        by_title = self._index.passages_of_title
        named = {p for title in titles_in_query(question, by_title.__contains__) for p in by_title[title]}
        return np.array([position in named for position in passages])

    def _steps(self, candidates: Candidates, chain: tuple[int, ...], hits: list[Hit]) -> tuple[TrailStep, ...]:
        """In order of rank, but each after the step that leads to it."""
        waiting = sorted(chain, key=lambda i: int(candidates.passage[i]))
        placed: list[int] = []
        steps: list[TrailStep] = []
        while waiting:
            # What the chain reaches from the steps so far goes before another start, unless the question names that.
            ready = [i for i in waiting if not placed or candidates.start[i] or candidates.joined[i, placed].any()]
            current = (ready or waiting)[0]
            waiting.remove(current)
            before = [place for place, other in enumerate(placed) if candidates.joined[current, other]]
            after = before[0] if before else None
            fact = int(candidates.fact[current])
            hit = hits[int(candidates.passage[current])]
            steps.append(
                TrailStep(
                    passage_id=hit.passage_id,
                    title=hit.title,
                    sentence=display.fact_statement(self._store.db, int(self._index.fact_keys[fact])),
                    joined_by="" if after is None else self._joint(int(candidates.fact[placed[after]]), fact),
                    after=after,
                    score=float(candidates.cosine[current]),
                    source_ids=hit.source_ids,
                )
            )
            placed.append(current)
        return tuple(steps)

    def _joint(self, before: int, after: int) -> str:
        """The name that joins two sentences: the title of the second, of the first, or the rarest name of both."""
        index = self._index
        titles = [int(index.title_entities[index.home_of_fact[fact]]) for fact in (after, before)]
        name = min(
            self._names(before) & self._names(after),
            key=lambda e: (titles.index(e) if e in titles else 2, index.document_frequency[e], index.entities[e]),
        )
        return display.entity_name(self._store.db, int(index.entity_keys[name]))
