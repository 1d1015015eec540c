"""The offline pipeline: what a document becomes, step by step.

    documents ─ chunk ─► passages ─ extract ─► facts ─ name ─► entities ─ embed ─► vectors ─ link ─► synonyms

Each step works on what the store says is not done yet and commits as it goes, so a killed run goes on where it stopped,
and adding one memory runs the same code as adding a corpus.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Literal

from hippomem.graph.synonymy import TOP_K
from hippomem.models.embedder import Embedder
from hippomem.store import Store, claims, facts, memories, passages, sources, synonyms, vectors, whole
from hippomem.store.bulk import large_cache
from hippomem.store.store import PURGE_AT_ONCE
from hippomem.types import AddReport, Document
from indexing.chunking import CHUNK_CHARACTERS, chunk
from indexing.embedding import Embedded, embed_missing
from indexing.extract import TripleExtractor
from indexing.extraction import Context, read_statements, write_statements
from indexing.naming import Gazetteer, unname_entities
from indexing.synonyms import Neighbourhood
from indexing.validation import check_document

Progress = Callable[[str, int, int], None]

#: Documents stored between two commits.
_BATCH = 2000
#: Passages extracted without an LLM between two commits, and characters of theirs: the larger, the fewer times a page of
#: the inverted index is written (a passage has words on some thirty of them), and the more memory is taken (200 MB).
_EXTRACT_BATCH = 20_000
_EXTRACT_CHARACTERS = 8_000_000
#: Passages given to an LLM extractor between two commits: what a killed run may have to ask again.
_LLM_BATCH = 32
#: So many passages are finished in one transaction, and their texts embedded before it.
_FEW = 32
#: Names linked between two commits.
_LINK = 16_384


class Indexer:
    """Writes one namespace of a store. Whole when made; of its data it holds only the signs of names.

    chunk_characters: longest passage, None to keep documents whole.    synonyms: embed entity names and join near ones.
    triples: an extractor of triples beside the built-in sentences, or None.    now: the clock, for ``recorded_at``.
    """

    def __init__(
        self,
        store: Store,
        embedder: Embedder,
        namespace: str,
        *,
        triples: TripleExtractor | None = None,
        chunk_characters: int | None = CHUNK_CHARACTERS,
        synonyms: bool = True,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.store = store
        self.embedder = embedder
        self.namespace = namespace
        self.triples = triples
        self.chunk_characters = chunk_characters
        self.synonyms = synonyms
        self._now = now
        self._neighbourhood = Neighbourhood(store, embedder.identity.dimension)

    def add(self, documents: Iterable[Document], *, progress: Progress | None = None) -> AddReport:
        """Store documents and bring the index up to date.

        Documents stream, and are stored 2,000 at a time: an error in the middle is raised and leaves earlier batches stored.
        Raises EmptyTextError, InputError, ModelError, StoreError.
        """
        seconds: dict[str, float] = defaultdict(float)
        spent_before = {} if self.triples is None else dict(self.triples.spent)
        inserted: list[memories.Inserted] = []
        clock = time.perf_counter()
        batch: list[Document] = []
        with ExitStack() as bulk:
            for document in documents:
                check_document(document)
                batch.append(document)
                if len(batch) == _BATCH:
                    if not inserted:
                        bulk.enter_context(large_cache(self.store.db))
                    inserted += self._store(batch)
                    batch = []
                    if progress is not None:
                        progress("storing documents", len(inserted), 0)
            inserted += self._store(batch)
        seconds["store"] = time.perf_counter() - clock
        failed = self.finish(progress=progress, seconds=seconds)
        added = sum(each.is_new for each in inserted)
        return AddReport(
            memory_ids=tuple(each.memory_id for each in inserted),
            added=added,
            duplicates=len(inserted) - added,
            new=tuple(each.is_new for each in inserted),
            failed=failed,
            seconds=dict(seconds),
            usage={
                name: count - spent_before.get(name, 0)
                for name, count in ({} if self.triples is None else self.triples.spent).items()
            },
        )

    def _store(self, batch: Sequence[Document]) -> list[memories.Inserted]:
        if not batch:
            return []
        documents = [(document, chunk(document.text, size=self.chunk_characters)) for document in batch]
        with self.store.transaction() as db:
            namespace_key = self._namespace_key()
            inserted = memories.insert(db, namespace_key, self.namespace, documents, self._now())
            self.store.bump_generation(namespace_key)
        return inserted

    def finish(
        self, *, retry_failed: bool = False, progress: Progress | None = None, seconds: dict[str, float] | None = None
    ) -> int:
        """Run every step on what is not done yet; returns the number of passages whose extraction failed just now."""
        seconds = defaultdict(float) if seconds is None else seconds
        namespace_key = self._namespace_key()
        self._read_claims_anew()
        few = passages.in_state(self.store.db, namespace_key, "pending", limit=min(_FEW, _BATCH) + 1)
        try:
            if len(few) <= min(_FEW, _BATCH) and not retry_failed:
                return self._finish_few(namespace_key, [key for key, _ in few], progress, seconds)
            with large_cache(self.store.db):
                return self._finish_many(namespace_key, retry_failed, progress, seconds)
        except BaseException:
            self._neighbourhood.reset()  # the numbers of signs that were undone are given out again
            raise

    def _read_claims_anew(self) -> None:
        """In a store of an older hippomem: claims were not read yet, or by other rules."""
        db = self.store.db
        if claims.are_read(self.store.setting(claims.SETTING)):
            return
        for namespace in self.store.namespaces():
            key, last = self.store.namespace_key(namespace), ""
            while key is not None and (block := memories.next_ids(db, key, last, _BATCH)):
                last = block[-1][1]
                with self.store.transaction():
                    claims.read(db, key, [memory_key for memory_key, _ in block])
        with self.store.transaction():
            self.store.set_setting(claims.SETTING, claims.READER)

    def _finish_few(
        self, namespace_key: int, passage_keys: list[int], progress: Progress | None, seconds: dict[str, float]
    ) -> int:
        """All steps in one transaction, behind the models: one commit is most of what it costs to add a memory."""
        failed = 0
        if passage_keys:
            clock = time.perf_counter()
            stated, stopped = read_statements(self.store.db, passage_keys, self.triples)
            seconds["extract"] += time.perf_counter() - clock
            clock = time.perf_counter()
            embedded = Embedded.of(self.store, namespace_key, stated, self.embedder, entities=self.synonyms)
            seconds["embed"] += time.perf_counter() - clock
            clock = time.perf_counter()
            with self.store.transaction() as db:
                self.store.check_embedder(self.embedder.identity)  # another process may have moved the store meanwhile
                written = write_statements(db, namespace_key, stated, Context(Gazetteer(db, namespace_key)))
                embedded.save(self.store, namespace_key, written)
                if self.synonyms:
                    self._neighbourhood.link_new(namespace_key, limit=_LINK)
                passages.set_ready(db, written.passage_keys)
                self.store.bump_generation(namespace_key)
            seconds["extract"] += time.perf_counter() - clock
            failed = written.failed
            if stopped is not None:
                raise stopped
        if vectors.is_anything_left(self.store.db, namespace_key, entities=self.synonyms):  # by a run that was killed
            self._embed_and_link(namespace_key, failed, progress, seconds)
        return failed

    def _finish_many(
        self, namespace_key: int, retry_failed: bool, progress: Progress | None, seconds: dict[str, float]
    ) -> int:
        """Step after step on everything that waits, each in batches with their commits."""
        clock = time.perf_counter()
        failed = self._extract(namespace_key, "pending", progress)
        if retry_failed:
            failed += self._extract(namespace_key, "failed", progress)
        seconds["extract"] += time.perf_counter() - clock
        self._embed_and_link(namespace_key, failed, progress, seconds)
        return failed

    def _embed_and_link(
        self, namespace_key: int, failed: int, progress: Progress | None, seconds: dict[str, float]
    ) -> None:
        clock = time.perf_counter()
        embed_missing(self.store, namespace_key, self.embedder, entities=self.synonyms, progress=progress)
        seconds["embed"] += time.perf_counter() - clock
        clock = time.perf_counter()
        linked = 0
        while self.synonyms:
            with self.store.transaction():
                count = self._neighbourhood.link_new(namespace_key, limit=_LINK)
            linked += count
            if progress is not None and linked:
                progress("linking names", linked, 0)
            if count < _LINK:
                break
        with self.store.transaction() as db:
            if passages.set_ready(db, None, namespace_key) or failed:
                self.store.bump_generation(namespace_key)
        seconds["synonyms"] += time.perf_counter() - clock

    def _extract(self, namespace_key: int, state: Literal["pending", "failed"], progress: Progress | None) -> int:
        """Extract all passages that are in a state now; returns how many failed."""
        db = self.store.db
        total = passages.count_in_state(db, namespace_key, state)
        if not total:
            return 0
        if progress is not None:
            progress("extracting facts", 0, total)
        gazetteer = Gazetteer(db, namespace_key)
        if total >= _BATCH:
            gazetteer.read()
        context, failed, done, last, picture = Context(gazetteer), 0, 0, -1, self._picture()
        while waiting := self._next_batch(namespace_key, state, last):
            last = waiting[-1]
            stated, stopped = read_statements(db, waiting, self.triples, retry=state == "failed")
            with self.store.transaction():
                if self._picture() != picture:  # somebody else has written: what is remembered may be gone
                    context = Context(Gazetteer(db, namespace_key))
                    if total >= _BATCH:
                        context.gazetteer.read()
                written = write_statements(db, namespace_key, stated, context, retry=state == "failed")
            picture = self._picture()
            failed += written.failed
            done += len(waiting)
            del stated, written  # 150 MB, which the next batch would find still taken
            if stopped is not None:
                raise stopped
            if progress is not None:
                progress("extracting facts", done, max(done, total))
        return failed

    def _next_batch(self, namespace_key: int, state: str, after: int) -> list[int]:
        """Rows of the next passages in a state: as many as are extracted between two commits."""
        is_costly = self.triples is not None and self.triples.name != "recorded"
        size = _LLM_BATCH if is_costly else _EXTRACT_BATCH
        batch, characters = [], 0
        for key, length in passages.in_state(self.store.db, namespace_key, state, after=after, limit=size):
            batch.append(key)
            characters += length
            if characters > _EXTRACT_CHARACTERS:
                break
        return batch

    def _picture(self) -> tuple[int, int]:
        """Changes when anybody writes: another connection, or this one."""
        return self.store.db.execute("PRAGMA data_version").fetchone()[0], self.store.db.total_changes

    def forget(self, memory_keys: Iterable[int], *, parts: Mapping[int, Sequence[int]] | None = None) -> None:
        """Remove memories exactly: afterwards the store equals one that never held them, and the text is gone from the file.

        parts: row of a memory → rows of those of its sources to remove; one that keeps another source stays.
        In a file of more than ``PURGE_AT_ONCE`` bytes, copies that no reader sees wait for `Store.purge`.
        """
        with self.store.transaction() as db:
            namespace_key = self._namespace_key()
            whole_keys = list(memory_keys)
            for memory_key, source_keys in (parts or {}).items():
                if sources.count(db, memory_key) == len(source_keys):
                    whole_keys.append(memory_key)
                else:
                    sources.drop(db, source_keys)
                    claims.read(db, namespace_key, [memory_key])
            for memory_key in whole_keys:
                self._withdraw(memory_key)
                memories.delete(db, memory_key)
            self.store.bump_generation(namespace_key)
            self.store.owe_purge()
        self.store.purge(at_most=PURGE_AT_ONCE)

    def forget_all(self) -> None:
        """Remove the namespace with all that it holds; see `forget`."""
        with self.store.transaction() as db:
            whole.delete(db, self._namespace_key())
            self.store.owe_purge()
        self._neighbourhood.reset()
        self.store.purge(at_most=PURGE_AT_ONCE)

    def update(self, memory_key: int, document: Document, *, keep_history: bool = True) -> None:
        """Replace a memory's content; its id and its sources stay. Raises InputError if another memory has that content.

        keep_history: what it said before is kept in its history; else that is forgotten with all older versions.
        """
        check_document(document)
        with self.store.transaction() as db:
            namespace_key = self._namespace_key()
            self._withdraw(memory_key)
            slices = chunk(document.text, size=self.chunk_characters)
            if keep_history:
                memories.keep_version(db, memory_key, self._now())
            else:
                memories.drop_versions(db, memory_key)
            memories.replace_content(db, namespace_key, memory_key, document, slices, self._now())
            self.store.bump_generation(namespace_key)
            self.store.owe_purge()
        self.finish()
        self.store.purge(at_most=PURGE_AT_ONCE)

    def forget_history(self, memory_key: int) -> None:
        """Forget what a memory said before."""
        with self.store.transaction() as db:
            memories.drop_versions(db, memory_key)
            self.store.owe_purge()
        self.store.purge(at_most=PURGE_AT_ONCE)

    def _withdraw(self, memory_key: int) -> None:
        """Take back all statements of a memory and bring every derived relation up to date."""
        db, namespace_key = self.store.db, self._namespace_key()
        removed = facts.withdraw(db, passages.keys_of(db, memory_key))
        unname_entities(db, namespace_key, removed.entity_keys)
        gone = facts.orphans(db, removed.entity_keys)
        short = synonyms.full_lists_with(db, gone, TOP_K) - set(gone)
        facts.drop_entities(db, gone)
        self._neighbourhood.refill(namespace_key, short)

    def _namespace_key(self) -> int:
        key = self.store.namespace_key(self.namespace)
        if key is None:
            with self.store.transaction():
                key = self.store.namespace_key(self.namespace, create=True)
        assert key is not None
        return key
