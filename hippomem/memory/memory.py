"""Memory: the front door. One object over one file."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Unpack, overload

from hippomem.answer.candidates import PASSAGES
from hippomem.answer.reader import READ, Answer, answer_question
from hippomem.answer.trail import Trail, Trails
from hippomem.arrays.checking import check
from hippomem.arrays.keeping import FILES_FROM
from hippomem.errors import ConfigError, InputError, NotFoundError
from hippomem.memory.messages import turns
from hippomem.memory.recall import block
from hippomem.memory.recall import count_tokens as word_pieces
from hippomem.memory.searching import Searching
from hippomem.memory.telling import dated, document_like, expiry, iso
from hippomem.models.embedder import Embedder
from hippomem.models.load import load_embedder
from hippomem.models.query_cache import with_query_cache
from hippomem.retrieve.options import NO_OPTIONS, RetrieverOptions
from hippomem.store import IN_MEMORY, Store, filters, memories, passages, readings, runs, sources, stats, vectors
from hippomem.store.export import canonical_text
from hippomem.store.filters import Filter
from hippomem.text.dates import require_date
from hippomem.types import (
    AddReport,
    CheckReport,
    Document,
    Kind,
    MemoryRecord,
    MemoryVersion,
    Message,
    Recall,
    Run,
    SearchResult,
    Stats,
    Telling,
    Where,
)
from indexing.chunking import CHUNK_CHARACTERS
from indexing.extract.builtin import all_statements
from indexing.pipeline import Indexer, Progress
from indexing.validation import check_document

if TYPE_CHECKING:
    from hippomem.models.llm import LLM
    from hippomem.retrieve.base import Retriever
    from indexing.asking.extractor import LlmExtractor
    from indexing.extract import TripleExtractor
    from indexing.extraction import Sentences


class Memory:
    """A long-term memory in one file.

    >>> with Memory(":memory:") as memory:                                              # doctest: +SKIP
    ...     memory.add("Ada Lovelace wrote the first program.")
    ...     memory.search("Who wrote the first program?")[0].text
    'Ada Lovelace wrote the first program.'

    path: the store's file, made when it is not there; ":memory:" keeps everything in memory.
    embedder: see `hippomem.models.load.load_embedder`; the embedded default needs no network.
    namespace: the tenant: memories of one namespace are never seen from another.
    extractor: "builtin" (no LLM), an `LlmExtractor`, or another object that adds triples (`indexing.extract`).
    sentences: reads what passages state by their sentences: here, or as an engine does (`indexing.engines`).
    chunk: cut long documents into passages (False: a document is a passage).    synonyms: join names that mean the same.
    Both are settled when the store is made, True by default; None takes them as they are.
    create: False raises StoreMissingError when there is no file.
    options: models that searches ask besides the encoder, by default none: an LLM that filters facts or reads the query's
    names, a reranker (`hippomem.retrieve.options`). What a retriever has no place for is a ConfigError when it is asked.
    query_cache: so many of the last different queries are kept in memory with their vectors, so that asking one again costs
    no run of the encoder; they are questions, not memories, and go when the object goes. 0 keeps none.
    freshness: rank what is no longer so behind what retires it, and mark it.    now: the clock, in seconds since 1970.

    Usable from several threads; one call at a time is let in, and a search that asks an LLM holds the others up meanwhile.
    """

    def __init__(
        self,
        path: str | Path = IN_MEMORY,
        *,
        embedder: str | Embedder | None = None,
        namespace: str = "default",
        extractor: str | TripleExtractor | LlmExtractor = "builtin",
        sentences: Sentences = all_statements,
        chunk: bool | None = None,
        synonyms: bool | None = None,
        create: bool = True,
        options: RetrieverOptions = NO_OPTIONS,
        query_cache: int = 256,
        freshness: bool = True,
        now: Callable[[], float] = time.time,
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
            sentences=sentences,
            chunk_characters=chunk_characters or None,
            synonyms=synonyms,
            now=lambda: datetime.fromtimestamp(now(), UTC),
        )
        self._freshness, self._now = freshness, now
        self._indexer = self._new_indexer(self._embedder, namespace)
        self._lock = threading.RLock()
        self._new_searching = partial(Searching, self.store, namespace, options=options, now=now)
        self._searching = self._new_searching(self._asked)

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

    @overload
    def add(self, content: str, **told: Unpack[Telling]) -> str: ...
    @overload
    def add(self, content: Sequence[Message], **told: Unpack[Telling]) -> tuple[str, ...]: ...
    def add(self, content: str | Sequence[Message], **told: Unpack[Telling]) -> str | tuple[str, ...]:
        """Remember a text, or the messages of a chat; returns the memory_id of the text, or of each message that was kept.

        The same text, title and time again is the same memory, heard again. Of messages, those of users and assistants are
        kept, as turns of *session* behind the turns that it has; system and tool messages are not.
        told: what is known of it (`Telling`).
        Raises EmptyTextError, InputError (a date that is none, a time of expiry that is over), NotFoundError (a superseded
        memory that is not there), ModelError, StoreError.
        """
        is_text = isinstance(content, str)
        like = document_like(self._now(), kind_of="semantic" if is_text else "episodic", **told)
        with self._lock:
            memory_ids = self.add_many(self.documents(content, like)).memory_ids
        return memory_ids[0] if is_text else memory_ids

    def documents(self, content: str | Sequence[Message], like: Document) -> list[Document]:
        """What `add` makes of a content: one document of a text, one of each message that is kept; all are checked.

        For those who want the report or the progress of `add_many`.
        like: what the content does not say itself; its ``text`` is not looked at.    Raises EmptyTextError, InputError.
        """
        if isinstance(content, str):
            return [dated(replace(like, text=content))]
        position = like.position
        if position is None and like.session is not None:
            with self._lock:
                key = self.store.namespace_key(self.namespace)
                position = sources.next_position(self.store.db, key, like.session)
        return turns(content, like, position)

    def add_many(
        self, documents: Iterable[Document | str], *, retry_failed: bool = False, progress: Progress | None = None
    ) -> AddReport:
        """Remember many texts in one go: faster than one by one, and the same result.

        retry_failed: with passages whose extraction failed before, within the same budget.
        progress: called with (what, done, total); total 0 means not known yet.
        """
        with self._lock:
            self.store.check_embedder(self._embedder.identity)
            self.expire()
            report = self._indexer.add(
                (Document(text=d) if isinstance(d, str) else d for d in documents),
                retry_failed=retry_failed,
                progress=progress,
            )
            if report.added < FILES_FROM:
                return report
            # After a bulk the arrays are made anew: now, while somebody waits for a bulk, and not in the first search.
            if progress is not None:
                progress("making arrays", 0, 0)
            start = time.perf_counter()
            _ = self._searching.picture
            return replace(report, seconds={**report.seconds, "arrays": time.perf_counter() - start})

    def resume(self, *, retry_failed: bool = False, progress: Progress | None = None) -> int:
        """Finish what a killed run left undone, and failed passages too if asked; returns how many failed now."""
        with self._lock:
            return self._indexer.finish(retry_failed=retry_failed, progress=progress)

    def failures(self) -> Sequence[tuple[str, str, int]]:
        """(passage_id, reason, attempts) of every passage whose extraction failed, by passage_id."""
        with self._lock:
            namespace_key = self.store.namespace_key(self.namespace)
            if namespace_key is None:
                return []
            db = self.store.db
            return sorted(passages.failures(db, namespace_key) + readings.failures(db, namespace_key))

    def runs(self, limit: int = 10) -> Sequence[Run]:
        """What the newest runs with an LLM have cost, newest first."""
        with self._lock:
            namespace_key = self.store.namespace_key(self.namespace)
            return [] if namespace_key is None else runs.newest(self.store.db, namespace_key, limit)

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
            self._searching.close()
            self._searching = self._new_searching(self._asked)
            for namespace in self.store.namespaces():
                self._new_indexer(new, namespace).finish(progress=progress)

    def search(
        self,
        query: str,
        *,
        k: int = 10,
        retriever: str = "hippomem",
        explain: bool = True,
        freshness: bool | None = None,
        **where: Unpack[Where],
    ) -> SearchResult:
        """The *k* passages that answer best, each with its reasons in ``why`` (``explain=False`` leaves them out).

        where: only memories that pass are looked at, walked over and told of (`Where`); fewer hits when fewer pass.
        freshness: rank what is no longer so behind what retires it, and mark it; None as the memory was opened.
        Raises EmptyQueryError, RetrievalError, InputError (a filter), ConfigError (a filter for another retriever than the
        default), ModelError.
        """
        allowed = Filter.of(where)
        # One picture of the file from the ranking to the reasons: what is forgotten by others meanwhile is still there.
        with self._lock, self.store.reading():
            fresh = self._freshness if freshness is None else freshness
            return self._searching.through(retriever, allowed, fresh=fresh).search(query, k=k, explain=explain)

    def recall(
        self,
        query: str,
        *,
        max_tokens: int = 1000,
        k: int = 20,
        freshness: bool | None = None,
        count_tokens: Callable[[str], int] | None = None,
        **where: Unpack[Where],
    ) -> Recall:
        """A block of at most *max_tokens* for a prompt: the most useful passages first, numbered, none said twice.

        The text is marked as quoted data. count_tokens: of the model that reads it; by default the word pieces of the
        embedded encoder, of which there are rather more. Raises as `search`, and InputError for max_tokens < 1.
        """
        if max_tokens < 1:
            raise InputError(f"max_tokens={max_tokens} was asked for; ask for at least 1.")
        found = self.search(query, k=k, explain=False, freshness=freshness, **where)
        return block(found, max_tokens=max_tokens, count=count_tokens or word_pieces)

    @overload
    def answer(
        self,
        question: str,
        *,
        llm: None = None,
        k: int = READ,
        steps: int = 1,
        retriever: str = "hippomem",
        **where: Unpack[Where],
    ) -> Trail: ...
    @overload
    def answer(
        self,
        question: str,
        *,
        llm: LLM,
        k: int = READ,
        steps: int = 1,
        retriever: str = "hippomem",
        **where: Unpack[Where],
    ) -> Answer: ...
    def answer(
        self,
        question: str,
        *,
        llm: LLM | None = None,
        k: int = READ,
        steps: int = 1,
        retriever: str = "hippomem",
        **where: Unpack[Where],
    ) -> Trail | Answer:
        """An answer with its evidence. Without an LLM: the chain of passages and sentences that leads to it.

        With one: the words that it reads in the best *k* passages; with steps > 1 it first thinks between so many searches
        (IRCoT). where: as for `search`.
        Raises EmptyQueryError, InputError, ConfigError (steps > 1 without an LLM), ModelError.
        """
        if llm is not None:
            return answer_question(question, _Retrieving(self, retriever, where), llm, k=k, steps=steps)
        if steps != 1:
            raise ConfigError(f"steps={steps} was asked for, but thoughts between searches need an LLM; pass llm=….")
        with self._lock, self.store.reading():
            found = self.search(question, k=max(k, PASSAGES) if k >= 1 else k, retriever=retriever, **where)
            picture = self._searching.within(Filter.of(where), fresh=False).picture
            return Trails(self.store, picture, self._asked).find(found, keep=k)

    def retriever(self, name: str) -> Retriever:
        """A retriever over the memory as it is now, without filters and freshness."""
        with self._lock:
            return self._searching.retriever(name)

    def get(self, memory_id: str) -> MemoryRecord:
        """A memory by its id, or by the id of one of its passages or sources. Raises NotFoundError."""
        with self._lock, self.store.reading() as db:
            return memories.record(db, self._find(memory_id), now=self._now())

    def list(
        self, *, limit: int | None = None, after: str | None = None, newest_first: bool = False, **where: Unpack[Where]
    ) -> Iterator[MemoryRecord]:
        """The memories that pass: by memory_id, or the newest first. after: behind the memory of that id.

        Raises InputError (a filter), NotFoundError (no memory *after*).
        """
        allowed = Filter.of(where)
        with self._lock, self.store.reading() as db:
            namespace_key = self.store.namespace_key(self.namespace)
            behind = None if after is None else self._find(after)
            keys = (
                []
                if namespace_key is None
                else filters.memories(
                    db, namespace_key, allowed, self._now(), newest_first=newest_first, after=behind, limit=limit
                )
            )
        return self._records(keys, allowed)

    def _records(self, keys: Sequence[int], allowed: Filter) -> Iterator[MemoryRecord]:
        for key in keys:
            with self._lock, self.store.reading() as db:
                there = memories.is_there(db, key)
                record = memories.record(db, key, now=self._now(), allowed=allowed) if there else None
            if record is not None:  # else forgotten meanwhile
                yield record

    def count(self, **where: Unpack[Where]) -> int:
        """How many memories pass."""
        allowed = Filter.of(where)
        with self._lock, self.store.reading() as db:
            namespace_key = self.store.namespace_key(self.namespace)
            return 0 if namespace_key is None else filters.count(db, namespace_key, allowed, self._now())

    def history(self, memory_id: str) -> tuple[MemoryVersion, ...]:
        """What a memory said, oldest first; the last is what it says now. Raises NotFoundError."""
        with self._lock, self.store.reading() as db:
            return memories.history(db, self._find(memory_id))

    def namespaces(self) -> Sequence[str]:
        """Names of all namespaces of the store, sorted."""
        with self._lock:
            return self.store.namespaces()

    def forget(self, *memory_ids: str, **where: Unpack[Where]) -> int:
        """Forget memories by their ids, or all that pass a filter, or of those with the ids what passes; returns how many.

        Exact: the store is as if they had never been there, and their text is gone from the file. Of a memory that came from
        several places, a filter forgets those that pass it; the memory stays while it has another.
        All or none: an id that is unknown, or of which nothing passes, raises NotFoundError and nothing is forgotten. In a
        file of more than 64 MB, copies that SQLite keeps in unused space wait for `purge`, and `stats` says so.
        Raises InputError when neither is given, or a filter that lets everything pass (see `forget_all`).
        """
        allowed = Filter.of(where)
        if not memory_ids and allowed.is_open:
            raise InputError("give ids or a filter of what to forget; forget_all() forgets the whole namespace.")
        with self._lock:
            named = {memory_id: self._find(memory_id) for memory_id in memory_ids}
            keys = list(dict.fromkeys(named.values()))
            if allowed.is_open:
                self._indexer.forget(keys)
                return len(keys)
            namespace_key = self.store.namespace_key(self.namespace)
            if namespace_key is None:
                return 0
            parts = filters.sources(self.store.db, namespace_key, allowed, -math.inf)
            if memory_ids:
                if missing := [memory_id for memory_id, key in named.items() if key not in parts]:
                    raise NotFoundError(f"no memory with the id '{missing[0]}' passes the filter.")
                parts = {key: parts[key] for key in keys}
            if parts:
                self._indexer.forget([], parts=parts)
            return len(parts)

    def forget_all(self) -> int:
        """Forget the whole namespace, exactly; returns how many memories it held."""
        with self._lock:
            held = self.stats().memories
            if self.store.namespace_key(self.namespace) is not None:
                self._indexer.forget_all()
            return held

    def expire(self) -> int:
        """Forget what has expired, which no call finds any more; returns how many. Adding does it too."""
        with self._lock:
            namespace_key = self.store.namespace_key(self.namespace)
            keys = [] if namespace_key is None else filters.expired(self.store.db, namespace_key, self._now())
            if keys:
                self._indexer.forget(keys)
            return len(keys)

    def purge(self) -> bool:
        """Write the file anew without any trace of what was forgotten; False if another process is reading it just now.

        Needed only when ``stats().purge_due`` says so. Takes about a second for 100 MB, and as much free disk as the file.
        """
        with self._lock:
            return self.store.purge()

    def update(
        self,
        memory_id: str,
        text: str | None = None,
        *,
        title: str | None = None,
        occurred_at: str | datetime | None = None,
        kind: Kind | None = None,
        metadata: Mapping[str, Any] | None = None,
        ttl: float | timedelta | None = None,
        expires_at: str | datetime | None = None,
        keep_history: bool = True,
    ) -> MemoryRecord:
        """Correct a memory; what is not given stays, and so does its memory_id.

        kind, metadata: of all places that it came from; the metadata given take the place of those there were.
        keep_history: what it said before stays in its history until it is forgotten; False forgets that at once.
        Raises NotFoundError, EmptyTextError, InputError (another memory has exactly that content).
        """
        with self._lock:
            self.store.check_embedder(self._embedder.identity)
            memory_key = self._find(memory_id)
            old = memories.record(self.store.db, memory_key, now=self._now())
            until = expiry(self._now(), ttl, expires_at)
            document = Document(
                text=old.text if text is None else text,
                title=old.title if title is None else title,
                occurred_at=old.occurred_at if occurred_at is None else require_date(iso(occurred_at)),
                kind=kind or "semantic",
                metadata=metadata or {},
            )
            check_document(document)
            says = (document.text, document.title, document.occurred_at)
            # First what may be refused: then nothing is changed.
            if says != (old.text, old.title, old.occurred_at):
                self._indexer.update(memory_key, document, keep_history=keep_history)
            elif not keep_history:
                self._indexer.forget_history(memory_key)
            renewed = ttl is not None or expires_at is not None
            if kind is not None or metadata is not None or renewed:
                with self.store.transaction() as db:
                    sources.change(db, memory_key, kind=kind, metadata=metadata)
                    if renewed:
                        memories.set_expiry(db, memory_key, until)
                    self.store.bump_generation(self._namespace_key())
            return memories.record(self.store.db, memory_key, now=self._now())

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
                self._searching.close()
                self._searching = self._new_searching(self._asked)
            return report

    def export(self) -> str:
        """The canonical export: equal for two stores that remember the same things, however they came to."""
        with self._lock, self.store.reading() as db:
            return canonical_text(db)

    def _find(self, some_id: str) -> int:
        return memories.find(self.store.db, self.store.namespace_key(self.namespace), some_id, now=self._now())

    def _namespace_key(self) -> int:
        key = self.store.namespace_key(self.namespace)
        assert key is not None
        return key

    def close(self) -> None:
        """Checkpoint and close; the one file is then a whole copy."""
        with self._lock:
            self._searching.close()
            self.store.close()

    def __enter__(self) -> Memory:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass(frozen=True)
class _Retrieving:
    """A memory as a retriever: others are let in between its searches, while an LLM thinks."""

    memory: Memory
    name: str
    where: Where

    def search(self, query: str, *, k: int = 10, explain: bool = True) -> SearchResult:
        """See `Retriever.search`."""
        return self.memory.search(query, k=k, retriever=self.name, explain=explain, **self.where)


def _size(chunk: bool) -> int:
    """The setting of a choice: the longest passage in characters, 0 for documents kept whole."""
    return CHUNK_CHARACTERS if chunk else 0
