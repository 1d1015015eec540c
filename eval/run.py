"""Running an evaluation: build the stores of a set, ask every question of every retriever, and time both."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from eval.dataset import Corpus, Dataset, Question
from eval.metrics import depth_needed
from eval.systems import (
    ON_TRIPLES,
    Engine,
    IndexCost,
    StorePlan,
    StoreSettings,
    asker,
    built_store,
    plan_stores,
)
from hippomem.errors import RetrievalError
from hippomem.types import Hit, RetrieverName, SearchResult

DEFAULT_KS = (1, 2, 5, 10, 20)
OVERSAMPLE = 3  # hits asked for per passage wanted, where a passage may be several chunks
WARM_UP = 3  # queries before the clock counts: they load models, map caches and compile

Say = Callable[[str], None]
Search = Callable[[str, int], SearchResult]


@dataclass(frozen=True, slots=True)
class RunSettings:
    """One run's options. ks: ascending cut-offs, each ≥ 1.    limit: questions per set, None for all.

    seed: of the resampling; the rankings themselves draw nothing.
    """

    retrievers: tuple[RetrieverName, ...]
    ks: tuple[int, ...] = DEFAULT_KS
    stores: StoreSettings = field(default_factory=StoreSettings)
    limit: int | None = None
    seed: int = 0
    per_question: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What one retriever made of one question.

    ranked: distinct passage ``_id``s, best first.    seconds: wall time, all searches it took.
    stages: wall time by stage of the last search.    note: set when the retriever stepped back.
    """

    question: Question
    ranked: tuple[str, ...]
    seconds: float
    stages: Mapping[str, float] = field(default_factory=dict)
    note: str = ""


@dataclass(slots=True)
class Outcome:
    """All answers of one retriever on one set, in question order, and what its stores cost.

    warm_up_seconds: opening the retriever and its first queries, over all stores; in no other figure.
    """

    answers: list[Answer] = field(default_factory=list)
    cost: IndexCost = field(default_factory=IndexCost)
    warm_up_seconds: float = 0.0
    notes: list[str] = field(default_factory=list)


def run_set(
    dataset: Dataset, settings: RunSettings, engine: Engine, say: Say = lambda _: None
) -> dict[RetrieverName, Outcome]:
    """Answer every question of *dataset* with every retriever, in the order named.

    Stores are built and dropped one at a time, one per corpus (two where ``hippomem`` splits long passages and others
    must not). Raises HippomemError from reading, indexing or retrieval.
    """
    outcomes: dict[RetrieverName, Outcome] = {name: Outcome() for name in settings.retrievers}
    for number, corpus in enumerate(dataset.corpora, start=1):
        place = dataset.name if len(dataset.corpora) == 1 else f"{dataset.name} {number}/{len(dataset.corpora)}"
        documents = tuple(engine.documents(corpus.folder))
        splits = "hippomem" in settings.retrievers and any(map(engine.needs_chunking, documents))
        for plan in plan_stores(settings.retrievers, any_long=splits):
            say(f"{place}: indexing {len(documents)} passages for {', '.join(plan.retrievers)}")
            with built_store(engine, corpus, documents, plan, settings.stores) as (store, cost):
                for name in plan.retrievers:
                    say(f"{place}: {name} answers {len(corpus.questions)} questions")
                    outcome = outcomes[name]
                    outcome.cost += cost
                    started = time.perf_counter()
                    search = asker(store, name, settings.stores.via)
                    warm_up(search, corpus, settings, plan)
                    outcome.warm_up_seconds += time.perf_counter() - started
                    depth = depth_needed(settings.ks)
                    outcome.answers += (ask(search, q, depth, chunked=plan.chunk) for q in corpus.questions)
    for name, outcome in outcomes.items():
        outcome.notes += _notes(name, outcome, dataset, settings)
    return outcomes


def warm_up(search: Search, corpus: Corpus, settings: RunSettings, plan: StorePlan) -> None:
    """Ask a few questions with their words in reverse: the same work, but nothing a cache could answer from later."""
    for question in corpus.questions[:WARM_UP]:
        backwards = Question("", " ".join(reversed(question.text.split())), question.relevance, corpus.name)
        ask(search, backwards, depth_needed(settings.ks), chunked=plan.chunk)


def ask(search: Search, question: Question, depth: int, *, chunked: bool) -> Answer:
    """The *depth* best distinct ``_id``s, asking again for three times as many hits while chunks use them up."""
    wanted = depth * OVERSAMPLE if chunked else depth
    started = time.perf_counter()
    while True:
        result = search(question.text, wanted)
        ranked = collapse(result.hits)
        if len(ranked) >= depth or len(result.hits) < wanted:
            seconds = time.perf_counter() - started
            return Answer(question, tuple(ranked[:depth]), seconds, dict(result.seconds), result.note)
        wanted *= OVERSAMPLE


def collapse(hits: Iterable[Hit]) -> list[str]:
    """Distinct ``_id``s in the order of their best hit: chunks fall together into their passage.

    A hit with several sources (equal passages stored once) stands for each of them, in stored order.
    Raises RetrievalError for a hit without a source: it could only count as wrong.
    """
    ranked: dict[str, None] = {}
    for hit in hits:
        if not hit.source_ids:
            raise RetrievalError(f"passage '{hit.passage_id}' (rank {hit.rank}) has no source id; it cannot be judged")
        ranked.update(dict.fromkeys(hit.source_ids))
    return list(ranked)


def _notes(name: RetrieverName, outcome: Outcome, dataset: Dataset, settings: RunSettings) -> list[str]:
    """What a reader of the figures must know, in words."""
    notes = []
    if name in ON_TRIPLES and settings.stores.extractor == "builtin":
        notes.append("builtin extractor: sentences are taken as facts, not triples")
    if outcome.cost.lost:
        notes.append(f"{outcome.cost.lost} passages were left out by the reader")
    if outcome.cost.failed:
        notes.append(f"extraction failed for {outcome.cost.failed} passages")
    if dataset.skipped:
        notes.append(f"{dataset.skipped} questions without gold were skipped")
    notes += _counted([answer.note for answer in outcome.answers if answer.note], len(outcome.answers))
    return notes


def _counted(notes: Sequence[str], total: int, *, shown: int = 3) -> list[str]:
    """The most frequent retriever notes with how many questions had them, the rest as a number."""
    counts = {note: notes.count(note) for note in sorted(set(notes))}
    ordered = sorted(counts, key=lambda note: -counts[note])
    rest = sum(counts[note] for note in ordered[shown:])
    lines = [f"{note} ({counts[note]} of {total} questions)" for note in ordered[:shown]]
    return lines + ([f"other notes ({rest} of {total} questions)"] if rest else [])
