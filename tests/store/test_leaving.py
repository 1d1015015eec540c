"""The last process that leaves a store leaves one file, also where two leave at one moment."""

from __future__ import annotations

import json
import multiprocessing
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hippomem.service import Tenants
from hippomem.store import IN_MEMORY, Store
from hippomem.store.leaving import remove_log
from hippomem.testing import HashEmbedder

ROUNDS = 12


def log_of(path: Path) -> Path:
    return Path(f"{path}-wal")


def left_behind(tmp_path: Path) -> Path:
    """A store whose log was left, with a commit that is nowhere else: copied while it was open."""
    there, copy = tmp_path / "open.hippo", tmp_path / "a.hippo"
    with Store.open(there) as store:
        store.purge_log()
        with store.transaction():
            store.set_setting("answer", 42)
        shutil.copy(there, copy)
        shutil.copy(log_of(there), log_of(copy))
    return copy


def test_a_log_that_nobody_uses_goes_and_what_it_holds_stays(tmp_path: Path) -> None:
    """Its commits are in the one file afterwards."""
    path = left_behind(tmp_path)
    assert log_of(path).stat().st_size
    assert remove_log(path)
    assert not log_of(path).exists()
    with closing(sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)) as db:  # reads no log
        assert json.loads(db.execute("SELECT value FROM settings WHERE name = 'answer'").fetchone()[0]) == 42


def test_a_log_in_use_stays(tmp_path: Path) -> None:
    """Somebody else goes on with the store, and is not disturbed."""
    path = tmp_path / "a.hippo"
    with Store.open(path) as store:
        with store.transaction():
            store.set_setting("answer", 42)
        assert not remove_log(path)
        with store.transaction():
            assert store.setting("answer") == 42
    assert not log_of(path).exists()


def test_no_store_is_made(tmp_path: Path) -> None:
    """Where there is nothing to tidy, nothing is opened; a log without its store is left alone."""
    assert remove_log(IN_MEMORY)
    assert remove_log(tmp_path / "none.hippo")
    log_of(tmp_path / "none.hippo").touch()
    assert not remove_log(tmp_path / "none.hippo")
    assert not (tmp_path / "none.hippo").exists()


def _leave_together(path: str, me: int, met: Any) -> None:
    for number in range(1, ROUNDS + 1):
        tenants = Tenants(path, embedder=HashEmbedder(8))
        tenants.namespaces()
        met[me] = number
        while met[1 - me] < number:  # a lock would wake one after the other
            pass
        tenants.close()
        met[me + 2] = number
        while met[4] < number:
            time.sleep(0.001)


def logs_left(path: Path) -> int:
    """How often the log is there after two processes closed the store at one moment."""
    Store.open(path).close()
    context = multiprocessing.get_context("spawn")
    met = context.Array("q", 5, lock=False)
    both = [context.Process(target=_leave_together, args=(str(path), me, met)) for me in (0, 1)]
    for each in both:
        each.start()
    left = 0
    for number in range(1, ROUNDS + 1):
        while min(met[2], met[3]) < number:
            assert all(each.is_alive() for each in both)
            time.sleep(0.001)
        left += log_of(path).exists()
        met[4] = number
    for each in both:
        each.join()
    return left


@pytest.mark.skipif(multiprocessing.cpu_count() < 2, reason="two processes do nothing at one moment on one core")
def test_servers_that_stop_at_one_moment_leave_one_file(tmp_path: Path) -> None:
    """Without `remove_log` about every second round leaves the log."""
    assert logs_left(tmp_path / "a.hippo") == 0
