"""Leaving a store at the same moment as others."""

from __future__ import annotations

import random
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path

from hippomem.store.store import IN_MEMORY

#: Times that the log is looked at again, and the longest pause before each, in seconds: 40 ms in all, on average, where
#: another process goes on with the store.
_TRIES, _PAUSE = 8, 0.01


def remove_log(path: str | Path) -> bool:
    """Remove the write-ahead log of a store that nobody has open any more; False where somebody has.

    SQLite removes it with the last connection, which it knows by an exclusive lock on the file. Of two processes that close
    at one moment, as the workers of a server do, each keeps the other from that lock, and neither is the last: the log
    stays, with whatever was not copied into the file yet. Who comes next would tidy it; this comes next.
    """
    if str(path) == IN_MEMORY:
        return True
    log = Path(f"{path}-wal")
    for _ in range(_TRIES):
        if not log.exists():
            return True
        time.sleep(random.uniform(0, _PAUSE))  # noqa: S311  (the others wait as well, and must not come back all at once)
        with suppress(sqlite3.Error), closing(_open_if_there(path)) as db:
            db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return not log.exists()


def _open_if_there(path: str | Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=rw", uri=True, timeout=0, isolation_level=None)
