"""Transactions: all or nothing, nested, and invisible to readers until they are done."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from hippomem.errors import StoreError
from hippomem.memory import Memory
from hippomem.store import Store
from hippomem.testing import HashEmbedder


def names(store: Store) -> list[str]:
    """The namespaces that a store shows."""
    return [row[0] for row in store.db.execute("SELECT name FROM namespaces ORDER BY name")]


def insert(store: Store, name: str) -> None:
    """One change."""
    store.db.execute("INSERT INTO namespaces (name) VALUES (?)", (name,))


def test_an_error_undoes_everything() -> None:
    """What a failed transaction did is gone, and the error rises as it was."""
    with Store.open(":memory:") as store:
        with pytest.raises(KeyError, match="mine"), store.transaction():
            insert(store, "a")
            raise KeyError("mine")
        assert names(store) == []


def test_an_inner_error_undoes_the_inner_part_alone() -> None:
    """Transactions nest as savepoints: the outer one goes on after an inner one failed."""
    with Store.open(":memory:") as store:
        with store.transaction():
            insert(store, "a")
            with pytest.raises(KeyError), store.transaction():
                insert(store, "b")
                with store.transaction():
                    insert(store, "c")
                raise KeyError
            with store.transaction():
                insert(store, "d")
        assert names(store) == ["a", "d"]


def test_an_outer_error_undoes_a_finished_inner_part() -> None:
    """An inner transaction is only as lasting as the outer one."""
    with Store.open(":memory:") as store:
        with pytest.raises(KeyError), store.transaction():
            with store.transaction():
                insert(store, "a")
            raise KeyError
        assert names(store) == []
        with store.transaction():
            insert(store, "b")
        assert names(store) == ["b"]


def test_errors_of_the_database_are_store_errors() -> None:
    """A constraint that fails inside a transaction is a StoreError with the database's error as its cause."""
    with Store.open(":memory:") as store:
        with pytest.raises(StoreError) as caught, store.transaction():
            insert(store, "a")
            insert(store, "a")
        assert isinstance(caught.value.__cause__, sqlite3.IntegrityError)
        assert names(store) == []


def test_a_reader_sees_the_old_state_until_the_commit(tmp_path: Path) -> None:
    """Another connection reads on, undisturbed, while a writer is at work, and sees the change when it is whole."""
    path = tmp_path / "a.hippo"
    with Store.open(path) as writer, Store.open(path) as reader:
        with writer.transaction():
            insert(writer, "a")
            assert names(reader) == []
        assert names(reader) == ["a"]


def test_one_reading_is_one_picture(tmp_path: Path) -> None:
    """Inside ``reading`` a commit of somebody else does not show; after it, it does."""
    path = tmp_path / "a.hippo"
    with Store.open(path) as writer, Store.open(path) as reader:
        with reader.reading():
            assert names(reader) == []
            with writer.transaction():
                insert(writer, "a")
            assert names(reader) == []
        assert names(reader) == ["a"]


def test_another_connection_s_change_reaches_the_next_search(tmp_path: Path) -> None:
    """A search reads the index anew when another process added or forgot something."""
    path = tmp_path / "a.hippo"
    with Memory(path, embedder=HashEmbedder()) as one, Memory(path, embedder=HashEmbedder()) as two:
        assert len(two.search("Where does Ada live?")) == 0
        memory_id = one.add("Ada lives in Rome.")
        assert [hit.memory_id for hit in two.search("Where does Ada live?")] == [memory_id]
        one.forget(memory_id)
        assert len(two.search("Where does Ada live?")) == 0


def test_a_backup_is_a_whole_store_while_others_write(tmp_path: Path) -> None:
    """A copy taken from an open store opens and holds the same memories."""
    with Memory(tmp_path / "a.hippo", embedder=HashEmbedder()) as memory:
        memory.add_many(["Ada lives in Rome.", "Rome lies on the Tiber."])
        memory.store.backup(tmp_path / "copy.hippo")
        expected = memory.export()
        memory.add("Later news.")
    with Memory(tmp_path / "copy.hippo", embedder=HashEmbedder(), create=False) as copy:
        assert copy.export() == expected
        assert copy.search("Where does Ada live?")[0].text == "Ada lives in Rome."
