"""The offline pipeline: what a document becomes, step by step.

    documents ─ chunk ─► passages ─ extract ─► facts ─ name ─► entities ─ embed ─► vectors ─ link ─► synonyms
                             └─ wanted ─ ask (indexing.asking) ─ answered ─► triples, behind the sentences

Each step works on what the store says is not done yet and commits as it goes, so a killed run goes on where it stopped,
and adding one memory runs the same code as adding a corpus. An LLM is asked beside the other steps, in a thread of its own:
a passage is searchable by its sentences before its triples come.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from hippomem.graph.synonymy import TOP_K
from hippomem.models.embedder import Embedder
from hippomem.store import Store, claims, facts, memories, passages, readings, sources, synonyms, vectors, whole
from hippomem.store.bulk import large_cache
from hippomem.store.store import PURGE_AT_ONCE
from hippomem.types import AddReport, Document
from indexing.chunking import CHUNK_CHARACTERS, chunk
from indexing.embedding import Embedded, embed_missing
from indexing.extract import TripleExtractor
from indexing.extract.builtin import all_statements
from indexing.extraction import (
    Context,
    Sentences,
    read_answers,
    read_statements,
    write_answers,
    write_statements,
)
from indexing.naming import Gazetteer, unname_entities
from indexing.synonyms import Neighbourhood
from indexing.validation import check_document

if TYPE_CHECKING:  # who indexes without an LLM need not load what asks one
    from indexing.asking.extractor import LlmExtractor
    from indexing.asking.run import AskingRun

Progress = Callable[[str, int, int], None]

#: Documents stored between two commits.
_BATCH = 2000
#: Passages extracted without an LLM between two commits, and characters of theirs: the larger, the fewer times a page of
#: the inverted index is written (a passage has words on some thirty of them), and the more memory is taken (200 MB).
_EXTRACT_BATCH = 20_000
_EXTRACT_CHARACTERS = 8_000_000
#: Passages whose answers become statements between two commits; and seconds in which so many may gather.
_ANSWERS = 512
_GATHER = 1.0
#: So many passages are finished in one transaction, and their texts embedded before it.
_FEW = 32
#: Names linked between two commits.
_LINK = 16_384


class Indexer:
    """Writes one namespace of a store. Whole when made; of its data it holds only the signs of names.

    chunk_characters: longest passage, None to keep documents whole.    synonyms: embed entity names and join near ones.
    sentences: reads the built-in sentences, here or on a cluster.    triples: an extractor of triples beside them, or None;
    an LLM reads the passages of all documents that are added, new or not, which were not read before.
    now: the clock, for ``recorded_at``.
    """

    def __init__(
        self,
        store: Store,
        embedder: Embedder,
        namespace: str,
        *,
        triples: TripleExtractor | LlmExtractor | None = None,
        sentences: Sentences = all_statements,
        chunk_characters: int | None = CHUNK_CHARACTERS,
        synonyms: bool = True,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.store = store
        self.embedder = embedder
        self.namespace = namespace
        self.triples: TripleExtractor | None = None
        self.llm: LlmExtractor | None = None
        if triples is None or isinstance(triples, TripleExtractor):
            self.triples = triples
        else:
            self.llm = triples
        self.sentences = sentences
        self.chunk_characters = chunk_characters
        self.synonyms = synonyms
        self._now = now
        self._neighbourhood = Neighbourhood(store, embedder.identity.dimension)

    def add(
        self, documents: Iterable[Document], *, retry_failed: bool = False, progress: Progress | None = None
    ) -> AddReport:
        """Store documents and bring the index up to date.

        retry_failed: with passages whose extraction failed before, in the same run.
        Documents stream, and are stored 2,000 at a time: an error in the middle is raised and leaves earlier batches stored.
        Raises EmptyTextError, InputError, ModelError, StoreError.
        """
        spent_before = self._spent()
        seconds: dict[str, float] = defaultdict(float)
        handed = _HandedIn()
        clock = time.perf_counter()
        with ExitStack() as bulk:
            asking = bulk.enter_context(self._asks_again()) if retry_failed else None
            for batch in _batches(documents):
                if not handed.inserted and len(batch) > _FEW:
                    bulk.enter_context(large_cache(self.store.db))
                    if self.llm is not None and asking is None:
                        asking = bulk.enter_context(self.llm.ask(self.store, self._namespace_key(), now=self._now))
                self._store(batch, handed, asking)
                if progress is not None and len(batch) == _BATCH:
                    progress("storing documents", len(handed.inserted), 0)
            if self.llm is not None and asking is None and handed.inserted:
                own = passages.keys_of(self.store.db, *(each.memory_key for each in handed.inserted))
                asking = bulk.enter_context(self.llm.ask(self.store, self._namespace_key(), only=own, now=self._now))
            seconds["store"] = time.perf_counter() - clock
            failed = self._finish(handed, asking, retry_failed=retry_failed, progress=progress, seconds=seconds)
        added = sum(each.is_new for each in handed.inserted)
        return AddReport(
            memory_ids=tuple(each.memory_id for each in handed.inserted),
            added=added,
            duplicates=len(handed.inserted) - added,
            new=tuple(each.is_new for each in handed.inserted),
            failed=failed,
            replaced=handed.replaced,
            stopped="" if asking is None else asking.stopped,
            seconds=dict(seconds),
            usage={name: count - spent_before.get(name, 0) for name, count in self._spent().items()},
        )

    def _spent(self) -> Mapping[str, int]:
        extractor = self.llm or self.triples
        return {} if extractor is None else dict(extractor.spent)

    def _store(self, batch: Sequence[Document], handed: _HandedIn, asking: AskingRun | None) -> None:
        documents = [(document, chunk(document.text, size=self.chunk_characters)) for document in batch]
        if handed.since is None and any(document.origin is not None for document in batch):
            handed.since = memories.clock(self.store.db, self._now())
        wanted = 0
        with self.store.transaction() as db:
            namespace_key = self._namespace_key()
            inserted = memories.insert(db, namespace_key, self.namespace, documents, self._now())
            if self.llm is not None and self.llm.share == 1:
                keys = passages.keys_of(db, *(each.memory_key for each in inserted))
                wanted, reused = readings.want(db, namespace_key, keys, self.llm.asked)
                if asking is not None:
                    asking.book_reused(reused)
            self.store.bump_generation(namespace_key)
        handed.inserted += inserted
        if asking is not None:
            asking.expect(wanted)

    def finish(self, *, retry_failed: bool = False, progress: Progress | None = None) -> int:
        """Run every step on what is not done yet; returns the number of passages whose extraction failed just now.

        retry_failed: also on passages whose extraction failed before.    Raises ModelError, StoreError.
        """
        with self._asks_again(retry_failed=retry_failed) as asking:
            return self._finish(None, asking, retry_failed=retry_failed, progress=progress)

    def _asks_again(self, *, retry_failed: bool = True) -> AbstractContextManager[AskingRun | None]:
        """A run about what earlier ones left wanted, and what failed in them if asked; none where there is nothing."""
        namespace_key = self._namespace_key()
        if self.llm is None:
            return nullcontext()
        if retry_failed:
            with self.store.transaction() as db:
                readings.want_failed(db, namespace_key, self.llm.asked)
        if not readings.count(self.store.db, namespace_key).wanted:
            return nullcontext()
        return self.llm.ask(self.store, namespace_key, now=self._now)

    def _finish(
        self,
        handed: _HandedIn | None,
        asking: AskingRun | None,
        *,
        retry_failed: bool = False,
        progress: Progress | None = None,
        seconds: dict[str, float] | None = None,
    ) -> int:
        seconds = defaultdict(float) if seconds is None else seconds
        namespace_key = self._namespace_key()
        self._read_claims_anew()
        few = passages.in_state(self.store.db, namespace_key, "pending", limit=min(_FEW, _BATCH) + 1)
        try:
            if len(few) <= min(_FEW, _BATCH) and not retry_failed:
                failed = self._finish_few(namespace_key, [key for key, _ in few], progress, seconds)
            else:
                with large_cache(self.store.db):
                    failed = self._finish_many(namespace_key, retry_failed, progress, seconds)
            if handed is not None:
                self._choose(namespace_key, handed, asking)
                self._forget_outdated(namespace_key, handed)
            return failed + self._read(namespace_key, asking, progress, seconds)
        except BaseException:
            self._neighbourhood.reset()  # the numbers of signs that were undone are given out again
            raise

    def _choose(self, namespace_key: int, handed: _HandedIn, asking: AskingRun | None) -> None:
        """Of the passages handed in, have those read where it pays most, if not all are read."""
        if self.llm is None or self.llm.share == 1:
            return
        from indexing.choosing import choose, how_many

        with self.store.transaction() as db:
            keys = passages.keys_of(db, *(each.memory_key for each in handed.inserted))
            read = readings.states(db, keys)
            count = how_many(self.llm.share, len(keys)) - len(read)
            unread = [key for key in keys if key not in read]
            chosen = choose(db, namespace_key, unread, count) if count > 0 else []
            wanted = readings.want(db, namespace_key, chosen, self.llm.asked).wanted
        if asking is not None:
            asking.expect(wanted)

    def _forget_outdated(self, namespace_key: int, handed: _HandedIn) -> None:
        """Forget what documents said before whose origin and id was handed in with other words."""
        if handed.since is None:
            return
        parts = sources.outdated(self.store.db, namespace_key, handed.since)
        if parts:
            self.forget((), parts=parts)
            handed.replaced = sum(map(len, parts.values()))

    def _read(
        self, namespace_key: int, asking: AskingRun | None, progress: Progress | None, seconds: dict[str, float]
    ) -> int:
        """Make statements of an LLM's answers as they come; returns how many passages it could not read."""
        clock = time.perf_counter()
        if asking is not None:
            asking.close()
        used, ended = 0, False
        while not ended:
            ended = asking is None or asking.wait(_GATHER)
            while block := self._use_answers(namespace_key):
                used += block
                if progress is not None:
                    status = None if asking is None else asking.status()
                    progress(
                        "adding triples", used, used if status is None else max(used, status.wanted - status.failed)
                    )
        seconds["read"] += time.perf_counter() - clock
        if asking is None:
            return 0
        if asking.error is not None:
            raise asking.error
        return asking.failed

    def _use_answers(self, namespace_key: int) -> int:
        """The next block of answers, until its triples are found; returns how many there were."""
        stated = read_answers(self.store.db, namespace_key, _ANSWERS)
        if not stated:
            return 0
        with self.store.transaction() as db:
            write_answers(db, namespace_key, stated, Context(Gazetteer(db, namespace_key)))
            self.store.bump_generation(namespace_key)
        self._embed_and_link(namespace_key, 0, None, defaultdict(float))
        return len(stated)

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
            stated, stopped = read_statements(self.store.db, passage_keys, self.triples, sentences=self.sentences)
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
        # First those of before: what fails now is not asked about a second time.
        failed = self._extract(namespace_key, "failed", progress) if retry_failed else 0
        failed += self._extract(namespace_key, "pending", progress)
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
        context, failed, done, last, picture = Context(gazetteer), 0, 0, -1, self.store.picture()
        while waiting := self._next_batch(namespace_key, state, last):
            last = waiting[-1]
            stated, stopped = read_statements(
                db, waiting, self.triples, retry=state == "failed", sentences=self.sentences
            )
            with self.store.transaction():
                if self.store.picture() != picture:  # somebody else has written: what is remembered may be gone
                    context = Context(Gazetteer(db, namespace_key))
                    if total >= _BATCH:
                        context.gazetteer.read()
                written = write_statements(db, namespace_key, stated, context, retry=state == "failed")
            picture = self.store.picture()
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
        size = _EXTRACT_BATCH if self.llm is None else _ANSWERS  # answers wait until a commit is over
        batch, characters = [], 0
        for key, length in passages.in_state(self.store.db, namespace_key, state, after=after, limit=size):
            batch.append(key)
            characters += length
            if characters > _EXTRACT_CHARACTERS:
                break
        return batch

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
            kept = readings.kept(db, passages.keys_of(db, memory_key))
            slices = chunk(document.text, size=self.chunk_characters)
            if keep_history:
                memories.keep_version(db, memory_key, self._now())
            else:
                memories.drop_versions(db, memory_key)
            memories.replace_content(db, namespace_key, memory_key, document, slices, self._now())
            keys = passages.keys_of(db, memory_key)
            readings.give(db, namespace_key, keys, kept)
            if self.llm is not None:
                readings.want(db, namespace_key, keys, self.llm.asked)
            self.store.bump_generation(namespace_key)
            self.store.owe_purge()
        asks = nullcontext() if self.llm is None else self.llm.ask(self.store, namespace_key, only=keys, now=self._now)
        with asks as asking:
            self._finish(None, asking)
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


@dataclass
class _HandedIn:
    """What an addition has been given so far.

    since: from when on documents with an origin were handed in, in seconds since 1970; None while there was none.
    replaced: documents of before that were forgotten for them.
    """

    inserted: list[memories.Inserted] = field(default_factory=list)
    since: float | None = None
    replaced: int = 0


def _batches(documents: Iterable[Document]) -> Iterator[list[Document]]:
    """The documents, checked, as many at a time as are stored between two commits."""
    batch: list[Document] = []
    for document in documents:
        check_document(document)
        batch.append(document)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
