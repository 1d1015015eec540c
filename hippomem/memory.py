"""Memory: the front door. One object over one file."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, overload

from hippomem.answer.candidates import PASSAGES
from hippomem.answer.reader import READ, Answer, answer_question
from hippomem.answer.trail import Trail, Trails
from hippomem.arrays.checking import check
from hippomem.arrays.keeping import FILES_FROM
from hippomem.errors import ConfigError
from hippomem.models.embedder import Embedder
from hippomem.models.load import load_embedder
from hippomem.models.query_cache import with_query_cache
from hippomem.retrieve import DEFAULT_RETRIEVER, make_retriever
from hippomem.retrieve.opening import OpenNamespace
from hippomem.retrieve.options import NO_OPTIONS, RetrieverOptions
from hippomem.store import IN_MEMORY, Store, memories, stats, vectors
from hippomem.store.export import canonical_text
from hippomem.text.dates import require_date
from hippomem.types import AddReport, CheckReport, Document, Kind, MemoryRecord, SearchResult, Stats
from indexing.chunking import CHUNK_CHARACTERS
from indexing.pipeline import Indexer, Progress

if TYPE_CHECKING:
    from hippomem.models.llm import LLM
    from hippomem.retrieve.base import Retriever
    from indexing.extract import TripleExtractor


class Memory:
    """A long-term memory in one file.

    >>> with Memory(":memory:") as memory:                                              # doctest: +SKIP
    ...     memory.add("Ada Lovelace wrote the first program.")
    ...     memory.search("Who wrote the first program?")[0].text
    'Ada Lovelace wrote the first program.'

    path: the store's file, made when it is not there; ":memory:" keeps everything in memory.
    embedder: see `hippomem.models.load.load_embedder`; the embedded default needs no network.
    namespace: the tenant: memories of one namespace are never seen from another.
    extractor: "builtin" (no LLM), or an object that adds triples (`indexing.extract`).
    chunk: cut long documents into passages (False: a document is a passage).    synonyms: join names that mean the same.
    Both are settled when the store is made, True by default; None takes them as they are.
    create: False raises StoreMissingError when there is no file.
    options: models that searches ask besides the encoder, by default none: an LLM that filters facts or reads the query's
    names, a reranker (`hippomem.retrieve.options`). What a retriever has no place for is a ConfigError when it is asked.
    query_cache: so many of the last different queries are kept in memory with their vectors, so that asking one again costs
    no run of the encoder; they are questions, not memories, and go when the object goes. 0 keeps none.

    Usable from several threads; one call at a time is let in, and a search that asks an LLM holds the others up meanwhile.
    """

    def __init__(
        self,
        path: str | Path = IN_MEMORY,
        *,
        embedder: str | Embedder | None = None,
        namespace: str = "default",
        extractor: str | TripleExtractor = "builtin",
        chunk: bool | None = None,
        synonyms: bool | None = None,
        create: bool = True,
        options: RetrieverOptions = NO_OPTIONS,
        query_cache: int = 256,
    ) -> None:
        if not namespace.strip():
            raise ConfigError("the namespace is empty; give it a name or leave it out for 'default'.")
        if isinstance(extractor, str) and extractor != "builtin":
            raise ConfigError(
                f"extractor '{extractor}' needs more than a name; pass LlmExtractor(llm) or RecordedExtractor(path)."
            )
        self.namespace = namespace
        # The model first: a wrong name must not leave an empty store behind.
        self._embedder = load_embedder(embedder)
        self._query_cache = query_cache
        self._asked = with_query_cache(self._embedder, query_cache)
        identity = self._embedder.identity
        self.store = Store.open(path, create=create)
        try:
            self.store.check_embedder(identity)
            chunk_characters = self._settle(
                "chunk_characters", None if chunk is None else _size(chunk), CHUNK_CHARACTERS
            )
            synonyms = self._settle("synonyms", synonyms, True)
        except BaseException:
            self.store.close()
            raise
        self._new_indexer = partial(
            Indexer,
            self.store,
            triples=None if isinstance(extractor, str) else extractor,
            chunk_characters=chunk_characters or None,
            synonyms=synonyms,
        )
        self._indexer = self._new_indexer(self._embedder, namespace)
        self._options = options
        self._lock = threading.RLock()
        self._open = OpenNamespace(self.store, namespace)
        self._retrievers: dict[str, tuple[object, Retriever]] = {}

    def _settle(self, name: str, wanted: Any, default: Any) -> Any:
        """A choice that the stored data depend on: recorded when the store is made, not to be contradicted later."""
        stored = self.store.setting(name)
        if stored is None:
            stored = default if wanted is None else wanted
            with self.store.transaction():
                self.store.set_setting(name, stored)
        if wanted is not None and stored != wanted:
            raise ConfigError(
                f"'{self.store.path}' was made with {name}={stored!r}, but {wanted!r} was asked for; "
                "open it as it was made, or index into a new file."
            )
        return stored

    def add(
        self,
        text: str,
        *,
        title: str = "",
        source_id: str | None = None,
        kind: Kind = "semantic",
        occurred_at: str | datetime | None = None,
        user: str | None = None,
        agent: str | None = None,
        session: str | None = None,
        speaker: str | None = None,
        position: int | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> str:
        """Remember a text; returns its memory_id. The same text, title and time again is the same memory.

        Raises EmptyTextError, InputError (a date that is none), ModelError, StoreError.
        """
        if isinstance(occurred_at, datetime):
            occurred_at = occurred_at.isoformat(timespec="seconds")
        document = Document(
            text=text,
            title=title,
            source_id=source_id,
            kind=kind,
            occurred_at=None if occurred_at is None else require_date(occurred_at),
            user=user,
            agent=agent,
            session=session,
            speaker=speaker,
            position=position,
            metadata=metadata or {},
        )
        return self.add_many([document]).memory_ids[0]

    def add_many(self, documents: Iterable[Document | str], *, progress: Progress | None = None) -> AddReport:
        """Remember many texts in one go: faster than one by one, and the same result.

        progress: called with (what, done, total); total 0 means not known yet.
        """
        with self._lock:
            self.store.check_embedder(self._embedder.identity)
            report = self._indexer.add(
                (Document(text=d) if isinstance(d, str) else d for d in documents), progress=progress
            )
            if report.added < FILES_FROM:
                return report
            # After a bulk the arrays are made anew: now, while somebody waits for a bulk, and not in the first search.
            if progress is not None:
                progress("making arrays", 0, 0)
            start = time.perf_counter()
            _ = self._open.picture
            return replace(report, seconds={**report.seconds, "arrays": time.perf_counter() - start})

    def resume(self, *, retry_failed: bool = False, progress: Progress | None = None) -> int:
        """Finish what a killed run left undone, and failed passages too if asked; returns how many failed now."""
        with self._lock:
            return self._indexer.finish(retry_failed=retry_failed, progress=progress)

    def failures(self) -> Sequence[tuple[str, str, int]]:
        """(passage_id, reason, attempts) of every passage whose extraction failed, by passage_id."""
        with self._lock:
            namespace_key = self.store.namespace_key(self.namespace)
            return [] if namespace_key is None else memories.failures(self.store.db, namespace_key)

    def reembed(self, embedder: str | Embedder | None, *, progress: Progress | None = None) -> None:
        """Move the whole store, all namespaces, to another embedding model.

        A killed run is finished by opening the store with the new model and calling `resume`. Raises ModelError.
        """
        with self._lock:
            new = load_embedder(embedder)
            identity = new.identity
            with self.store.transaction() as db:
                vectors.drop_all(db)
                self.store.set_embedder(identity)
            self._embedder = new
            self._asked = with_query_cache(new, self._query_cache)
            self._indexer = self._new_indexer(new, self.namespace)
            self._retrievers = {}
            for namespace in self.store.namespaces():
                self._new_indexer(new, namespace).finish(progress=progress)

    def search(self, query: str, *, k: int = 10, retriever: str = "hippomem", explain: bool = True) -> SearchResult:
        """The *k* passages that answer best, each with its reasons in ``why`` (``explain=False`` leaves them out).

        Fewer hits when the memory holds fewer passages. Raises EmptyQueryError, RetrievalError, ConfigError, ModelError.
        """
        with self._lock:
            return self.retriever(retriever).search(query, k=k, explain=explain)

    @overload
    def answer(
        self, question: str, *, llm: None = None, k: int = READ, steps: int = 1, retriever: str = "hippomem"
    ) -> Trail: ...
    @overload
    def answer(
        self, question: str, *, llm: LLM, k: int = READ, steps: int = 1, retriever: str = "hippomem"
    ) -> Answer: ...
    def answer(
        self, question: str, *, llm: LLM | None = None, k: int = READ, steps: int = 1, retriever: str = "hippomem"
    ) -> Trail | Answer:
        """An answer with its evidence. Without an LLM: the chain of passages and sentences that leads to it.

        With one: the words that it reads in the best *k* passages; with steps > 1 it first thinks between so many searches
        (IRCoT). Raises EmptyQueryError, RetrievalError, ConfigError (steps > 1 without an LLM), ModelError.
        """
        if llm is not None:
            return answer_question(question, _Searching(self, retriever), llm, k=k, steps=steps)
        if steps != 1:
            raise ConfigError(f"steps={steps} was asked for, but thoughts between searches need an LLM; pass llm=….")
        with self._lock:
            found = self.search(question, k=max(k, PASSAGES) if k >= 1 else k, retriever=retriever)
            return Trails(self.store, self._open.picture, self._asked).find(found, keep=k)

    def retriever(self, name: str) -> Retriever:
        """A retriever over the memory as it is now."""
        with self._lock:
            # What it reads, kept beside it: another object means that the retriever is over an older one.
            reads = self._open.picture if name == DEFAULT_RETRIEVER else self._open.index
            known = self._retrievers.get(name)
            if known is None or known[0] is not reads:
                # Another process may have moved the store to another model: then everything is read anew.
                self.store.check_embedder(self._embedder.identity)
                made = make_retriever(name, self.store, self._open, self._asked, options=self._options)
                self._retrievers[name] = known = reads, made
            return known[1]

    def get(self, memory_id: str) -> MemoryRecord:
        """A memory by its id, or by the id of one of its passages or sources. Raises NotFoundError."""
        with self._lock, self.store.reading() as db:
            return memories.record(db, self._find(memory_id))

    def list(self) -> Iterator[MemoryRecord]:
        """All memories of the namespace, by memory_id."""
        with self._lock:
            namespace_key = self.store.namespace_key(self.namespace)
            keys = [] if namespace_key is None else memories.keys_in_order(self.store.db, namespace_key)
        for key in keys:
            with self._lock, self.store.reading() as db:
                record = memories.record(db, key) if memories.is_there(db, key) else None
            if record is not None:  # else forgotten meanwhile
                yield record

    def forget(self, *memory_ids: str) -> None:
        """Forget memories exactly: the store is as if they had never been there, and their text is gone from the file.

        All or none: an unknown id raises NotFoundError and nothing is forgotten. In a file of more than 64 MB, copies that
        SQLite keeps in unused space wait for `purge`, and `stats` says so.
        """
        with self._lock:
            self._indexer.forget(dict.fromkeys(self._find(memory_id) for memory_id in memory_ids))

    def purge(self) -> bool:
        """Write the file anew without any trace of what was forgotten; False if another process is reading it just now.

        Needed only when ``stats().purge_due`` says so. Takes about a second for 100 MB, and as much free disk as the file.
        """
        with self._lock:
            return self.store.purge()

    def update(
        self, memory_id: str, text: str | None = None, *, title: str | None = None, occurred_at: str | None = None
    ) -> MemoryRecord:
        """Change a memory's text, title or time; what is not given stays, and so does its memory_id.

        Raises NotFoundError, EmptyTextError, InputError (another memory has exactly that content).
        """
        with self._lock:
            self.store.check_embedder(self._embedder.identity)
            memory_key = self._find(memory_id)
            old = memories.record(self.store.db, memory_key)
            document = Document(text=old.text, title=old.title, occurred_at=old.occurred_at)
            if text is not None:
                document = replace(document, text=text)
            if title is not None:
                document = replace(document, title=title)
            if occurred_at is not None:
                document = replace(document, occurred_at=require_date(occurred_at))
            self._indexer.update(memory_key, document)
            return memories.record(self.store.db, memory_key)

    def stats(self) -> Stats:
        """Counts over this namespace."""
        with self._lock, self.store.reading():
            return stats.count(self.store, self.namespace)

    def check(self) -> CheckReport:
        """Read all of the store, every namespace, and the files beside it; remove files that cannot be used.

        The next search makes those anew. What is wrong with the store itself is told, and left as it is.
        Raises StoreBusyError.
        """
        with self._lock:
            report = check(self.store)
            if report.removed:  # this process may have had them open
                self._open.close()
                self._open, self._retrievers = OpenNamespace(self.store, self.namespace), {}
            return report

    def export(self) -> str:
        """The canonical export: equal for two stores that remember the same things, however they came to."""
        with self._lock, self.store.reading() as db:
            return canonical_text(db)

    def _find(self, some_id: str) -> int:
        return memories.find(self.store.db, self.store.namespace_key(self.namespace), some_id)

    def close(self) -> None:
        """Checkpoint and close; the one file is then a whole copy."""
        with self._lock:
            self._open.close()
            self.store.close()

    def __enter__(self) -> Memory:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass(frozen=True)
class _Searching:
    """A memory as a retriever: others are let in between its searches, while an LLM thinks."""

    memory: Memory
    name: str

    def search(self, query: str, *, k: int = 10, explain: bool = True) -> SearchResult:
        """See `Retriever.search`."""
        return self.memory.search(query, k=k, retriever=self.name, explain=explain)


def _size(chunk: bool) -> int:
    """The setting of a choice: the longest passage in characters, 0 for documents kept whole."""
    return CHUNK_CHARACTERS if chunk else 0
