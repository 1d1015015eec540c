"""The one file of the harness that touches hippomem's own API: how a store is built and how it is asked.

`Engine` is the seam: a few functions. `hippomem_engine` fills them from the package; tests fill them with small fakes.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

from eval.counting import CountingEmbedder, counting
from eval.dataset import Corpus
from eval.query_models import QueryModels, open_query_models
from hippomem.models.embedder import Embedder
from hippomem.types import AddReport, Document, ExtractorName, RetrieverName, SearchResult

Via = Literal["retriever", "memory"]

RETRIEVERS: tuple[RetrieverName, ...] = get_args(RetrieverName)
EXTRACTORS: tuple[ExtractorName, ...] = get_args(ExtractorName)
VIAS: tuple[Via, ...] = get_args(Via)

#: These rank whole passages: baselines over ``title + "\n" + text``, and the papers' algorithms.
UNCHUNKED: frozenset[RetrieverName] = frozenset({"bm25", "dense", "hipporag1", "hipporag2"})
#: These are defined on triples.
ON_TRIPLES: frozenset[RetrieverName] = frozenset({"hipporag1", "hipporag2"})


class Searcher(Protocol):
    """Ranks passages for a query."""

    def search(self, query: str, k: int = 10, explain: bool = False) -> SearchResult:
        """At most *k* hits, best first; fewer mean that there are no more."""
        ...


class Store(Protocol):
    """What the harness needs of `hippomem.memory.Memory`."""

    def add_many(self, documents: Iterable[Document]) -> AddReport:
        """Index all *documents*."""
        ...

    def retriever(self, name: RetrieverName) -> Searcher:
        """The retriever of that name over this store."""
        ...

    def search(
        self, query: str, k: int = 10, retriever: RetrieverName = "hippomem", explain: bool = False
    ) -> SearchResult:
        """The facade's way to the same answer."""
        ...


@dataclass(frozen=True, slots=True)
class Engine:
    """What is measured, as functions.

    documents: BEIR folder -> passages, ``source_id`` = ``_id``.    needs_chunking: whether it would be split.
    recorded: path of ``openie.jsonl`` -> an extractor.    llm: (model, base URL) -> an extractor.    open: ``Memory``.
    embedder: its name, None for the package's default -> the model.
    """

    documents: Callable[[Path], Iterable[Document]]
    needs_chunking: Callable[[Document], bool]
    recorded: Callable[[Path], Any]
    llm: Callable[[str, str | None], Any]
    embedder: Callable[[str | None], Embedder]
    open: Callable[..., AbstractContextManager[Any]]


def hippomem_engine() -> Engine:
    """The package in this checkout. Imported here, so that ``--help`` and a typing mistake cost no model's loading."""
    from hippomem.memory import Memory
    from hippomem.models.load import load_embedder
    from indexing.chunking import needs_chunking
    from indexing.extract.recorded import RecordedExtractor
    from indexing.readers import read_beir

    return Engine(
        documents=read_beir,
        needs_chunking=needs_chunking,
        recorded=RecordedExtractor,
        llm=_llm_extractor,
        embedder=load_embedder,
        open=Memory,
    )


def _llm_extractor(model: str, base_url: str | None) -> Any:
    from hippomem.models.llm import OpenAIChat
    from indexing.extract.llm import LlmExtractor

    return LlmExtractor(OpenAIChat(model, base_url))


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """How stores are built and asked. embedder, llm_model, llm_base_url: None leaves the package's default.

    untitled: passages are indexed without their title, for every retriever alike.
    query: models asked for each query; they change nothing that is stored.
    """

    extractor: ExtractorName = "builtin"
    embedder: str | None = None
    llm_model: str | None = None
    llm_base_url: str | None = None
    via: Via = "retriever"
    untitled: bool = False
    query: QueryModels = QueryModels()


@dataclass(frozen=True, slots=True)
class IndexCost:
    """What building a store (or several: `+`) took.

    seconds: by stage, and ``total``: wall time from opening the store to the last commit.    bytes: of its files.
    lost: passages of the corpus that the reader left out.    failed: passages whose extraction failed.
    """

    stores: int = 0
    passages: int = 0
    lost: int = 0
    failed: int = 0
    bytes: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)
    usage: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: IndexCost) -> IndexCost:
        """The cost of both; the zero is ``IndexCost()``."""
        return IndexCost(
            self.stores + other.stores,
            self.passages + other.passages,
            self.lost + other.lost,
            self.failed + other.failed,
            self.bytes + other.bytes,
            {k: self.seconds.get(k, 0.0) + other.seconds.get(k, 0.0) for k in {**self.seconds, **other.seconds}},
            {k: self.usage.get(k, 0) + other.usage.get(k, 0) for k in {**self.usage, **other.usage}},
        )


@dataclass(frozen=True, slots=True)
class StorePlan:
    """A store to build. chunk: whether long passages are split.    retrievers: those asked over it, in order."""

    chunk: bool
    retrievers: tuple[RetrieverName, ...]


def plan_stores(retrievers: Sequence[RetrieverName], *, any_long: bool) -> tuple[StorePlan, ...]:
    """The fewest stores that serve *retrievers*: one without chunks, and a chunked one for ``hippomem`` where needed.

    any_long: whether chunking would split any passage of the corpus; if not, one store serves all alike.
    """
    whole = tuple(name for name in retrievers if name in UNCHUNKED or not any_long)
    split = tuple(name for name in retrievers if name not in whole)
    return tuple(StorePlan(chunk, names) for chunk, names in ((False, whole), (True, split)) if names)


@dataclass(frozen=True, slots=True)
class BuiltStore:
    """An open store, what building it took, the encoder it asks, which counts, and whether passages may be chunks."""

    store: Store
    cost: IndexCost
    encoder: CountingEmbedder
    chunked: bool


@contextmanager
def built_store(
    engine: Engine, corpus: Corpus, documents: Sequence[Document], plan: StorePlan, settings: StoreSettings
) -> Iterator[BuiltStore]:
    """Index *documents* into a store file in a temporary folder that goes when the block ends."""
    extractor: Any = settings.extractor
    if extractor == "recorded":
        extractor = engine.recorded(corpus.openie)
    elif extractor == "llm":
        extractor = engine.llm(settings.llm_model or "", settings.llm_base_url)
    with (
        open_query_models(settings.query, settings.llm_model, settings.llm_base_url) as (options, llm),
        tempfile.TemporaryDirectory(prefix="hippomem-eval-", ignore_cleanup_errors=True) as folder,
    ):
        asked = {"options": options} if options.given else {}
        started = time.perf_counter()
        path = Path(folder) / "eval.hippo"
        encoder = counting(engine.embedder(settings.embedder), llm)
        with engine.open(path, extractor=extractor, chunk=plan.chunk, embedder=encoder, **asked) as store:
            report = store.add_many(documents)
            total = time.perf_counter() - started
            size = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
            cost = IndexCost(
                stores=1,
                passages=len(documents),
                lost=corpus.passages - len(documents),
                failed=report.failed,
                bytes=size,
                seconds={**report.seconds, "total": total},
                usage=report.usage,
            )
            yield BuiltStore(store, cost, encoder, plan.chunk)


def asker(store: Store, name: RetrieverName, via: Via, *, explain: bool = False) -> Callable[[str, int], SearchResult]:
    """(query, k) -> result: through the retriever, or through the facade's ``Memory.search``."""
    if via == "memory":
        return lambda query, k: store.search(query, k=k, retriever=name, explain=explain)
    searcher = store.retriever(name)
    return lambda query, k: searcher.search(query, k=k, explain=explain)
