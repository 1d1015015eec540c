"""The questions a retriever answers worst, with what it found instead and why: for reading, not for figures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval.ask import Answer, Search, collapse, searches
from eval.metrics import ALWAYS, score_rankings
from hippomem.types import Document, Hit

EXCERPT = 300  # characters of a passage that are shown


@dataclass(frozen=True, slots=True)
class Failure:
    """A question whose gold passages are not all among the first five.

    recall: its recall@5, in [0, 1).    reciprocal_rank: of its first gold passage, 0 when none was ranked.
    top: the best five (``_id``, explained hit).    documents: gold and found passages by ``_id``, as the set has them.
    """

    answer: Answer
    recall: float
    reciprocal_rank: float
    top: tuple[tuple[str, Hit], ...] = ()
    documents: Mapping[str, Document | None] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types. rank: from 1, null when the passage is not among those ranked."""
        question, ranked = self.answer.question, self.answer.ranked
        return {
            "corpus": question.corpus,
            "question_id": question.question_id,
            "question": question.text,
            "answers": list(question.answers),
            "type": question.type,
            "hops": question.hops,
            f"recall@{ALWAYS}": round(100.0 * self.recall, 4),
            "gold": [
                {**self._passage(passage_id), "rank": ranked.index(passage_id) + 1 if passage_id in ranked else None}
                for passage_id in sorted(question.relevance)
            ],
            "top": [
                {
                    "rank": rank,
                    **self._passage(passage_id),
                    "gold": passage_id in question.relevance,
                    "score": _number(hit.score),
                    "why": _why(hit),
                }
                for rank, (passage_id, hit) in enumerate(self.top, start=1)
            ],
        }

    def _passage(self, passage_id: str) -> dict[str, str]:
        document = (self.documents or {}).get(passage_id)
        title, text = (document.title, document.text) if document is not None else ("", "")
        return {"id": passage_id, "title": title, "text": text[:EXCERPT]}


def worst(failures: Sequence[Failure], limit: int) -> list[Failure]:
    """The *limit* worst: lowest recall@5, then the first gold passage furthest down, then the order of the questions."""
    return sorted(failures, key=lambda failure: (failure.recall, failure.reciprocal_rank))[:limit]


def find_failures(answers: Sequence[Answer], limit: int) -> list[Failure]:
    """The *limit* worst of *answers* whose gold is not all in the top five, without what was found instead."""
    if not answers or limit < 1:
        return []
    scores = score_rankings([a.ranked for a in answers], [a.question.relevance for a in answers], [ALWAYS])
    rows = zip(answers, scores[f"recall@{ALWAYS}"].tolist(), scores["mrr"].tolist(), strict=True)
    return worst([Failure(*row) for row in rows if row[1] < 1.0], limit)


def explained(failure: Failure, search: Search, documents: Mapping[str, Document], *, chunked: bool) -> Failure:
    """*failure* with its best five passages and their reasons. search: one that explains; it is asked once more.

    documents: the corpus by ``_id``; only what is shown is kept.
    """
    question = failure.answer.question
    results = searches(search, question.text, ALWAYS, chunked=chunked)
    top = tuple(collapse(results[-1].hits).items())[:ALWAYS]
    shown = dict.fromkeys([*question.relevance, *(passage_id for passage_id, _ in top)])
    return Failure(
        failure.answer, failure.recall, failure.reciprocal_rank, top, {name: documents.get(name) for name in shown}
    )


def _why(hit: Hit) -> dict[str, Any]:
    """path: what stands at each step from the question's seed to the passage.    scores: the named parts of the score."""
    if hit.why is None:
        return {"path": [], "scores": {}, "note": ""}
    return {
        "path": [step.text for step in hit.why.path],
        "scores": {name: _number(value) for name, value in hit.why.scores.items()},
        "note": hit.why.note,
    }


def _number(value: float) -> float | None:
    """Six decimals; null for what JSON has no number for."""
    return round(float(value), 6) if math.isfinite(value) else None
