"""The stores of an evaluation: which must be built, and building them, or taking those that an earlier run kept."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from eval.counting import CountingEmbedder, counting
from eval.dataset import Corpus, Dataset
from eval.index_cost import IndexCost
from eval.kept import STORE, folder_name, keep, read_record
from eval.query_models import QueryModels, open_query_models
from eval.systems import UNCHUNKED, Engine, Store, System, Via
from hippomem.types import Document, ExtractorName


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """How stores are built and asked. embedder, llm_model, llm_base_url: None leaves the package's default.

    untitled: passages are indexed without their title, for every retriever alike.
    query: models asked for each query; they change nothing that is stored.
    folder: where built stores stay and are found again; None builds them in a temporary folder that goes with the run.
    """

    extractor: ExtractorName = "builtin"
    embedder: str | None = None
    llm_model: str | None = None
    llm_base_url: str | None = None
    via: Via = "retriever"
    untitled: bool = False
    query: QueryModels = QueryModels()
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class StorePlan:
    """A store to build. chunk: whether long passages are split.    systems: those asked over it, in order."""

    chunk: bool
    systems: tuple[System, ...]


def plan_stores(systems: Sequence[System], *, any_long: bool) -> tuple[StorePlan, ...]:
    """The fewest stores that serve *systems*: one without chunks, and a chunked one for ``hippomem`` where needed.

    any_long: whether chunking would split any passage of the corpus; if not, one store serves all alike.
    """
    whole = tuple(system for system in systems if system.retriever in UNCHUNKED or not any_long)
    split = tuple(system for system in systems if system not in whole)
    return tuple(StorePlan(chunk, asked) for chunk, asked in ((False, whole), (True, split)) if asked)


@dataclass(frozen=True, slots=True)
class BuiltStore:
    """An open store, what building it took, the encoder it asks, which counts, and whether passages may be chunks."""

    store: Store
    cost: IndexCost
    encoder: CountingEmbedder
    chunked: bool


@contextmanager
def built_store(
    engine: Engine,
    dataset: Dataset,
    corpus: Corpus,
    documents: Sequence[Document],
    plan: StorePlan,
    settings: StoreSettings,
) -> Iterator[BuiltStore]:
    """A store of *documents*, of one corpus of *dataset*, open until the block ends.

    It is indexed into a temporary folder, or taken from ``settings.folder`` when it is there, and else put there, whole.
    Raises HippomemError from indexing, and StoreError for a kept store that is damaged.
    """
    with open_query_models(settings.query, settings.llm_model, settings.llm_base_url) as (options, llm):
        started = time.perf_counter()
        encoder = counting(engine.embedder(settings.embedder), llm)
        asked = {"options": options} if options.given else {}
        opened = partial(engine.open, chunk=plan.chunk, embedder=encoder, **asked)
        parent = settings.folder
        home = None if parent is None else parent / _name(dataset, corpus, plan, settings, encoder)
        if home is not None and home.exists():
            cost = read_record(home)
        else:
            # Beside its later place, so that moving it there is one step of the file system: there whole or not at all.
            with tempfile.TemporaryDirectory(
                prefix=".hippomem-eval-", dir=parent, ignore_cleanup_errors=True
            ) as temporary:
                folder = Path(temporary) / "store"
                folder.mkdir()
                with opened(folder / STORE, extractor=_extractor(engine, corpus, settings)) as store:
                    cost = _index(store, corpus, documents, folder, started)
                    if home is None:
                        yield BuiltStore(store, cost, encoder, plan.chunk)
                if home is not None:
                    keep(folder, home, cost)
        if home is not None:
            with opened(home / STORE) as store:
                yield BuiltStore(store, cost, encoder, plan.chunk)


def _extractor(engine: Engine, corpus: Corpus, settings: StoreSettings) -> Any:
    if settings.extractor == "recorded":
        return engine.recorded(corpus.openie)
    if settings.extractor == "llm":
        return engine.llm(settings.llm_model or "", settings.llm_base_url)
    return settings.extractor


def _index(store: Store, corpus: Corpus, documents: Sequence[Document], folder: Path, started: float) -> IndexCost:
    """Index *documents*; the cost, with the wall time since *started* (seconds of `time.perf_counter`)."""
    report = store.add_many(documents)
    total = time.perf_counter() - started
    return IndexCost(
        stores=1,
        passages=len(documents),
        lost=corpus.passages - len(documents),
        failed=report.failed,
        bytes=sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()),
        seconds={**report.seconds, "total": total},
        usage=report.usage,
    )


def _name(dataset: Dataset, corpus: Corpus, plan: StorePlan, settings: StoreSettings, encoder: CountingEmbedder) -> str:
    """The kept store's folder: the names of set and corpus, and a digest of all that the store depends on."""
    identity = encoder.identity
    depends_on = {
        "sha256": dataset.sha256,
        "corpus": corpus.name,
        "extractor": [settings.extractor, settings.llm_model, settings.llm_base_url],
        "embedder": [identity.name, identity.dimension, identity.fingerprint],
        "chunk": plan.chunk,
        "untitled": settings.untitled,
    }
    return folder_name(dict.fromkeys((dataset.name, corpus.name)), depends_on)
