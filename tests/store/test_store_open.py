"""Opening a store: made whole, or a clear error and the file as it was."""

from __future__ import annotations

import random
import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest

from hippomem.errors import (
    ConfigError,
    EmbedderMismatchError,
    NotAStoreError,
    SchemaTooNewError,
    StoreBusyError,
    StoreMissingError,
)
from hippomem.memory import Memory
from hippomem.models.embedder import EmbedderIdentity
from hippomem.store import Store
from hippomem.store.migrations import applied_version, migrations
from hippomem.store.store import APPLICATION_ID
from hippomem.testing import HashEmbedder


def test_migrations_count_from_one_without_gaps() -> None:
    """Each schema change has its own number and a name."""
    known = migrations()
    assert [m.version for m in known] == list(range(1, len(known) + 1))
    assert all(m.name and m.sql.strip() for m in known)


def test_a_new_store_records_its_migrations(tmp_path: Path) -> None:
    """Every migration is recorded with its time; the file carries the application id and the log mode."""
    with Store.open(tmp_path / "a.hippo") as store:
        rows = store.db.execute("SELECT version, name, applied_at FROM migrations ORDER BY version").fetchall()
        assert [(row[0], row[1]) for row in rows] == [(m.version, m.name) for m in migrations()]
        assert all(row[2].endswith("+00:00") for row in rows)
        assert store.schema_version == migrations()[-1].version
        assert store.db.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
        assert store.db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_safe_settings_hold_on_every_opening(tmp_path: Path) -> None:
    """Full synchronisation, foreign keys and secure deletion are on, in a new store and in an old one."""
    for _ in range(2):
        with Store.open(tmp_path / "a.hippo") as store:
            values = [
                store.db.execute(f"PRAGMA {p}").fetchone()[0] for p in ("synchronous", "foreign_keys", "secure_delete")
            ]
            assert values == [2, 1, 1]


def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    """A store that is opened and closed keeps its bytes."""
    path = tmp_path / "a.hippo"
    Store.open(path).close()
    before = path.read_bytes()
    Store.open(path).close()
    assert path.read_bytes() == before


def test_closing_leaves_one_file_and_may_be_repeated(tmp_path: Path) -> None:
    """After closing there is no log beside the file: it is a whole copy."""
    memory = Memory(tmp_path / "a.hippo", embedder=HashEmbedder())
    memory.add("Ada lives in Rome.")
    memory.close()
    memory.close()
    assert [file.name for file in tmp_path.iterdir()] == ["a.hippo"]


def test_a_migration_that_fails_leaves_the_old_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step and its record are one transaction."""
    path = tmp_path / "a.hippo"
    Store.open(path).close()
    known = migrations()
    broken = known[0]._replace(version=len(known) + 1, name="broken", sql="CREATE TABLE extra (x);\nSELECT nonsense;\n")
    monkeypatch.setattr("hippomem.store.store.migrations", lambda: [*known, broken])
    monkeypatch.setattr("hippomem.store.migrations.migrations", lambda: [*known, broken])
    with pytest.raises(Exception, match="nonsense"):
        Store.open(path)
    db = sqlite3.connect(path)
    assert applied_version(db) == len(known)
    assert db.execute("SELECT 1 FROM sqlite_master WHERE name = 'extra'").fetchone() is None
    db.close()


def test_two_that_create_at_once_agree(tmp_path: Path) -> None:
    """Several openings of one new path at the same time all succeed, and each migration runs once."""
    errors: list[BaseException] = []

    def create() -> None:
        try:
            Store.open(tmp_path / "a.hippo").close()
        except BaseException as error:  # handed to the main thread
            errors.append(error)

    threads = [threading.Thread(target=create) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with Store.open(tmp_path / "a.hippo") as store:
        assert store.db.execute("SELECT count(*) FROM migrations").fetchone()[0] == len(migrations())


def test_a_newer_schema_is_refused_and_untouched(tmp_path: Path) -> None:
    """A store of a later hippomem says so, with both versions, and is not changed."""
    path = tmp_path / "a.hippo"
    Store.open(path).close()
    db = sqlite3.connect(path)
    db.execute("INSERT INTO migrations VALUES (99, 'future', '2099-01-01')")
    db.commit()
    db.close()
    before = path.read_bytes()
    with pytest.raises(SchemaTooNewError, match=rf"version 99.*up to {migrations()[-1].version};.*update hippomem"):
        Store.open(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("length", [2, 100, 5000])
def test_random_bytes_are_no_store(tmp_path: Path, length: int) -> None:
    """A file of anything is refused by name and stays as it was."""
    path = tmp_path / "noise.hippo"
    path.write_bytes(random.Random(length).randbytes(length))
    before = path.read_bytes()
    with pytest.raises(NotAStoreError, match=r"noise\.hippo.*not a hippomem store"):
        Store.open(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["noise.hippo"]


def test_another_sqlite_file_is_no_store(tmp_path: Path) -> None:
    """Another program's database is refused, and gains no table of ours."""
    path = tmp_path / "other.db"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE theirs (x)")
    db.commit()
    db.close()
    before = path.read_bytes()
    with pytest.raises(NotAStoreError, match="not a hippomem store"):
        Store.open(path)
    assert path.read_bytes() == before


