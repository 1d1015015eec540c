"""One ranking out of the rankings of several queries, on a scale that they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hippomem.types import Hit, SearchResult


@dataclass(frozen=True, slots=True)
class Merged:
    """A passage of the merged ranking.

    score: in [0, 1].    step: the search that won, counted from 1.    hit: as that search gave it.
    """

    score: float
    step: int
    hit: Hit


def scaled(result: SearchResult, depth: int) -> list[float]:
    """(hits,) scores of one search in [0, 1], comparable with those of other searches.

    (score − low) / (high − low) over the first *depth* hits, the search's own candidates: its best passage counts 1, its
    *depth*-th 0. Hits below that count 0, so that asking deeper moves nothing above them. Where the candidates do not
    differ (one hit, or equal scores) each is as good as the best: all count 1.
    """
    candidates = [hit.score for hit in result.hits[:depth]]
    if not candidates:
        return []
    low, high = min(candidates), max(candidates)
    inside = [(score - low) / (high - low) if high > low else 1.0 for score in candidates]
    return inside + [0.0] * (len(result.hits) - len(candidates))


def merge(results: Sequence[SearchResult], *, depth: int) -> list[Merged]:
    """All passages that the searches found, best first: the maximum over searches of the `scaled` score.

    Ties go to the earlier search, then to the better rank in it, then by passage_id. The reference code of IRCoT over
    HippoRAG takes the maximum of the PPR scores themselves. These are shares of one unit of activation that each query
    spreads its own way: a query with one sharp seed gives its first passage more than a broad one gives to all of its
    hits, so the sharpest query would fill the list whether or not it is to the point. Scaled, each search puts forward
    its best passages, and a passage counts as what it is to the query that it answers best.
    """
    best: dict[str, Merged] = {}
    for step, result in enumerate(results, start=1):
        for hit, score in zip(result.hits, scaled(result, depth), strict=True):
            known = best.get(hit.passage_id)
            if known is None or score > known.score:  # a tie stays with the earlier step
                best[hit.passage_id] = Merged(score, step, hit)
    return sorted(best.values(), key=lambda found: (-found.score, found.step, found.hit.rank, found.hit.passage_id))
