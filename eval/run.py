"""Running an evaluation: build the stores of a set, ask every question of every system, and time both."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from eval.ask import Answer, Search, ask
from eval.dataset import Corpus, Dataset
from eval.failures import Failure, explained, find_failures, worst
from eval.index_cost import IndexCost
from eval.metrics import depth_needed
from eval.question import Question
from eval.stores import BuiltStore, StoreSettings, built_store, plan_stores
from eval.systems import ON_TRIPLES, Engine, System, asker
from hippomem.types import Document

DEFAULT_KS = (1, 2, 5, 10, 20)
WARM_UP = 3  # queries before the clock counts: they load models, map caches and compile

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class RunSettings:
    """One run's options. systems: with distinct labels.    ks: ascending cut-offs, each ≥ 1.

    limit: questions per set, None for all.    seed: of the resampling; the rankings themselves draw nothing.
    failures: how many to explain per system.
    """

    systems: tuple[System, ...]
    ks: tuple[int, ...] = DEFAULT_KS
    stores: StoreSettings = field(default_factory=StoreSettings)
    limit: int | None = None
    seed: int = 0
    per_question: bool = False
    failures: int = 0


@dataclass(slots=True)
class Outcome:
    """All answers of one system on one set, in question order, and what its stores cost.

    warm_up_seconds: opening the retriever and its first queries, over all stores; in no other figure.
    """

    answers: list[Answer] = field(default_factory=list)
    cost: IndexCost = field(default_factory=IndexCost)
    warm_up_seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)


def run_set(dataset: Dataset, settings: RunSettings, engine: Engine, say: Say = lambda _: None) -> dict[str, Outcome]:
    """Answer every question of *dataset* with every system; outcomes by label, in order.

    Stores are built and dropped one at a time, one per corpus (two where ``hippomem`` splits long passages and others
    must not). Raises HippomemError from reading, indexing or retrieval.
    """
    outcomes: dict[str, Outcome] = {system.label: Outcome() for system in settings.systems}
    for number, corpus in enumerate(dataset.corpora, start=1):
        place = dataset.name if len(dataset.corpora) == 1 else f"{dataset.name} {number}/{len(dataset.corpora)}"
        originals = tuple(engine.documents(corpus.folder))
        documents = tuple(replace(d, title="") for d in originals) if settings.stores.untitled else originals
        splits = any(system.retriever == "hippomem" for system in settings.systems)
        splits = splits and any(map(engine.needs_chunking, documents))
        for plan in plan_stores(settings.systems, any_long=splits):
            retrievers = dict.fromkeys(system.retriever for system in plan.systems)
            say(f"{place}: indexing {len(documents)} passages for {', '.join(retrievers)}")
            with built_store(engine, dataset, corpus, documents, plan, settings.stores) as built:
                if built.cost.reused:
                    say(f"{place}: not indexed again, the store of an earlier run is used")
                for system in plan.systems:
                    say(f"{place}: {system.label} answers {len(corpus.questions)} questions")
                    outcome = outcomes[system.label]
                    answers = _answer_all(built, corpus, system, settings, outcome)
                    found = _explain_worst(built, originals, system, settings, answers)
                    outcome.failures = worst([*outcome.failures, *found], settings.failures)
    for system in settings.systems:
        outcome = outcomes[system.label]
        outcome.notes += _notes(system, outcome, dataset, settings)
    return outcomes


def _answer_all(
    built: BuiltStore, corpus: Corpus, system: System, settings: RunSettings, outcome: Outcome
) -> list[Answer]:
    """Answer the questions of one corpus, timed, into *outcome*; returns these answers."""
    outcome.cost += built.cost
    started = time.perf_counter()
    search = asker(built.store, system, settings.stores.via)
    depth = depth_needed(settings.ks)
    warm_up(search, corpus, depth, built)
    outcome.warm_up_seconds += time.perf_counter() - started
    answers = [ask(search, q, depth, chunked=built.chunked, encoder=built.encoder) for q in corpus.questions]
    outcome.answers += answers
    return answers


def warm_up(search: Search, corpus: Corpus, depth: int, built: BuiltStore) -> None:
    """Ask a few questions with their words in reverse: the same work, but nothing a cache could answer from later."""
    for question in corpus.questions[:WARM_UP]:
        backwards = Question("", " ".join(reversed(question.text.split())), question.relevance, corpus.name)
        ask(search, backwards, depth, chunked=built.chunked, encoder=built.encoder)


def _explain_worst(
    built: BuiltStore,
    documents: Sequence[Document],
    system: System,
    settings: RunSettings,
    answers: Sequence[Answer],
) -> list[Failure]:
    """The worst answers with their reasons. These cost time, so the questions are asked again, when no clock counts."""
    found = find_failures(answers, settings.failures)
    if not found:
        return []
    by_id = {str(document.source_id): document for document in documents}
    search = asker(built.store, system, settings.stores.via, explain=True)
    return [explained(failure, search, by_id, chunked=built.chunked) for failure in found]


def _notes(system: System, outcome: Outcome, dataset: Dataset, settings: RunSettings) -> list[str]:
    """What a reader of the figures must know, in words."""
    notes = []
    if settings.stores.untitled:
        notes.append("passages were indexed without their titles")
    if system.retriever in ON_TRIPLES and settings.stores.extractor == "builtin":
        notes.append("builtin extractor: sentences are taken as facts, not triples")
    notes += settings.stores.query.notes()
    if outcome.cost.reused:
        kept = f"{outcome.cost.reused} of {outcome.cost.stores}"
        notes.append(f"{kept} stores were kept from an earlier run: index figures are of their building then")
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
