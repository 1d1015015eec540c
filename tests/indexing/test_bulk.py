"""Many memories at once: batches, what is remembered between them, and what is held in memory."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from hippomem.memory import Memory
from hippomem.store.vectors import unembedded
from hippomem.testing import HashEmbedder
from hippomem.types import Document

NAMES = ["Ada Byron", "New York", "York", "Tessaly Vorn", "北京", "São Paulo", "Now", "It", "City Hall", "Quill Bay"]


def documents(count: int) -> list[Document]:
    """Few names and many sentences, so that names become known in every batch."""
    rng = random.Random(7)
    return [
        Document(
            f"{rng.choice(NAMES)} lies near {rng.choice(NAMES)}."
            f" The road of day {n % 17} leads to {rng.choice(NAMES).lower()}.",
            title=rng.choice(["", *NAMES]),
            source_id=str(n % 40),
        )
        for n in range(count)
    ]


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of a few, so that a hundred memories are a bulk."""
    monkeypatch.setattr("indexing.pipeline._BATCH", 6)
    monkeypatch.setattr("indexing.pipeline._EXTRACT_BATCH", 7)
    monkeypatch.setattr("indexing.pipeline._LINK", 3)
    monkeypatch.setattr("indexing.naming._BLOCK", 5)
    monkeypatch.setattr("indexing.embedding.COMMIT_EVERY", 11)
    monkeypatch.setattr("hippomem.store.writer._REMEMBERED", 40)


@pytest.mark.usefixtures("small_batches")
def test_a_bulk_is_what_one_by_one_gives() -> None:
    """Many batches with their memories of words and names give the export of single additions, duplicates included."""
    batch = documents(120)
    with Memory(":memory:", embedder=HashEmbedder()) as bulk, Memory(":memory:", embedder=HashEmbedder()) as single:
        report = bulk.add_many([*batch, *batch[:5]])
        assert report.added + report.duplicates == 125
        for document in reversed(batch):
            single.add_many([document])
        assert bulk.export() == single.export()
        assert bulk.stats().pending == 0


@pytest.mark.usefixtures("small_batches")
def test_somebody_else_may_write_in_the_middle_of_a_bulk(tmp_path: Path) -> None:
    """Another connection adds and forgets between two batches: nothing remembered from before is wrong after it."""
    path, batch, others = tmp_path / "a.hippo", documents(80), documents(100)[80:]
    with Memory(path, embedder=HashEmbedder()) as bulk, Memory(path, embedder=HashEmbedder()) as other:
        first = other.add_many(documents(130)[100:]).memory_ids

        def interfere(what: str, done: int, total: int) -> None:
            if what == "extracting facts" and 0 < done < total:
                number = done // 7
                other.add_many(others[number : number + 1])
                if first[number] not in first[:number]:
                    other.forget(first[number])

        bulk.add_many(batch, progress=interfere)
        texts = sorted((record.title, record.text) for record in bulk.list())
        export = bulk.export()
    with Memory(":memory:", embedder=HashEmbedder()) as calm:
        by_text = {(d.title, d.text): d for d in documents(130)}
        assert len(texts) > 80
        for title_and_text in texts:
            calm.add_many([by_text[title_and_text]])
        kinds = ("fact", "mention", "posting", "word", "entity", "synonym")
        assert relations(export, kinds) == relations(calm.export(), kinds)


def relations(export: str, kinds: tuple[str, ...]) -> list[str]:
    """The rows of some relations."""
    return [line for line in export.splitlines() if any(f'"relation": "{kind}"' in line for kind in kinds)]


def test_texts_to_embed_are_read_in_blocks() -> None:
    """What waits for a vector is never read as a whole, and a row that gets none is not given out twice."""
    with Memory(":memory:", embedder=HashEmbedder()) as memory:
        memory.add_many(documents(50))
        db, key = memory.store.db, memory.store.namespace_key("default")
        assert key is not None
        everything = {"passages": 50, "facts": 0, "entities": 0}
        for table in ("facts", "entities"):
            everything[table] = db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        with memory.store.transaction():
            for table in everything:
                db.execute(f"UPDATE {table} SET vector = NULL")
        for table, count in everything.items():
            blocks = unembedded(db, key, table, 8)  # type: ignore[arg-type]
            assert isinstance(blocks, Iterator)
            sizes, seen = [], set()
            for keys, texts in blocks:
                assert len(keys) == len(texts)
                assert all(texts)
                sizes.append(len(keys))
                seen.update(keys)
            assert (max(sizes), sum(sizes), len(seen)) == (8, count, count)


@pytest.mark.usefixtures("small_batches")
def test_no_call_of_the_encoder_is_larger_than_a_commit(tmp_path: Path) -> None:
    """In a bulk the encoder sees at most COMMIT_EVERY texts at a time, whatever waits; the large cache is given back."""
    embedder = HashEmbedder()
    with Memory(tmp_path / "a.hippo", embedder=embedder) as memory:
        before = memory.store.db.execute("PRAGMA cache_size").fetchone()
        memory.add_many(documents(60))
        assert max(map(len, embedder.calls)) == 11
        assert memory.store.db.execute("PRAGMA cache_size").fetchone() == before
