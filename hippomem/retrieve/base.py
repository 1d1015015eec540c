"""What every retriever is, and how scores become hits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from hippomem.errors import EmptyQueryError, RetrievalError
from hippomem.graph.similarity import row_products
from hippomem.store import Store, memories, passages
from hippomem.store.filters import OPEN, Filter
from hippomem.types import Hit, SearchResult, Why

if TYPE_CHECKING:
    from hippomem.retrieve.index import NamespaceIndex


class Retriever(Protocol):
    """Ranks the passages of one namespace for a query."""

    @property
    def name(self) -> str:
        """As on the command line."""
        ...

    def search(self, query: str, *, k: int = 10, explain: bool = True) -> SearchResult:
        """The best *k* passages, best first, ties by passage_id; fewer when there are fewer.

        explain: fill in ``why`` (False saves its cost).    Raises EmptyQueryError, RetrievalError for k < 1, ModelError.
        """
        ...


@dataclass(frozen=True)
class Ranking:
    """Scores over the passages of an index.

    scores: (P,) higher is better.    why: makes the reasons for one passage position.
    candidates: positions that may be hits, or None for all.
    """

    scores: NDArray[np.float64]
    why: Callable[[int], Why]
    candidates: NDArray[np.int64] | None = None
    note: str = ""

    def best(self, k: int) -> list[tuple[int, float]]:
        """The best *k* as (position, score), ties by lower position (which is order of id)."""
        by_score = top(self.scores, k, self.candidates).tolist()
        return [(position, float(self.scores[position])) for position in by_score]

    def present(
        self, store: Store, index: NamespaceIndex, name: str, query: str, k: int, explain: bool, watch: Stopwatch
    ) -> SearchResult:
        """See `present`."""
        why = self.why if explain else None
        return present(store, index.passage_keys, name, query, self.best(k), why, watch, note=self.note)


@dataclass
class Stopwatch:
    """Wall time by stage."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a block under *name*."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


def check_query(query: str, k: int) -> None:
    """Raise for a query without text and for k < 1."""
    if not query.strip():
        raise EmptyQueryError("the query is empty; ask with at least one word.")
    if k < 1:
        raise RetrievalError(f"k={k} was asked for; ask for k >= 1.")


class FactCosines:
    """Cosines of facts with one query, each computed when it is first asked for: few facts of a large store are."""

    def __init__(self, vectors: NDArray[np.float32], query: NDArray[np.float32]) -> None:
        """vectors: (F, d) unit rows.    query: (d,) unit."""
        self._vectors, self._query = vectors, query
        self._known = np.full(len(vectors), np.nan)

    def __getitem__(self, facts: NDArray[np.int64]) -> NDArray[np.float64]:
        """Cosines of the facts at these positions, in their order."""
        found: NDArray[np.float64] = self._known[facts]
        missing = np.isnan(found)
        if missing.any():
            wanted = np.zeros(len(self._known), dtype=bool)
            wanted[facts[missing]] = True
            new = np.flatnonzero(wanted)
            self._known[new] = row_products(self._vectors, self._query, new)
            found = self._known[facts]
        return found


def min_max(values: NDArray[np.float64], *, equal: float = 0.0) -> NDArray[np.float64]:
    """Values scaled to [0, 1]; all *equal* where they do not differ (HippoRAG's code takes 1)."""
    if not len(values):
        return values
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else np.full_like(values, equal)


def top(
    scores: NDArray[np.float64],
    k: int,
    candidates: NDArray[np.int64] | None = None,
    *,
    order: NDArray[np.uint64] | None = None,
) -> NDArray[np.int64]:
    """Positions of the best *k* scores, best first; none for k = 0.

    order: (n,) what decides ties, lower first; None: the position, where that is the order of id.
    """
    if candidates is not None:
        at = top(scores[candidates], k, order=candidates.astype(np.uint64) if order is None else order[candidates])
        return candidates[at].astype(np.int64)
    from hippomem.graph.selection import select  # compiled: loads numba

    ties = np.arange(len(scores), dtype=np.uint64) if order is None else order
    best: NDArray[np.int64] = select(np.asarray(scores, dtype=np.float64), ties, min(k, len(scores)))
    return best


def at_least(scores: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """Positions of the best *k* scores and of those equal to the last of them, ascending: a set that no tie decides."""
    if k >= len(scores):
        return np.arange(len(scores))
    return np.flatnonzero(scores >= np.partition(scores, len(scores) - k)[len(scores) - k]) if k else np.arange(0)


def distinct(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """The values, ascending, each once: `np.unique` without its table, for a few thousand."""
    ordered = np.sort(values)
    keep = np.ones(len(ordered), dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=keep[1:])
    return ordered[keep]


def descending(best: Sequence[tuple[int, float]], comes_first: Callable[[int, int], bool]) -> list[tuple[int, float]]:
    """Hits as (position, score) in an order that is settled, with scores that agree with it.

    A passage behind another never shows a higher score than it, nor the same one where a tie would be decided otherwise.
    comes_first: whether the first of two positions comes first when their scores are equal.
    """
    shown: list[tuple[int, float]] = []
    for position, score in best:
        if shown:
            previous, limit = shown[-1]
            score = min(score, limit if comes_first(previous, position) else float(np.nextafter(limit, -np.inf)))
        shown.append((position, score))
    return shown


def present(
    store: Store,
    passage_keys: NDArray[np.int64],
    name: str,
    query: str,
    best: Sequence[tuple[int, float]],
    why: Callable[[int], Why] | None,
    watch: Stopwatch,
    *,
    note: str = "",
    allowed: Filter = OPEN,
    retired: Mapping[int, str] | None = None,
) -> SearchResult:
    """Turn the best positions and their scores into hits with their texts, sources and reasons.

    passage_keys: row of the store by position.    why: makes the reasons for one position; None for none.
    allowed: sources that are told.    retired: position → the id of the memory that says otherwise since.
    """
    with watch.stage("present"), store.reading() as db:
        rows = passages.texts(db, [int(passage_keys[position]) for position, _ in best])
        heads = memories.heads(db, (row.memory_key for row in rows.values()), allowed=allowed)
    hits: list[Hit] = []
    for position, score in best:
        row = rows.get(int(passage_keys[position]))
        if row is None:
            continue  # forgotten by another process since the index was read
        memory = heads[row.memory_key]
        reasons = None
        if why is not None:
            with watch.stage("explain"):
                reasons = why(position)
        hits.append(
            Hit(
                passage_id=row.passage_id,
                memory_id=memory.memory_id,
                title=row.title,
                text=row.text,
                score=score,
                rank=len(hits) + 1,
                source_ids=memory.source_ids,
                occurred_at=memory.occurred_at,
                why=reasons,
                recorded_at=memory.recorded_at,
                sources=memory.sources,
                superseded_by=None if retired is None else retired.get(position),
            )
        )
    return SearchResult(query=query, retriever=name, hits=tuple(hits), note=note, seconds=watch.seconds)
