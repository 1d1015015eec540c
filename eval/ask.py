"""Asking a retriever: distinct passages in rank order, the time it took, and the work it made for the encoder."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from eval.counting import CountingEmbedder, Work
from eval.question import Question
from hippomem.errors import RetrievalError
from hippomem.types import Hit, SearchResult

OVERSAMPLE = 3  # hits asked for per passage wanted, where a passage may be several chunks

Search = Callable[[str, int], SearchResult]


@dataclass(frozen=True, slots=True)
class Answer:
    """What one retriever made of one question.

    ranked: distinct passage ``_id``s, best first.    seconds: wall time, all searches it took.
    stages: wall time by stage, summed over these searches.    note: set when the retriever stepped back.
    work: what the encoder was asked to do.
    """

    question: Question
    ranked: tuple[str, ...]
    seconds: float
    stages: Mapping[str, float] = field(default_factory=dict)
    note: str = ""
    work: Work = field(default_factory=Work)


def ask(search: Search, question: Question, depth: int, *, chunked: bool, encoder: CountingEmbedder) -> Answer:
    """The *depth* best distinct ``_id``s of one question. encoder: the one that *search* uses."""
    before, started = encoder.done, time.perf_counter()
    results = searches(search, question.text, depth, chunked=chunked)
    seconds = time.perf_counter() - started
    stages: dict[str, float] = {}
    for result in results:
        for stage, spent in result.seconds.items():
            stages[stage] = stages.get(stage, 0.0) + spent
    ranked = tuple(collapse(results[-1].hits))[:depth]
    return Answer(question, ranked, seconds, stages, results[-1].note, encoder.done - before)


def searches(search: Search, text: str, depth: int, *, chunked: bool) -> list[SearchResult]:
    """Every search it takes until *depth* distinct ``_id``s stand or no hit is left; the last one has them.

    chunked: passages may be several hits, so three times as many are asked for, and again while chunks use them up.
    """
    wanted = depth * OVERSAMPLE if chunked else depth
    results = []
    while True:
        results.append(search(text, wanted))
        hits = results[-1].hits
        if len(collapse(hits)) >= depth or len(hits) < wanted:
            return results
        wanted *= OVERSAMPLE


def collapse(hits: Iterable[Hit]) -> dict[str, Hit]:
    """Distinct ``_id``s in the order of their best hit, with that hit: chunks fall together into their passage.

    A hit with several sources (equal passages stored once) stands for each of them, in stored order.
    Raises RetrievalError for a hit without a source: it could only count as wrong.
    """
    ranked: dict[str, Hit] = {}
    for hit in hits:
        if not hit.source_ids:
            raise RetrievalError(f"passage '{hit.passage_id}' (rank {hit.rank}) has no source id; it cannot be judged")
        for source_id in hit.source_ids:
            ranked.setdefault(source_id, hit)
    return ranked
