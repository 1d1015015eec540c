"""Step 4: vectors for passages, facts and entities that have none yet, and the signs of the passages' token vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hippomem.models.embedder import Embedder, Role, token_embedder
from hippomem.store import Store, facts, vectors
from hippomem.store.vectors import Table
from indexing.extraction import Stated, Written

#: Texts embedded between two commits: what a killed run has to embed again.
COMMIT_EVERY = 4096

_ROLES: dict[Table, Role] = {"passages": "passage", "facts": "fact", "entities": "entity"}


def embed_missing(
    store: Store,
    namespace_key: int,
    embedder: Embedder,
    *,
    entities: bool,
    progress: Callable[[str, int, int], None] | None = None,
) -> None:
    """Embed everything in the namespace that lacks a vector, committing as it goes.

    entities: also embed entity names (needed for synonym edges and for HippoRAG 1's query linking).
    progress: called with (what, done, total).
    """
    tables: tuple[Table, ...] = ("passages", "facts", "entities")
    for table in tables if entities else tables[:2]:
        _embed_table(store, namespace_key, table, embedder, progress)


def _embed_table(
    store: Store,
    namespace_key: int,
    table: Table,
    embedder: Embedder,
    progress: Callable[[str, int, int], None] | None,
) -> None:
    done = total = 0
    if progress is not None and (total := vectors.count_unembedded(store.db, namespace_key, table)):
        progress(f"embedding {table}", 0, total)

    def report(count: int) -> None:
        nonlocal done
        done += count
        if progress is not None:
            progress(f"embedding {table}", done, max(done, total))

    blocks = vectors.unembedded(store.db, namespace_key, table, COMMIT_EVERY)
    for keys, (matrix, signs) in _ahead(blocks, lambda texts: _embed(embedder, _ROLES[table], texts, report)):
        with store.transaction() as db:
            store.check_embedder(
                embedder.identity
            )  # another process may have moved the store to another model meanwhile
            vectors.save(db, table, keys, matrix)
            if signs is not None:
                vectors.save_token_signs(db, keys, signs)


def _ahead(
    blocks: Iterator[vectors.Block], embed: Callable[[Sequence[str]], Vectors]
) -> Iterator[tuple[list[int], Vectors]]:
    """Each block's rows with their vectors; while a block is written, the next is read and embedded.

    The encoder leaves the interpreter alone while it works, and an endpoint's answer is waited for: both have time for it.
    """
    waiting: tuple[list[int], Future[Vectors]] | None = None
    encoder = ThreadPoolExecutor(1, thread_name_prefix="encoder")
    try:
        for keys, texts in blocks:
            coming = keys, encoder.submit(embed, texts)
            if waiting is not None:
                yield waiting[0], waiting[1].result()
            waiting = coming
        if waiting is not None:
            yield waiting[0], waiting[1].result()
    finally:
        encoder.shutdown(wait=True, cancel_futures=True)


Signs = list[NDArray[np.uint8]]
#: Vectors of texts, and of passages the signs of their tokens where the model shows them.
Vectors = tuple[NDArray[np.float32], Signs | None]


def _embed(
    embedder: Embedder, role: Role, texts: Sequence[str], report: Callable[[int], None] | None = None
) -> Vectors:
    """See `Vectors`."""
    with_tokens = token_embedder(embedder) if role == "passage" else None
    if with_tokens is None:
        return embedder.embed(texts, role=role, progress=report), None
    return with_tokens.embed_with_signs(texts, progress=report)


class Embedded(NamedTuple):
    """Vectors of what some passages are about to add, made before it is written: all of it, or what has no vector yet."""

    passage_keys: list[int]
    passages: NDArray[np.float32]
    signs: Signs | None
    fact_ids: list[str]
    facts: NDArray[np.float32]
    names: list[str]
    entities: NDArray[np.float32] | None

    @classmethod
    def of(
        cls, store: Store, namespace_key: int, stated: Sequence[Stated], embedder: Embedder, *, entities: bool
    ) -> Embedded:
        """Embed what these passages state, in one call of the encoder for each kind of text."""
        statements = {s.fact_id: s for each in stated for s in each.statements}
        names = {key for s in statements.values() for key in s.mentions} if entities else set()
        has_vector = " AND vector IS NOT NULL"
        with store.reading() as db:
            old_facts = facts.look_up(db, "facts", namespace_key, statements, where=has_vector)
            old_names = facts.look_up(db, "entities", namespace_key, names, where=has_vector)
        fact_ids = [fact_id for fact_id in statements if fact_id not in old_facts]
        new_names = sorted(names - old_names.keys())
        texts = [vectors.passage_text(each.row.title, each.row.text) for each in stated]
        passages, signs = _embed(embedder, "passage", texts)
        said = [(s.kind, s.subject, s.predicate, s.object) for s in map(statements.__getitem__, fact_ids)]
        return cls(
            [each.row.passage_key for each in stated],
            passages,
            signs,
            fact_ids,
            embedder.embed([vectors.fact_text(*parts) for parts in said], role="fact"),
            new_names,
            embedder.embed(new_names, role="entity") if entities else None,
        )

    def save(self, store: Store, namespace_key: int, written: Written) -> None:
        """Store the vectors of what was written; the transaction is the caller's."""
        db = store.db
        mine = set(written.passage_keys)
        chosen = [i for i, key in enumerate(self.passage_keys) if key in mine]
        keys = [self.passage_keys[i] for i in chosen]
        vectors.save(db, "passages", keys, self.passages[chosen])
        if self.signs is not None:
            vectors.save_token_signs(db, keys, [self.signs[i] for i in chosen])
        fact_keys = written.writer.fact_keys
        chosen = [i for i, fact_id in enumerate(self.fact_ids) if fact_id in fact_keys]
        vectors.save(db, "facts", [fact_keys[self.fact_ids[i]] for i in chosen], self.facts[chosen])
        if self.entities is not None:
            rows = facts.look_up(db, "entities", namespace_key, self.names, where=" AND vector IS NULL")
            chosen = [i for i, key in enumerate(self.names) if key in rows]
            vectors.save(db, "entities", [rows[self.names[i]] for i in chosen], self.entities[chosen])