def test_a_cut_store_is_an_error_not_an_empty_answer(tmp_path: Path) -> None:
    """A store that lost its second half is not taken for a sound one when read."""
    path = tmp_path / "a.hippo"
    with Memory(path, embedder=HashEmbedder()) as memory:
        memory.add_many([f"Ada number {n} lives in Rome." for n in range(50)])
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises((NotAStoreError, sqlite3.DatabaseError)), Memory(path, embedder=HashEmbedder()) as memory:
        memory.export()


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    """A folder is refused with the advice to name a file."""
    with pytest.raises(NotAStoreError, match="folder"):
        Store.open(tmp_path)


def test_missing_with_create_off(tmp_path: Path) -> None:
    """Without a file nothing is made when the caller does not want one; a missing folder is never made."""
    with pytest.raises(StoreMissingError, match="hippomem index"):
        Store.open(tmp_path / "none.hippo", create=False)
    with pytest.raises(StoreMissingError, match="folder"):
        Store.open(tmp_path / "no" / "none.hippo")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    """A file without bytes, as ``mktemp`` makes it, is nobody's data."""
    path = tmp_path / "a.hippo"
    path.touch()
    with Store.open(path) as store:
        assert store.schema_version == len(migrations())


def test_another_embedder_is_refused_with_both_names(tmp_path: Path) -> None:
    """Vectors of two models never mix: the error names both models and the way out, and nothing is changed."""
    path = tmp_path / "a.hippo"
    with Memory(path, embedder=HashEmbedder(name="first")) as memory:
        memory.add("Ada lives in Rome.")
    before = path.read_bytes()
    for other in (HashEmbedder(name="second"), HashEmbedder(dimension=32, name="first")):
        with pytest.raises(EmbedderMismatchError, match=r"with first \(64 dimensions") as caught:
            Memory(path, embedder=other)
        assert f"{other.identity.name} ({other.identity.dimension} dimensions" in str(caught.value)
    assert path.read_bytes() == before
    with Memory(path, embedder=HashEmbedder(name="first")) as memory:
        assert len(memory.search("Ada")) == 1


def test_an_endpoint_is_known_by_its_probe(tmp_path: Path) -> None:
    """Without a fingerprint the probe vector decides, at cosine 0.999: the name may change, the model may not."""

    def identity(name: str, angle: float) -> EmbedderIdentity:
        return EmbedderIdentity(name, 2, probe=(float(np.cos(angle)), float(np.sin(angle))))

    with Store.open(tmp_path / "a.hippo") as store:
        store.check_embedder(identity("model", 0.0))
        store.check_embedder(identity("alias", 0.01))
        with pytest.raises(EmbedderMismatchError, match="by probe"):
            store.check_embedder(identity("model", 0.1))


def test_settings_of_the_first_opening_bind(tmp_path: Path) -> None:
    """Chunking and synonymy are part of the data: a later opening takes them as they are and may not contradict them."""
    path = tmp_path / "a.hippo"
    Memory(path, embedder=HashEmbedder(), chunk=False).close()
    with pytest.raises(ConfigError, match="open it as it was made"):
        Memory(path, embedder=HashEmbedder(), chunk=True)
    with pytest.raises(ConfigError, match="open it as it was made"):
        Memory(path, embedder=HashEmbedder(), synonyms=False)
    with Memory(path, embedder=HashEmbedder()) as memory:
        memory.add("Ada lives in Rome. " * 200)
        assert memory.stats().passages == 1


def test_a_store_can_be_opened_and_searched_while_another_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readers do not wait for a writer, not even to open."""
    monkeypatch.setattr("hippomem.store.store.BUSY_SECONDS", 0.05)
    path = tmp_path / "a.hippo"
    with Memory(path, embedder=HashEmbedder()) as writer:
        writer.add("Ada lives in Rome.")
        with writer.store.transaction() as db:
            db.execute("DELETE FROM memories")
            with Memory(path, embedder=HashEmbedder()) as reader:
                assert [hit.text for hit in reader.search("Where does Ada live?")] == ["Ada lives in Rome."]


def test_a_busy_writer_is_waited_for_and_then_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second writer gives up after BUSY_SECONDS with an error of its own, and succeeds once the first is done."""
    monkeypatch.setattr("hippomem.store.store.BUSY_SECONDS", 0.05)
    path = tmp_path / "a.hippo"
    with Store.open(path) as one, Store.open(path) as two:
        with one.transaction() as db:
            db.execute("INSERT INTO namespaces (name) VALUES ('x')")
            with pytest.raises(StoreBusyError, match="another process has been writing"), two.transaction():
                pass
        with two.transaction() as db:
            assert db.execute("SELECT count(*) FROM namespaces").fetchone()[0] == 1


def test_a_failed_opening_holds_no_lock(tmp_path: Path) -> None:
    """After a refused embedder the file can be opened, changed and deleted."""
    path = tmp_path / "a.hippo"
    Memory(path, embedder=HashEmbedder()).close()
    with pytest.raises(EmbedderMismatchError):
        Memory(path, embedder=HashEmbedder(name="other"))
    with Store.open(path) as store, store.transaction() as db:
        db.execute("INSERT INTO namespaces (name) VALUES ('x')")
    path.unlink()
