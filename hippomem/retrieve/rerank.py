"""Re-ranking: a slower, better judge reads the query and each of the best passages together and puts them in order.

Its cost is one reading a passage, so it reads the best few only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hippomem.errors import ConfigError, ModelOutputError
from hippomem.retrieve.base import Retriever, Stopwatch, check_query
from hippomem.store.vectors import passage_text
from hippomem.types import Hit, SearchResult

#: Hits that are read: twice the default k, so that what is just below the cut can still come up.
DEPTH = 20


class Reranker(Protocol):
    """Judges how well each text answers a query."""

    def score(self, query: str, texts: Sequence[str]) -> NDArray[np.floating]:
        """(len(texts),) finite scores, higher is better; comparable within one call. Raises ModelError."""
        ...


class Reranked:
    """A retriever whose best *depth* hits are put in a new order; the others follow in the order they had.

    Always the same *depth* hits are read, whatever k is: a smaller k gives the first of a larger one's hits.
    """

    def __init__(self, base: Retriever, reranker: Reranker, *, depth: int = DEPTH) -> None:
        """depth: >= 1. Raises ConfigError."""
        if depth < 1:
            raise ConfigError(f"a reranker was given depth={depth}; let it read at least 1 hit.")
        self.base, self._reranker, self._depth = base, reranker, depth

    @property
    def name(self) -> str:
        """``rerank+`` and the name of the retriever below."""
        return f"rerank+{self.base.name}"

    def search(self, query: str, *, k: int = 10, explain: bool = True) -> SearchResult:
        """See `Retriever.search`. ``why.scores`` of a hit that was read has its judgement as "rerank"."""
        check_query(query, k)
        found = self.base.search(query, k=max(k, self._depth), explain=explain)
        watch = Stopwatch(dict(found.seconds))
        with watch.stage("rerank"):
            scores = self._judge(query, found[: self._depth])
            hits = _newer_first(_in_order(found.hits, scores))[:k]
        return SearchResult(
            query, self.name, tuple(self._named(hit) for hit in hits), note=found.note, seconds=watch.seconds
        )

    def _judge(self, query: str, hits: Sequence[Hit]) -> list[float]:
        """One score a hit. Equal texts are read once: two readings in different batches may differ in their last bits."""
        texts = [passage_text(hit.title, hit.text) for hit in hits]
        distinct = list(dict.fromkeys(texts))
        if not distinct:
            return []
        scores = np.asarray(self._reranker.score(query, distinct), dtype=np.float64)
        if scores.shape != (len(distinct),) or not np.isfinite(scores).all():
            raise ModelOutputError(
                f"the reranker was given {len(distinct)} texts and answered scores of shape {scores.shape}, "
                f"{int(np.isfinite(scores).sum())} of them finite; it must give one finite score a text."
            )
        by_text = dict(zip(distinct, scores.tolist(), strict=True))
        return [by_text[text] for text in texts]

    def _named(self, hit: Hit) -> Hit:
        return hit if hit.why is None else replace(hit, why=replace(hit.why, retriever=self.name))


def _in_order(hits: Sequence[Hit], scores: Sequence[float]) -> list[Hit]:
    """All *hits* in their new order, ranks and scores made new. scores: of the first of them.

    Those that were read show the reranker's score; equal ones keep the order they had. The others show their old score,
    moved by one constant to where it goes on from the lowest of these: their distances stay, and no score is above one
    before it. Where two are equal and passage_id would put them the other way round, the second shows the next lower number.
    """
    read, rest = hits[: len(scores)], hits[len(scores) :]
    order = sorted(range(len(read)), key=lambda place: -scores[place])  # stable: equal scores stay as they stood
    shown = [(_judged(read[place], scores[place]), scores[place]) for place in order]
    shown += [(hit, min(scores) - (read[-1].score - hit.score)) for hit in rest]
    ordered: list[Hit] = []
    for hit, score in shown:
        if ordered:
            last = ordered[-1]
            below = last.score if hit.passage_id > last.passage_id else float(np.nextafter(last.score, -np.inf))
            score = min(score, below)
        ordered.append(replace(hit, score=score, rank=len(ordered) + 1))
    return ordered


def _newer_first(hits: Sequence[Hit]) -> list[Hit]:
    """The hits with what retires another before it; scores stay with the ranks."""
    order = list(hits)
    for hit in hits:
        at = order.index(hit)
        newer = next((i for i, each in enumerate(order) if each.memory_id == hit.superseded_by), -1)
        if newer > at:
            order.insert(at, order.pop(newer))
    return [replace(hit, score=place.score, rank=place.rank) for hit, place in zip(order, hits, strict=True)]


def _judged(hit: Hit, score: float) -> Hit:
    return hit if hit.why is None else replace(hit, why=replace(hit.why, scores={**hit.why.scores, "rerank": score}))
