"""Several processes on one store: readers follow a writer, writers take turns, and one that is killed is no harm."""

from __future__ import annotations

import sqlite3
import sys
import time
from pathlib import Path

import pytest

from hippomem.memory import Memory
from hippomem.testing import HashEmbedder
from tests.arrays.made import filled, open_memory
from tests.store.test_migrations import as_version_1
from tests.store.workers import workers

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and locks as on POSIX")

BEES = "Zora Quist keeps bees in Lower Marsh."
ASK = "[hit.text for hit in memory.search('Who keeps bees in Lower Marsh?', k=3)]"
PICTURE = "id(memory._searching.picture)"


@pytest.mark.parametrize("files_from", [1000, 1])
def test_readers_follow_a_writer(tmp_path: Path, files_from: int) -> None:
    """What is committed is found at the next search, what is forgotten is not, and nothing is read whole for it."""
    path = filled(tmp_path / "a.hippo", facts=300)
    with workers(path, 3, files_from=files_from) as (writer, *readers):
        before = [(reader(PICTURE), reader("len(builds)")) for reader in readers]
        added = writer(f"memory.add({BEES!r})")
        for reader, (picture, builds) in zip(readers, before, strict=True):
            assert reader(ASK)[0] == BEES  # the first search may compile, and is not timed
            assert reader(PICTURE) == picture
            assert reader("len(builds)") == builds
        for reader in readers:
            writer("memory.add('Zora Quist sells honey.')")
            start = time.perf_counter()
            assert "Zora Quist sells honey." in reader("[h.text for h in memory.search('Who sells honey?', k=3)]")
            assert time.perf_counter() - start < 1.0
        writer(f"memory.forget({added!r})")
        for reader, (picture, builds) in zip(readers, before, strict=True):
            assert BEES not in reader(ASK)
            assert reader(PICTURE) == picture
            assert reader("len(builds)") == builds
        # Files of whoever was first serve the others, and all know the same.
        answers = [w("[(h.passage_id, h.score) for h in memory.search('Who met Ada Byron?', k=20)]") for w in readers]
        assert answers[0] == answers[1]
        if files_from == 1:
            assert sum(worker("len(builds)") for worker in readers) <= 2


def test_writers_take_turns(tmp_path: Path) -> None:
    """Two that add one by one at the same time both succeed, and the store knows all of it."""
    path = filled(tmp_path / "a.hippo", facts=5)
    with workers(path, 2) as writers:
        for number, writer in enumerate(writers):
            writer.begin(f"len([memory.add(f'Person{number} {{n}} was here.') for n in range(15)])")
        assert [writer.end() for writer in writers] == [("value", 15)] * 2
        exports = {writer("memory.export()") for writer in writers}
    assert len(exports) == 1
    with open_memory(path) as memory:
        assert memory.stats().memories == 35
        assert memory.store.db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        # Which of two at once came first shows nowhere.
        with open_memory(tmp_path / "calm.hippo") as calm:
            calm.add_many(record.text for record in memory.list())
            assert calm.export() == memory.export()


HOLD = "held = memory.store.transaction(); held.__enter__()"
LET_GO = "held.__exit__(None, None, None)"


def test_a_writer_waits_and_gives_up_in_time(tmp_path: Path) -> None:
    """While another writes it waits up to BUSY_SECONDS; then it says who is in the way, and has changed nothing."""
    path = filled(tmp_path / "a.hippo", facts=5)
    with workers(path, 2, busy_seconds=1.5) as (one, other):
        one(HOLD)
        other.begin(f"memory.add({BEES!r})")
        time.sleep(0.3)
        one(LET_GO)
        assert other.end()[0] == "value"
        one(HOLD)
        start = time.perf_counter()
        other.begin("memory.add('Too late.')")
        kind, message = other.end()
        assert kind == "StoreBusyError"
        assert "another process has been writing" in message
        assert 1.4 < time.perf_counter() - start < 6.0
        one(LET_GO)
        assert other("memory.stats().memories") == 6
        other("memory.add('In time.')")
        assert one("memory.stats().memories") == 7


def test_a_reader_during_a_long_write_answers_from_the_last_commit(tmp_path: Path) -> None:
    """Neither an open reader nor a new one waits, whatever the writer has changed so far."""
    path = filled(tmp_path / "a.hippo", facts=50)
    with workers(path, 2, busy_seconds=20.0) as (writer, reader):
        expected = reader("[(h.passage_id, h.score) for h in memory.search('Who met Ada Byron?', k=5)]")
        writer(HOLD)
        writer(f"memory.add({BEES!r})")
        writer("memory.store.db.execute('UPDATE memories SET title = title || hex(randomblob(100000))') and None")
        start = time.perf_counter()
        assert reader("[(h.passage_id, h.score) for h in memory.search('Who met Ada Byron?', k=5)]") == expected
        assert time.perf_counter() - start < 2.0
        with open_memory(path) as late:
            assert late.stats().memories == 50
            assert [(h.passage_id, h.score) for h in late.search("Who met Ada Byron?", k=5)] == [
                tuple(hit) for hit in expected
            ]


READ = "held = memory.store.reading(); held.__enter__().execute('SELECT count(*) FROM memories').fetchone()"


@pytest.mark.parametrize("doing", [READ, HOLD])
def test_closing_does_not_wait_for_others(tmp_path: Path, doing: str) -> None:
    """One that reads or writes on does not hold up another's close; the log stays for whoever comes last."""
    path = filled(tmp_path / "a.hippo", facts=5)
    with workers(path, 2) as (other, one):
        one(f"memory.add({BEES!r}) and None")
        other(doing)
        start = time.perf_counter()
        one("memory.close()")
        assert time.perf_counter() - start < 5.0


