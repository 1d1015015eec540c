"""`Memory.check`: what is damaged is told, what can be made anew is removed, what is sound is left alone."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from hippomem.arrays import keeping
from hippomem.arrays.checking import check
from hippomem.store import Store
from tests.arrays.made import filled, open_memory, write_generation


def flip(path: Path) -> None:
    """One bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def page_of(path: Path, table: str) -> tuple[int, int]:
    """(first byte, bytes) of the root page of a table or index."""
    db = sqlite3.connect(path)
    size = db.execute("PRAGMA page_size").fetchone()[0]
    root = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0]
    db.close()
    return (root - 1) * size, size


def test_a_sound_store(tmp_path: Path) -> None:
    """Nothing to say, with and without files beside it, and nothing is changed."""
    path = filled(tmp_path / "a.hippo")
    with open_memory(path) as memory:
        report = memory.check()
        assert (report.is_sound, report.damage, report.generations, report.removed, report.left) == (
            True,
            (),
            0,
            (),
            (),
        )
        assert report.schema_version == memory.stats().schema_version
        assert report.store == str(path)
    folder = write_generation(path)
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    with Store.open(path) as store:
        assert check(store).generations == 1
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_a_store_in_memory() -> None:
    """It has no files, and can be checked all the same."""
    with open_memory(Path(":memory:")) as memory:
        memory.add("Ada Byron was here.")
        assert memory.check().is_sound


def test_a_damaged_page_is_told(tmp_path: Path) -> None:
    """A page of facts that is no page any more: said by SQLite, in a sentence; files beside it are not judged by it."""
    path = filled(tmp_path / "a.hippo", facts=300)
    write_generation(path)
    start, size = page_of(path, "facts")
    with path.open("r+b") as file:
        file.seek(start)
        file.write(b"\x5a" * (size // 2))
    with Store.open(path) as store:
        report = check(store)
    assert not report.is_sound
    assert any("database" in line for line in report.damage)
    assert (report.generations, report.removed) == (0, ())


def test_an_index_that_lacks_a_row_is_told(tmp_path: Path) -> None:
    """Also where no page is unreadable: a table and its index disagree."""
    path = filled(tmp_path / "a.hippo", facts=20)
    db = sqlite3.connect(path)
    name = db.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'facts'").fetchone()[0]
    db.execute("PRAGMA writable_schema = ON")
    db.execute("CREATE TABLE empty (x)")
    db.execute("CREATE INDEX bare ON empty (x)")
    db.execute(
        "UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master WHERE name = 'bare') WHERE name = ?",
        (name,),
    )
    db.commit()
    db.close()
    with Store.open(path) as store:
        assert any(name in line for line in check(store).damage)


def test_rows_that_refer_to_nothing_are_told(tmp_path: Path) -> None:
    """A program that did not know the rules took passages away."""
    path = filled(tmp_path / "a.hippo", facts=5)
    db = sqlite3.connect(path)
    db.execute("DELETE FROM passages WHERE passage_key = 3")
    db.commit()
    db.close()
    with Store.open(path) as store:
        (line,) = check(store).damage
    assert "of contributions refers to a row of passages that is not there" in line


def test_vectors_of_another_length_are_told(tmp_path: Path) -> None:
    """As many as there are, by table."""
    path = filled(tmp_path / "a.hippo", facts=5)
    db = sqlite3.connect(path)
    db.execute("UPDATE facts SET vector = zeroblob(10) WHERE fact_key < 3")
    db.commit()
    db.close()
    with Store.open(path) as store:
        assert check(store).damage == ("2 rows of facts have a vector that is not of 32 numbers",)


def test_damaged_files_are_removed_and_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a process that has them open too: it lets go of them, and answers from new ones."""
    monkeypatch.setattr(keeping, "FILES_FROM", 1)
    path = filled(tmp_path / "a.hippo")
    with open_memory(path) as memory:
        expected = [(hit.passage_id, hit.score) for hit in memory.search("Who met Ada Byron?")]
        (folder,) = Path(f"{path}-arrays").iterdir()
        flip(folder / "passage_vector.npy")
        report = memory.check()
        assert report.is_sound
        assert (report.generations, report.left) == (0, ())
        (line,) = report.removed
        assert line.startswith(f"{folder}: ")
        assert "passage_vector.npy: 1 of 1 blocks are not as they were written" in line
        assert not folder.exists()
        assert [(hit.passage_id, hit.score) for hit in memory.search("Who met Ada Byron?")] == expected
        again = memory.check()
        assert (again.generations, again.removed) == (1, ())


def test_files_of_another_store_are_removed(tmp_path: Path) -> None:
    """Whole, and of no use here; files of namespaces that are here stay."""
    one, other = filled(tmp_path / "a.hippo"), filled(tmp_path / "b.hippo", facts=10)
    kept = write_generation(one)
    foreign = kept.with_name("7.3")
    shutil.copytree(write_generation(other), foreign)
    (kept.parent / "notes.txt").write_text("someone else's")
    with Store.open(one) as store:
        report = check(store)
    assert report.generations == 1
    (line,) = report.removed
    assert "7.3: it was not made from this store" in line
    assert sorted(path.name for path in kept.parent.iterdir()) == [kept.name, "notes.txt"]


def test_files_that_say_they_are_of_another_namespace(tmp_path: Path) -> None:
    """A folder that was renamed."""
    path = filled(tmp_path / "a.hippo")
    folder = write_generation(path)
    folder.rename(folder.with_name(f"2.{folder.name.partition('.')[2]}"))
    with Store.open(path) as store:
        assert len(check(store).removed) == 1
