"""Step 4: vectors for passages, facts and entities that have none yet, and the signs of the passages' token vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hippomem.models.embedder import Embedder, Role, token_embedder
from hippomem.store import Store, memories, vectors
from hippomem.store.vectors import Table

#: Texts embedded between two commits: what a killed run has to embed again.
COMMIT_EVERY = 4096


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
    db = store.db
    waiting = vectors.unembedded_passages(db, namespace_key)
    passages = [(key, vectors.passage_text(row.title, row.text)) for key, row in memories.texts(db, waiting).items()]
    _embed(store, "passages", "passage", passages, embedder, progress)
    _embed(store, "facts", "fact", vectors.unembedded_facts(db, namespace_key), embedder, progress)
    if entities:
        _embed(store, "entities", "entity", vectors.unembedded_entities(db, namespace_key), embedder, progress)


def _embed(
    store: Store,
    table: Table,
    role: Role,
    rows: Sequence[tuple[int, str]],
    embedder: Embedder,
    progress: Callable[[str, int, int], None] | None,
) -> None:
    done = 0
    if progress is not None and rows:
        progress(f"embedding {table}", 0, len(rows))
    for start in range(0, len(rows), COMMIT_EVERY):
        block = rows[start : start + COMMIT_EVERY]

        def report(count: int) -> None:
            nonlocal done
            done += count
            if progress is not None:
                progress(f"embedding {table}", done, len(rows))

        keys, texts = [key for key, _ in block], [text for _, text in block]
        with_tokens = token_embedder(embedder) if role == "passage" else None
        if with_tokens is None:
            matrix, signs = embedder.embed(texts, role=role, progress=report), None
        else:
            matrix, signs = with_tokens.embed_with_signs(texts, progress=report)
        with store.transaction() as db:
            vectors.save(db, table, keys, matrix)
            if signs is not None:
                vectors.save_token_signs(db, keys, signs)