def test_forgetting_does_not_wait_for_a_reader(tmp_path: Path) -> None:
    """It says that copies of the text are left, and the next to close with nobody in the way removes them."""
    path = filled(tmp_path / "a.hippo", facts=5)
    with workers(path, 2) as (reader, one):
        added = one(f"memory.add({BEES!r})")
        reader(READ)
        start = time.perf_counter()
        one(f"memory.forget({added!r})")
        assert time.perf_counter() - start < 5.0
        assert one("memory.stats().purge_due") is True
        reader(LET_GO)
        one("memory.close()")
        assert reader("memory.stats().purge_due") is False
        files = (path, Path(f"{path}-wal"))
        assert not any(b"Zora" in file.read_bytes() for file in files if file.exists())


@pytest.mark.parametrize("in_transaction", [True, False])
def test_a_killed_writer_leaves_readers_working(tmp_path: Path, in_transaction: bool) -> None:
    """SIGKILL in the middle of a write: what was committed stands, the rest is not there, and the next one can write."""
    path = filled(tmp_path / "a.hippo", facts=50)
    with workers(path, 2, busy_seconds=5.0) as (writer, reader):
        before = reader("memory.export()")
        if in_transaction:
            writer(HOLD)
            writer(f"memory.add({BEES!r})")
            # More than the cache holds: pages of it are in the log already.
            writer("memory.store.db.execute('PRAGMA cache_size = 10') and None")
            writer("memory.store.db.execute('UPDATE memories SET title = title || hex(randomblob(100000))') and None")
        else:
            writer.begin("[memory.add(f'Person {n} was here.') for n in range(1000)]")
            while reader("memory.stats().memories") < 55:
                time.sleep(0.01)
        writer.process.kill()
        writer.process.wait()
        if in_transaction:
            assert reader("memory.export()") == before
        assert BEES not in reader(ASK)
        reader(f"memory.resume() or memory.add({BEES!r})")
        assert reader(ASK)[0] == BEES
        assert reader("memory.store.db.execute('PRAGMA integrity_check').fetchone()") == ["ok"]


def test_many_open_a_store_that_was_left_by_a_kill(tmp_path: Path) -> None:
    """Nobody is left; six come at once, and one of them recovers the log while the others wait."""
    path = filled(tmp_path / "a.hippo", facts=5)
    with workers(path, 1) as (writer,):
        writer("[memory.add(f'Person {n} was here.') for n in range(20)] and None")
        writer.process.kill()
        writer.process.wait()
        assert Path(f"{path}-wal").stat().st_size > 0
    with workers(path, 6, opened=False) as several:
        for worker in several:
            worker.begin("memory = open_memory(path)")
        assert [worker.end() for worker in several] == [("value", None)] * 6
        assert [worker("memory.stats().memories") for worker in several] == [25] * 6


def test_many_migrate_an_old_store_at_once(tmp_path: Path) -> None:
    """Each step is applied once, whoever comes first, and all can search."""
    path = filled(tmp_path / "a.hippo", facts=40)
    with open_memory(path) as memory:
        expected = memory.export()
    as_version_1(path)
    with workers(path, 5, opened=False) as several:
        for worker in several:
            worker.begin("memory = open_memory(path)")
        assert [worker.end() for worker in several] == [("value", None)] * 5
        assert all(len(worker(ASK)) == 3 for worker in several)
        several[0]("memory.reembed(memory._embedder)")
    with open_memory(path) as memory:
        assert memory.export() == expected
        versions = memory.store.db.execute("SELECT version FROM migrations ORDER BY version").fetchall()
    assert versions == [(version,) for version in range(1, len(versions) + 1)]


def test_many_make_a_store_at_once(tmp_path: Path) -> None:
    """Whoever comes first makes it; the others find it made, again and again."""
    with workers(tmp_path / "none.hippo", 5, opened=False) as several:
        for turn in range(20):
            for worker in several:
                worker.begin(f"open_memory(path.replace('none', 'n{turn}')).close()")
            assert [worker.end() for worker in several] == [("value", None)] * 5
    for turn in range(20):
        db = sqlite3.connect(tmp_path / f"n{turn}.hippo")
        assert db.execute("SELECT count(DISTINCT version) = count(*) FROM migrations").fetchone() == (1,)
        db.close()


def test_vectors_of_two_models_never_meet(tmp_path: Path) -> None:
    """A process that opened the store before another moved it to another model says so, and changes nothing."""
    path = filled(tmp_path / "a.hippo", facts=10)
    with workers(path, 1) as (worker,):
        assert len(worker(ASK)) == 3
        with open_memory(path) as memory:
            memory.reembed(HashEmbedder(dimension=48))
            expected = memory.export()
        first = "list(memory.list())[0].memory_id"
        for command in (
            ASK,
            f"memory.add({BEES!r})",
            f"memory.update({first}, text={BEES!r})",
            "memory.answer('Who?')",
        ):
            worker.begin(command)
            kind, message = worker.end()
            assert kind == "EmbedderMismatchError", command
            assert "hippomem reembed" in message
        assert worker("memory.export()") == expected
        worker(f"memory.forget({first})")
    with Memory(path, embedder=HashEmbedder(dimension=48)) as memory:
        assert memory.check().is_sound
        assert memory.stats().memories == 9


def test_opening_and_closing_at_once(tmp_path: Path) -> None:
    """The last to close empties the log while others open: nobody sees a lock."""
    path = filled(tmp_path / "a.hippo", facts=5)
    turns = "[(m.search('Who met Ada Byron?'), m.close()) and None for m in (open_memory(path) for _ in range(25))] and None"
    with workers(path, 4, opened=False) as several:
        for worker in several:
            worker.begin(turns)
        assert [worker.end() for worker in several] == [("value", None)] * 4
