"""The offline pipeline: what a document becomes, step by step.

    documents ─ chunk ─► passages ─ extract ─► facts ─ name ─► entities ─ embed ─► vectors ─ link ─► synonyms

Each step works on what the store says is not done yet and commits as it goes, so a killed run goes on where it stopped,
and adding one memory runs the same code as adding a corpus.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from hippomem.errors import ModelError
from hippomem.graph.synonymy import TOP_K
from hippomem.models.embedder import Embedder
from hippomem.store import Store, facts, memories, synonyms
from hippomem.store.store import PURGE_AT_ONCE
from hippomem.types import AddReport, Document, Extraction
from indexing import synonyms as synonymy
from indexing.chunking import CHUNK_CHARACTERS, chunk
from indexing.embedding import embed_missing
from indexing.extract import ExtractionError, PassageText, TripleExtractor
from indexing.extract.builtin import sentence_statements
from indexing.extract.triples import triple_statements
from indexing.naming import name_entities, unname_entities
from indexing.validation import check_document

Progress = Callable[[str, int, int], None]

#: Documents stored, or passages extracted without an LLM, between two commits.
_BATCH = 2000
#: Passages given to an LLM extractor between two commits: what a killed run may have to ask again.
_LLM_BATCH = 32


class Indexer:
    """Writes one namespace of a store. Whole when made; holds no data of its own.

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

    def add(self, documents: Iterable[Document], *, progress: Progress | None = None) -> AddReport:
        """Store documents and bring the index up to date.

        Documents stream, and are stored 2,000 at a time: an error in the middle is raised and leaves earlier batches stored.
        Raises EmptyTextError, InputError, ModelError, StoreError.
        """
        seconds: dict[str, float] = defaultdict(float)
        spent_before = {} if self.triples is None else dict(self.triples.spent)
        memory_ids: list[str] = []
        added = 0
        clock = time.perf_counter()
        batch: list[Document] = []
        for document in documents:
            check_document(document)
            batch.append(document)
            if len(batch) == _BATCH:
                added += self._store(batch, memory_ids)
                batch = []
                if progress is not None:
                    progress("storing documents", len(memory_ids), 0)
        added += self._store(batch, memory_ids)
        seconds["store"] = time.perf_counter() - clock
        failed = self.finish(progress=progress, seconds=seconds)
        return AddReport(
            memory_ids=tuple(memory_ids),
            added=added,
            duplicates=len(memory_ids) - added,
            failed=failed,
            seconds=dict(seconds),
            usage={
                name: count - spent_before.get(name, 0)
                for name, count in ({} if self.triples is None else self.triples.spent).items()
            },
        )

    def _store(self, batch: Sequence[Document], memory_ids: list[str]) -> int:
        if not batch:
            return 0
        added = 0
        recorded_at = self._now().isoformat(timespec="seconds")
        with self.store.transaction() as db:
            namespace_key = self._namespace_key()
            for document in batch:
                slices = chunk(document.text, size=self.chunk_characters)
                inserted = memories.insert(db, namespace_key, self.namespace, document, slices, recorded_at)
                memory_ids.append(inserted.memory_id)
                added += inserted.is_new
            self.store.bump_generation(namespace_key)
        return added

    def finish(
        self, *, retry_failed: bool = False, progress: Progress | None = None, seconds: dict[str, float] | None = None
    ) -> int:
        """Run every step on what is not done yet; returns the number of passages whose extraction failed just now."""
        seconds = defaultdict(float) if seconds is None else seconds
        with self.store.transaction():
            namespace_key = self._namespace_key()
        clock = time.perf_counter()
        failed = self._extract(namespace_key, retry_failed, progress)
        seconds["extract"] = time.perf_counter() - clock
        clock = time.perf_counter()
        embed_missing(self.store, namespace_key, self.embedder, entities=self.synonyms, progress=progress)
        seconds["embed"] = time.perf_counter() - clock
        clock = time.perf_counter()
        with self.store.transaction() as db:
            if self.synonyms:
                synonymy.link_new(db, namespace_key, self.embedder.identity.dimension)
            done = db.execute(
                "UPDATE passages SET state = 'ready' WHERE namespace_key = ? AND state = 'extracted'", (namespace_key,)
            ).rowcount
            if done or failed:
                self.store.bump_generation(namespace_key)
        seconds["synonyms"] = time.perf_counter() - clock
        return failed

    def _extract(self, namespace_key: int, retry_failed: bool, progress: Progress | None) -> int:
        """Extract pending passages, and failed ones when asked to; returns how many failed."""
        db = self.store.db
        waiting = [(key, False) for key in memories.unextracted(db, namespace_key, "pending")]
        if retry_failed:
            waiting += [(key, True) for key in memories.unextracted(db, namespace_key, "failed")]
        size = _BATCH if self.triples is None or self.triples.name == "recorded" else _LLM_BATCH
        failed = 0
        if progress is not None and waiting:
            progress("extracting facts", 0, len(waiting))
        for start in range(0, len(waiting), size):
            failed += self._extract_batch(namespace_key, waiting[start : start + size])
            if progress is not None:
                progress("extracting facts", min(start + size, len(waiting)), len(waiting))
        return failed

    def _extract_batch(self, namespace_key: int, waiting: Sequence[tuple[int, bool]]) -> int:
        db = self.store.db
        rows = memories.texts(db, [key for key, _ in waiting])
        passages = [
            PassageText(row.passage_id, row.title, row.text, memories.source_ids(db, row.memory_key))
            for row in rows.values()
        ]
        # The model is asked outside the transaction: a slow endpoint must not hold the write lock.
        outcomes: dict[int, Extraction | ExtractionError] = {}
        stopped: ModelError | None = None
        if self.triples is None:
            outcomes = dict.fromkeys(range(len(passages)), Extraction())
        else:
            try:
                for position, outcome in self.triples.extract(passages):
                    outcomes[position] = outcome
            except ModelError as error:
                stopped = error
        is_retry = dict(waiting)
        failed = 0
        with self.store.transaction():
            had_facts = (
                db.execute("SELECT 1 FROM facts WHERE namespace_key = ?", (namespace_key,)).fetchone() is not None
            )
            writer = facts.Writer(db, namespace_key)
            for position, row in enumerate(rows.values()):
                expected = "failed" if is_retry[row.passage_key] else "pending"
                if position not in outcomes or memories.state(db, row.passage_key) != expected:
                    continue  # not asked, or another process has extracted or forgotten it meanwhile
                outcome = outcomes[position]
                sentences = sentence_statements(row.title, row.text)
                # A retry adds what is missing where it would have stood: behind the sentences, which are stored.
                first = len(sentences) if is_retry[row.passage_key] else 0
                statements = [] if first else sentences
                if isinstance(outcome, Extraction):
                    statements = [*statements, *triple_statements(outcome.triples)]
                    memories.set_state(db, row.passage_key, "extracted")
                else:
                    memories.set_state(db, row.passage_key, "failed", str(outcome))
                    failed += 1
                writer.contribute(row.passage_key, statements, first=first)
            name_entities(db, namespace_key, writer.facts, writer.new, had_facts=had_facts)
        if stopped is not None:
            raise stopped
        return failed

    def forget(self, memory_keys: Iterable[int]) -> None:
        """Remove memories exactly: afterwards the store equals one that never held them, and the text is gone from the file.

        In a file of more than ``PURGE_AT_ONCE`` bytes, copies that no reader sees wait for `Store.purge`.
        """
        with self.store.transaction() as db:
            for memory_key in memory_keys:
                self._withdraw(memory_key)
                memories.delete(db, memory_key)
            self.store.bump_generation(self._namespace_key())
            self.store.owe_purge()
        self.store.purge(at_most=PURGE_AT_ONCE)

    def update(self, memory_key: int, document: Document) -> None:
        """Replace a memory's content; its id and its sources stay. Raises InputError if another memory has that content."""
        check_document(document)
        with self.store.transaction() as db:
            namespace_key = self._namespace_key()
            self._withdraw(memory_key)
            slices = chunk(document.text, size=self.chunk_characters)
            memories.replace_content(db, namespace_key, memory_key, document, slices)
            self.store.bump_generation(namespace_key)
            self.store.owe_purge()
        self.finish()
        self.store.purge(at_most=PURGE_AT_ONCE)

    def _withdraw(self, memory_key: int) -> None:
        """Take back all statements of a memory and bring every derived relation up to date."""
        db, namespace_key = self.store.db, self._namespace_key()
        removed = facts.withdraw(db, memories.passage_keys(db, memory_key))
        unname_entities(db, namespace_key, removed.entity_keys)
        gone = facts.orphans(db, removed.entity_keys)
        short = synonyms.full_lists_with(db, gone, TOP_K) - set(gone)
        facts.drop_entities(db, gone)
        synonymy.refill(db, namespace_key, self.embedder.identity.dimension, short)

    def _namespace_key(self) -> int:
        key = self.store.namespace_key(self.namespace, create=True)
        assert key is not None
        return key
