"""Stores of earlier schemas: they open, are brought up to date, and keep what they hold."""

from __future__ import annotations

import sqlite3
from importlib import resources
from pathlib import Path

from hippomem.memory import Memory
from hippomem.store import migrations
from hippomem.testing import HashEmbedder
from hippomem.types import Document

TEXTS = ["The Ombra Clock was built by Tessaly Vorn.", "Tessaly Vorn grew up on Quillmoth Island.", "Rain fell."]


def as_version_1(path: Path) -> None:
    """Turn a store into one that schema version 1 wrote: the same rows without what later versions added."""
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
    columns = "SELECT m.name, p.name FROM sqlite_master m, pragma_table_info(m.name) p WHERE m.name <> 'migrations'"
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
