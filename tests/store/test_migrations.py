"""Stores of earlier schemas: they open, are brought up to date, and keep what they hold."""

from __future__ import annotations

import sqlite3
from importlib import resources
from pathlib import Path

import numpy as np

from hippomem.memory import Memory
from hippomem.store import migrations
from hippomem.testing import HashEmbedder
from hippomem.types import Document

TEXTS = ["The Ombra Clock was built by Tessaly Vorn.", "Tessaly Vorn grew up on Quillmoth Island.", "Rain fell."]


def as_version_2(path: Path) -> None:
    """Turn a store into one that schema version 2 wrote: single precision, no signs of names, no log of changes."""
    db = sqlite3.connect(path)
    db.execute("DROP TABLE changes")  # sqlite_sequence stays, empty: SQLite lets nobody drop it
    db.execute("DROP INDEX sources_by_session")
    db.execute("DELETE FROM settings WHERE name = 'store_id'")
    for table in ("passages", "facts", "entities"):
        rows = db.execute(f"SELECT rowid, vector FROM {table} WHERE vector IS NOT NULL").fetchall()
        wide = [(np.frombuffer(blob, dtype="<f2").astype("<f4").tobytes(), row) for row, blob in rows]
        db.executemany(f"UPDATE {table} SET vector = ? WHERE rowid = ?", wide)
    db.execute("DROP INDEX entities_signed")
    for name in ("memories_expiring", "sources_by_time", "sources_by_user", "sources_by_agent"):
        db.execute(f"DROP INDEX {name}")
    db.execute("DROP INDEX sources_by_origin")
    for name in ("versions", "claims", "supersedes", "api_keys", "readings", "runs", "batch_passages", "batches"):
        db.execute(f"DROP TABLE {name}")
    db.execute("DELETE FROM settings WHERE name IN ('claims', 'namespaces_made')")
    for table, column in (
        ("memories", "happened"),
        ("memories", "expires"),
        ("sources", "recorded"),
        ("sources", "origin"),
        ("entities", "signs"),
        ("entities", "signed"),
        ("namespaces", "signed"),
    ):
        db.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    db.execute("DELETE FROM migrations WHERE version > 2")
    db.commit()
    db.close()


def as_version_1(path: Path) -> None:
    """Turn a store into one that schema version 1 wrote: the same rows without what later versions added."""
    as_version_2(path)
    db = sqlite3.connect(path)
    db.execute("ALTER TABLE passages DROP COLUMN token_signs")
    db.execute("DELETE FROM migrations WHERE version > 1")
    db.commit()
    db.close()


def test_version_1_is_its_file(tmp_path: Path) -> None:
    """What `as_version_1` leaves has the columns that 0001_initial.sql makes."""
    path = tmp_path / "a.hippo"
    Memory(path, embedder=HashEmbedder()).close()
    as_version_1(path)
    fresh, old = sqlite3.connect(":memory:"), sqlite3.connect(path)
    fresh.executescript(resources.files(migrations).joinpath("0001_initial.sql").read_text(encoding="utf-8"))
    for db in (fresh, old):
        db.row_factory = None
    columns = (
        "SELECT m.name, p.name FROM sqlite_master m, pragma_table_info(m.name) p"
        " WHERE m.name NOT IN ('migrations', 'sqlite_sequence')"
    )
    assert sorted(old.execute(columns)) == sorted(fresh.execute(columns))
    fresh.close()
    old.close()


def test_a_store_of_version_1_opens_and_answers(tmp_path: Path) -> None:
    """Passages without token signs are ranked without coverage; new ones have signs; reembed gives all of them theirs."""
    path, question = tmp_path / "a.hippo", "Where did the maker of the Ombra Clock grow up?"
    with Memory(path, embedder=HashEmbedder()) as memory:
        memory.add_many(Document(text, source_id=str(i)) for i, text in enumerate(TEXTS))
        now = memory.export()
    as_version_1(path)
    with Memory(path, embedder=HashEmbedder()) as memory:
        assert memory.stats().schema_version == migrations.migrations()[-1].version
        found = memory.search(question, k=1)
        assert found[0].source_ids == ("0",)
        assert "hippomem reembed" in found.note
        memory.add("The island trades in salt.")
        missing = "SELECT count(*) FROM passages WHERE token_signs IS NULL"
        assert memory.store.db.execute(missing).fetchone()[0] == len(TEXTS)
        memory.forget(*(record.memory_id for record in memory.list() if "salt" in record.text))
        memory.reembed(HashEmbedder())
        assert memory.export() == now
        assert memory.search(question, k=1).note == ""


def test_vectors_of_version_2_are_rounded_to_half_precision(tmp_path: Path) -> None:
    """A store of single precision becomes what this version writes, signs included, and synonyms are found by them."""
    path = tmp_path / "a.hippo"
    with Memory(path, embedder=HashEmbedder(), namespace="other") as memory:
        memory.add("Rain fell on Quillmoth Island.")
    with Memory(path, embedder=HashEmbedder()) as memory:
        memory.add_many(TEXTS)
        now = memory.export()
        kept = "SELECT key, namespace_key, vector, signs FROM entities ORDER BY key, namespace_key"
        rows = memory.store.db.execute(kept).fetchall()
    as_version_2(path)
    db = sqlite3.connect(path)
    # Values between two of half precision, as a model gives them: they round back to the same.
    wide = [
        (np.nextafter(np.frombuffer(blob, dtype="<f4"), np.float32(2)).astype("<f4").tobytes(), key)
        for key, blob in db.execute("SELECT entity_key, vector FROM entities").fetchall()
    ]
    db.executemany("UPDATE entities SET vector = ? WHERE entity_key = ?", wide)
    db.commit()
    db.close()
    with Memory(path, embedder=HashEmbedder(), namespace="other") as memory:
        assert memory.store.db.execute(kept).fetchall() == rows
        memory.resume()  # lists of near names, from the rounded vectors
    with Memory(path, embedder=HashEmbedder()) as memory:
        memory.resume()
        assert memory.export() == now
        memory.add("Vorn Tessaly lived there.")
        similar = "SELECT count(*) FROM synonyms JOIN entities USING (entity_key) WHERE key = 'vorn tessaly'"
        with Memory(":memory:", embedder=HashEmbedder()) as fresh:
            fresh.add_many([*TEXTS, "Vorn Tessaly lived there."])
            expected = fresh.store.db.execute(similar).fetchone()
        assert memory.store.db.execute(similar).fetchone() == expected > (0,)
