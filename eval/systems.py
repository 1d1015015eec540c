"""What is measured: hippomem's own API as the harness uses it, and the systems that are asked over a store.

`Engine` is the seam: a few functions. `hippomem_engine` fills them from the package; tests fill them with small fakes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol, cast, get_args

from hippomem.errors import ConfigError
from hippomem.models.embedder import Embedder
from hippomem.retrieve.weights import Weights
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


class Varying(Searcher, Protocol):
    """A retriever with constants that can be others: `hippomem.retrieve.hippomem.HippoMem`."""

    def variant(self, weights: Weights) -> Searcher:
        """The same retriever with other weights."""
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
        # Questions are encoded each time that they are asked: what is measured is not the cache.
        open=partial(Memory, query_cache=0),
    )


def _llm_extractor(model: str, base_url: str | None) -> Any:
    from hippomem.models.async_chat import AsyncOpenAIChat
    from indexing.asking.extractor import LlmExtractor

    return LlmExtractor(AsyncOpenAIChat(model, base_url))


@dataclass(frozen=True, slots=True)
class System:
    """What answers questions: a retriever, with constants of its own choice or with those given here.

    label: what its results go by.    weights: for ``hippomem`` only, None for its defaults. Raises ConfigError otherwise.
    """

    label: str
    retriever: RetrieverName
    weights: Weights | None = None

    def __post_init__(self) -> None:
        if self.weights is not None and self.retriever != "hippomem":
            raise ConfigError(f"'{self.label}': {self.retriever} takes no weights; only hippomem does")

    def over(self, store: Store) -> Searcher:
        """The retriever over *store*; a variant shares what does not depend on its weights with the others there."""
        searcher = store.retriever(self.retriever)
        return searcher if self.weights is None else cast(Varying, searcher).variant(self.weights)


def systems(*names: RetrieverName) -> tuple[System, ...]:
    """Retrievers as they are by default, labelled by their names; a name given twice counts once."""
    return tuple(System(name, name) for name in dict.fromkeys(names))


def asker(store: Store, system: System, via: Via, *, explain: bool = False) -> Callable[[str, int], SearchResult]:
    """(query, k) -> result: through the retriever, or through the facade's ``Memory.search``.

    Raises ConfigError for weights through the facade, which knows no others than the defaults.
    """
    if via == "memory":
        if system.weights is not None:
            raise ConfigError(f"'{system.label}' has weights, and Memory.search takes none; ask it via 'retriever'")
        return lambda query, k: store.search(query, k=k, retriever=system.retriever, explain=explain)
    searcher = system.over(store)
    return lambda query, k: searcher.search(query, k=k, explain=explain)
