"""A multi-hop answer without an LLM: the chain of passages, and the sentences in them, that leads to the answer."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from hippomem.answer.beam import Candidates, best_chain
from hippomem.answer.candidates import PASSAGES, Sentences
from hippomem.arrays.picture import Picture
from hippomem.models.embedder import Embedder
from hippomem.store import Store, display
from hippomem.types import Hit, SearchResult


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

    steps: over distinct passages, in the order of the search's ranking as far as joints allow; empty when nothing matched.
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
    """Finds trails in one picture."""

    def __init__(self, store: Store, picture: Picture, embedder: Embedder) -> None:
        self._db, self._picture = store.db, picture
        self._sentences = Sentences(store.db, picture, embedder)

    def find(self, retrieval: SearchResult, *, keep: int | None = None) -> Trail:
        """The trail through the best hits of a search, for its query. keep: hits of the search that the trail holds.

        Costs one encoding of the question, and no LLM. Raises ModelError when the encoder fails.
        """
        kept = retrieval if keep is None else replace(retrieval, hits=retrieval[:keep])
        hits = retrieval[:PASSAGES]
        candidates = self._sentences.candidates(retrieval.query, hits)
        if not len(candidates.fact):
            return Trail(retrieval.query, (), 0.0, kept)
        score, chain = best_chain(candidates)
        return Trail(retrieval.query, self._steps(candidates, chain, hits), score, kept)

    def _steps(self, candidates: Candidates, chain: tuple[int, ...], hits: tuple[Hit, ...]) -> tuple[TrailStep, ...]:
        """In order of rank, but a step that only others of the chain lead to comes after one of them."""
        waiting = sorted(chain, key=lambda i: int(candidates.passage[i]))
        placed: list[int] = []
        steps: list[TrailStep] = []
        while waiting:
            ready = [i for i in waiting if candidates.start[i] or candidates.joined[i, placed].any()]
            current = (ready if placed and ready else waiting)[0]
            waiting.remove(current)
            after = next(iter(np.flatnonzero(candidates.joined[current, placed]).tolist()), None)
            joined_by = "" if after is None else self._joint(candidates, placed[after], current)
            steps.append(self._step(candidates, current, hits, joined_by, after))
            placed.append(current)
        return tuple(steps)

    def _step(
        self, candidates: Candidates, at: int, hits: tuple[Hit, ...], joined_by: str, after: int | None
    ) -> TrailStep:
        hit = hits[int(candidates.passage[at])]
        return TrailStep(
            passage_id=hit.passage_id,
            title=hit.title,
            sentence=display.fact_statement(
                self._db, int(self._picture.arrays.fact_key[candidates.fact[at]]), self._picture.visible
            ),
            joined_by=joined_by,
            after=after,
            score=float(candidates.cosine[at]),
            source_ids=hit.source_ids,
        )

    def _joint(self, candidates: Candidates, before: int, after: int) -> str:
        """The name that joins two sentences: the title of the second, of the first, or the rarest that both give."""
        a = self._picture.arrays
        facts = [int(candidates.fact[at]) for at in (after, before)]
        titles = [int(a.title_entity[a.home[fact]]) for fact in facts]
        shared = candidates.shared(before, after)
        name = min(
            shared,
            key=lambda e: (titles.index(e) if e in titles else 2, int(a.frequency[e]), int(a.entity_hash[e])),
        )
        return display.entity_name(self._db, int(a.entity_key[name]), self._picture.visible)
